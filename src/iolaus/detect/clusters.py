"""From links to clusters: Leiden on the bipartite graph of accounts and what they share, then growth from the heaviest.

Each linking signal gives its own clusters, so that a signal never testifies for a cluster that it formed. The graph is
laid out in the order of account and node numbers, which come from sorted values, and the seed is fixed: the order of
the input's rows changes nothing.

A community of templates and accounts also catches strangers who share a turn of phrase with a member. So each community
is taken apart: around its heaviest template gather the templates whose users mostly use that one too, and the accounts
that use them more than now and then; what is left is taken apart again.
"""

from typing import Final

import graspologic_native as native
import numpy as np
from scipy import sparse

from iolaus.signals import SIGNALS, Cluster, Links, Log, shingle_table

__all__ = ["find_clusters"]

LEAST_ACCOUNTS: Final = 3
_SEED: Final = 20_260_103
_RESOLUTION: Final = 1.0
# A template joins a group when this share of its users are in the group already.
_JOINS: Final = 0.5
# An account that uses the group's templates less than this part of what its median member does is a visitor.
_VISITS: Final = 0.1
_LARGEST_SHARE: Final = 0.8
_ROUNDS: Final = 25
# A prompt is of a group of phrases when it holds so many of them.
_HOLDS: Final = 4


def find_clusters(log: Log) -> list[Cluster]:
    """Candidate clusters of every linking signal, those formed by text first; near-copies are left out."""
    found: list[Cluster] = []
    for signal in SIGNALS:
        links = signal.links(log)
        if links.account.size == 0:
            continue
        for cluster in _clusters_of(log, links, signal.name):
            if not any(_overlap(cluster, other) >= _LARGEST_SHARE for other in found):
                found.append(cluster)
    return found


def _overlap(a: Cluster, b: Cluster) -> float:
    """Jaccard index of the clusters' accounts."""
    shared = np.intersect1d(a.accounts, b.accounts, assume_unique=True).size
    return shared / (a.accounts.size + b.accounts.size - shared)


def _clusters_of(log: Log, links: Links, name: str) -> list[Cluster]:
    accounts, account_at = np.unique(links.account, return_inverse=True)
    nodes, node_at = np.unique(links.node, return_inverse=True)
    community = _leiden(account_at, node_at + accounts.size, links.weight, accounts.size + nodes.size)
    of_edge = community[node_at + accounts.size]
    clusters = []
    for label in np.unique(of_edge):
        own = nodes[community[accounts.size :] == label]
        if name == "families":
            clusters.extend(_grown_families(log, own.astype(np.int32)))
        elif name == "phrases":
            inside = (of_edge == label) & (community[account_at] == label)
            clusters.extend(_grown_phrases(log, links.node[inside], links.account[inside]))
        else:
            members = accounts[community[: accounts.size] == label].astype(np.int32)
            clusters.append(_whole(log, members, name))
    clusters = [c for c in clusters if c.accounts.size >= LEAST_ACCOUNTS]
    return sorted(clusters, key=lambda c: (-c.core.size, int(c.accounts[0]), int(c.core[0])))


def _whole(log: Log, members: np.ndarray, name: str) -> Cluster:
    """A cluster formed otherwise than by shared words: all that its accounts did."""
    mine = np.zeros(log.accounts, dtype=bool)
    mine[members] = True
    return Cluster(members, np.flatnonzero(mine[log.account]), np.zeros(0, np.int32), name)


def _grown_families(log: Log, families: np.ndarray) -> list[Cluster]:
    """Groups of a community's families, each around its heaviest, with the accounts that come back to them."""
    rows = np.flatnonzero(np.isin(log.family, families))
    place = np.searchsorted(families, log.family[rows])
    clusters = []
    shape = (families.size, log.accounts)
    for group in _groups(place, log.account[rows], np.ones(rows.size), shape):
        core, members = _core(log, rows[group[place]])
        clusters.append(Cluster(members, core, np.sort(families[group]), "families"))
    return clusters


def _grown_phrases(log: Log, node: np.ndarray, account: np.ndarray) -> list[Cluster]:
    """Groups of a community's phrases, with the prompts that hold several of a group's and the accounts behind them."""
    names = np.unique(node)
    people = np.unique(account)
    rows = np.flatnonzero(np.isin(log.account, people))
    at, name = shingle_table(log, rows)
    known = np.isin(name, names.view(np.uint64))
    at, which = at[known], np.searchsorted(names.view(np.uint64), name[known])
    clusters = []
    for group in _groups(which, log.account[rows[at]], np.ones(at.size), (names.size, log.accounts)):
        held = np.bincount(at[group[which]], minlength=rows.size)
        core, members = _core(log, rows[held >= _HOLDS])
        if members.size:
            empty = np.zeros(0, np.int32)
            clusters.append(Cluster(members, core, empty, "phrases", np.sort(names[group].view(np.uint64))))
    return clusters


def _groups(thing: np.ndarray, account: np.ndarray, uses: np.ndarray, shape: tuple[int, int]) -> list[np.ndarray]:
    """Take things apart into groups whose users are mostly the same.

    Args:
        thing: int64 (e,) what is used, numbered from 0.
        account: (e,) by whom.
        uses: (e,) how often.
        shape: number of things, and A.

    Returns:
        Masks over the things, bool (t,) each, that do not overlap. Groups grow around the most used thing; a thing
        joins when at least half of its users come back to what the group already has.
    """
    table = sparse.coo_matrix((uses.astype(float), (thing, account)), shape=shape).tocsr()
    users = table.copy()
    users.data[:] = 1.0
    count = np.asarray(users.sum(axis=1)).ravel()
    heavy = np.asarray(table.sum(axis=1)).ravel()
    free = np.ones(shape[0], dtype=bool)
    groups = []
    while free.any():
        group = np.zeros(shape[0], dtype=bool)
        group[int(np.argmax(np.where(free, heavy, -1)))] = True
        for _ in range(_ROUNDS):
            inside = _comes_back(np.asarray(table[group].sum(axis=0)).ravel())
            joins = free & ~group & (users @ inside.astype(float) >= _JOINS * count)
            if not joins.any():
                break
            group |= joins
        free &= ~group
        groups.append(group)
    return groups


def _comes_back(counts: np.ndarray) -> np.ndarray:
    """Who is no visitor, given each account's uses; bool (A,)."""
    used = counts[counts > 0]
    if used.size == 0:
        return counts > 0
    # The median use's account, not the median account: visitors may outnumber members.
    order = np.sort(used)
    typical = order[np.searchsorted(np.cumsum(order), order.sum() / 2)]
    inside: np.ndarray = counts >= max(_VISITS * typical, 1.0)
    return inside


def _core(log: Log, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of exchanges that share text, those of accounts that come back to it, and these accounts."""
    members = _comes_back(np.bincount(log.account[rows], minlength=log.accounts).astype(float))
    return rows[members[log.account[rows]]], np.flatnonzero(members).astype(np.int32)


def _leiden(left: np.ndarray, right: np.ndarray, weight: np.ndarray, size: int) -> np.ndarray:
    """Community of every vertex; int64 (size,)."""
    graph = sparse.coo_matrix((weight, (left, right)), shape=(size, size)).tocsr()
    graph = (graph + graph.T).tocsr()
    graph.sort_indices()
    _, mapping = native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        size,
        resolution=_RESOLUTION,
        iterations=2,
        seed=_SEED,
    )
    out = np.full(size, -1, dtype=np.int64)
    for vertex, label in mapping.items():
        out[vertex] = label
    return out
