"""Conversation hand-off: one account goes on with what another began.

Traces that a relay leaves: a conversation id under two accounts; the same history (by its digest) continued under two
accounts; and orphans, continuations of a conversation that none of the account's own exchanges began. Digests that
many accounts share (an empty history, an application's own opening) say nothing.

Links: accounts under one conversation or one history, with the log-odds of its rarity. Test: null, at most a tenth of
the accounts belong together, and on the others traces fall without regard to the cluster (``stats.partial_tail``).
Statistics: members that share a conversation or history with another member, against the chance that whoever they share
it with is one; and members with orphans, against accounts of the population that send as many requests. The two are
joined by a Cauchy combination; a cluster formed by hand-offs is tested by its orphans alone.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links
from iolaus.signals.log import DAY, Cluster, Log, activity
from iolaus.stats import cauchy_combination, chances_alike, partial_tail

__all__ = ["HandoffSignal"]

# A conversation or history under more accounts than this is public.
_MOST_HOLDERS: Final = 6
_LEAST_OUTSIDE: Final = 30


@dataclass(frozen=True, slots=True)
class _Traces:
    """What hand-offs left in a log.

    Attributes:
        account: int32 (e,), accounts under a shared conversation or history.
        thing: int64 (e,), which one.
        holders: int64 (t,), accounts of each.
        orphans: int64, sorted, exchanges that continue what their account did not begin.
    """

    account: np.ndarray
    thing: np.ndarray
    holders: np.ndarray
    orphans: np.ndarray


@lru_cache(maxsize=2)
def _traces(log: Log) -> _Traces:
    accounts, things = [], []
    offset = 0
    for column in ("conversation_id", "history_digest"):
        if column not in log.codes:
            continue
        values = log.codes[column]
        rows = np.flatnonzero(values >= 0)
        pairs = np.unique(values[rows].astype(np.int64) * log.accounts + log.account[rows])
        value, account = pairs // log.accounts, pairs % log.accounts
        holders = np.bincount(value)
        shared = (holders[value] >= 2) & (holders[value] <= _MOST_HOLDERS)
        accounts.append(account[shared].astype(np.int32))
        things.append(value[shared] + offset)
        offset += holders.size
    if not accounts:
        none = np.zeros(0, np.int64)
        return _Traces(none.astype(np.int32), none, none, none)
    _, thing, holders = np.unique(np.concatenate(things), return_inverse=True, return_counts=True)
    return _Traces(np.concatenate(accounts), thing, holders, np.flatnonzero(_orphans(log)))


def _orphans(log: Log) -> np.ndarray:
    """Continuations (turn above 1) whose turn before this account did not have within the last day; bool (N,).

    The turn before must be of the same conversation where the log names conversations. Nothing is an orphan within the
    log's first day, when the beginning may lie before it.
    """
    orphan = np.zeros(log.exchanges, dtype=bool)
    if "turn" not in log.numbers:
        return orphan
    turn = log.numbers["turn"]
    rows = np.flatnonzero(turn >= 1)
    thread = log.account[rows].astype(np.int64)
    if "conversation_id" in log.codes:
        conversation = log.codes["conversation_id"][rows].astype(np.int64)
        _, thread = np.unique(thread * (int(conversation.max()) + 2) + conversation + 1, return_inverse=True)
    span = int(turn.max()) + 2
    key = thread * span + turn[rows]
    order = np.lexsort((log.at[rows], key))
    later = np.flatnonzero((turn[rows] > 1) & (log.at[rows] > log.at[0] + DAY))
    # The latest exchange of the turn before, at or before this one's time.
    instants = (log.at[rows] - log.at[0]).astype(np.float64)
    scale = float(instants.max()) + 2.0
    known = key[order] * scale + instants[order]
    place = np.searchsorted(known, (key[later] - 1) * scale + instants[later], side="right") - 1
    found = order[np.maximum(place, 0)]
    led = (place >= 0) & (key[found] == key[later] - 1) & (instants[later] - instants[found] <= DAY)
    orphan[rows[later[~led]]] = True
    return orphan


class HandoffSignal:
    """Conversations that change accounts."""

    name: Final = "handoff"
    columns: Final = ("conversation_id", "history_digest", "turn")
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """Accounts under one conversation or history; weight log(A / holders)."""
        traces = _traces(log)
        weight = np.log(max(log.accounts, 2) / traces.holders[traces.thing]) if traces.thing.size else np.zeros(0)
        return Links(traces.account, traces.thing, np.maximum(weight, 0.1))

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Test shared histories within the cluster, and orphans among its accounts."""
        traces = _traces(log)
        if not any(log.has(column) for column in self.columns):
            return None
        inside = np.zeros(log.accounts, dtype=bool)
        inside[cluster.accounts] = True
        shared_p, shared, expected = _shared_within(log, traces, inside)
        orphan_p, orphaned = _orphaned(log, cluster, traces, inside)
        p_values = [orphan_p] if cluster.formed_by == self.name else [shared_p, orphan_p]
        rows = traces.orphans[inside[log.account[traces.orphans]]]
        return Finding(
            self.name,
            cauchy_combination(p_values),
            f"{shared} accounts share a conversation or its history with another of them, where {expected:.2g} would "
            f"by chance, and {orphaned} go on with conversations that they did not begin.",
            exchanges=rows[:8],
            accounts=np.unique(log.account[rows])[:8],
            values={"shared": float(shared), "orphaned": float(orphaned)},
        )


def _shared_within(log: Log, traces: _Traces, inside: np.ndarray) -> tuple[float, int, float]:
    """p-value, members that share a conversation or history with another member, and how many would by chance."""
    if traces.thing.size == 0:
        return 1.0, 0, 0.0
    held = np.bincount(traces.thing[inside[traces.account]], minlength=traces.holders.size)
    mine = inside[traces.account]
    joined = np.unique(traces.account[mine & (held[traces.thing] >= 2)]).size
    # Each shared thing of a member would meet another member by chance as often as members are among all accounts.
    m = int(inside.sum())
    others = np.bincount(traces.account[mine], weights=traces.holders[traces.thing[mine]] - 1.0, minlength=log.accounts)
    chances = -np.expm1(-others[inside] * (m - 1) / max(log.accounts - 1, 1))
    return partial_tail(joined, chances), joined, float(chances.sum())


def _orphaned(log: Log, cluster: Cluster, traces: _Traces, inside: np.ndarray) -> tuple[float, int]:
    """p-value of so many accounts with orphans in the cluster, and how many they are."""
    sent = activity(log).sent
    some = np.bincount(log.account[traces.orphans], minlength=log.accounts) > 0
    known = ~inside & (sent > 0)
    if traces.orphans.size == 0 or known.sum() < _LEAST_OUTSIDE:
        return 1.0, 0
    members = cluster.accounts[sent[cluster.accounts] > 0]
    chances = chances_alike(sent[known], some[known], sent[members])
    # Continuations carry no template, so all that the accounts send counts.
    orphaned = int(some[members].sum())
    return partial_tail(orphaned, chances), orphaned
