"""Dealing a queue out: which request takes which item, and which one goes on with a conversation.

A relay sends each request to whichever account is free, and the whole history with it. Where a conversation goes on
under another account, the provider sees a turn above 1, the digest and the tokens of a history that this account
never sent, and a conversation_id that is new, since clients choose it. Relays also repeat a request that was slow,
and try a second continuation: a fifth of the hand-offs branch, so that one history_digest stands under two accounts,
half of the time with the very same message.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.simulate.grammar import Ints
from iolaus.simulate.rhythm import HOUR
from iolaus.simulate.traffic import Traffic

__all__ = ["Slots", "Threads", "deal", "threads"]

# A conversation is not taken up again after this long.
_REACH: Final = 6 * HOUR
_BRANCHES: Final = 0.2
_REPEATS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Slots:
    """Requests of a campaign in time order, shape (n,) each.

    Attributes:
        instant: µs after the log's start.
        account: place among the operator's accounts.
        item: place in the queue, -1 for a request that goes on with a conversation.
        parent: slot whose conversation it goes on with, -1 for none. Two slots with one parent branch.
        repeats: slot whose message it sends again, -1 for none.
    """

    instant: Ints
    account: Ints
    item: Ints
    parent: Ints
    repeats: Ints


@dataclass(frozen=True, slots=True)
class Threads:
    """Columns of a plan that say which conversation each slot belongs to, shape (n,) each."""

    thread: Ints
    conversation: Ints
    turn: Ints
    saves: Ints
    resumes: Ints


def deal(
    rng: np.random.Generator, instant: Ints, who: Ints, goes_on: list[float], hands_off: float, copies: int = 1
) -> Slots:
    """Deal each item of a queue to one account, or to exactly ``copies`` different ones (n-best sampling).

    Args:
        rng: source of chance.
        instant: when each request is sent, sorted, shape (n,).
        who: place of the account that sends it, shape (n,).
        goes_on: by account, chance that a request goes on with the account's own conversation.
        hands_off: chance that it goes on with the one that another account just had.
        copies: how many accounts get each item; requests for items that fewer got are taken out again.
    """
    parent, repeats = _conversations(rng, instant.tolist(), who.tolist(), goes_on, hands_off)
    opening = parent < 0
    item = np.full(len(who), -1, dtype=np.int64)
    item[opening] = np.arange(int(opening.sum())) if copies == 1 else _copies(copies, who[opening].tolist())
    kept = item >= 0
    for i in np.flatnonzero(~opening).tolist():
        kept[i] = kept[parent[i]]
    place = np.append(np.cumsum(kept) - 1, -1)
    return Slots(instant[kept], who[kept], item[kept], place[parent[kept]], place[repeats[kept]])


def _conversations(
    rng: np.random.Generator, at: list[int], by: list[int], goes_on: list[float], hands_off: float
) -> tuple[Ints, Ints]:
    """Parent of each slot, and the slot whose message it repeats, -1 for none; shapes (n,)."""
    chance, fork = rng.random((2, len(at))).tolist()
    parent, repeats = [-1] * len(at), [-1] * len(at)
    last: dict[int, int] = {}
    taken: set[int] = set()
    waiting = -1
    for i, account in enumerate(by):
        before = -1
        if waiting >= 0 and by[waiting] != account:
            if at[i] - at[parent[waiting]] <= _REACH:
                parent[i] = parent[waiting]
                repeats[i] = waiting if fork[waiting] < _REPEATS else -1
            waiting = -1
        elif chance[i] < goes_on[account]:
            before = last.get(account, -1)
        elif chance[i] < goes_on[account] + hands_off and i and by[i - 1] != account:
            before = i - 1
        if before >= 0 and before not in taken and at[i] - at[before] <= _REACH:
            parent[i] = before
            taken.add(before)
            waiting = i if by[before] != account and fork[i] < _BRANCHES else waiting
        last[account] = i
    return np.array(parent, dtype=np.int64), np.array(repeats, dtype=np.int64)


def _copies(copies: int, who: list[int]) -> Ints:
    """Item of each request so that exactly ``copies`` accounts get it, -1 where fewer would; shape (n,)."""
    asked: list[set[int]] = []
    waiting: list[int] = []
    item = []
    for account in who:
        place = next((i for i in waiting if account not in asked[i]), None)
        if place is None:
            place = len(asked)
            asked.append(set())
            waiting.append(place)
        asked[place].add(account)
        item.append(place)
        if len(asked[place]) == copies:
            waiting.remove(place)
    number = np.append(np.cumsum([len(a) == copies for a in asked]) - 1, -1)
    return np.array([number[i] if len(asked[i]) == copies else -1 for i in item], dtype=np.int64)


def threads(traffic: Traffic, slots: Slots) -> Threads:
    """Give each slot its thread of messages, its conversation as the provider sees it, and its turn."""
    n = len(slots.instant)
    fresh = traffic.threads(n)
    thread, conversation = fresh.copy(), fresh.copy()
    turn = np.ones(n, dtype=np.int64)
    saves, resumes = (np.full(n, -1, dtype=np.int64) for _ in range(2))
    continued: set[int] = set()
    for i in np.flatnonzero(slots.parent >= 0).tolist():
        p = int(slots.parent[i])
        turn[i] = turn[p] + 1
        if p in continued:
            saves[p] = resumes[i] = traffic.threads(1)[0]
        else:
            thread[i] = thread[p]
            continued.add(p)
            if slots.account[i] == slots.account[p]:
                conversation[i] = conversation[p]
    return Threads(thread, conversation, turn, saves, resumes)
