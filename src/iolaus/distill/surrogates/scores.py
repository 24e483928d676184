"""A teacher seen from outside: rows in, scores out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from iolaus.errors import InputError

__all__ = ["Scores", "as_scores"]

Scores = Callable[[np.ndarray], np.ndarray]
"""Rows, float64 (n, features), to scores, float64 (n, k): probabilities of k classes, or one column of values."""


def as_scores(teacher: Any) -> tuple[Scores, tuple[str, ...]]:  # noqa: ANN401 - any model or function
    """A teacher as a function to scores.

    Args:
        teacher: a fitted scikit-learn classifier (its probabilities are used; labels where it has none), a fitted
            regressor, or any function of rows to scores of shape (n,) or (n, k).

    Returns:
        The function, and the names of the classes; no names where the scores are values and not probabilities.

    Raises:
        InputError: the teacher is neither.
    """
    classes = tuple(str(name) for name in getattr(teacher, "classes_", ()))
    if classes and hasattr(teacher, "predict_proba"):
        return _columns(teacher.predict_proba), classes
    if classes and hasattr(teacher, "predict"):
        known = np.asarray(teacher.classes_)
        return _columns(lambda rows: teacher.predict(rows)[:, None] == known), classes
    if hasattr(teacher, "predict"):
        return _columns(teacher.predict), ()
    if callable(teacher):
        return _columns(teacher), ()
    raise InputError(f"a {type(teacher).__name__} is no teacher: it neither predicts nor can be called")


def _columns(answer: Callable[[np.ndarray], Any]) -> Scores:
    def scores(rows: np.ndarray) -> np.ndarray:
        found = np.asarray(answer(rows), dtype=float)
        found = found[:, None] if found.ndim == 1 else found
        if found.ndim != 2 or len(found) != len(rows) or not np.isfinite(found).all():
            raise InputError(f"the teacher gave scores of shape {found.shape} for {len(rows)} rows, or no numbers")
        return found

    return scores
