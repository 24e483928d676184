"""Points to ask the teacher: around the data, not in the data alone.

The data leave most of a decision's boundary unseen, and a teacher can be asked anything. Half of the points are
mixtures of two rows, up to half-way from one to the other (as in mixup: Zhang et al., ICLR 2018, equation 1); half are
rows that took a random part of their columns from another row (as in MUNGE: Bucila et al., KDD 2006, section 3, without
its neighbour search). Columns that hold only whole numbers are never mixed, only taken over.
"""

from typing import Final

import numpy as np

__all__ = ["QUERIES", "sample_queries"]

# Asked where nobody says how many.
QUERIES: Final = 48_000


def sample_queries(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points around rows; float64 (count, features).

    Args:
        rows: float64 (n, features), n of 1 or more.
        count: points to make.
        rng: source of the draws.
    """
    first = rows[rng.integers(0, len(rows), count)]
    second = rows[rng.integers(0, len(rows), count)]
    taken = rng.random(first.shape) < 0.5 * rng.random((count, 1))
    swapped = np.where(taken, second, first)
    mixed = first + (second - first) * 0.5 * rng.random((count, 1))
    whole = np.all(rows == np.rint(rows), axis=0)
    mixed[:, whole] = swapped[:, whole]
    half: np.ndarray = rng.random((count, 1)) < 0.5
    return np.where(half, mixed, swapped)
