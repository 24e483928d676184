"""FRAUDAR: dense blocks of accounts and wordings, popular wordings weighing less.

Hooi, Song, Beutel, Shah, Shin and Faloutsos, "FRAUDAR: Bounding graph fraud in the face of camouflage", KDD 2016:
an edge to an object of degree d weighs 1 / log(d + c) with c = 5; vertices are peeled off greedily, the least joined
first, and the densest set on the way (weight inside over vertices) is a block. Its edges are taken out, and the next
block is sought. Objects are template keys, as reviews' products are in the paper.
"""

import heapq
from typing import Final

import numpy as np
import pyarrow as pa
from scipy import sparse

from benchmarks.detection.answers import Group
from benchmarks.detection.linkage import LEAST, shared_table
from benchmarks.detection.wordings import account_numbers, template_keys

__all__ = ["densest", "suspects"]

_C: Final = 5.0
_BLOCKS: Final = 30


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Up to thirty blocks, each scored by its density."""
    account, names = account_numbers(exchanges)
    keys = template_keys(exchanges)
    table = shared_table(np.repeat(account, keys.shape[1]), keys.ravel(), len(names), len(names)).tocsr()
    found = []
    for _ in range(_BLOCKS):
        if table.nnz == 0:
            break
        members, objects, density = densest(table)
        if members.size >= LEAST:
            found.append(Group(tuple(names[i] for i in members), density))
        inside = sparse.coo_matrix(table)
        left = ~(np.isin(inside.row, members) & np.isin(inside.col, objects))
        table = sparse.csr_matrix((inside.data[left], (inside.row[left], inside.col[left])), shape=table.shape)
    return found


def densest(table: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray, float]:
    """The block that greedy peeling finds: its accounts, its objects, and its density.

    Args:
        table: which account has which object, (accounts, objects), non-zero where it has.
    """
    edges = sparse.coo_matrix(table)
    accounts = table.shape[0]
    degree = np.bincount(edges.col, minlength=table.shape[1])
    weight = 1.0 / np.log(degree[edges.col] + _C)
    size = sum(table.shape)
    graph = sparse.csr_matrix((weight, (edges.row, edges.col + accounts)), shape=(size, size))
    graph = (graph + graph.T).tocsr()
    joined = np.asarray(graph.sum(axis=1)).ravel()
    gone = joined == 0
    order = _peel(graph, joined.copy(), gone.copy())
    # Weight left inside after each vertex went, from the weight that each took with it.
    alive, inside = int((~gone).sum()), float(joined.sum() / 2)
    best, best_at = inside / alive, 0
    for at, (_, taken) in enumerate(order, start=1):
        alive, inside = alive - 1, inside - taken
        if alive and inside / alive > best:
            best, best_at = inside / alive, at
    kept = ~gone
    kept[[vertex for vertex, _ in order[:best_at]]] = False
    left = np.flatnonzero(kept)
    return left[left < accounts], left[left >= accounts] - accounts, best


def _peel(graph: sparse.csr_matrix, joined: np.ndarray, gone: np.ndarray) -> list[tuple[int, float]]:
    """Vertices in the order in which they go, with the weight that each still had."""
    heap = [(float(joined[v]), v) for v in np.flatnonzero(~gone).tolist()]
    heapq.heapify(heap)
    start, to, weight = graph.indptr.tolist(), graph.indices.tolist(), graph.data.tolist()
    has, out = joined.tolist(), gone.tolist()
    order = []
    while heap:
        value, vertex = heapq.heappop(heap)
        if out[vertex] or value > has[vertex] + 1e-12:
            continue
        out[vertex] = True
        order.append((vertex, has[vertex]))
        for i in range(start[vertex], start[vertex + 1]):
            other = to[i]
            if not out[other]:
                has[other] -= weight[i]
                heapq.heappush(heap, (has[other], other))
    return order
