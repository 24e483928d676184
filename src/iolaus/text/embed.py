"""What texts are about, as short vectors: hashed words weighted by rarity.

A deterministic stand-in for a sentence encoder, with no model to carry: every word adds its weight, with a sign, to two
of ``WIDTH`` places that its hash picks (feature hashing: Weinberger et al., ICML 2009, section 2). Rarity is counted on
the texts at hand. It tells topics apart in any script; it does not know that two words mean the same.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from iolaus.text.jit import kernel
from iolaus.text.sketch import text_buffers
from iolaus.text.tokens import mix64, tokenise

__all__ = ["WIDTH", "embed_texts"]

WIDTH: Final = 96
_TABLE: Final = 1 << 20
_TOKENS: Final = 600


@kernel
def _count(buf: np.ndarray, offsets: np.ndarray, counts: np.ndarray) -> None:
    tokens = np.empty(_TOKENS, dtype=np.uint64)
    last = np.zeros(counts.shape[0], dtype=np.int32)
    mask = np.uint64(counts.shape[0] - 1)
    for row in range(offsets.shape[0] - 1):
        n, _ = tokenise(buf, offsets[row], offsets[row + 1], tokens)
        for i in range(n):
            slot = mix64(tokens[i]) & mask
            if last[slot] != row + 1:
                last[slot] = row + 1
                counts[slot] += 1


@kernel
def _embed(buf: np.ndarray, offsets: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    tokens = np.empty(_TOKENS, dtype=np.uint64)
    mask = np.uint64(weight.shape[0] - 1)
    width = np.uint64(out.shape[1])
    for row in range(offsets.shape[0] - 1):
        n, _ = tokenise(buf, offsets[row], offsets[row + 1], tokens)
        for i in range(n):
            h = mix64(tokens[i])
            w = weight[h & mask]
            for part in range(2):
                h = mix64(h + np.uint64(part + 1))
                place = (h >> np.uint64(1)) % width
                out[row, place] += w if h & np.uint64(1) else -w


def embed_texts(texts: pa.Array) -> np.ndarray:
    """Vectors of texts, each of length 1 (0 for a text without words); float32 (n, WIDTH).

    Args:
        texts: Arrow string array of length n. Words that more texts have weigh less, log(n / texts with the word).
    """
    n = len(texts)
    out = np.zeros((n, WIDTH), dtype=np.float32)
    if n == 0:
        return out
    buf, offsets = text_buffers(texts)
    counts = np.zeros(_TABLE, dtype=np.int32)
    _count(buf, offsets, counts)
    weight = np.log((n + 1.0) / (counts + 0.5)).astype(np.float32)
    _embed(buf, offsets, np.maximum(weight, 0.0), out)
    norm = np.linalg.norm(out, axis=1, keepdims=True)
    vectors: np.ndarray = out / np.maximum(norm, 1e-9)
    return vectors
