"""An operator that adapts: what it does when its accounts are refused.

It has a plan, the exchanges it wants answered, each with a time and a slot. A slot is a place among its accounts; the
account that holds it now is a *head*. A head that was refused so often is given up, and after a while another takes
its slot, under a new name and from a new address. What was refused is asked again later. After each loss the operator
may also go slower and mix in more cover; after so many it changes its whole pool, and its wording.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Habits", "Operator", "Request"]

_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Habits:
    """How an operator adapts.

    Attributes:
        notices_after: refusals until a head is given up.
        returns_after: hours until another takes its slot.
        slows: factor on what time its remaining work takes, with every head lost.
        dilutes: cover exchanges for each of the plan, more with every head lost ...
        most_cover: ... up to so many.
        pool_after: heads lost until all others are given up too; 0 for never.
        rewords_after: pools lost until it says everything in ever other words; 0 for never.
    """

    notices_after: int = 3
    returns_after: float = 6.0
    slows: float = 1.05
    dilutes: float = 0.1
    most_cover: float = 3.0
    pool_after: int = 0
    rewords_after: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Request:
    """What the operator sends: when, microseconds since 1970 UTC; a number of its own; which row; cover or not."""

    at: int
    number: int
    row: int
    slot: int
    cover: bool


@dataclass(slots=True)
class Operator:
    """The operator at work.

    Args:
        plan: int64 (n,), rows that it wants answered, in the order of their times.
        at: int64 (n,), when it means to ask.
        slot: int64 (n,), by which slot.
        names: the first head of each slot.
        covers: int64, rows that pass for a customer's.
        habits: how it adapts.
        rng: source of chance.

    Attributes:
        heads: account of each slot.
        opened: when each head was opened, microseconds since 1970 UTC, new ones only.
        lost: heads given up.
        pools: pools given up.
        rewords: whether it says everything in other words by now.
    """

    plan: np.ndarray
    at: np.ndarray
    slot: np.ndarray
    names: list[str]
    covers: np.ndarray
    habits: Habits
    rng: np.random.Generator
    heads: list[str] = field(init=False)
    opened: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    pools: int = 0
    rewords: bool = False
    _queue: list[Request] = field(default_factory=list)
    _refused: Counter[str] = field(default_factory=Counter)
    _free: dict[int, int] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        """Put the plan into the queue."""
        self.heads = list(self.names)
        for row, at, slot in zip(self.plan.tolist(), self.at.tolist(), self.slot.tolist(), strict=True):
            self._push(at, row, slot, False)

    @property
    def left(self) -> int:
        """Exchanges of the plan that are still to be asked."""
        return sum(not request.cover for request in self._queue)

    def due(self, until: int) -> list[tuple[Request, str]]:
        """What is sent before a time, with the account that sends it; what has no head yet waits."""
        sent = []
        while self._queue and self._queue[0].at < until:
            request = heapq.heappop(self._queue)
            free = self._free.get(request.slot, 0)
            if request.at < free:
                self._push(free + int(self.rng.exponential(_HOUR)), request.row, request.slot, request.cover)
                continue
            sent.append((request, self.heads[request.slot]))
            if not request.cover:
                self._mix_in(request)
        return sent

    def refused(self, request: Request, account: str) -> None:
        """Learn that a request was refused: it is asked again, and the head is given up once that is plain."""
        if not request.cover:
            again = request.at + int(self.rng.exponential(self.habits.returns_after * _HOUR))
            self._push(again, request.row, request.slot, False)
        if self.heads[request.slot] != account:
            return
        self._refused[account] += 1
        if self._refused[account] >= self.habits.notices_after:
            self._give_up(request.slot, request.at)

    def _give_up(self, slot: int, at: int) -> None:
        self.lost += 1
        slots = [slot]
        if self.habits.pool_after and self.lost % self.habits.pool_after == 0:
            slots = list(range(len(self.heads)))
            self.pools += 1
            self.rewords = bool(self.habits.rewords_after) and self.pools >= self.habits.rewords_after
        for which in slots:
            name = f"acct_{self.rng.integers(0, 2**63):016x}"
            wait = int(self.habits.returns_after * _HOUR * self.rng.uniform(0.5, 1.5))
            self.heads[which], self._free[which], self.opened[name] = name, at + wait, at + wait
        if self.habits.slows != 1.0:
            later = [r for r in self._queue if r.at > at]
            rest = [r for r in self._queue if r.at <= at]
            slowed = [Request(at + int((r.at - at) * self.habits.slows), *_rest(r)) for r in later]
            self._queue = [*rest, *slowed]
            heapq.heapify(self._queue)

    def _mix_in(self, request: Request) -> None:
        share = min(self.lost * self.habits.dilutes, self.habits.most_cover)
        for _ in range(int(self.rng.poisson(share))):
            row = int(self.covers[self.rng.integers(self.covers.size)])
            self._push(request.at + int(self.rng.exponential(2 * _HOUR)), row, request.slot, True)

    def _push(self, at: int, row: int, slot: int, cover: bool) -> None:
        self._number += 1
        heapq.heappush(self._queue, Request(at, self._number, row, slot, cover))


def _rest(request: Request) -> tuple[int, int, int, bool]:
    return request.number, request.row, request.slot, request.cover
