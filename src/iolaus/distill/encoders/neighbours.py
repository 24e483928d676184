"""Batches of sentences that resemble each other.

Random sentences are nearly all unlike, so a batch of them says nothing on fine shades of likeness. Sentences are
therefore put into cells around centres in the teacher's space (spherical k-means: Dhillon and Modha, Machine Learning
42, 2001), and a batch is drawn from a few cells.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

__all__ = ["Cells", "find_cells"]

_ROUNDS: Final = 6
_AT_ONCE: Final = 8192


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows sorted by cell.

    Attributes:
        order: int64 (n,), the rows.
        ends: int64 (cells + 1,): cell c has ``order[ends[c]:ends[c + 1]]``.
    """

    order: np.ndarray
    ends: np.ndarray

    def draw(self, rng: np.random.Generator, size: int, cells: int = 16) -> np.ndarray:
        """Up to ``size`` distinct rows from ``cells`` cells, which are drawn by their sizes; int64, sorted."""
        sizes = np.diff(self.ends)
        chosen = rng.choice(sizes.size, min(cells, int((sizes > 0).sum())), p=sizes / sizes.sum())
        per = max(size // chosen.size, 1)
        rows = [self.order[self.ends[c] + rng.integers(0, sizes[c], per)] for c in chosen]
        return np.unique(np.concatenate(rows))


def find_cells(vectors: np.ndarray, seed: int, size: int = 110) -> Cells:
    """Cells of about ``size`` rows among unit vectors, float32 (n, d)."""
    rng = np.random.default_rng(seed)
    count = max(len(vectors) // size, 1)
    centres = vectors[rng.choice(len(vectors), count, replace=False)]
    nearest = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(_ROUNDS):
        for start in range(0, len(vectors), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            nearest[part] = np.argmax(vectors[part] @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, vectors)
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return Cells(
        np.argsort(nearest, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(nearest, minlength=count))])
    )
