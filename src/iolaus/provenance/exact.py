"""Tests whose null is the provider's own coin: exact tails, and a bound that fits on one line.

A pair (an exchange of the vault) carries whole-number points, one for each candidate answer, which were fixed
without looking at the coin. Null: the suspect is independent of the coins given everything else, so the served
candidate is uniform over the pair's candidates, independently from pair to pair. Nothing is assumed about the
suspect, the teacher, the prompts or the answers.
"""

from dataclasses import dataclass
from math import exp

import numpy as np
from scipy import stats as sps

from iolaus.errors import InputError

__all__ = ["NullTotal", "hoeffding_bound", "null_total", "served_points", "sign_test"]


@dataclass(frozen=True)
class NullTotal:
    """The exact law of the total of served points when the coins decide alone.

    Args:
        least: the smallest total that can occur.
        tail: (m,) chance of a total of at least ``least``, ``least + 1``, and so on.
    """

    least: int
    tail: np.ndarray

    def p_value(self, total: int | np.ndarray) -> np.ndarray:
        """P(total under the null >= the observed total); the shape of ``total``."""
        at = np.asarray(total) - self.least
        inside = self.tail[np.clip(at, 0, len(self.tail) - 1)]
        found: np.ndarray = np.where(at >= len(self.tail), 0.0, np.where(at <= 0, 1.0, inside))
        return found


def served_points(points: np.ndarray, served: np.ndarray) -> np.ndarray:
    """The points of the served candidates: points (n, k) and served (n,) or (redraws, n) give served's shape."""
    _checked(points)
    return np.take_along_axis(points[None] if served.ndim == 2 else points, served[..., None], -1)[..., 0]


def null_total(points: np.ndarray) -> NullTotal:
    """The law of the total, by adding pair after pair (all terms are positive, so small tails keep their digits).

    With two candidates this is the sign-flip test of all 2^n flips, without drawing any of them.

    Args:
        points: (n, k) whole numbers.
    """
    _checked(points)
    k = points.shape[1]
    low = points.min(axis=1)
    law = np.zeros(int((points.max(axis=1) - low).sum()) + 1)
    law[0] = 1.0
    size = 1
    for shifts in points - low[:, None]:
        grown = size + int(shifts.max())
        added = np.zeros(grown)
        for shift in shifts:
            added[shift : shift + size] += law[:size]
        law[:grown] = added / k
        size = grown
    tail = np.minimum(np.cumsum(law[::-1])[::-1], 1.0)
    return NullTotal(int(low.sum()), tail)


def hoeffding_bound(points: np.ndarray, total: float) -> float:
    """A bound on the same tail: exp(-T^2 / (2 sum w^2)) for two candidates.

    Hoeffding, "Probability inequalities for sums of bounded random variables", JASA 58 (1963), theorem 2, with the
    total taken from its mean and each pair's range as its width: exp(-2 t^2 / sum of squared ranges).
    """
    _checked(points)
    excess = total - float(points.mean(axis=1).sum())
    spread = float(((points.max(axis=1) - points.min(axis=1)).astype(float) ** 2).sum())
    if excess <= 0 or spread == 0:
        return 1.0
    return exp(-2 * excess**2 / spread)


def sign_test(points: np.ndarray, served: np.ndarray) -> tuple[int, int, float]:
    """How often the served candidate has the most points: wins, pairs without a tie, and the exact binomial tail."""
    best = points.max(axis=1)
    clear = (points == best[:, None]).sum(axis=1) == 1
    wins = int((served_points(points, served)[clear] == best[clear]).sum())
    pairs = int(clear.sum())
    return wins, pairs, float(sps.binom.sf(wins - 1, pairs, 1 / points.shape[1])) if pairs else 1.0


def _checked(points: np.ndarray) -> None:
    if points.ndim != 2 or points.shape[1] < 2 or not np.issubdtype(points.dtype, np.integer):
        raise InputError("points must be whole numbers, one row a pair and at least two candidates a row")
