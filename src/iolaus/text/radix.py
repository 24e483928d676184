"""Sorting millions of hashes in linear time."""

from typing import Final

import numpy as np

from iolaus.text.jit import kernel

__all__ = ["by_key"]

_DIGIT: Final = 11


@kernel
def by_key(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays in the rising order of the keys; ties stay in the order in which they came.

    Radix sort from the lowest digit on (Knuth, "The Art of Computer Programming" 3, section 5.2.5, algorithm R). The
    arrays that are given serve as scratch space.

    Args:
        keys: uint64 (n,).
        values: (n,) what goes with each key.
    """
    other_keys, other_values = np.empty_like(keys), np.empty_like(values)
    mask = np.uint64((1 << _DIGIT) - 1)
    for digit in range(-(-64 // _DIGIT)):
        shift = np.uint64(digit * _DIGIT)
        start = np.zeros((1 << _DIGIT) + 1, dtype=np.int64)
        for i in range(keys.shape[0]):
            start[np.int64((keys[i] >> shift) & mask) + 1] += 1
        start = np.cumsum(start)
        for i in range(keys.shape[0]):
            place = np.int64((keys[i] >> shift) & mask)
            other_keys[start[place]] = keys[i]
            other_values[start[place]] = values[i]
            start[place] += 1
        keys, other_keys = other_keys, keys
        values, other_values = other_values, values
    return keys, values
