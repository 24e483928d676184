"""Sorting hashes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iolaus.text.radix import by_key

KEYS = hnp.arrays(np.uint64, st.integers(0, 40), elements=st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1)))


@given(KEYS)
def test_keys_rise_and_ties_keep_their_order(keys):
    order = np.argsort(keys, kind="stable")
    expected = keys[order]
    sorted_keys, values = by_key(keys.copy(), np.arange(keys.size))
    assert np.array_equal(sorted_keys, expected) and np.array_equal(values, order)
