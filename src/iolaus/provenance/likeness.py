"""How alike two texts are: shared runs of words, the rarer the heavier."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

__all__ = ["Likeness"]

_LONGEST: Final = 4


class Likeness:
    """Weighted overlap of runs of one to four words.

    A run weighs the logarithm of how rare it is among the given texts, times its length. The texts are all candidates
    of a test, served or not, so the weights know nothing of the coins.

    Args:
        texts: what rarity is judged by.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._known: Counter[tuple[str, ...]] = Counter()
        count = 0
        for text in texts:
            self._known.update(_runs(text).keys())
            count += 1
        self._count = count

    def of(self, one: str, other: str) -> float:
        """Between 0 (nothing shared) and 1 (the same runs); symmetric."""
        a, b = _runs(one), _runs(other)
        shared = sum(self._weight(run) * min(n, b[run]) for run, n in a.items() if run in b)
        whole = sum(self._weight(run) * n for run, n in a.items()) + sum(self._weight(run) * n for run, n in b.items())
        return 2 * shared / whole if whole else 0.0

    def _weight(self, run: tuple[str, ...]) -> float:
        return len(run) * math.log((self._count + 2) / (self._known[run] + 1))


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = text.lower().split()
    return Counter(tuple(words[i : i + n]) for n in range(1, _LONGEST + 1) for i in range(len(words) - n + 1))
