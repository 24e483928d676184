"""Uniting prompts: what is left out or remembered for speed changes nothing."""

import itertools

import numpy as np
import pytest

from iolaus.text import BINS, REGION, families
from iolaus.text.radix import by_key


def plainly_united(bins, weights):
    """Leaders as ``families`` finds them, with every band kept and every pair of leaders compared anew."""
    bands = []
    for row in range(bins.shape[0]):
        stays = np.flatnonzero(weights[row]).tolist()
        bands += [(int(families._band_key(bins, row, a, b)), row) for a, b in itertools.pairwise(stays)]
    bands.sort()
    leader = list(range(bins.shape[0]))

    def root(x):
        return x if leader[x] == x else root(leader[x])

    def once(row):
        return [p for p in np.flatnonzero(weights[row]) if bins[row, p] not in bins[row, p % REGION : p : REGION]]

    def alike(a, b):
        both = [p for p in once(a) if weights[b, p] and bins[a, p] == bins[b, p]]
        enough = len(both) >= families.CONTAINMENT * min(len(once(a)), len(once(b)))
        return enough and sum(int(weights[a, p]) for p in both) * 0.1 >= families.SHARED_WEIGHT

    first = 0
    for i in range(1, len(bands)):
        if bands[i][0] != bands[i - 1][0]:
            first = i
            continue
        for other in (bands[first][1], bands[i - 1][1]):
            a, b = root(bands[i][1]), root(other)
            if a != b and alike(a, b):
                leader[max(a, b)] = min(a, b)
    return [root(x) for x in range(len(leader))]


@pytest.mark.parametrize("seed", range(8))
def test_leaders_unite_as_if_nothing_were_left_out_or_remembered(seed):
    rng = np.random.default_rng(seed)
    templates = rng.integers(1, 2**32, size=(4, BINS), dtype=np.uint32)
    # One hash has one place in every region, and regions overlap in short prompts.
    templates[:, REGION : 2 * REGION] = templates[:, :REGION]
    bins = templates[rng.integers(0, 4, 60)]
    noise = rng.random(bins.shape) < rng.uniform(0.1, 0.9, (60, 1))
    bins = np.where(noise, rng.integers(1, 6, bins.shape), bins).astype(np.uint32)
    weights = np.where(rng.random(bins.shape) < 0.6, rng.integers(1, 60, bins.shape), 0).astype(np.uint8)
    leaders = np.arange(60)
    keys, owners = families._bands(bins, weights, leaders, *families._band_counts(bins, weights, leaders))
    keys, owners = by_key(keys, owners)
    found = families._unite(keys, owners, bins, leaders, *families._places(bins, weights, leaders), weights)
    expected = plainly_united(bins, weights)
    assert found.tolist() == expected
    assert 1 < len(set(expected)) < 60
