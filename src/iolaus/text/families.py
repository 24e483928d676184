"""Prompt families: which prompts were made from one template.

A sketch's bin holds one sampled shingle. Shingles that at least three accounts use are the words that stay; the
others are fillings and are dropped. Prompts are then banded on neighbouring shingles that stay, verified by weighted
Jaccard similarity (weight: log of how rare a shingle is, so that everyday phrases join nothing), and united. A long
filling therefore does not hide a short template, as it does when whole prompts are compared.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.text.jit import inlined, kernel, parallel_kernel, spans
from iolaus.text.radix import by_key
from iolaus.text.sketch import REGION
from iolaus.text.tokens import mix64

__all__ = ["Families", "find_families"]

MIN_ACCOUNTS: Final = 3
# Two prompts are of one family when half of what stays in the one that has less of it stays in both ...
CONTAINMENT: Final = 0.5
# ... and when what they share is no everyday language: so many nats of rarity.
SHARED_WEIGHT: Final = 20.0
_MIN_SHINGLES: Final = 3
_WEIGHT_STEP: Final = 0.1
# Pairs of leaders that are known to be unlike; a power of two.
_REMEMBERED: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Families:
    """Families of n prompts.

    Attributes:
        of: int32 (n,), the family of each prompt, -1 where it has none. Families are numbered by falling number of
            prompts, ties by the least signature, so numbers do not depend on the order of rows.
        fresh: float32 (n,), share of each prompt's sampled shingles that fewer than ``MIN_ACCOUNTS`` accounts use:
            how much of it is filling. 0 for a prompt without words.
        count: number of families.
    """

    of: np.ndarray
    fresh: np.ndarray
    count: int


def find_families(bins: np.ndarray, account: np.ndarray) -> Families:
    """Group prompts into families.

    Args:
        bins: uint32 (n, B) sketches, 0 where a bin is empty.
        account: int32 (n,) account index of each prompt, in [0, A).

    Returns:
        Families that at least ``MIN_ACCOUNTS`` accounts use.
    """
    n = bins.shape[0]
    if n == 0:
        return Families(np.zeros(0, np.int32), np.zeros(0, np.float32), 0)
    weights = _shingle_weights(bins, account)
    signature, total, kept = _signatures(bins, weights)
    carries = (kept >= _MIN_SHINGLES) & (total * _WEIGHT_STEP >= SHARED_WEIGHT)
    rows = np.flatnonzero(carries)
    of = np.full(n, -1, dtype=np.int32)
    sampled = (bins[:, :REGION] != 0).sum(axis=1)
    fillings = sampled - (weights[:, :REGION] != 0).sum(axis=1)
    fresh = (fillings / np.maximum(sampled, 1)).astype(np.float32)
    if rows.size == 0:
        return Families(of, fresh, 0)
    unique, first, inverse = np.unique(signature[rows], return_index=True, return_inverse=True)
    # Leaders come first: the prompts with the fewest shingles that stay show their template with the least filling.
    purest = np.lexsort((unique, kept[rows[first]]))
    rank = np.empty_like(purest)
    rank[purest] = np.arange(purest.size)
    unique, inverse, leaders = unique[purest], rank[inverse], rows[first][purest]
    keys, owners = _bands(bins, weights, leaders, *_band_counts(bins, weights, leaders))
    # Owners come in rising order, so a stable sort by key alone leaves them so within a band.
    keys, owners = by_key(keys, owners)
    root = _unite(keys, owners, bins, leaders, *_places(bins, weights, leaders), weights)
    labels = _number(root[inverse], account[rows], unique)
    of[rows] = labels
    return Families(of, fresh, int(labels.max()) + 1 if labels.size else 0)


def _shingle_weights(bins: np.ndarray, account: np.ndarray) -> np.ndarray:
    """Weight of every sampled shingle in steps of 0.1 nat (uint8, same shape as ``bins``); 0 for a filling."""
    n, width = bins.shape
    bits = int(np.clip(np.ceil(np.log2(max(n * width, 2) * 1.5)), 16, 26))
    uses = np.zeros(1 << bits, dtype=np.uint32)
    seen = np.zeros(1 << bits, dtype=np.uint64)
    _count(bins, account.astype(np.int64), uses, seen)
    out = np.zeros((n, width), dtype=np.uint8)
    _weigh(bins, uses, seen, float(n), out)
    return out


@inlined
def _slot(place: int, value: int, mask: int) -> int:
    return np.int64(mix64(np.uint64(value) * np.uint64(64) + np.uint64(place)) & mask)


@kernel
def _count(bins: np.ndarray, account: np.ndarray, uses: np.ndarray, seen: np.ndarray) -> None:
    mask = np.uint64(uses.shape[0] - 1)
    for row in range(bins.shape[0]):
        bit = np.uint64(1) << (mix64(np.uint64(account[row]) + np.uint64(1)) & np.uint64(63))
        for place in range(bins.shape[1]):
            value = bins[row, place]
            if value != 0:
                slot = _slot(place, value, mask)
                uses[slot] += np.uint32(1)
                seen[slot] |= bit


@inlined
def _popcount(x: int) -> int:
    n = np.int64(0)
    while x != 0 and n < 8:
        x &= x - np.uint64(1)
        n += 1
    return n


@parallel_kernel
def _weigh(bins: np.ndarray, uses: np.ndarray, seen: np.ndarray, n: float, out: np.ndarray) -> None:
    mask = np.uint64(uses.shape[0] - 1)
    for row in spans(bins.shape[0]):
        for place in range(bins.shape[1]):
            value = bins[row, place]
            if value == 0:
                continue
            slot = _slot(place, value, mask)
            # Distinct accounts, by the bits they set: exact enough to tell "at least three".
            if _popcount(seen[slot]) >= MIN_ACCOUNTS:
                w = np.log(n / uses[slot]) / _WEIGHT_STEP
                out[row, place] = np.uint8(min(max(w, 1.0), 255.0))


@parallel_kernel
def _signatures(bins: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = bins.shape[0]
    signature = np.zeros(n, dtype=np.uint64)
    total = np.zeros(n, dtype=np.int64)
    kept = np.zeros(n, dtype=np.int64)
    for row in spans(n):
        h = np.uint64(0)
        t = np.int64(0)
        k = np.int64(0)
        for place in range(bins.shape[1]):
            if weights[row, place] != 0:
                h = mix64(h * np.uint64(31) + np.uint64(bins[row, place]) * np.uint64(64) + np.uint64(place))
                t += np.int64(weights[row, place])
                k += 1
        signature[row] = h
        total[row] = t
        kept[row] = k
    return signature, total, kept


@inlined
def _band_key(bins: np.ndarray, row: int, last: int, place: int) -> int:
    """Hash of two neighbouring shingles that stay, with their places."""
    h = np.uint64(bins[row, last]) << np.uint64(32) | np.uint64(bins[row, place])
    return mix64(h ^ (np.uint64(last) << np.uint64(6) | np.uint64(place)))


@kernel
def _band_counts(bins: np.ndarray, weights: np.ndarray, leaders: np.ndarray) -> tuple[np.ndarray, int]:
    """How often bands were met, 0, 1 or 2, by slots of their keys; and how many bands are met in a slot met twice.

    A band of one prompt joins nothing, and most bands are of one: they are left out before anything is sorted.
    """
    bits = 16
    while (np.int64(1) << bits) < 64 * leaders.shape[0] and bits < 27:
        bits += 1
    met = np.zeros(np.int64(1) << bits, dtype=np.uint8)
    mask = np.uint64(met.shape[0] - 1)
    size = np.int64(0)
    for row in leaders:
        last = np.int64(-1)
        for place in range(bins.shape[1]):
            if weights[row, place] == 0:
                continue
            if last >= 0:
                slot = np.int64(_band_key(bins, row, last, place) & mask)
                if met[slot] < 2:
                    met[slot] += 1
                    size += met[slot] == 2
                size += met[slot] == 2
            last = place
    return met, size


@kernel
def _bands(
    bins: np.ndarray, weights: np.ndarray, leaders: np.ndarray, met: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """One key for every two neighbouring shingles that stay, with the leader that has it; those met once left out."""
    keys = np.empty(size, dtype=np.uint64)
    owners = np.empty(size, dtype=np.uint32)
    mask = np.uint64(met.shape[0] - 1)
    at = np.int64(0)
    for leader in range(leaders.shape[0]):
        row = leaders[leader]
        last = np.int64(-1)
        for place in range(bins.shape[1]):
            if weights[row, place] == 0:
                continue
            if last >= 0:
                key = _band_key(bins, row, last, place)
                if met[np.int64(key & mask)] == 2:
                    keys[at] = key
                    owners[at] = leader
                    at += 1
            last = place
    return keys[:at], owners[:at]


@kernel
def _places(bins: np.ndarray, weights: np.ndarray, leaders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of each leader with a shingle that stays, a bit each; and those whose shingle no earlier region has."""
    stays = np.zeros(leaders.shape[0], dtype=np.uint64)
    own = np.zeros(leaders.shape[0], dtype=np.uint64)
    for leader in range(leaders.shape[0]):
        row = leaders[leader]
        for place in range(bins.shape[1]):
            if weights[row, place] > 0:
                bit = np.uint64(1) << np.uint64(place)
                stays[leader] |= bit
                if not _sampled_before(bins, row, place):
                    own[leader] |= bit
    return stays, own


@inlined
def _root(parent: np.ndarray, x: int) -> int:
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@inlined
def _bits(x: int) -> int:
    """How many bits are set."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inlined
def _same_family(
    bins: np.ndarray, weights: np.ndarray, leaders: np.ndarray, stays: np.ndarray, own: np.ndarray, a: int, b: int
) -> bool:
    """Whether two prompts share enough of what stays; a shingle that several regions sampled counts once."""
    need = CONTAINMENT * min(_bits(own[a]), _bits(own[b]))
    common = own[a] & stays[b]
    if _bits(common) < need:
        return False
    one, other = leaders[a], leaders[b]
    shared = 0
    weight = 0.0
    while common != 0:
        place = _bits((common & (~common + np.uint64(1))) - np.uint64(1))
        common &= common - np.uint64(1)
        if bins[one, place] == bins[other, place]:
            shared += 1
            weight += weights[one, place]
    return shared >= need and weight * _WEIGHT_STEP >= SHARED_WEIGHT


@inlined
def _sampled_before(bins: np.ndarray, row: int, place: int) -> bool:
    """Whether an earlier region of the sketch holds the same shingle; one hash has one place in every region."""
    before = place - REGION
    while before >= 0:
        if bins[row, before] == bins[row, place]:
            return True
        before -= REGION
    return False


@kernel
def _unite(
    keys: np.ndarray,
    owners: np.ndarray,
    bins: np.ndarray,
    leaders: np.ndarray,
    stays: np.ndarray,
    own: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Families around leaders: two groups in one band unite when their leaders are alike.

    Comparing leaders, not neighbours, keeps a chain of ever so slightly different prompts from joining everything. Two
    leaders meet in many bands and are alike in all of them or in none, so pairs that are not are remembered.
    """
    leader = np.arange(leaders.shape[0])
    unlike = np.zeros(_REMEMBERED, dtype=np.uint64)
    first = 0
    for i in range(1, keys.shape[0]):
        if keys[i] != keys[i - 1]:
            first = i
            continue
        for other in (owners[first], owners[i - 1]):
            a, b = _root(leader, np.int64(owners[i])), _root(leader, np.int64(other))
            if a == b:
                continue
            # The order of a pair is kept, for the weight of what two leaders share is read off the first.
            pair = np.uint64(a) << np.uint64(32) | np.uint64(b)
            slot = np.int64(mix64(pair) & np.uint64(_REMEMBERED - 1))
            if unlike[slot] == pair:
                continue
            if _same_family(bins, weights, leaders, stays, own, a, b):
                leader[max(a, b)] = min(a, b)
            else:
                unlike[slot] = pair
    for i in range(leader.shape[0]):
        leader[i] = _root(leader, np.int64(i))
    return leader


def _number(component: np.ndarray, account: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Family numbers of the rows: -1 under ``MIN_ACCOUNTS`` accounts, else by falling size, then signature."""
    pairs = np.unique(np.stack([component.astype(np.int64), account.astype(np.int64)], axis=1), axis=0)
    size = component.max() + 1
    accounts = np.bincount(pairs[:, 0], minlength=size)
    prompts = np.bincount(component, minlength=size)
    live = np.flatnonzero(accounts >= MIN_ACCOUNTS)
    ranked = live[np.lexsort((signatures[live], -prompts[live]))]
    number = np.full(size, -1, dtype=np.int32)
    number[ranked] = np.arange(ranked.size, dtype=np.int32)
    return number[component]
