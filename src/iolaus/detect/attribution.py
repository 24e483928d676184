"""Attribution: which exchanges of a campaign's accounts belong to it, and which are cover.

Families are strict, so that they do not run together; some of a campaign's prompts therefore stand in none. Once the
campaign is known its own words are: the shingles that recur in its core. An exchange of a member belongs to it as well
when it holds half as many of them as the campaign's median exchange does, and no fewer than three.
"""

from typing import Final

import numpy as np

from iolaus.signals import Cluster, Log, rows_of
from iolaus.text import REGION

__all__ = ["attributed"]

_RECURS: Final = 0.1
_LEAST: Final = 3
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
    words = [_recurring(bins[sample, place]) for place in range(bins.shape[1])]
    usual = float(np.median(_matches(bins[sample], words)))
    rest = np.setdiff1d(rows_of(log, cluster.accounts), cluster.core, assume_unique=True)
    found = rest[_matches(bins[rest], words) >= max(_LEAST, usual / 2)]
    return np.sort(np.concatenate([cluster.core, found]))


def _recurring(values: np.ndarray) -> np.ndarray:
    """Values that a tenth of the sample has in one place."""
    distinct, counts = np.unique(values[values != 0], return_counts=True)
    often: np.ndarray = distinct[counts >= max(_RECURS * values.size, 2)]
    return often


def _matches(bins: np.ndarray, words: list[np.ndarray]) -> np.ndarray:
    """How many distinct recurring shingles each row holds; a shingle that several regions sampled counts once."""
    total = np.zeros(bins.shape[0], dtype=np.int64)
    for place, known in enumerate(words):
        hit = np.isin(bins[:, place], known)
        for before in range(place % REGION, place, REGION):
            hit &= bins[:, before] != bins[:, place]
        total += hit
    return total
