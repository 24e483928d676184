"""From links to clusters: seeds of every linking signal, then refinement by wording.

Each linking signal gives seeds: Leiden's communities of the bipartite graph of accounts and what they share. The graph
is laid out in the order of account and node numbers, which come from sorted values, and the random seed is fixed: the
order of the input's rows changes nothing. Shared wording gives seeds of its own. Every seed is refined by wording where
it has wording of its own; seeds of hand-offs, infrastructure and content also stand as they are.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import graspologic_native as native
import numpy as np
from scipy import sparse

from iolaus.detect.axes import harvest
from iolaus.detect.idiom import read_again
from iolaus.detect.wording import Wording, comes_back, instructed, read_wording, refined, seeds, worded_as
from iolaus.signals import SIGNALS, Cluster, Links, Log, read_idiom, rows_of

__all__ = ["find_clusters"]

LEAST_ACCOUNTS: Final = 3
_SEED: Final = 20_260_103
_RESOLUTION: Final = 1.0
# A family joins a group when this share of its users are in the group already.
_JOINS: Final = 0.5
# Clusters whose accounts agree so far are near-copies.
_SAME: Final = 0.8
# Those of wording are kept apart longer: a small campaign and the same without one account are two readings of it.
_SAME_WORDING: Final = 0.9
_ROUNDS: Final = 25


def find_clusters(log: Log) -> list[Cluster]:
    """Candidate clusters, those of wording first, then the others; near-copies are joined or left out."""
    wording = read_wording(log)
    sown = [("wording", seed) for seed in seeds(wording)]
    plain: list[Cluster] = []
    for signal in SIGNALS:
        links = signal.links(log)
        if links.account.size:
            grown = _clusters_of(log, links, signal.name)
            sown += [(signal.name, cluster.accounts) for cluster in grown]
            plain += grown
    # The same seed may come from several signals.
    once = {seed.astype(np.int32).tobytes(): (name, seed) for name, seed in reversed(sown)}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        settled = pool.map(lambda sown: refined(log, wording, sown[1], sown[0]), once.values())
        worded = [cluster for clusters in settled for cluster in clusters]
    worded += instructed(log, wording)
    plain = _by_size(plain)
    # What is no harvest has no idiom that matters.
    nobody = np.zeros(0)
    asked = [c for c in _distinct(worded, plain) if c.formed_by == "handoff" or harvest(log, c, nobody).by_itself]
    return _distinct([*worded, *_in_idiom(log, wording, asked)], plain)


def _in_idiom(log: Log, wording: Wording, clusters: list[Cluster]) -> list[Cluster]:
    """What the clusters' idioms lead to, each group of accounts once."""
    if log.words.table.shape[0] == 0:
        return []
    idiom = read_idiom(log)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(lambda cluster: read_again(log, idiom, cluster), clusters)
        once = {again.accounts.tobytes(): again for again in reversed(list(found)) if again is not None}
    return [worded_as(wording, again) for again in reversed(once.values())]


def _by_size(clusters: list[Cluster]) -> list[Cluster]:
    return sorted(clusters, key=lambda c: (-c.core.size, int(c.accounts[0]), int(c.core[0])))


def _distinct(worded: list[Cluster], plain: list[Cluster]) -> list[Cluster]:
    """One of every group of near-copies: of wording the most cohesive, then what no other stands for."""
    order = sorted(worded, key=lambda c: (-round(c.cohesion, 6), -c.core.size, int(c.accounts[0]), int(c.core[0])))
    clusters = [*order, *plain]
    if not clusters:
        return []
    shared = _shared(clusters)
    kept: list[int] = []
    for place, cluster in enumerate(clusters):
        common = shared[place, kept] if kept else np.zeros(0)
        sizes = np.array([clusters[k].accounts.size for k in kept])
        least = _SAME_WORDING if place < len(worded) else _SAME
        if not (common >= least * (sizes + cluster.accounts.size - common)).any():
            kept.append(place)
    return [clusters[k] for k in kept]


def _shared(clusters: list[Cluster]) -> np.ndarray:
    """How many accounts each two clusters have in common; float32 (c, c)."""
    owner = np.repeat(np.arange(len(clusters)), [c.accounts.size for c in clusters])
    account = np.concatenate([c.accounts for c in clusters])
    table = sparse.csr_matrix((np.ones(owner.size, np.float32), (owner, account)))
    common: np.ndarray = (table @ table.T).toarray()
    return common


def _clusters_of(log: Log, links: Links, name: str) -> list[Cluster]:
    accounts, account_at = np.unique(links.account, return_inverse=True)
    nodes, node_at = np.unique(links.node, return_inverse=True)
    community = _leiden(account_at, node_at + accounts.size, links.weight, accounts.size + nodes.size)
    of_node, of_account = community[accounts.size :], community[: accounts.size]
    clusters = []
    for label in np.unique(of_node):
        if name == "families":
            clusters.extend(_grown_families(log, nodes[of_node == label].astype(np.int32)))
        else:
            clusters.append(_whole(log, accounts[of_account == label].astype(np.int32), name))
    return _by_size([c for c in clusters if c.accounts.size >= LEAST_ACCOUNTS and c.core.size])


def _whole(log: Log, members: np.ndarray, name: str) -> Cluster:
    """A cluster formed otherwise than by shared words: all that its accounts did."""
    return Cluster(members, rows_of(log, members), np.zeros(0, np.int32), name)


def _grown_families(log: Log, families: np.ndarray) -> list[Cluster]:
    """Groups of a community's families, each around its heaviest, with the accounts that come back to them."""
    rows = np.flatnonzero(np.isin(log.family, families))
    place = np.searchsorted(families, log.family[rows])
    clusters = []
    for group in _groups(place, log.account[rows], (families.size, log.accounts)):
        own = rows[group[place]]
        members = comes_back(np.bincount(log.account[own], minlength=log.accounts))
        core = own[members[log.account[own]]]
        clusters.append(Cluster(np.flatnonzero(members).astype(np.int32), core, np.sort(families[group]), "families"))
    return clusters


def _groups(family: np.ndarray, account: np.ndarray, shape: tuple[int, int]) -> list[np.ndarray]:
    """Take families apart into groups whose users are mostly the same.

    Args:
        family: int64 (e,), families numbered from 0, one entry an exchange.
        account: (e,) by whom.
        shape: number of families, and A.

    Returns:
        Masks over the families, bool (f,) each, that do not overlap. Groups grow around the most used family; a family
        joins when at least half of its users come back to what the group already has.
    """
    table = sparse.coo_matrix((np.ones(family.size), (family, account)), shape=shape).tocsr()
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
            inside = comes_back(np.asarray(table[group].sum(axis=0)).ravel())
            joins = free & ~group & (users @ inside.astype(float) >= _JOINS * count)
            if not joins.any():
                break
            group |= joins
        free &= ~group
        groups.append(group)
    return groups


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
