"""Clusters formed by shared wording: seeds from any signal, refined until words and accounts agree.

A seed is any group of accounts. Its own shingles are those whose audience lies mostly inside it; its members are the
accounts that use as much of these shingles as the others do; and so on in turn until neither changes. Strangers who
share a turn of phrase, or the public data that a template is filled from, drop out; members that the seed missed come
in. What is left has words of its own, or is no cluster of wording.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import sparse

from iolaus.signals import Cluster, Log, distinct_pairs
from iolaus.text import REGION, Shingles, everyday, find_audiences, recurring_shingles

__all__ = ["Wording", "comes_back", "instructed", "read_wording", "refined", "seeds", "worded_as"]

# Two shingles belong to one template when their audiences are so alike: fixed templates, then paraphrased ones.
_ALIKE: Final = (0.6, 0.35)
# A template's shingles are so rare together, in nats: no two strangers would choose the same ones.
_LEAST_WEIGHT: Final = 12.0
# ... and more than one turn of phrase, which strangers may share by chance; each member has so many of them.
_LEAST_SHINGLES: Final = 5
# A shingle is a cluster's own when so much of its audience are members (all of it, for templates around public texts;
# then ever more loosely, as a paraphraser's wordings need) and so many of the members use it ...
_INSIDE: Final = (1.0, 0.75, 0.5)
_SPREAD: Final = 0.3
# ... and an account is a member when it covers half of what the median member covers of these shingles.
_COVERS: Final = 0.5
_COVERS_LEAST: Final = 0.15
_ROUNDS: Final = 4
# Where the system instructions' bins begin in a sketch.
_SYSTEM: Final = 3 * REGION
_SEED: Final = 20_260_107
# A prompt is of the cluster when its own shingles in it are so many and so rare together, in nats.
_HOLDS: Final = 2
_HELD_WEIGHT: Final = 6.0
# An account that uses a template less than this part of what its median use's account does is a visitor.
_VISITS: Final = 0.1
# ... and so is one for whom it is so much less of all it does than for the median member.
_MOSTLY: Final = 0.25


@dataclass(frozen=True, slots=True)
class Wording:
    """The log's recurring shingles, ready to be asked about accounts.

    Attributes:
        shingles: as found.
        audience: CSC (s, A), where an account comes back to a shingle.
        use: CSR (s, A), where an account has a shingle at all.
        size: float64 (s,), accounts of each audience.
        order: int64 (e,), occurrences of the shingles sorted by shingle.
        start: int64 (s + 1,), where each shingle's occurrences begin in ``order``.
        prompts: int64 (A,), different prompts of each account.
    """

    shingles: Shingles
    audience: sparse.csc_matrix
    use: sparse.csr_matrix
    size: np.ndarray
    order: np.ndarray
    start: np.ndarray
    prompts: np.ndarray


def comes_back(counts: np.ndarray) -> np.ndarray:
    """Who is no visitor, given each account's uses, int64 or float64 (A,); bool (A,)."""
    used = counts[counts > 0]
    if used.size == 0:
        return counts > 0
    # The median use's account, not the median account: visitors may outnumber members.
    order = np.sort(used)
    typical = order[np.searchsorted(np.cumsum(order), order.sum() / 2)]
    inside: np.ndarray = counts >= max(_VISITS * typical, 1.0)
    return inside


def read_wording(log: Log) -> Wording:
    """Find the recurring shingles; every prompt of an account counts once."""
    rows = np.sort(distinct_pairs(log.item, log.account))
    shingles = recurring_shingles(log.shingles, log.account, rows, log.accounts)
    who = log.account[rows[shingles.place]]
    use = sparse.csr_matrix((np.ones(who.size), (shingles.which, who)), shape=shingles.table.shape)
    counts = np.bincount(shingles.which, minlength=shingles.name.size)
    return Wording(
        shingles,
        shingles.table.tocsc(),
        use,
        np.diff(shingles.table.indptr).astype(float),
        np.argsort(shingles.which, kind="stable"),
        np.r_[0, np.cumsum(counts)],
        np.bincount(log.account[rows], minlength=log.accounts),
    )


def _gathered(indptr: np.ndarray, indices: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """Entries of the picked rows (or columns) of a sparse matrix, one after another."""
    return np.concatenate([indices[indptr[i] : indptr[i + 1]] for i in picked]) if picked.size else indices[:0]


def seeds(wording: Wording) -> list[np.ndarray]:
    """Groups of accounts to begin with: the audiences of templates, fixed ones first."""
    return [
        audience.accounts
        for alike in _ALIKE
        for audience in find_audiences(wording.shingles, alike, _LEAST_WEIGHT)
        if audience.accounts.size >= 3
    ]


def refined(log: Log, wording: Wording, seed: np.ndarray, formed_by: str) -> list[Cluster]:
    """The clusters of wording that a seed leads to, strictly and loosely read.

    Args:
        log: the log.
        wording: its recurring shingles.
        seed: int (m,), accounts to begin with.
        formed_by: the signal that the seed came from.
    """
    found = [_settled(log, wording, np.asarray(seed), inside, formed_by) for inside in _INSIDE]
    return [cluster for cluster in found if cluster is not None]


def _settled(log: Log, wording: Wording, seed: np.ndarray, inside: float, formed_by: str) -> Cluster | None:
    """Shingles and members in turn, until neither changes."""
    members = seed
    weight = wording.shingles.weight
    own = np.zeros(0, dtype=np.int64)
    for _ in range(_ROUNDS):
        own = _own_shingles(wording, members, inside)
        if own.size < _LEAST_SHINGLES or weight[own].sum() < _LEAST_WEIGHT:
            return None
        users = _gathered(wording.use.indptr, wording.use.indices, own)
        parts = np.repeat(weight[own] / weight[own].sum(), np.diff(wording.use.indptr)[own])
        covered = np.bincount(users, weights=parts, minlength=log.accounts)
        several = np.bincount(users, minlength=log.accounts) >= _LEAST_SHINGLES
        typical = float(np.median(covered[members]))
        now = np.flatnonzero((covered >= max(_COVERS * typical, _COVERS_LEAST)) & several)
        if now.size < 3:
            return None
        if np.array_equal(now, members):
            break
        members = now
    return _cluster(log, wording, members, own, formed_by)


def _own_shingles(wording: Wording, members: np.ndarray, share: float) -> np.ndarray:
    name, inside = _inside(wording, members)
    own: np.ndarray = name[(inside >= share * wording.size[name]) & (inside >= max(3, _SPREAD * members.size))]
    return own


def _inside(wording: Wording, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shingles that members come back to, sorted, and how many of them do."""
    return np.unique(_gathered(wording.audience.indptr, wording.audience.indices, members), return_counts=True)


def _cluster(log: Log, wording: Wording, members: np.ndarray, settled: np.ndarray, formed_by: str) -> Cluster | None:
    """Members with their prompts: those that hold the cluster's own shingles, loosely read."""
    shingles = wording.shingles
    own = np.union1d(settled, _own_shingles(wording, members, _INSIDE[-1]))
    occurrence = _gathered(wording.start, wording.order, own)
    place, where, held = np.unique(shingles.place[occurrence], return_inverse=True, return_counts=True)
    rare = np.bincount(where, weights=shingles.weight[shingles.which[occurrence]])
    core = shingles.rows[place[(held >= _HOLDS) & (rare >= _HELD_WEIGHT)]]
    inside = np.zeros(log.accounts, dtype=bool)
    inside[members] = True
    core = core[inside[log.account[core]]]
    counts = np.bincount(log.account[core], minlength=log.accounts)
    share = counts / np.maximum(wording.prompts, 1)
    stays = comes_back(counts) & (counts >= 2)
    # Who does much else besides, where the others do not, passes by.
    stays &= share >= _MOSTLY * np.median(share[stays]) if stays.any() else False
    if stays.sum() < 3:
        return None
    members = np.flatnonzero(stays).astype(np.int32)
    return Cluster(
        members,
        core[stays[log.account[core]]],
        np.zeros(0, np.int32),
        formed_by,
        shingles.name[own],
        _cohesion(wording, members, settled),
    )


def instructed(log: Log, wording: Wording) -> list[Cluster]:
    """Accounts that come back to the very same system instructions, with the prompts sent under them.

    An instruction of a few words is too short for the search by shingles; word for word the same, it still is one.
    """
    mine = log.shingles[:, _SYSTEM:]
    rows = np.flatnonzero(mine.any(axis=1))
    odd = np.random.default_rng(_SEED).integers(1, 2**63, size=mine.shape[1], dtype=np.uint64) | np.uint64(1)
    told, which = np.unique((mine[rows].astype(np.uint64) * odd).sum(axis=1, dtype=np.uint64), return_inverse=True)
    pairs, uses = np.unique(which * np.int64(log.accounts) + log.account[rows], return_counts=True)
    back = np.bincount((pairs // log.accounts)[uses >= 2], minlength=told.size)
    users = np.bincount(pairs // log.accounts, minlength=told.size)
    order = np.argsort(which, kind="stable")
    start = np.r_[0, np.cumsum(np.bincount(which, minlength=told.size))]
    found = []
    for text in np.flatnonzero((back >= 3) & (users <= everyday(log.accounts))):
        core = np.sort(rows[order[start[text] : start[text + 1]]])
        members = np.bincount(log.account[core], minlength=log.accounts) >= 2
        core = core[members[log.account[core]]]
        accounts = np.flatnonzero(members).astype(np.int32)
        cluster = worded_as(wording, Cluster(accounts, core, np.zeros(0, np.int32), "wording"))
        # Too short for shingles of its own, the instruction itself is the cluster's phrase.
        found.append(cluster if cluster.phrases.size else replace(cluster, phrases=told[[text]], cohesion=1.0))
    return found


def worded_as(wording: Wording, cluster: Cluster) -> Cluster:
    """The cluster with the shingles that are its own, and how well its accounts agree with them."""
    own = _own_shingles(wording, cluster.accounts, _INSIDE[-1])
    cohesion = _cohesion(wording, cluster.accounts, own) if own.size else 0.0
    return replace(cluster, phrases=wording.shingles.name[own], cohesion=cohesion)


def _cohesion(wording: Wording, members: np.ndarray, own: np.ndarray) -> float:
    """Mean Jaccard index of the shingles' audiences with the members, the rare ones weighing more."""
    name, inside = _inside(wording, members)
    inner = np.zeros(wording.shingles.name.size)
    inner[name] = inside
    alike = inner[own] / (wording.size[own] + members.size - inner[own])
    return float(np.average(alike, weights=wording.shingles.weight[own]))
