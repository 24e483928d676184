"""Sixty-four bits for a text: columns of ids become numbers, straight from Arrow's buffers.

Two of a million different ids collide with a chance of about one in forty million, and then pass for one.
"""

import numpy as np
import pyarrow as pa

from iolaus.text.jit import inlined, kernel
from iolaus.text.sketch import text_buffers
from iolaus.text.tokens import mix64

__all__ = ["hash_texts", "keys_table", "mark", "slot_of"]


def hash_texts(texts: pa.Array) -> np.ndarray:
    """Hash every text of a string array; uint64 (n,), never 0 but for null and for the empty text."""
    out = np.zeros(len(texts), dtype=np.uint64)
    if len(texts):
        _hash(*text_buffers(texts), out)
    if texts.null_count:
        # A null's bytes may be anything.
        out[np.asarray(texts.is_null())] = 0
    return out


@kernel
def _hash(buf: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    for row in range(offsets.shape[0] - 1):
        start, end = offsets[row], offsets[row + 1]
        if start == end:
            continue
        h = np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(end - start)
        for i in range(start, end):
            h = (h ^ np.uint64(buf[i])) * np.uint64(0x100000001B3)
            h ^= h >> np.uint64(29)
        h = mix64(h)
        out[row] = h if h != 0 else np.uint64(1)


@inlined
def slot_of(keys: np.ndarray, key: int) -> int:
    """Where a key stands in an open-addressing table, or the empty place where it would."""
    mask = np.uint64(keys.shape[0] - 1)
    slot = mix64(key) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


def keys_table(keys: np.ndarray, values: np.ndarray, room: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An open-addressing table of keys (uint64, none of them 0) with their values (int32); the first of equals stays.

    ``room`` is for so many more keys.
    """
    size = 1 << max(int(np.ceil(np.log2(max(keys.size + room, 1) * 3))), 4)
    held, of = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    _fill(held, of, keys.astype(np.uint64), values.astype(np.int32))
    return held, of


@kernel
def _fill(held: np.ndarray, of: np.ndarray, keys: np.ndarray, values: np.ndarray) -> None:
    for i in range(keys.shape[0]):
        slot = slot_of(held, keys[i])
        if held[slot] == 0:
            held[slot] = keys[i]
            of[slot] = values[i]


@kernel
def mark(held: np.ndarray, keys: np.ndarray, wanted: np.ndarray, fresh: np.ndarray) -> int:
    """Enter the wanted keys into a set, in turn, and say in ``fresh`` which were not in it; how many those were."""
    added = 0
    for i in range(keys.shape[0]):
        if not wanted[i]:
            continue
        slot = slot_of(held, keys[i])
        fresh[i] = held[slot] == 0
        if fresh[i]:
            held[slot] = keys[i]
            added += 1
    return added
