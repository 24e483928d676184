"""A test that may stop at any time: money is bet on the coin, and a fortune of 1/alpha convicts.

Each pair multiplies the fortune by 1 + c (k q - 1), where q is the share that the bet puts on the served one of k
candidates and is fixed before the coin is seen. Under the null the factor's mean is 1, so the fortune is a test
martingale, and the chance that it ever reaches 1/alpha is at most alpha (Ville, "Étude critique de la notion de
collectif", 1939; Shafer, "Testing by betting", JRSS A 184, 2021). For two candidates with points +w and -w and
q = softmax(2 kappa (+w, -w)) the factor is 1 + c tanh(2 kappa w). The fortunes for several kappa are averaged, which is
again a fortune, so none has to be chosen.
"""

from typing import Final

import numpy as np
from scipy.special import logsumexp, softmax

__all__ = ["KAPPAS", "STAKE", "log_factors", "log_fortune", "log_wealth"]

# Boldness of the bets, per unit of FULL points; the right one depends on how strongly the suspect learnt.
KAPPAS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
# Below 1, so that no single pair can ruin the fortune.
STAKE: Final = 0.98


def log_factors(points: np.ndarray, full: int) -> np.ndarray:
    """Logarithm of every factor that a coin could give: points (n, k) to (n, k, len(KAPPAS)).

    Args:
        points: (n, k) points of the candidates.
        full: the most points that a candidate can have; bets see points / full.
    """
    k = points.shape[1]
    share = softmax(2 * np.asarray(KAPPAS) * (points[..., None] / full), axis=1)
    factors: np.ndarray = np.log1p(STAKE * (k * share - 1))
    return factors


def log_wealth(points: np.ndarray, served: np.ndarray, full: int) -> np.ndarray:
    """Log-fortune after each pair: served (n,) gives (n,), served (redraws, n) gives (redraws, n)."""
    factors = log_factors(points, full)
    taken = factors[np.arange(len(points)), served]
    mixed: np.ndarray = logsumexp(np.cumsum(taken, axis=-2), axis=-1) - np.log(len(KAPPAS))
    return mixed


def log_fortune(points: np.ndarray, served: np.ndarray, full: int) -> float:
    """Log-fortune after all pairs; 0 where there are none."""
    return float(log_wealth(points, served, full)[-1]) if len(points) else 0.0
