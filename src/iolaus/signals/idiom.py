"""A group's idiom: the words and pairs of words that its members prefer over everybody else, all of them together.

Log-odds of each word, naive Bayes (Mosteller and Wallace, "Inference in an authorship problem", JASA 58, 1963, section
3), learnt from the group's own prompts. A member is always judged by what the *other* members prefer, so that no
account's own subject makes it a member, and a word counts only if a quarter of the members use it, so that no few
accounts' subject does. What is common in a script is common for those who write it: each word is compared with texts
of its own script.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import sparse

from iolaus.signals.log import Cluster, Log
from iolaus.text import SCRIPTS
from iolaus.text.jit import inlined, kernel

__all__ = ["Idiom", "covered", "in_idiom", "read_idiom"]

# Outsiders' prompts that reach a group's threshold, and the least it can be, in nats.
_OUTSIDE: Final = 0.005
_LEAST_SCORE: Final = 6.0
# A word counts from such log-odds on, and never more than that, for neighbouring words come together.
_PREFERRED: Final = 1.0
_MOST: Final = 5.0
_SPREAD: Final = 0.25
# An account counts like so many prompts of its own at most.
_WEIGHT: Final = 10
_PRIOR: Final = 2.0
_LEAST_PROMPTS: Final = 6


@dataclass(frozen=True, slots=True)
class Idiom:
    """A sample of the log's prompts by their words, sorted by account.

    Attributes:
        rows: int64 (v,), exchange of each prompt.
        owner: int64 (v,), its account.
        size: int64 (A,), prompts of each account.
        start: int64 (A + 1,), where each account's prompts begin.
        table: float32 CSR (v, k), 1 where a prompt holds a word.
        columns: the same as CSC.
        script: int64 (v,), script of each prompt.
        kind: int64 (k,), the script in which each word is used most.
    """

    rows: np.ndarray
    owner: np.ndarray
    size: np.ndarray
    start: np.ndarray
    table: sparse.csr_matrix
    columns: sparse.csc_matrix
    script: np.ndarray
    kind: np.ndarray

    def of(self, exchanges: np.ndarray) -> np.ndarray:
        """Which prompts of the sample are among some exchanges, int64 (e,); bool (v,)."""
        among = np.zeros(max(int(self.rows.max(initial=-1)), int(exchanges.max(initial=-1))) + 1, dtype=bool)
        among[exchanges] = True
        found: np.ndarray = among[self.rows]
        return found


@dataclass(frozen=True, slots=True)
class _Preference:
    """How often members and outsiders use each word.

    Attributes:
        scale: float64 (m,), what a use by each member counts; heavy accounts count less.
        texts: float64 (m, SCRIPTS), prompts of each member, scaled alike.
        uses: float64 (k,), uses by the members, so scaled.
        users: int64 (k,), members that use each word.
        rate: float64 (k,), share of the outsiders' prompts of the word's script that hold it.
    """

    scale: np.ndarray
    texts: np.ndarray
    uses: np.ndarray
    users: np.ndarray
    rate: np.ndarray


@lru_cache(maxsize=2)
def read_idiom(log: Log) -> Idiom:
    """Arrange the log's words by account."""
    order = np.argsort(log.account[log.vector_rows], kind="stable")
    rows = log.vector_rows[order]
    owner = log.account[rows].astype(np.int64)
    table = log.words.table[order]
    script = log.words.script[order]
    size = np.bincount(owner, minlength=log.accounts)
    by_script = np.array([np.asarray(table[script == s].sum(axis=0)).ravel() for s in range(SCRIPTS)])
    return Idiom(
        rows,
        owner,
        size,
        np.r_[0, np.cumsum(size)],
        table,
        table.tocsc(),
        script,
        by_script.argmax(axis=0) if table.shape[1] else np.zeros(0, np.int64),
    )


def in_idiom(idiom: Idiom, members: np.ndarray, core: np.ndarray) -> np.ndarray | None:
    """Which prompts of the sample are in the idiom of a group; bool (v,), None where too little of it is known.

    Args:
        idiom: the log's words.
        members: bool (A,), the group's accounts.
        core: bool (v,), the prompts that its idiom is learnt from; those of others do not count.
    """
    inside = members[idiom.owner]
    own = core & inside
    if own.sum() < _LEAST_PROMPTS or inside.all():
        return None
    score = _scores(idiom, members, own, inside)
    of_idiom: np.ndarray = score > max(float(np.quantile(score[~inside], 1.0 - _OUTSIDE)), _LEAST_SCORE)
    return of_idiom


def covered(log: Log, cluster: Cluster) -> float:
    """Share of what a cluster's median account sends that is in the idiom of the others; 0 where none is known."""
    idiom = read_idiom(log)
    members = np.zeros(log.accounts, dtype=bool)
    members[cluster.accounts] = True
    of_idiom = in_idiom(idiom, members, idiom.of(cluster.core))
    if of_idiom is None:
        return 0.0
    share = np.bincount(idiom.owner, weights=of_idiom, minlength=log.accounts) / np.maximum(idiom.size, 1)
    return float(np.median(share[cluster.accounts]))


def _scores(idiom: Idiom, members: np.ndarray, of_core: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Log-odds of every prompt that it is of the cluster; a member's by what the others prefer. float64 (v,)."""
    seen = _preference(idiom, members, of_core, inside)
    active = seen.texts.sum(axis=1) > 0
    live = active.sum()
    texts = seen.texts.sum(axis=0)
    # Words that enough of the members that are known use to weigh anything.
    known = np.flatnonzero(seen.users >= max(2.0, _SPREAD * live))
    weight = _weights(seen.uses[known], texts[idiom.kind[known]], seen.rate[known])
    chosen = weight > 0
    score = np.zeros(idiom.rows.size)
    _add_up(idiom.columns.indptr, idiom.columns.indices, known[chosen], weight[chosen], score)
    # Once more for the members' prompts, each without its own account's uses.
    table = (idiom.start, idiom.table.indptr, idiom.table.indices)
    accounts = np.flatnonzero(members)
    given = (seen.scale, seen.uses, seen.users, seen.texts, seen.rate, texts, idiom.kind)
    _score_members(*table, accounts, of_core, *given, live - active, score)
    return score


def _preference(idiom: Idiom, members: np.ndarray, of_core: np.ndarray, inside: np.ndarray) -> _Preference:
    accounts = np.flatnonzero(members)
    m, k = accounts.size, idiom.table.shape[1]
    core = np.flatnonzero(of_core)
    who = (np.cumsum(members) - 1)[idiom.owner[core]]
    sent = np.bincount(who, minlength=m).astype(float)
    scale = np.minimum(sent, _WEIGHT) / np.maximum(sent, 1.0)
    table = (idiom.start, idiom.table.indptr, idiom.table.indices)
    uses, users, held = _counted(*table, accounts, of_core, scale, k)
    texts = np.bincount(who * SCRIPTS + idiom.script[core], weights=scale[who], minlength=m * SCRIPTS)
    outside = np.bincount(idiom.script, minlength=SCRIPTS) - np.bincount(idiom.script[inside], minlength=SCRIPTS)
    rate = (np.diff(idiom.columns.indptr) - held + 0.5) / (outside[idiom.kind] + 1.0)
    return _Preference(scale, texts.reshape(m, SCRIPTS), uses, users, rate)


@kernel
def _add_up(indptr: np.ndarray, indices: np.ndarray, chosen: np.ndarray, weight: np.ndarray, score: np.ndarray) -> None:
    """Add every chosen word's weight to the prompts that hold it."""
    for i in range(chosen.shape[0]):
        for at in range(indptr[chosen[i]], indptr[chosen[i] + 1]):
            score[indices[at]] += weight[i]


@kernel
def _counted(
    start: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    accounts: np.ndarray,
    of_core: np.ndarray,
    scale: np.ndarray,
    words: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each word the members' scaled uses, how many members use it, and how many of all their prompts hold it."""
    uses = np.zeros(words)
    users = np.zeros(words, dtype=np.int64)
    held = np.zeros(words, dtype=np.int64)
    mine = np.zeros(words)
    for who in range(accounts.shape[0]):
        low, high = start[accounts[who]], start[accounts[who] + 1]
        for row in range(low, high):
            for at in range(indptr[row], indptr[row + 1]):
                held[indices[at]] += 1
                if of_core[row]:
                    mine[indices[at]] += scale[who]
        for row in range(low, high):
            for at in range(indptr[row], indptr[row + 1]):
                if mine[indices[at]] > 0:
                    uses[indices[at]] += mine[indices[at]]
                    users[indices[at]] += 1
                    mine[indices[at]] = 0.0
    return uses, users, held


@kernel
def _score_members(
    start: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    accounts: np.ndarray,
    of_core: np.ndarray,
    scale: np.ndarray,
    uses: np.ndarray,
    users: np.ndarray,
    texts: np.ndarray,
    rate: np.ndarray,
    every: np.ndarray,
    kind: np.ndarray,
    others: np.ndarray,
    score: np.ndarray,
) -> None:
    """Set the members' scores: each prompt's by what the ``others``, so many to each member, prefer."""
    mine = np.zeros(uses.shape[0])
    weight = np.zeros(uses.shape[0])
    weighed = np.full(uses.shape[0], -1, dtype=np.int64)
    for who in range(accounts.shape[0]):
        low, high = start[accounts[who]], start[accounts[who] + 1]
        least = max(2.0, _SPREAD * others[who])
        for row in range(low, high):
            for at in range(indptr[row], indptr[row + 1]):
                if of_core[row]:
                    mine[indices[at]] += scale[who]
        for row in range(low, high):
            total = 0.0
            for at in range(indptr[row], indptr[row + 1]):
                word = indices[at]
                if weighed[word] != who:
                    weighed[word] = who
                    weight[word] = 0.0
                    if users[word] - (mine[word] > 0) >= least:
                        known = every[kind[word]] - texts[who, kind[word]]
                        weight[word] = _weight(uses[word] - mine[word], known, rate[word])
                total += weight[word]
            score[row] = total
        for row in range(low, high):
            for at in range(indptr[row], indptr[row + 1]):
                mine[indices[at]] = 0.0


@inlined
def _weight(uses: float, texts: float, rate: float) -> float:
    """Log-odds of a word for members against outsiders, 0 where it is not preferred."""
    odds = np.log((uses + _PRIOR * rate) / ((texts + _PRIOR) * rate))
    return min(odds, _MOST) if odds > _PREFERRED else 0.0


@kernel
def _weights(uses: np.ndarray, texts: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """``_weight`` of each word."""
    out = np.empty(uses.shape[0])
    for i in range(out.shape[0]):
        out[i] = _weight(uses[i], texts[i], rate[i])
    return out
