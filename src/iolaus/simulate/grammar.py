"""A grammar whose sentences are numbered, so that a prompt is one integer until it is written.

A log of a million rows is planned as arrays of integers, sorted, and only then turned into text, chunk by
chunk. Every number below a pattern's size gives another sentence: drawing distinct numbers is drawing
without repetition.
"""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["SLOT", "Grammar", "Ints"]

Ints = NDArray[np.int64]

# Numbers stay exact as float64 when they are drawn by scaling a uniform variate.
_LARGEST = 2**50
SLOT = re.compile(r"\{(\w+)\}")


class Grammar:
    """Patterns with slots, each slot filled from a word list.

    Args:
        patterns: sentences with slots such as ``{city}``.
        words: word list of each slot; entries must be distinct within a list.
        even: draw every pattern as often; else one with few sentences is drawn less often.

    Raises:
        KeyError: where a slot has no word list.
    """

    def __init__(self, patterns: Sequence[str], words: Mapping[str, Sequence[str]], *, even: bool = False) -> None:
        """Parse the patterns and count their sentences."""
        # A pattern with %s for its slots, and the words of each slot with their number.
        self._parts: list[tuple[str, list[tuple[Sequence[str], int]]]] = []
        sizes = []
        for pattern in patterns:
            pieces = SLOT.split(pattern)
            slots = [(words[name], len(words[name])) for name in pieces[1::2]]
            self._parts.append(("%s".join(text.replace("%", "%%") for text in pieces[::2]), slots))
            sizes.append(min(math.prod(n for _, n in slots), _LARGEST))
        self._sizes = np.array(sizes, dtype=np.int64)
        # A short pattern with few fillings would make strangers repeat each other.
        weights = np.ones(len(sizes)) if even else np.minimum(self._sizes / 2e5, 1.0) + 1e-9
        self._weights = np.cumsum(weights / weights.sum())

    @property
    def size(self) -> int:
        """How many sentences there are, over all patterns (each capped at 2**50)."""
        return int(self._sizes.sum())

    def draw(self, rng: np.random.Generator, n: int) -> Ints:
        """Draw ``n`` sentence numbers; shape (n,)."""
        if n == 0:
            return np.empty(0, dtype=np.int64)
        pattern = np.minimum(np.searchsorted(self._weights, rng.random(n)), len(self._parts) - 1)
        filling = (rng.random(n) * self._sizes[pattern]).astype(np.int64)
        return filling * len(self._parts) + pattern

    def draw_distinct(self, rng: np.random.Generator, n: int) -> Ints:
        """Draw up to ``n`` sentence numbers without repetition; fewer where the grammar is too small."""
        seen = self.draw(rng, n)
        for _ in range(12):
            _, first = np.unique(seen, return_index=True)
            seen = seen[np.sort(first)]
            if len(seen) >= n:
                break
            seen = np.concatenate([seen, self.draw(rng, 2 * (n - len(seen)) + 8)])
        return seen[:n]

    def render(self, number: int) -> str:
        """Write the sentence of a number."""
        rest, pattern = divmod(number, len(self._parts))
        text, slots = self._parts[pattern]
        filling = []
        for words, n in slots:
            filling.append(words[rest % n])
            rest //= n
        return text % tuple(filling)
