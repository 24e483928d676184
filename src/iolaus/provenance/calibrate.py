"""From a suspect's scores to points, without looking at a coin.

Every number here is a function of the candidates, the suspect and the reference models. The coins are not among
the arguments, so given all of this they remain fair, and a test on the points is exact however badly the references
fit: a poor fit costs power and nothing else.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from iolaus.errors import InputError

__all__ = ["CUT", "FULL", "RIDGE", "Calibration", "calibrate", "centred", "lengthened"]

# The most points that a candidate can have; whole numbers make the null's law exact and a court's sum easy.
FULL: Final = 10
# Residuals count up to this many robust standard deviations.
CUT: Final = 3.0
RIDGE: Final = 1e-3


@dataclass(frozen=True)
class Calibration:
    """Points and how they came about.

    Args:
        points: (n, k) whole numbers between -FULL and FULL; each row sums to about 0.
        weights: what was subtracted from the suspect's scores, by name of the feature.
        scale: robust standard deviation of the residuals, in the score's unit (nats for log-likelihoods).
        explained: share of the suspect's squared scores that the references explain.
    """

    points: np.ndarray
    weights: dict[str, float]
    scale: float
    explained: float


def centred(scores: np.ndarray) -> np.ndarray:
    """Scores (n, k) less each pair's mean, so that only differences between its candidates remain."""
    middle: np.ndarray = scores - scores.mean(axis=1, keepdims=True)
    return middle


def lengthened(logprobs: np.ndarray, lengths: np.ndarray, power: float) -> np.ndarray:
    """Log-likelihoods (n, k) divided by their number of tokens to a power: 0 leaves sums, 1 gives means."""
    if not 0 <= power <= 1:
        raise InputError(f"the length's power must lie between 0 and 1, not {power}")
    divided: np.ndarray = logprobs / np.maximum(lengths, 1) ** power
    return divided


def calibrate(scores: np.ndarray, references: dict[str, np.ndarray], full: int = FULL) -> Calibration:
    """Subtract what the references predict of a suspect's scores, and turn the rest into points.

    Ridge regression through the origin of the suspect's centred scores on the references' centred scores; the ridge
    is a thousandth of each feature's own square, which only matters where references are copies of each other.

    Args:
        scores: (n, k) of the suspect.
        references: (n, k) by name, such as the teacher's log-likelihoods or the answers' lengths.
        full: the most points.

    Raises:
        InputError: a score is not finite; the text names the pair and the model.
    """
    for name, table in {"suspect": scores, **references}.items():
        bad = ~np.isfinite(table)
        if bad.any():
            row, column = (int(i[0]) for i in np.nonzero(bad))
            raise InputError(f"pair {row}, candidate {column}: the score of {name} is {table[row, column]}")
    target = centred(scores).ravel()
    if not references:
        return _points(target, target, scores.shape, {}, full)
    features = np.stack([centred(table).ravel() for table in references.values()], axis=1)
    size = np.sqrt((features**2).mean(axis=0))
    size[size == 0] = 1.0
    scaled = features / size
    gram = scaled.T @ scaled / len(target)
    fitted = np.linalg.solve(gram + RIDGE * np.eye(len(size)), scaled.T @ target / len(target))
    weights = dict(zip(references, (fitted / size).tolist(), strict=True))
    return _points(target, target - scaled @ fitted, scores.shape, weights, full)


def _points(
    target: np.ndarray, residual: np.ndarray, shape: tuple[int, ...], weights: dict[str, float], full: int
) -> Calibration:
    rest = residual.reshape(shape)
    scale = float(1.4826 * np.median(np.abs(rest)))
    if scale == 0:
        scale = float(np.sqrt((rest**2).mean())) or 1.0
    points = np.rint(np.clip(rest / (CUT * scale), -1, 1) * full).astype(np.int64)
    whole = float((target**2).sum())
    explained = 1 - float((residual**2).sum()) / whole if whole > 0 else 0.0
    return Calibration(points, weights, scale, explained)
