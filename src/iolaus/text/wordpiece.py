"""Word pieces from raw bytes: greedy longest-match WordPiece for Latin script, hashed words for every other.

The pieces of Latin words are those of BERT's uncased tokeniser (Devlin et al., NAACL 2019, section 3; the greedy match
is Wu et al., arXiv 1609.08144, section 4.1): lower case, accents off, each mark of punctuation by itself. What that
vocabulary spells letter by letter or not at all (Cyrillic, Arabic, Chinese, emoji) is one hashed token a word, or a
character and a pair of neighbours in scripts without spaces, so that equal words stay equal in any language.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from iolaus.text.jit import inlined, kernel
from iolaus.text.sketch import text_buffers
from iolaus.text.tokens import decode, mix64

__all__ = ["MOST_PIECES", "WordPieces", "add_pieces", "compile_pieces", "split_pieces"]

MOST_PIECES: Final = 256
"""Reading stops after so many pieces of a text."""

_LONGEST_WORD: Final = 100
_FNV: Final = np.uint64(0x100000001B3)
_START: Final = np.uint64(0xCBF29CE484222325)
_INSIDE: Final = np.uint64(0x84222325CBF29CE4)
_OTHER: Final = np.uint64(0x9E3779B97F4A7C15)
_PLANE: Final = 0x10000
# Kinds of characters.
_SPACE, _LATIN, _MARK, _UNSPACED, _DROPPED, _FOREIGN = range(6)


@dataclass(frozen=True, slots=True)
class WordPieces:
    """A vocabulary that the kernels read.

    Attributes:
        keys: uint64 (slots,), hash of a piece, 0 where empty; open addressing.
        ids: int32 (slots,), the piece's row.
        size: number of pieces; tokens at or above it are hashes.
        longest: characters of the longest piece.
        kinds: uint8 (65536,), kind of each code point of the first plane.
        folds: uint16 (65536,), the code point in lower case without accents.
    """

    keys: np.ndarray
    ids: np.ndarray
    size: int
    longest: int
    kinds: np.ndarray
    folds: np.ndarray


def compile_pieces(pieces: Sequence[str]) -> WordPieces:
    """Build the hash table of a vocabulary.

    Args:
        pieces: distinct pieces in the order of their rows; pieces inside a word begin with ``##``.

    Raises:
        ValueError: a piece comes twice.
    """
    slots = 1 << max(int(len(pieces) * 2.5).bit_length(), 4)
    keys = np.zeros(slots, dtype=np.uint64)
    ids = np.zeros(slots, dtype=np.int32)
    text = "".join(piece.removeprefix("##") for piece in pieces)
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    inside = np.array([piece.startswith("##") and len(piece) > 2 for piece in pieces], dtype=np.bool_)
    lengths = np.array([len(piece.removeprefix("##")) for piece in pieces], dtype=np.int64)
    if not _fill(points, inside, lengths, keys, ids):
        raise ValueError("a piece of the vocabulary comes twice")
    kinds, folds = _characters()
    return WordPieces(keys, ids, len(pieces), int(lengths.max(initial=1)), kinds, folds)


@kernel
def _fill(points: np.ndarray, inside: np.ndarray, lengths: np.ndarray, keys: np.ndarray, ids: np.ndarray) -> bool:
    mask = np.uint64(keys.shape[0] - 1)
    at = 0
    for row in range(lengths.shape[0]):
        h = _INSIDE if inside[row] else _START
        for i in range(at, at + lengths[row]):
            h = (h ^ np.uint64(points[i])) * _FNV
        at += lengths[row]
        slot = (h >> np.uint64(20)) & mask
        while keys[slot] != 0:
            if keys[slot] == h:
                return False
            slot = (slot + np.uint64(1)) & mask
        keys[slot] = h
        ids[slot] = row
    return True


_TABLES: list[tuple[np.ndarray, np.ndarray]] = []


def _characters() -> tuple[np.ndarray, np.ndarray]:
    """Kinds and folds of the first plane's code points, built once."""
    if not _TABLES:
        kinds = np.full(_PLANE, _FOREIGN, dtype=np.uint8)
        folds = np.arange(_PLANE, dtype=np.uint16)
        # Beyond the alphabets with cases and the marks, whole blocks are of one kind.
        for point in [*range(0x3100), *range(0xA000, 0xAC00), *range(0xF900, _PLANE)]:
            kinds[point], folds[point] = _character(point)
        kinds[0x3100:0xA000] = _UNSPACED
        kinds[0xD800:0xF900] = _DROPPED
        kinds[0xAC00:0xD7A4] = _FOREIGN
        _TABLES.append((kinds, folds))
    return _TABLES[0]


def _character(point: int) -> tuple[int, int]:
    """Kind and fold of one code point, after BERT's basic tokeniser."""
    char = chr(point)
    category = unicodedata.category(char)
    if category[0] == "Z" or char in "\t\n\r":
        return _SPACE, point
    if category[0] == "C" or category == "Mn":
        return _DROPPED, point
    if category[0] == "P" or (point < 128 and not char.isalnum()):
        return _MARK, point
    if 0x0E00 <= point <= 0x0EFF or 0x1000 <= point <= 0x109F or 0x1780 <= point <= 0x17FF or 0x3040 <= point:
        return (_UNSPACED if 0xF900 <= point < 0xFB00 or point < 0x3100 else _FOREIGN), point
    bare = [c for c in unicodedata.normalize("NFD", char.lower()) if unicodedata.category(c) != "Mn"]
    fold = ord(bare[0]) if len(bare) == 1 else point
    latin = fold < 0x250 or 0x1E00 <= fold < 0x1F00 or 0x2070 <= fold < 0x2C00
    return (_LATIN if latin else _FOREIGN), fold


@inlined
def _hashed(h: int, size: int) -> int:
    """A token that stands for a hash: at or above the vocabulary's size."""
    return np.int64(mix64(h) >> np.uint64(24)) + size


@kernel
def _match(
    word: np.ndarray, length: int, keys: np.ndarray, ids: np.ndarray, longest: int, out: np.ndarray, n: int
) -> int:
    """Pieces of one Latin word, greedily longest first; returns the new count, or -1 where the word has no spelling."""
    mask = np.uint64(keys.shape[0] - 1)
    start = 0
    while start < length:
        h = _START if start == 0 else _INSIDE
        found = -1
        stop = start
        for at in range(start, min(length, start + longest)):
            h = (h ^ np.uint64(word[at])) * _FNV
            slot = (h >> np.uint64(20)) & mask
            while keys[slot] != 0:
                if keys[slot] == h:
                    found = ids[slot]
                    stop = at + 1
                    break
                slot = (slot + np.uint64(1)) & mask
        if found < 0:
            return -1
        if n < out.shape[0]:
            out[n] = found
            n += 1
        start = stop
    return n


@kernel
def _flush(
    word: np.ndarray, length: int, foreign: bool, keys: np.ndarray, ids: np.ndarray, size: int, longest: int,
    out: np.ndarray, n: int,
) -> int:  # fmt: skip
    """End a word: its pieces, or one hash where the vocabulary does not spell it."""
    if n >= out.shape[0]:
        return n
    if not foreign and length <= _LONGEST_WORD:
        after = _match(word, length, keys, ids, longest, out, n)
        if after >= 0:
            return after
    h = _OTHER
    for i in range(min(length, _LONGEST_WORD)):
        h = (h ^ np.uint64(word[i])) * _FNV
    out[n] = _hashed(h, size)
    return n + 1


@kernel
def add_pieces(
    buf: np.ndarray, start: int, end: int, keys: np.ndarray, ids: np.ndarray, size: int, longest: int,
    kinds: np.ndarray, folds: np.ndarray, out: np.ndarray,
) -> int:  # fmt: skip
    """Tokens of the text ``buf[start:end]``: rows of the vocabulary, or hashes at and above ``size``.

    Args:
        buf: uint8 array of UTF-8 bytes.
        start: first byte of the text.
        end: byte after the text.
        keys: the vocabulary's ``keys``; ``ids``, ``size``, ``longest``, ``kinds`` and ``folds`` likewise.
        ids: see ``WordPieces``.
        size: see ``WordPieces``.
        longest: see ``WordPieces``.
        kinds: see ``WordPieces``.
        folds: see ``WordPieces``.
        out: int64 array that takes the tokens; reading stops when it is full.

    Returns:
        How many tokens were written.
    """
    word = np.empty(_LONGEST_WORD + 1, dtype=np.int64)
    length, foreign, n, before = 0, False, 0, 0
    i = start
    while i < end and n < out.shape[0]:
        cp = np.int64(buf[i])
        if cp < 128:
            i += 1
        else:
            cp, i = decode(buf, i, end)
        if cp < _PLANE:
            kind = np.int64(kinds[cp])
            cp = np.int64(folds[cp])
        else:
            kind = _UNSPACED if cp >= 0x20000 else _MARK
        if kind == _DROPPED:
            continue
        if kind == _LATIN or kind == _FOREIGN:
            # A word of a hundred letters and one has no spelling; more letters do not change that.
            if length <= _LONGEST_WORD:
                word[length] = cp
                length += 1
            foreign = foreign or kind == _FOREIGN
            before = 0
            continue
        if length > 0:
            n = _flush(word, length, foreign, keys, ids, size, longest, out, n)
            length, foreign = 0, False
        if kind == _SPACE or n >= out.shape[0]:
            before = 0
            continue
        word[0] = cp
        n = _flush(word, 1, kind == _UNSPACED, keys, ids, size, longest, out, n)
        if kind == _UNSPACED:
            if before != 0 and n < out.shape[0]:
                pair = (_OTHER ^ np.uint64(before)) * _FNV
                out[n] = _hashed((pair ^ np.uint64(cp)) * _FNV, size)
                n += 1
            before = cp
        else:
            before = 0
    if length > 0:
        n = _flush(word, length, foreign, keys, ids, size, longest, out, n)
    return n


@kernel
def _split(
    buf: np.ndarray, offsets: np.ndarray, keys: np.ndarray, ids: np.ndarray, size: int, longest: int,
    kinds: np.ndarray, folds: np.ndarray, out: np.ndarray, ends: np.ndarray, most: int,
) -> None:  # fmt: skip
    at = 0
    for row in range(offsets.shape[0] - 1):
        room = out[at : at + most]
        at += add_pieces(buf, offsets[row], offsets[row + 1], keys, ids, size, longest, kinds, folds, room)
        ends[row + 1] = at


def split_pieces(texts: pa.Array, pieces: WordPieces, most: int = MOST_PIECES) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of many texts.

    Args:
        texts: Arrow string array of length n; null reads as an empty text.
        pieces: the vocabulary.
        most: tokens after which reading a text stops.

    Returns:
        ``tokens`` (int64, all texts in a row) and ``ends`` (int64, n + 1): text i has ``tokens[ends[i]:ends[i + 1]]``.
    """
    buf, offsets = text_buffers(texts)
    ends = np.zeros(len(texts) + 1, dtype=np.int64)
    # A byte begins at most one token, and in an unspaced script a character of three bytes two.
    room = int(np.minimum(np.diff(offsets), most).sum()) + most
    out = np.empty(room, dtype=np.int64)
    _split(
        buf, offsets, pieces.keys, pieces.ids, pieces.size, pieces.longest, pieces.kinds, pieces.folds, out, ends, most
    )
    return out[: ends[-1]], ends
