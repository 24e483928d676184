"""Attribution: which exchanges of a campaign's accounts belong to it, and which are cover.

Families are strict, so that they do not run together; some of a campaign's prompts therefore stand in none. Once the
campaign is known its own words are: the shingles that recur in its core, over several accounts, and hardly in what
others send, for the members' cover speaks like everybody. An exchange of a member belongs to it as well when it holds
half as many of them as the campaign's median exchange does, and no fewer than three. Where half of what an account
sends belongs to the campaign, its other conversations of one turn do too: a harvester sends some items bare.
"""

from typing import Final

import numpy as np

from iolaus.detect.axes import single_turns
from iolaus.signals import Cluster, Log, distinct_pairs, rows_of
from iolaus.text import REGION

__all__ = ["attributed"]

_RECURS: Final = 0.1
# Of what others send, at most this share holds a word that is the campaign's own.
_ELSEWHERE: Final = 0.005
_LEAST: Final = 3
_MOSTLY: Final = 0.5
_ACCOUNTS: Final = 3
_SAMPLE: Final = 20_000


def attributed(log: Log, cluster: Cluster) -> np.ndarray:
    """The cluster's core with what else of its accounts carries the same words.

    Args:
        log: the log.
        cluster: the campaign's cluster; one not formed by text keeps its core.

    Returns:
        Sorted exchange indices, int64.
    """
    if not cluster.of_text:
        return cluster.core
    bins = log.shingles
    sample = cluster.core[:: max(cluster.core.size // _SAMPLE, 1)]
    inside = np.zeros(log.accounts, dtype=bool)
    inside[cluster.accounts] = True
    others = np.flatnonzero(~inside[log.account])
    others = others[:: max(others.size // _SAMPLE, 1)]
    by = log.account[sample]
    words = [_own(bins[sample, place], by, bins[others, place]) for place in range(bins.shape[1])]
    usual = float(np.median(_matches(bins[sample], words)))
    rest = np.setdiff1d(rows_of(log, cluster.accounts), cluster.core, assume_unique=True)
    found = rest[_matches(bins[rest], words) >= max(_LEAST, usual / 2)]
    return _with_plain(log, cluster, np.sort(np.concatenate([cluster.core, found])))


def _with_plain(log: Log, cluster: Cluster, known: np.ndarray) -> np.ndarray:
    """With the other conversations of one turn of the accounts that send little else than what is known to belong."""
    holds = np.zeros(log.exchanges, dtype=bool)
    holds[known] = True
    sampled = np.bincount(log.account[log.vector_rows], minlength=log.accounts)
    held = np.bincount(log.account[log.vector_rows[holds[log.vector_rows]]], minlength=log.accounts)
    mostly = held >= _MOSTLY * np.maximum(sampled, 1)
    rest = rows_of(log, cluster.accounts[mostly[cluster.accounts]])
    return np.union1d(known, rest[single_turns(log, rest)])


def _own(values: np.ndarray, account: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Values that a tenth of the sample has in one place, three accounts of it at least, and hardly anybody else."""
    some = values != 0
    distinct, which, counts = np.unique(values[some], return_inverse=True, return_counts=True)
    users = np.bincount(which[distinct_pairs(which, account[some])], minlength=distinct.size)
    often = distinct[(counts >= _RECURS * values.size) & (users >= _ACCOUNTS)]
    elsewhere = np.array([(others == value).sum() for value in often])
    own: np.ndarray = often[elsewhere <= _ELSEWHERE * others.size]
    return own


def _matches(bins: np.ndarray, words: list[np.ndarray]) -> np.ndarray:
    """How many distinct recurring shingles each row holds; a shingle that several regions sampled counts once."""
    total = np.zeros(bins.shape[0], dtype=np.int64)
    for place, known in enumerate(words):
        hit = np.isin(bins[:, place], known)
        for before in range(place % REGION, place, REGION):
            hit &= bins[:, before] != bins[:, place]
        total += hit
    return total
