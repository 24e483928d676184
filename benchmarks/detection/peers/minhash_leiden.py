"""Near-duplicate prompts by datasketch's MinHash-LSH, and Leiden communities of the accounts that share them.

Prompts are gathered around leaders: each goes to the first leader that the index holds to be similar (Jaccard over
shingles of three words, 64 permutations), or becomes one. Accounts and families make a bipartite graph, weighted by a
family's rarity; a community's score is the mean weight between two of its accounts.
"""

from typing import Final

import graspologic_native as native
import numpy as np
import pyarrow as pa
from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]
from scipy import sparse

from benchmarks.detection.answers import Group
from benchmarks.detection.linkage import LEAST, shared_table
from benchmarks.detection.wordings import account_numbers, masked, tokens

__all__ = ["suspects"]

_PERMUTATIONS: Final = 64
_SIMILAR: Final = 0.5
_A_ACCOUNT: Final = 30
_HUB: Final = 300
# Coarse to fine: the threshold on the score chooses among all communities.
_RESOLUTIONS: Final = (1.0, 4.0, 16.0)
_SEED: Final = 7


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Leiden communities of accounts over families of near-duplicate prompts."""
    account, names = account_numbers(exchanges)
    rows = _sample(account)
    family = _families(exchanges.column("prompt").take(pa.array(rows)).to_pylist())
    table = shared_table(account[rows], family + 1, len(names), _HUB)
    holders = np.asarray(table.sum(axis=0)).ravel()
    weighted = (table @ sparse.diags(np.log(len(names) / np.maximum(holders, 1)))).tocsr()
    both = (weighted @ table.T).tocsr()
    found = []
    for members in (m for resolution in _RESOLUTIONS for m in _communities(weighted, resolution)):
        if members.size >= LEAST:
            inside = both[members][:, members]
            total = float(inside.sum() - inside.diagonal().sum())
            found.append(Group(tuple(names[i] for i in members), total / (members.size * (members.size - 1))))
    return found


def _sample(account: np.ndarray) -> np.ndarray:
    """Up to thirty prompts of each account, spread evenly over its time; row numbers in order."""
    order = np.argsort(account, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(account[order])) + 1)
    return np.sort(np.concatenate([p[np.linspace(0, p.size - 1, min(p.size, _A_ACCOUNT)).astype(int)] for p in parts]))


def _families(prompts: list[str]) -> np.ndarray:
    index = MinHashLSH(threshold=_SIMILAR, num_perm=_PERMUTATIONS)
    family = np.zeros(len(prompts), np.int64)
    words = [tokens(masked(p)) for p in prompts]
    sets = [{" ".join(w[i : i + 3]).encode() for i in range(max(len(w) - 2, 1))} for w in words]
    for row, sketch in enumerate(MinHash.generator(sets, num_perm=_PERMUTATIONS, seed=_SEED)):
        similar = index.query(sketch)
        if similar:
            family[row] = min(similar)
        else:
            family[row] = row
            index.insert(row, sketch)
    return family


def _communities(weighted: sparse.csr_matrix, resolution: float) -> list[np.ndarray]:
    accounts, size = weighted.shape[0], sum(weighted.shape)
    part = weighted.tocoo()
    graph = sparse.coo_matrix((part.data, (part.row, part.col + accounts)), shape=(size, size)).tocsr()
    graph = (graph + graph.T).tocsr()
    graph.sort_indices()
    _, label = native.leiden_csr(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data.astype(np.float64), size,
        resolution=resolution, iterations=2, seed=_SEED,
    )  # fmt: skip
    of = np.array([label.get(i, -1 - i) for i in range(accounts)])
    order = np.argsort(of, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(of[order])) + 1)
