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
        table: float32 CSR (v, k), 1 where a prompt holds a word.
        columns: the same as CSC.
        script: int64 (v,), script of each prompt.
        kind: int64 (k,), the script in which each word is used most.
    """

    rows: np.ndarray
    owner: np.ndarray
    size: np.ndarray
    table: sparse.csr_matrix
    columns: sparse.csc_matrix
    script: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True, slots=True)
class _Preference:
    """How often members and outsiders use each word.

    Attributes:
        own: float64 CSR (m, k), uses by each member, heavy accounts scaled down.
        texts: float64 (m, SCRIPTS), prompts of each member, scaled alike.
        uses: float64 (k,), sum of ``own``.
        users: int64 (k,), members that use each word.
        rate: float64 (k,), share of the outsiders' prompts of the word's script that hold it.
    """

    own: sparse.csr_matrix
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
    by_script = np.array([np.asarray(table[script == s].sum(axis=0)).ravel() for s in range(SCRIPTS)])
    return Idiom(
        rows,
        owner,
        np.bincount(owner, minlength=log.accounts),
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
    of_idiom = in_idiom(idiom, members, np.isin(idiom.rows, cluster.core))
    if of_idiom is None:
        return 0.0
    share = np.bincount(idiom.owner, weights=of_idiom, minlength=log.accounts) / np.maximum(idiom.size, 1)
    return float(np.median(share[cluster.accounts]))


def _scores(idiom: Idiom, members: np.ndarray, of_core: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Log-odds of every prompt that it is of the cluster; a member's by what the others prefer. float64 (v,)."""
    place = np.cumsum(members) - 1
    seen = _preference(idiom, place, np.flatnonzero(of_core), np.flatnonzero(inside))
    live = int((seen.texts.sum(axis=1) > 0).sum())
    texts = seen.texts.sum(axis=0)[idiom.kind]
    weight = _weights(seen.uses, texts, seen.users, live, seen.rate)
    chosen = np.flatnonzero(weight)
    score = np.asarray(idiom.columns[:, chosen] @ weight[chosen]).ravel()
    # Once more for the members' prompts, each without its own account's uses.
    rows = np.flatnonzero(inside)
    part = idiom.table[rows]
    word = part.indices.astype(np.int64)
    line = np.repeat(np.arange(rows.size), np.diff(part.indptr))
    who = place[idiom.owner[rows]][line]
    own = _held(seen.own, who, word)
    active = seen.texts.sum(axis=1) > 0
    others = _weights(
        seen.uses[word] - own,
        texts[word] - seen.texts[who, idiom.kind[word]],
        seen.users[word] - (own > 0),
        live - active[who],
        seen.rate[word],
    )
    score[rows] = np.bincount(line, weights=others, minlength=rows.size)
    return score


def _preference(idiom: Idiom, place: np.ndarray, core: np.ndarray, inside: np.ndarray) -> _Preference:
    m = int(place[-1]) + 1
    who = place[idiom.owner[core]]
    sent = np.bincount(who, minlength=m).astype(float)
    scale = np.minimum(sent, _WEIGHT) / np.maximum(sent, 1.0)
    by_member = sparse.csr_matrix((scale[who], (who, np.arange(core.size))), shape=(m, core.size))
    own = (by_member @ idiom.table[core]).tocsr()
    own.sort_indices()
    texts = np.zeros((m, SCRIPTS))
    np.add.at(texts, (who, idiom.script[core]), scale[who])
    everywhere = np.diff(idiom.columns.indptr)
    members = np.bincount(idiom.table[inside].indices, minlength=everywhere.size)
    outside = np.bincount(idiom.script, minlength=SCRIPTS) - np.bincount(idiom.script[inside], minlength=SCRIPTS)
    return _Preference(
        own,
        texts,
        np.asarray(own.sum(axis=0)).ravel(),
        np.bincount(own.indices, minlength=everywhere.size),
        (everywhere - members + 0.5) / (outside[idiom.kind] + 1.0),
    )


def _weights(
    uses: np.ndarray, texts: np.ndarray, users: np.ndarray, live: int | np.ndarray, rate: np.ndarray
) -> np.ndarray:
    """Log-odds of words for members against outsiders, 0 where they are not preferred or by few members alone."""
    odds = np.log((uses + _PRIOR * rate) / ((texts + _PRIOR) * rate))
    common = users >= np.maximum(2.0, _SPREAD * np.asarray(live))
    return np.where(common & (odds > _PREFERRED), np.minimum(odds, _MOST), 0.0)


def _held(table: sparse.csr_matrix, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Values of a CSR matrix with sorted indices at some places; float64 like ``row``."""
    width = np.int64(table.shape[1])
    line = np.repeat(np.arange(table.shape[0], dtype=np.int64), np.diff(table.indptr))
    known = line * width + table.indices
    wanted = row * width + column
    at = np.minimum(np.searchsorted(known, wanted), max(known.size - 1, 0))
    found: np.ndarray = np.where(known[at] == wanted, table.data[at], 0.0) if known.size else np.zeros(row.size)
    return found
