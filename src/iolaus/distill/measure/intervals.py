"""Values with paired bootstrap intervals, capability retention, and the verdict against a bar."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "Judged", "Measure", "Verdict", "judge_measure", "verdict_of"]

Verdict = Literal["kept", "lost", "inconclusive", "not compared"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """As plain numbers."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of several models on the same units (documents, or items of a task).

    Args:
        name: what is measured.
        better: whether higher or lower values are better.
        sums: for each model (n,) the units' sums, such as negative log-likelihoods.
        weights: (n,) the units' weights, such as token counts, or one such array for each model. The metric is
            Σ sums / Σ weights.
        compared: retention and a verdict make sense for it.
        chance: what guessing would give, where that is known.
    """

    name: str
    better: Literal["higher", "lower"]
    sums: Mapping[str, Floats]
    weights: Mapping[str, Floats]
    compared: bool = True
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A metric with intervals.

    Args:
        name, better, units, chance: see `Measure`; units is their number.
        models: value and interval of each model.
        retention: the distilled student's share of the teacher's score: student / teacher, for metrics where lower is
            better teacher / student; None without a teacher or where it makes no sense.
        verdict: kept when the interval lies at or above the bar, lost when it lies below, else inconclusive.
        over_hard: how much better the distilled student is than the hard-label student, positive for better.
        over_undistilled: the same against the undistilled student.
    """

    name: str
    better: str
    units: int
    models: dict[str, Interval]
    retention: Interval | None
    verdict: Verdict
    over_hard: Interval | None
    over_undistilled: Interval | None
    chance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As a tree of plain values."""
        return {
            "name": self.name,
            "better": self.better,
            "units": self.units,
            "chance": self.chance,
            "models": {name: found.to_json() for name, found in self.models.items()},
            "retention": self.retention.to_json() if self.retention else None,
            "verdict": self.verdict,
            "over_hard_label": self.over_hard.to_json() if self.over_hard else None,
            "over_undistilled": self.over_undistilled.to_json() if self.over_undistilled else None,
        }


def judge_measure(measure: Measure, bar: float, confidence: float, resamples: int, seed: int) -> Judged:
    """Intervals by the paired bootstrap: the same resampled units for every model.

    Percentile intervals (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13) over whole units,
    because tokens of one document are not independent.

    Args:
        measure: sums and weights of the units.
        bar: share of the teacher's score to be kept.
        confidence: of the intervals.
        resamples: draws.
        seed: of the draws.
    """
    count = len(next(iter(measure.sums.values())))
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    values, clouds = {}, {}
    for name, sums in measure.sums.items():
        weights = measure.weights[name]
        values[name] = float(sums.sum() / weights.sum())
        clouds[name] = (drawn @ sums) / np.maximum(drawn @ weights, 1e-300)
    ends = ((1 - confidence) / 2, (1 + confidence) / 2)

    def interval(value: float, cloud: Floats) -> Interval:
        low, high = np.quantile(cloud[np.isfinite(cloud)], ends) if np.isfinite(cloud).any() else (value, value)
        return Interval(value, float(low), float(high))

    def gain(over: str) -> Interval | None:
        if "distilled" not in values or over not in values:
            return None
        sign = 1 if measure.better == "higher" else -1
        return interval(sign * (values["distilled"] - values[over]), sign * (clouds["distilled"] - clouds[over]))

    retention = None
    if measure.compared and "teacher" in values and "distilled" in values:
        top, bottom = ("distilled", "teacher") if measure.better == "higher" else ("teacher", "distilled")
        if values[bottom] > 0:
            with np.errstate(divide="ignore", invalid="ignore"):
                retention = interval(values[top] / values[bottom], clouds[top] / clouds[bottom])
    return Judged(
        measure.name,
        measure.better,
        count,
        {name: interval(values[name], clouds[name]) for name in values},
        retention,
        verdict_of(retention, bar),
        gain("hard_label"),
        gain("undistilled"),
        measure.chance,
    )


def verdict_of(retention: Interval | None, bar: float) -> Verdict:
    """Kept when the interval lies at or above the bar, lost when it lies below, else inconclusive."""
    if retention is None:
        return "not compared"
    if retention.low >= bar:
        return "kept"
    return "lost" if retention.high < bar else "inconclusive"
