"""How far a surrogate agrees with its teacher, with an interval, and in a plain sentence."""

from dataclasses import dataclass
from typing import Final

import numpy as np

__all__ = ["Fidelity", "measure_fidelity"]

_DRAWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Agreement on held-out points.

    Attributes:
        value: share of points given the same class; for values, the share of the teacher's variance explained.
        low: lower end of the 95% interval.
        high: its upper end.
        explained: share of the variance of the teacher's scores explained (R²), also for classes.
        points: held-out points asked.
        kind: ``agreement`` or ``variance``.
        bar: what the user asked for.
        queried: the points were made and asked about; otherwise they are rows with known scores.
    """

    value: float
    low: float
    high: float
    explained: float
    points: int
    kind: str
    bar: float
    queried: bool = True

    @property
    def holds(self) -> bool:
        """Whether the interval lies above the bar."""
        return self.low >= self.bar

    def sentence(self, what: str) -> str:
        """What this means for who reads the surrogate as an explanation."""
        interval = f"{self.value:.1%} (95% interval {self.low:.1%} to {self.high:.1%})"
        where = f"{self.points} held-out {'queried points' if self.queried else 'rows'}"
        found = (
            f"The {what} gives the teacher's answer on {interval} of {where}"
            if self.kind == "agreement"
            else f"The {what} explains {interval} of the variance of the teacher's scores on {where}"
        )
        if self.holds:
            return f"{found}, above the bar of {self.bar:.0%}."
        if self.high >= self.bar:
            return f"{found}; whether that reaches the bar of {self.bar:.0%} is open."
        return (
            f"{found}, under the bar of {self.bar:.0%}: it cannot hold this teacher, so do not read it as what it does."
        )


def measure_fidelity(theirs: np.ndarray, ours: np.ndarray, classes: bool, bar: float, seed: int = 0) -> Fidelity:
    """Compare scores on the same points, with a percentile bootstrap over points.

    Args:
        theirs: (n, k) the teacher's scores.
        ours: (n, k) the surrogate's.
        classes: the scores are probabilities of classes, so that agreement counts.
        bar: the fidelity asked for, in (0, 1].
        seed: of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    errors = ((theirs - ours) ** 2).sum(1)
    spreads = ((theirs - theirs.mean(0)) ** 2).sum(1)
    same = (theirs.argmax(1) == ours.argmax(1)).astype(float)
    draws = rng.integers(0, len(theirs), (_DRAWS, len(theirs)), dtype=np.int32)
    explained = _explained(errors.mean(), spreads.mean())
    if classes:
        value, again = float(same.mean()), same[draws].mean(1)
    else:
        value, again = explained, 1 - errors[draws].mean(1) / np.maximum(spreads[draws].mean(1), 1e-300)
    low, high = np.quantile(again, [0.025, 0.975])
    return Fidelity(value, float(low), float(high), explained, len(theirs), "agreement" if classes else "variance", bar)


def _explained(error: float, spread: float) -> float:
    """R²; a teacher that never changes its score is explained by a surrogate that never does."""
    if spread <= 1e-24:
        return 1.0 if error <= 1e-12 else 0.0
    return float(1 - error / spread)
