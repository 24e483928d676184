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
_SAMPLE: Final = 20_000
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
    """Cells of about ``size`` rows among unit vectors, float32 (n, d); the centres are found on a sample."""
    rng = np.random.default_rng(seed)
    count = max(len(vectors) // size, 1)
    sample = vectors[rng.choice(len(vectors), min(len(vectors), _SAMPLE), replace=False)]
    centres = sample[rng.choice(len(sample), min(count, len(sample)), replace=False)]
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    nearest = _nearest(vectors, centres)
    ends = np.concatenate([[0], np.cumsum(np.bincount(nearest, minlength=len(centres)))])
    return Cells(np.argsort(nearest, kind="stable"), ends)


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    parts = range(0, len(vectors), _AT_ONCE)
    return np.concatenate([np.argmax(vectors[start : start + _AT_ONCE] @ centres.T, axis=1) for start in parts])
