"""Sentence vectors without a network: one learned vector a word piece, summed and set to length 1.

The vectors are distilled from a sentence encoder (``iolaus.distill.encoders``; the idea is Model2Vec's: a static
embedding that keeps most of a transformer's similarities at hundreds of times its speed). Tokens that the vocabulary
does not spell add a small sparse vector that their hash picks, so that equal words of any language draw texts together.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iolaus.errors import InputError
from iolaus.text.jit import parallel_kernel, spans
from iolaus.text.sketch import text_buffers
from iolaus.text.tokens import mix64
from iolaus.text.wordpiece import MOST_PIECES, WordPieces, add_pieces, compile_pieces

__all__ = ["StaticEncoder", "packaged_encoder", "read_static"]

_PACKAGED: Final = Path(__file__).parent / "weights" / "static.npz"
_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class StaticEncoder:
    """A static encoder, ready to run.

    Attributes:
        vectors: int8 (pieces, width).
        scales: float32 (pieces,); a piece's vector is its row times its scale.
        hashed: length of the vector of a token that the vocabulary does not hold.
        pieces: the vocabulary.
        about: where the vectors come from, as the file says.
    """

    vectors: np.ndarray
    scales: np.ndarray
    hashed: float
    pieces: WordPieces
    about: dict[str, Any]

    @property
    def width(self) -> int:
        """Length of a sentence's vector."""
        return int(self.vectors.shape[1])

    def encode(self, texts: pa.Array | Sequence[str]) -> np.ndarray:
        """Vectors of texts, each of length 1 (0 for a text without tokens); float32 (n, width).

        Args:
            texts: n strings, best as an Arrow array, whose bytes are read in place; null reads as an empty text. Of a
                text the first 256 tokens count.
        """
        column = texts if isinstance(texts, pa.Array) else pa.array(texts, type=pa.string())
        out = np.zeros((len(column), self.width), dtype=np.float32)
        if len(column):
            p = self.pieces
            _encode(
                *text_buffers(column), p.keys, p.ids, p.size, p.longest, p.kinds, p.folds,
                self.vectors, self.scales, np.float32(self.hashed / _PLACES**0.5), out,
            )  # fmt: skip
        return out


@parallel_kernel
def _encode(
    buf: np.ndarray, offsets: np.ndarray, keys: np.ndarray, ids: np.ndarray, size: int, longest: int,
    kinds: np.ndarray, folds: np.ndarray, vectors: np.ndarray, scales: np.ndarray, hashed: float, out: np.ndarray,
) -> None:  # fmt: skip
    n = offsets.shape[0] - 1
    width = out.shape[1]
    chunks = min(n, 64)
    for chunk in spans(chunks):
        tokens = np.empty(MOST_PIECES, dtype=np.int64)
        for row in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            found = add_pieces(buf, offsets[row], offsets[row + 1], keys, ids, size, longest, kinds, folds, tokens)
            total = out[row]
            for i in range(found):
                token = tokens[i]
                if token < size:
                    scale = scales[token]
                    for k in range(width):
                        total[k] += scale * np.float32(vectors[token, k])
                else:
                    h = np.uint64(token)
                    for _ in range(_PLACES):
                        h = mix64(h + np.uint64(1))
                        total[(h >> np.uint64(1)) % np.uint64(width)] += hashed if h & np.uint64(1) else -hashed
            norm = np.float32(0)
            for k in range(width):
                norm += total[k] * total[k]
            if norm > 0:
                norm = np.float32(1) / np.sqrt(norm)
                for k in range(width):
                    total[k] *= norm


def read_static(path: Path) -> StaticEncoder:
    """Read an encoder that ``iolaus.distill.encoders`` wrote.

    Raises:
        InputError: the file is missing or is no static encoder.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            vectors, scales = held["vectors"], held["scales"].astype(np.float32)
            names = held["pieces"].tobytes().decode("utf-8").split("\n")
            about = json.loads(held["about"].tobytes())
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is no static encoder: {error}") from error
    if vectors.ndim != 2 or len(names) != vectors.shape[0] or scales.shape != vectors.shape[:1]:
        raise InputError(f"{path} is no static encoder: vectors, scales and pieces do not fit together")
    return StaticEncoder(np.ascontiguousarray(vectors), scales, float(about["hashed"]), compile_pieces(names), about)


@cache
def packaged_encoder() -> StaticEncoder:
    """The encoder that comes with the package, read once."""
    return read_static(_PACKAGED)
