"""Many hypotheses at once: accounts, campaigns or suspects."""

from typing import Final

import numpy as np

__all__ = ["bonferroni", "e_bh"]

_TINY: Final = 1e-12


def bonferroni(p_values: np.ndarray, alpha: float) -> np.ndarray:
    """Which of m hypotheses are rejected so that the chance of any false rejection is at most alpha: p <= alpha / m."""
    rejected: np.ndarray = p_values * len(p_values) <= alpha * (1 + _TINY)
    return rejected


def e_bh(log_e_values: np.ndarray, alpha: float) -> np.ndarray:
    """Which of m hypotheses are rejected at a false-discovery rate of alpha, whatever the e-values' dependence.

    The k largest, for the greatest k whose k-th largest e-value is at least m / (alpha k) (Wang and Ramdas, "False
    discovery rate control with e-values", JRSS B 84, 2022, section 4).

    Args:
        log_e_values: (m,) logarithms, for e-values of real cases are beyond what a float holds.
        alpha: the rate.
    """
    m = len(log_e_values)
    if m == 0:
        return np.zeros(0, dtype=bool)
    order = np.argsort(-log_e_values, kind="stable")
    enough = log_e_values[order] >= np.log(m) - np.log(alpha) - np.log(np.arange(1, m + 1))
    rejected = np.zeros(m, dtype=bool)
    if enough.any():
        rejected[order[: int(np.nonzero(enough)[0][-1]) + 1]] = True
    return rejected
