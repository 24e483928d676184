"""Shared phrases: the rare turns of phrase that accounts come back to, whatever the order they stand in.

A template that is paraphrased for every account, or anew for every prompt, breaks into many prompt families, but its
clauses recur. Links: an account is tied to each sampled shingle that it uses in two or more different prompts, when at
least three accounts do so, with log(A / users). What the accounts share in text is told by the ``families`` signal;
this one only finds.
"""

from typing import Final

import numpy as np

from iolaus.signals.base import Finding, Links
from iolaus.signals.log import Cluster, Log, distinct_pairs

__all__ = ["PhraseSignal", "shingle_table"]

_LEAST_ACCOUNTS: Final = 3
# A phrase of more than this share of the accounts is everyday language.
_POPULAR: Final = 0.05
# A phrase binds when this share of those who ever wrote it come back to it.
_RETURN: Final = 0.3


def shingle_table(log: Log, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every distinct sampled shingle of each row: the row's place in ``rows``, and a number for the shingle (uint64).

    A sketch samples one shingle in up to four regions; it is listed once.
    """
    places, names = [], []
    bins = log.shingles[rows]
    region = bins.shape[1] // 4
    for place in range(bins.shape[1]):
        values = bins[:, place]
        new = values != 0
        for before in range(place % region, place, region):
            new &= bins[:, before] != values
        places.append(np.flatnonzero(new))
        names.append((values[new].astype(np.uint64) << np.uint64(8)) | np.uint64(place % region))
    return np.concatenate(places), np.concatenate(names)


class PhraseSignal:
    """Turns of phrase that accounts share."""

    name: Final = "phrases"
    columns: Final = ()
    metadata: Final = False

    def links(self, log: Log) -> Links:
        """Accounts tied to rare shingles that they come back to; nodes are indices into the sorted shingles."""
        rows = np.sort(distinct_pairs(log.item, log.account))
        place, name = shingle_table(log, rows)
        if name.size == 0:
            return Links(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))
        names, shingle = np.unique(name, return_inverse=True)
        pairs, uses = np.unique(shingle.astype(np.int64) * log.accounts + log.account[rows[place]], return_counts=True)
        of, account = pairs // log.accounts, (pairs % log.accounts).astype(np.int32)
        writers = np.bincount(of, minlength=names.size)
        returning = np.bincount(of[uses >= 2], minlength=names.size)
        binds = (
            (returning >= _LEAST_ACCOUNTS)
            & (writers <= max(_POPULAR * log.accounts, 20))
            & (returning >= _RETURN * writers)
        )
        edge = binds[of] & (uses >= 2)
        weight = np.maximum(np.log(log.accounts / writers[of[edge]]), 0.1) * np.minimum(np.log1p(uses[edge]), 3.0)
        # Shingles keep their own number, so that a cluster can find the prompts that hold them.
        return Links(account[edge], names[of[edge]].astype(np.int64), weight)

    def judge(self, log: Log, cluster: Cluster) -> Finding | None:
        """Nothing: what the accounts share in text, the ``families`` signal tells."""
        return None
