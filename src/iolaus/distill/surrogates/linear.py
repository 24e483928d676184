"""A linear surrogate: one weight a column, on columns brought to one scale.

Classes: multinomial logistic regression on the teacher's probabilities as soft targets. Values: ridge regression.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

__all__ = ["Linear", "fit_linear"]

_PENALTY: Final = 1e-3
_ROUNDS: Final = 500


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of standardised columns.

    Attributes:
        centre: float64 (features,), subtracted from the columns.
        spread: float64 (features,), the columns are divided by it.
        weights: float64 (features, k).
        bias: float64 (k,).
        classes: the scores are probabilities: softmax of the sums.
    """

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    classes: bool

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores of rows; float64 (n, k)."""
        sums: np.ndarray = (rows - self.centre) / self.spread @ self.weights + self.bias
        return _softmax(sums) if self.classes else sums


def fit_linear(rows: np.ndarray, scores: np.ndarray, classes: bool) -> Linear:
    """Fit weights to scores.

    Args:
        rows: (n, features).
        scores: (n, k), the teacher's.
        classes: the scores are probabilities.
    """
    centre, spread = rows.mean(0), np.where(rows.std(0) > 0, rows.std(0), 1.0)
    columns = np.hstack([(rows - centre) / spread, np.ones((len(rows), 1))])
    penalty = np.full((columns.shape[1], 1), _PENALTY)
    penalty[-1] = 0
    if classes:
        weights = _logistic(columns, scores, penalty)
    else:
        gram = columns.T @ columns / len(rows) + np.diag(penalty[:, 0] + 1e-12)
        weights = np.linalg.solve(gram, columns.T @ scores / len(rows))
    return Linear(centre, spread, weights[:-1], weights[-1], classes)


def _logistic(columns: np.ndarray, targets: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Least cross entropy between soft targets and softmax, with a ridge; (features + 1, k)."""
    from scipy.optimize import minimize

    shape = columns.shape[1], targets.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        ours = _softmax(columns @ weights)
        cross = -(targets * np.log(np.maximum(ours, 1e-300))).sum(1).mean()
        slope = columns.T @ (ours - targets) / len(columns) + penalty * weights
        return float(cross + 0.5 * (penalty * weights**2).sum()), slope.ravel()

    found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    weights: np.ndarray = found.x.reshape(shape)
    return weights


def _softmax(sums: np.ndarray) -> np.ndarray:
    raised = np.exp(sums - sums.max(1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(1, keepdims=True)
    return shares
