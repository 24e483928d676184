"""Rank correlation of several models' similarities with a reference, on the same pairs."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats as sps

from iolaus.distill.measure.intervals import Interval, Judged, verdict_of

__all__ = ["judge_ranks"]


def judge_ranks(
    name: str,
    reference: NDArray[np.float64],
    similarities: Mapping[str, NDArray[np.float64]],
    bar: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> Judged:
    """Spearman's correlation with a reference, with paired bootstrap intervals over pairs.

    Args:
        name: of the metric.
        reference: (n,) such as likeness as people see it.
        similarities: for each model (n,) its own; retention is distilled over teacher, where both are there.
        bar: share of the teacher's correlation to be kept.
        confidence: of the intervals.
        resamples: draws.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    count = len(reference)
    chosen = [np.arange(count), *(draw.integers(0, count, count) for _ in range(resamples))]
    found = {
        model: np.array([float(sps.spearmanr(values[rows], reference[rows]).statistic) for rows in chosen])
        for model, values in similarities.items()
    }

    def interval(cloud: NDArray[np.float64]) -> Interval:
        low, high = np.nanquantile(cloud[1:], [(1 - confidence) / 2, (1 + confidence) / 2])
        return Interval(float(cloud[0]), float(low), float(high))

    retention = interval(found["distilled"] / found["teacher"]) if {"distilled", "teacher"} <= found.keys() else None
    gain = interval(found["distilled"] - found["undistilled"]) if "undistilled" in found else None
    models = {model: interval(cloud) for model, cloud in found.items()}
    return Judged(name, "higher", count, models, retention, verdict_of(retention, bar), None, gain)
