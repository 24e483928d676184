"""Conversations that several accounts openly go on with: gateways that spread them, and shared links.

A company's gateway, or a reseller's, sends each turn to any of its accounts, and a request that was slow once more to
another one: then one history_digest stands under two accounts of one owner.

A shared link shows its readers one conversation, and each of them may go on with it: the same history_digest stands
under as many accounts as followed the link, always as the second turn or a later one of a conversation whose first
turn they never sent. Two friends do so, or the thousands that a fashion reaches.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.grammar import Ints
from iolaus.simulate.rhythm import DAY
from iolaus.simulate.traffic import DOMAIN, Traffic

__all__ = ["balance", "follow_link", "share_link"]

_RETRIED: Final = 0.05


def balance(traffic: Traffic, since: int, team: list[int], share: float) -> None:
    """Send later turns of conversations through one gateway, to any account of a team that is on duty.

    Args:
        traffic: the plan to change; some rows are added to it.
        since: first of its blocks that the gateway handles, each of them one account's ordinary requests.
        team: numbers of the accounts.
        share: chance that a later turn goes to an account drawn from the team.
    """
    rng = traffic.rng
    for block in traffic.blocks[since:]:
        later = np.flatnonzero((block["turn"] > 1) & (rng.random(len(block["turn"])) < share))
        account = block["account"].copy()
        account[later] = _on_duty(traffic, team, block["instant"][later], account[later])
        again = later[rng.random(len(later)) < _RETRIED]
        saves = block["saves"].copy()
        # Within a block the row before a later turn is the turn before it.
        saves[again - 1] = traffic.threads(len(again))
        block["account"], block["saves"] = account, saves
        _retry(traffic, block, again, team)


def _on_duty(traffic: Traffic, team: list[int], instant: Ints, usual: NDArray[np.int32]) -> NDArray[np.int32]:
    """An account for each request, drawn from those that are active then; shape (n,)."""
    begins, ends = (np.array([getattr(traffic.accounts[t], x) * DAY for t in team]) for x in ("begins", "ends"))
    active = (begins <= instant[:, None]) & (instant[:, None] <= ends)
    lot = traffic.rng.random(active.shape) * active
    drawn = np.array(team, dtype=np.int32)[lot.argmax(axis=1)]
    return np.where(active.any(axis=1), drawn, usual)


def _retry(traffic: Traffic, block: dict[str, NDArray[Any]], again: Ints, team: list[int]) -> None:
    """Send rows of a block once more, some seconds later, with the same history and message."""
    rows = {name: values[again] for name, values in block.items() if name not in ("salt", "saves")}
    rows["instant"] = rows["instant"] + traffic.rng.integers(3_000_000, 40_000_000, len(again))
    rows["account"] = _on_duty(traffic, team, rows["instant"], rows["account"])
    rows["thread"], rows["resumes"] = traffic.threads(len(again)), block["saves"][again - 1]
    traffic.add(**rows)


def share_link(traffic: Traffic, owner: int, topic: str, code: int, instant: int) -> int:
    """Send one request whose conversation is shared afterwards.

    Args:
        traffic: the plan to add to.
        owner: number of the account that sends it.
        topic: domain of the item.
        code: the item.
        instant: when, µs after the log's start.

    Returns:
        Number of the saved history, for ``follow_link``.
    """
    thread, saved = traffic.threads(2).tolist()
    _send(traffic, owner, np.array([instant]), DOMAIN[topic], code, thread=thread, conversation=thread, saves=saved)
    return int(saved)


def follow_link(traffic: Traffic, reader: int, topic: str, saved: int, instant: Ints) -> None:
    """Go on with a shared conversation, once at each instant.

    Args:
        traffic: the plan to add to.
        reader: number of the account that goes on.
        topic: domain of the conversation.
        saved: number that ``share_link`` gave.
        instant: when, sorted, µs after the log's start, shape (n,).
    """
    domain, code = traffic.followups(np.full(len(instant), DOMAIN[topic], dtype=np.int16))
    thread = traffic.threads(len(instant))
    _send(traffic, reader, instant, domain, code, thread=thread, conversation=thread, turn=2, resumes=saved)


def _send(
    traffic: Traffic, number: int, instant: Ints, domain: NDArray[np.int16] | int, code: Ints | int, **said: Ints | int
) -> None:
    account = traffic.accounts[number]
    traffic.add(
        instant=instant, account=number, domain=domain, code=code, system=account.habits.system,
        model=traffic.models(account, instant), **said,
    )  # fmt: skip
