"""What an account's prompts say beyond what it always says."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from iolaus.text.jit import kernel
from iolaus.text.tokens import mix64

__all__ = ["without_habits"]

_WORDS: Final = 250
_HABIT: Final = 0.5
_LEAST: Final = 4
# Kinds of characters. Letters make words as long as they go on, scripts without blanks words of two characters.
_LETTER: Final = 1
_DENSE: Final = 2
_UNKNOWN: Final = 255
_DENSE_RANGES: Final = ((0x0E00, 0x0EFF), (0x3040, 0x9FFF), (0xAC00, 0xD7A3))
_BLANK: Final = 32
# Texts that are looked at together, which bounds the memory.
_TOGETHER: Final = 8_192


def without_habits(texts: Sequence[str], owners: Sequence[int]) -> list[str]:
    """Texts without the words that their owner puts into at least half of them.

    An account's own template, or its own paraphrase of a shared one, would otherwise pass for its subject. Owners with
    fewer than four texts keep all their words. Words are told apart by a hash of 64 bits.

    Args:
        texts: n prompts.
        owners: n owners, in any order.

    Returns:
        n texts of lower-case words joined by blanks; of each text the first 250 words.
    """
    order = np.argsort(np.asarray(owners, dtype=np.int64), kind="stable")
    owner = np.asarray(owners, dtype=np.int64)[order]
    kinds = np.full(0x110000, _UNKNOWN, dtype=np.uint8)
    kept = [""] * len(texts)
    for start, end in _parts(owner):
        lower = [texts[i].lower() for i in order[start:end].tolist()]
        points = np.frombuffer("".join(lower).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        _learn(kinds, points)
        ends = np.cumsum(np.fromiter(map(len, lower), dtype=np.int64, count=len(lower)))
        said, stops = _without(points, ends, owner[start:end], kinds)
        whole = said.tobytes().decode("utf-32-le", "surrogatepass")
        begin = 0
        for i, stop in zip(order[start:end].tolist(), stops.tolist(), strict=True):
            kept[i] = whole[begin:stop]
            begin = stop
    return kept


def _parts(owner: np.ndarray) -> Iterator[tuple[int, int]]:
    """Stretches of about ``_TOGETHER`` texts that end where an owner's texts end; ``owner`` is sorted."""
    start = 0
    for bound in [*(np.flatnonzero(owner[1:] != owner[:-1]) + 1).tolist(), owner.size]:
        if bound - start >= _TOGETHER or bound == owner.size > start:
            yield start, bound
            start = bound


def _learn(kinds: np.ndarray, points: np.ndarray) -> None:
    """Fill in the kinds of code points that come up for the first time."""
    met = np.zeros(kinds.size, dtype=bool)
    met[points] = True
    for point in np.flatnonzero(met & (kinds == _UNKNOWN)).tolist():
        sign = chr(point)
        if any(low <= point <= high for low, high in _DENSE_RANGES):
            kinds[point] = _DENSE
        else:
            kinds[point] = _LETTER if sign.isalnum() and not sign.isdecimal() else 0


@kernel
def _read(points: np.ndarray, start: int, end: int, kinds: np.ndarray, words: np.ndarray, hashes: np.ndarray) -> int:
    """Where the words of a text begin and end, and their hashes; how many they are."""
    n = 0
    i = start
    while i < end and n < _WORDS:
        kind = kinds[points[i]]
        if kind != _LETTER and kind != _DENSE:
            i += 1
            continue
        words[n, 0] = i
        limit = end if kind == _LETTER else min(end, i + 2)
        hashes[n] = 0
        while i < limit and kinds[points[i]] == kind:
            hashes[n] = mix64(hashes[n] ^ points[i])
            i += 1
        words[n, 1] = i
        # 0 means an empty slot.
        hashes[n] |= np.uint64(1)
        n += 1
    return n


@kernel
def _without(
    points: np.ndarray, ends: np.ndarray, owner: np.ndarray, kinds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Words of every text but its owner's habits, joined by blanks, and where each text ends in them."""
    out = np.empty(points.shape[0] * 2, dtype=np.uint32)
    stops = np.empty(ends.shape[0], dtype=np.int64)
    words = np.empty((_WORDS, 2), dtype=np.int64)
    hashes = np.empty(_WORDS, dtype=np.uint64)
    at = 0
    first = 0
    while first < owner.shape[0]:
        last = first
        while last < owner.shape[0] and owner[last] == owner[first]:
            last += 1
        # In how many of the owner's texts each word is: a table of open addressing, at most half full.
        size = 1024
        while size < 2 * _WORDS * (last - first):
            size *= 2
        names = np.zeros(size, dtype=np.uint64)
        held = np.zeros(size, dtype=np.int64)
        latest = np.full(size, -1, dtype=np.int64)
        for text in range(first, last):
            for i in range(_read(points, ends[text - 1] if text else 0, ends[text], kinds, words, hashes)):
                slot = _slot(names, hashes[i])
                names[slot] = hashes[i]
                held[slot] += latest[slot] != text
                latest[slot] = text
        for text in range(first, last):
            begin = at
            for i in range(_read(points, ends[text - 1] if text else 0, ends[text], kinds, words, hashes)):
                if last - first >= _LEAST and held[_slot(names, hashes[i])] >= _HABIT * (last - first):
                    continue
                if at > begin:
                    out[at] = _BLANK
                    at += 1
                for place in range(words[i, 0], words[i, 1]):
                    out[at] = points[place]
                    at += 1
            stops[text] = at
        first = last
    return out[:at], stops


@kernel
def _slot(names: np.ndarray, name: int) -> int:
    """Where a word stands in the table, or is to stand."""
    mask = np.uint64(names.shape[0] - 1)
    slot = (name >> np.uint64(1)) & mask
    while names[slot] != 0 and names[slot] != name:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)
