"""Templates by their audience: turns of phrase that the same few accounts come back to.

What is sent from one template, however it is filled, repeats the template's own shingles, and they all have the same
audience: the accounts behind it. So shingles are grouped by who comes back to them. A phrase that many write (a public
benchmark's wording, a polite opening, a popular data set's own frame) has another audience and stays out, even where it
stands inside every prompt of the template.

An account *comes back* to a shingle when two or more of its different prompts hold it; the users of a shingle that come
back to it are its audience. Two shingles belong together when their audiences are alike by Jaccard's index.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse

from iolaus.text.jit import inlined, kernel
from iolaus.text.radix import by_key
from iolaus.text.sketch import REGION
from iolaus.text.tokens import mix64

__all__ = [
    "Audience",
    "Shingles",
    "everyday",
    "find_audiences",
    "held_shingles",
    "recurring_shingles",
    "shingle_name",
]

LEAST: Final = 3
# A shingle that more than this share of all accounts come back to is everyday language.
_POPULAR: Final = 0.05
_FEW: Final = 40
# A shingle that strangers mostly write once is a quotation, not a template.
_RETURN: Final = 0.3


@dataclass(frozen=True, slots=True)
class Shingles:
    """Shingles that several accounts come back to, and who does.

    Attributes:
        name: uint64 (s,), sorted hashes.
        table: float64 CSR (s, A), in how many different prompts each account that comes back has each shingle.
        weight: float64 (s,), rarity, log(A / accounts that ever wrote it), in nats.
        rows: int64 (r,), the exchanges looked at: one of every (account, prompt) pair.
        place: int64 (e,), for every occurrence of a shingle of ``name``, the place of its exchange in ``rows``.
        which: int64 (e,), and the place of the shingle in ``name``.
    """

    name: np.ndarray
    table: sparse.csr_matrix
    weight: np.ndarray
    rows: np.ndarray
    place: np.ndarray
    which: np.ndarray


@dataclass(frozen=True, slots=True)
class Audience:
    """A group of shingles with one audience.

    Attributes:
        shingles: int64 (k,), places in ``Shingles.name``, sorted.
        accounts: int64 (m,), who comes back to at least half of what its median member does, sorted.
        weight: rarity of the shingles together, in nats.
    """

    shingles: np.ndarray
    accounts: np.ndarray
    weight: float


@inlined
def shingle_name(bins: np.ndarray, row: int, place: int) -> int:
    """Hash of the shingle at a place of a sketch; 0 where the place is empty or an earlier region has the same one."""
    value = bins[row, place]
    if value == 0:
        return np.uint64(0)
    before = place - REGION
    while before >= 0:
        if bins[row, before] == value:
            return np.uint64(0)
        before -= REGION
    return mix64(np.uint64(value) * np.uint64(REGION) + np.uint64(place % REGION))


@kernel
def _returning(bins: np.ndarray, rows: np.ndarray, account: np.ndarray, met: np.ndarray, seen: np.ndarray) -> None:
    """Mark in ``seen``, a bit an account, who has a shingle a second time; ``met`` is a Bloom filter of pairs.

    Only the sketches of ``rows`` are read; ``account`` is (rows,).
    """
    slots = np.uint64(seen.shape[0] - 1)
    mask = np.uint64(met.shape[0] * 64 - 1)
    for at in range(rows.shape[0]):
        who = mix64(np.uint64(account[at]) + np.uint64(1))
        for place in range(bins.shape[1]):
            name = shingle_name(bins, rows[at], place)
            if name == 0:
                continue
            h = mix64(name ^ who)
            first, second = h & mask, (h >> np.uint64(32)) & mask
            a, b = np.int64(first >> np.uint64(6)), np.int64(second >> np.uint64(6))
            x, y = np.uint64(1) << (first & np.uint64(63)), np.uint64(1) << (second & np.uint64(63))
            if met[a] & x and met[b] & y:
                seen[name & slots] |= np.uint64(1) << (who & np.uint64(63))
            else:
                met[a] |= x
                met[b] |= y


@inlined
def _several(bits: int) -> bool:
    """Whether at least ``LEAST`` bits are set."""
    n = 0
    while bits != 0 and n < LEAST:
        bits &= bits - np.uint64(1)
        n += 1
    return n >= LEAST


@kernel
def _occurrences(bins: np.ndarray, rows: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place in ``rows`` and name of every shingle that several accounts seem to come back to."""
    slots = np.uint64(seen.shape[0] - 1)
    size = np.int64(0)
    for row in rows:
        for place in range(bins.shape[1]):
            name = shingle_name(bins, row, place)
            if name != 0 and _several(seen[name & slots]):
                size += 1
    places = np.empty(size, dtype=np.int64)
    names = np.empty(size, dtype=np.uint64)
    at = np.int64(0)
    for i in range(rows.shape[0]):
        for place in range(bins.shape[1]):
            name = shingle_name(bins, rows[i], place)
            if name != 0 and _several(seen[name & slots]):
                places[at] = i
                names[at] = name
                at += 1
    return places, names


@kernel
def _tallied(first: np.ndarray, writer: np.ndarray, accounts: int) -> tuple[np.ndarray, np.ndarray]:
    """How many accounts write each shingle, and how many again; its writers are ``first[i]:first[i + 1]``."""
    writers = np.zeros(first.shape[0] - 1, dtype=np.int64)
    back = np.zeros(first.shape[0] - 1, dtype=np.int64)
    uses = np.zeros(accounts, dtype=np.int64)
    for shingle in range(writers.shape[0]):
        for i in range(first[shingle], first[shingle + 1]):
            uses[writer[i]] += 1
            writers[shingle] += uses[writer[i]] == 1
            back[shingle] += uses[writer[i]] == 2
        for i in range(first[shingle], first[shingle + 1]):
            uses[writer[i]] = 0
    return writers, back


@kernel
def _returners(
    first: np.ndarray, writer: np.ndarray, accounts: int, kept: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The kept shingles' audiences as CSR's row bounds, sorted accounts and uses."""
    bounds = np.zeros(kept.sum() + 1, dtype=np.int32)
    holder = np.empty(size, dtype=np.int32)
    number = np.empty(size, dtype=np.float64)
    uses = np.zeros(accounts, dtype=np.int64)
    at = 0
    row = 0
    for shingle in range(kept.shape[0]):
        if not kept[shingle]:
            continue
        begin = at
        for i in range(first[shingle], first[shingle + 1]):
            uses[writer[i]] += 1
            if uses[writer[i]] == 2:
                holder[at] = writer[i]
                at += 1
        holder[begin:at] = np.sort(holder[begin:at])
        for i in range(begin, at):
            number[i] = uses[holder[i]]
        for i in range(first[shingle], first[shingle + 1]):
            uses[writer[i]] = 0
        row += 1
        bounds[row] = at
    return bounds, holder, number


def everyday(accounts: int) -> float:
    """Of so many accounts, the most that may share a wording before it is everyday language."""
    return max(_POPULAR * accounts, _FEW)


def recurring_shingles(bins: np.ndarray, account: np.ndarray, rows: np.ndarray, accounts: int) -> Shingles:
    """Find the shingles that at least ``LEAST`` accounts come back to, and that are no everyday language.

    Args:
        bins: uint32 (N, B) sketches.
        account: int32 (N,) account of each exchange.
        rows: int64 (r,), one exchange of every (account, prompt) pair, sorted.
        accounts: A.
    """
    who = account[rows].astype(np.int64)
    bits = int(np.clip(np.ceil(np.log2(max(rows.size, 2) * bins.shape[1] * 4)), 20, 34))
    seen = np.zeros(1 << min(bits - 2, 24), dtype=np.uint64)
    _returning(bins, rows, who, np.zeros(1 << (bits - 6), dtype=np.uint64), seen)
    place, name = _occurrences(bins, rows, seen)
    name, index = by_key(name, np.arange(name.size, dtype=np.int64 if name.size >> 32 else np.uint32))
    first = np.r_[np.flatnonzero(np.r_[True, name[1:] != name[:-1]]), name.size] if name.size else np.zeros(1, np.int64)
    names, writer = name[first[:-1]], who[place[index]]
    writers, back = _tallied(first, writer, accounts)
    kept = (back >= LEAST) & (back <= everyday(accounts)) & (back >= _RETURN * writers)
    end, holder, uses = _returners(first, writer, accounts, kept, int(back[kept].sum()))
    table = sparse.csr_matrix((uses, holder, end), shape=(int(kept.sum()), accounts))
    weight = np.log(max(accounts, 1) / np.maximum(writers[kept], 1))
    which = np.empty(index.size, dtype=np.int64)
    which[index] = np.repeat(np.where(kept, np.cumsum(kept) - 1, -1), np.diff(first))
    hit = which >= 0
    return Shingles(names[kept], table, weight, rows, place[hit], which[hit])


def find_audiences(shingles: Shingles, alike: float, least_weight: float) -> list[Audience]:
    """Group shingles whose audiences are alike, the most telling first; each shingle goes to one group.

    Args:
        shingles: as ``recurring_shingles`` finds them.
        alike: least Jaccard index between a shingle's audience and the group's.
        least_weight: groups whose shingles are not so rare together, in nats, are left out.
    """
    table = shingles.table
    if table.shape[0] == 0:
        return []
    first, of = _same_audience(table)
    users = table[first]
    users.data[:] = 1.0
    size = np.diff(users.indptr).astype(float)
    by_account = users.tocsc()
    evidence = np.bincount(of, weights=shingles.weight)
    free = np.ones(first.size, dtype=bool)
    members: list[list[int]] = [[] for _ in range(first.size)]
    for shingle, group in enumerate(of.tolist()):
        members[group].append(shingle)
    shared = np.zeros(first.size, dtype=np.int64)
    found = []
    for leader in np.lexsort((first, -evidence)):
        if not free[leader]:
            continue
        core = users.indices[users.indptr[leader] : users.indptr[leader + 1]]
        group = _alike(by_account.indptr, by_account.indices, size, core, free, alike, shared)
        # Once more, around what most of the group's shingles agree on.
        own = np.sort(np.concatenate([members[g] for g in group]))
        core = _majority(table, own)
        if core.size >= LEAST:
            near = _alike(by_account.indptr, by_account.indices, size, core, free, alike, shared)
            group = np.union1d(near, [leader])
            own = np.sort(np.concatenate([members[g] for g in group]))
        free[group] = False
        weight = float(shingles.weight[own].sum())
        if weight >= least_weight:
            found.append(Audience(own, _majority(table, own), weight))
    return found


def _same_audience(table: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Shingles with the very same audience: one of each, and for every shingle the number of its like."""
    rng = np.random.default_rng(20_260_106)
    marks = rng.integers(0, 2**63, size=table.shape[1], dtype=np.uint64)
    sums = np.add.reduceat(marks[table.indices], table.indptr[:-1])
    _, first, of = np.unique(sums, return_index=True, return_inverse=True)
    return first, of


@kernel
def _alike(
    indptr: np.ndarray,
    indices: np.ndarray,
    size: np.ndarray,
    core: np.ndarray,
    free: np.ndarray,
    alike: float,
    shared: np.ndarray,
) -> np.ndarray:
    """Groups of shingles, among the free ones, whose audience is alike to ``core``; sorted int64.

    ``indptr`` and ``indices`` are the audiences by account; ``shared`` is scratch space, 0 before and after.
    """
    for account in core:
        for i in range(indptr[account], indptr[account + 1]):
            shared[indices[i]] += 1
    near = np.empty(size.shape[0], dtype=np.int64)
    n = 0
    for group in range(size.shape[0]):
        both = shared[group]
        if both > 0 and free[group] and both >= alike * (size[group] + core.shape[0] - both):
            near[n] = group
            n += 1
        shared[group] = 0
    return near[:n].copy()


def _majority(table: sparse.csr_matrix, own: np.ndarray) -> np.ndarray:
    """Accounts in the audience of at least half as many of the shingles ``own`` as the median account is."""
    held = _holders(table.indptr, table.indices, own, table.shape[1])
    return np.flatnonzero(held >= max(0.5 * np.median(held[held > 0]), 1.0))


@kernel
def _holders(indptr: np.ndarray, indices: np.ndarray, own: np.ndarray, accounts: int) -> np.ndarray:
    """How many of the shingles ``own`` each account comes back to."""
    held = np.zeros(accounts, dtype=np.int64)
    for shingle in own:
        for i in range(indptr[shingle], indptr[shingle + 1]):
            held[indices[i]] += 1
    return held


@kernel
def _all_names(bins: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = np.empty(bins.size, dtype=np.int64)
    names = np.empty(bins.size, dtype=np.uint64)
    places = np.empty(bins.size, dtype=np.int64)
    at = np.int64(0)
    for row in range(bins.shape[0]):
        for place in range(bins.shape[1]):
            name = shingle_name(bins, row, place)
            if name != 0:
                rows[at] = row
                names[at] = name
                places[at] = place % REGION
                at += 1
    return rows[:at], names[:at], places[:at]


def held_shingles(bins: np.ndarray, wanted: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Which of some shingles each prompt holds.

    Args:
        bins: uint32 (n, B) sketches.
        wanted: uint64 (k,), sorted names as ``Shingles.name`` has them.

    Returns:
        CSR (n, k), 1 where a prompt holds a shingle; and int64 (k,), the bin that each falls into. Two shingles of one
        bin hide each other, so they never show together.
    """
    row, name, place = _all_names(bins)
    at = np.searchsorted(wanted, name)
    hit = at < wanted.size
    hit[hit] = wanted[at[hit]] == name[hit]
    table = sparse.csr_matrix((np.ones(int(hit.sum())), (row[hit], at[hit])), shape=(bins.shape[0], wanted.size))
    bin_of = np.full(wanted.size, -1)
    bin_of[at[hit]] = place[hit]
    return table, bin_of
