"""Which words, and which neighbouring words, texts hold: the fine grain that sketches leave out.

A sketch keeps a sample of a prompt's shingles, enough for what is written again and again in the same words. Who says
the same in ever new words gives himself away by single words and pairs, and by all of them, not by a sample.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from scipy import sparse

from iolaus.text.jit import inlined, kernel
from iolaus.text.sketch import text_buffers
from iolaus.text.tokens import decode, mix64, tokenise

__all__ = ["SCRIPTS", "Words", "no_words", "read_words"]

# Alphabets, other scripts with blanks between words, scripts without.
SCRIPTS: Final = 3
# The first and the last so many tokens of a text are read: instructions stand at its ends.
_HEAD: Final = 400
_TAIL: Final = 200
_TOKENS: Final = 4096
_SLOTS: Final = 1 << 21
# A word of fewer texts tells two accounts apart at most.
_LEAST_TEXTS: Final = 4


@dataclass(frozen=True, slots=True)
class Words:
    """The words and pairs of n texts.

    Attributes:
        table: float32 CSR (n, k), 1 where a text holds a word or a pair.
        script: int64 (n,), which of ``SCRIPTS`` kinds of script each text is mostly written in.
    """

    table: sparse.csr_matrix
    script: np.ndarray


@inlined
def _script(buf: np.ndarray, start: int, end: int) -> int:
    """0 mostly Latin, 1 mostly another script with blanks between words, 2 mostly a script without."""
    latin, other, dense = 0, 0, 0
    i = start
    while i < end:
        cp, i = decode(buf, i, end)
        if cp >= 0x2E80:
            dense += 1
        elif cp >= 0x370 and not 0x2000 <= cp <= 0x2BFF:
            other += 1
        elif cp >= 65:
            latin += 1
    # One character of a dense script says about as much as three letters.
    if 3 * dense > latin + other:
        return 2
    return 1 if other > latin else 0


@kernel
def _slots_of(buf: np.ndarray, start: int, end: int, tokens: np.ndarray, out: np.ndarray) -> int:
    """Slots of a text's words and pairs, sorted, each once; how many they are."""
    n, _ = tokenise(buf, start, end, tokens)
    mask = np.uint64(_SLOTS - 1)
    size = 0
    for i in range(n):
        if _HEAD <= i < n - _TAIL:
            continue
        out[size] = mix64(tokens[i]) & mask
        size += 1
        if i + 1 < n:
            out[size] = mix64(tokens[i] * np.uint64(3) ^ tokens[i + 1]) & mask
            size += 1
    part = np.sort(out[:size])
    kept = 0
    for i in range(size):
        if i == 0 or part[i] != part[i - 1]:
            out[kept] = part[i]
            kept += 1
    return kept


@kernel
def _count(buf: np.ndarray, offsets: np.ndarray, texts: np.ndarray, script: np.ndarray) -> None:
    tokens = np.empty(_TOKENS, dtype=np.uint64)
    slots = np.empty(2 * (_HEAD + _TAIL) + 2, dtype=np.uint64)
    for row in range(offsets.shape[0] - 1):
        script[row] = _script(buf, offsets[row], offsets[row + 1])
        for i in range(_slots_of(buf, offsets[row], offsets[row + 1], tokens, slots)):
            texts[slots[i]] += 1


@kernel
def _fill(buf: np.ndarray, offsets: np.ndarray, number: np.ndarray, start: np.ndarray, out: np.ndarray) -> int:
    """Column numbers of every text's kept slots, one text after another; how many they are."""
    tokens = np.empty(_TOKENS, dtype=np.uint64)
    slots = np.empty(2 * (_HEAD + _TAIL) + 2, dtype=np.uint64)
    at = 0
    for row in range(offsets.shape[0] - 1):
        start[row] = at
        for i in range(_slots_of(buf, offsets[row], offsets[row + 1], tokens, slots)):
            column = number[slots[i]]
            if column >= 0:
                out[at] = column
                at += 1
    start[offsets.shape[0] - 1] = at
    return at


def no_words() -> Words:
    """Of no texts."""
    return Words(sparse.csr_matrix((0, 0), dtype=np.float32), np.zeros(0, dtype=np.int64))


def read_words(texts: pa.Array) -> Words:
    """Words and pairs that at least four of the texts hold; numbers, quotes and code count as one word each.

    Args:
        texts: Arrow string array of length n.
    """
    n = len(texts)
    if n == 0:
        return no_words()
    buf, offsets = text_buffers(texts)
    script = np.zeros(n, dtype=np.int64)
    held = np.zeros(_SLOTS, dtype=np.int32)
    _count(buf, offsets, held, script)
    kept = held >= _LEAST_TEXTS
    number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    start = np.zeros(n + 1, dtype=np.int64)
    columns = np.empty(int(held[kept].sum()), dtype=np.int32)
    size = _fill(buf, offsets, number, start, columns)
    table = sparse.csr_matrix((np.ones(size, np.float32), columns, start), shape=(n, int(kept.sum())))
    return Words(table, script)
