"""Accounts that share values, as weighted pairs, and the components those pairs make at falling thresholds."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from benchmarks.detection.answers import Group

__all__ = ["LEAST", "components", "shared_pairs", "shared_table"]

# Fewer accounts than this are no campaign, for the peers as for Iolaus.
LEAST: Final = 3
_LEVELS: Final = 24


def shared_table(account: np.ndarray, value: np.ndarray, accounts: int, most: int) -> sparse.csr_matrix:
    """Who has what: 1.0 where an account has a value that 2 to ``most`` accounts have; (accounts, values).

    Args:
        account: numbers, shape (n,).
        value: hashes beside them, shape (n,); 0 is no value.
        accounts: how many accounts there are.
        most: values of more accounts are hubs and left out.
    """
    known = value != 0
    pairs = np.unique(np.stack([account[known], value[known]]), axis=1)
    _, place, holders = np.unique(pairs[1], return_inverse=True, return_counts=True)
    kept = (holders[place] >= 2) & (holders[place] <= most)
    _, column = np.unique(place[kept], return_inverse=True)
    width = int(column.max()) + 1 if column.size else 0
    return sparse.csr_matrix((np.ones(column.size), (pairs[0][kept], column)), shape=(accounts, width))


def shared_pairs(table: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of accounts and the summed rarity, log(accounts / holders), of what both have; shapes (p,) each."""
    holders = np.asarray(table.sum(axis=0)).ravel()
    rarity = np.log(table.shape[0] / np.maximum(holders, 1))
    both = sparse.triu(table @ sparse.diags(rarity) @ table.T, k=1).tocoo()
    return both.row.astype(np.int64), both.col.astype(np.int64), both.data


def components(
    names: Sequence[str], left: np.ndarray, right: np.ndarray, weight: np.ndarray, least: int = LEAST
) -> list[Group]:
    """Single linkage: the connected components of the pairs at each of up to 24 thresholds.

    A component's score is the highest threshold at which it stands, so that one threshold on the score is one on the
    pairs' weight.
    """
    if weight.size == 0:
        return []
    # So many of the strongest pairs, in steps that grow: what separates campaigns from chance lies at the top.
    counts = np.geomspace(1, weight.size, _LEVELS).astype(np.int64)
    levels = np.unique(np.sort(weight)[::-1][counts - 1])[::-1]
    found: dict[bytes, Group] = {}
    for level in levels.tolist():
        strong = weight >= level
        graph = sparse.coo_matrix((strong[strong], (left[strong], right[strong])), shape=(len(names), len(names)))
        _, label = connected_components(graph, directed=False)
        order = np.argsort(label, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
            if members.size >= least:
                found.setdefault(members.tobytes(), Group(tuple(names[i] for i in members), level))
    return list(found.values())
