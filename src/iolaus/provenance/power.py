"""How many pairs a power and a level need, and when a case cannot be decided."""

from functools import lru_cache
from math import ceil, log
from typing import Final

import numpy as np
from scipy import stats as sps

from iolaus.errors import InputError

__all__ = ["CEILING", "pairs_for_effect", "pairs_needed", "pairs_to_stop", "sign_test_power", "win_rate_of"]

# More pairs than this are called undecidable.
CEILING: Final = 400_000


@lru_cache(maxsize=4096)
def sign_test_power(pairs: int, win_rate: float, alpha: float) -> float:
    """Chance that the exact sign test rejects: P(B(n, rate) >= c), c the least with P(B(n, 1/2) >= c) <= alpha."""
    least = int(sps.binom.isf(alpha, pairs, 0.5))
    while sps.binom.sf(least - 1, pairs, 0.5) > alpha:
        least += 1
    while least > 0 and sps.binom.sf(least - 2, pairs, 0.5) <= alpha:
        least -= 1
    return float(sps.binom.sf(least - 1, pairs, win_rate))


def pairs_needed(win_rate: float, alpha: float = 1e-6, power: float = 0.95) -> int | None:
    """Pairs at which the exact sign test reaches a power.

    The power of a discrete test rises in saw teeth, so several numbers close together can claim to be the one (for
    a win rate of 0.55 every number from 4,110 and some from 4,087). This one is found by bisection between the
    fewest pairs that could reach alpha at all and CEILING.

    Args:
        win_rate: how often the suspect prefers the served one of two answers, beyond what references explain.
        alpha: level of the test.
        power: chance of a conviction.

    Returns:
        The number of pairs, or None where CEILING pairs do not suffice: such a case cannot be decided.
    """
    _checked(win_rate, alpha, power)
    low, high = _fewest(alpha), CEILING
    if win_rate <= 0.5 or sign_test_power(high, win_rate, alpha) < power:
        return None
    while low < high:
        middle = (low + high) // 2
        if sign_test_power(middle, win_rate, alpha) >= power:
            high = middle
        else:
            low = middle + 1
    return low


def win_rate_of(effect: float) -> float:
    """Win rate of a pair whose difference is Gaussian with a mean of ``effect`` standard deviations."""
    return float(sps.norm.cdf(effect))


def pairs_for_effect(effect: float, alpha: float = 1e-6, power: float = 0.95) -> int | None:
    """Pairs of the sign-flip test when a pair's difference has a mean of ``effect`` standard deviations.

    The Gaussian approximation ((z_alpha + z_power) / effect)^2, but never fewer than could reach alpha at all; None
    beyond CEILING.
    """
    _checked(0.5, alpha, power)
    if effect <= 0:
        return None
    pairs = max(ceil(((sps.norm.isf(alpha) + sps.norm.ppf(power)) / effect) ** 2), _fewest(alpha))
    return pairs if pairs <= CEILING else None


def pairs_to_stop(log_growth: np.ndarray, threshold: float, power: float = 0.95) -> int | None:
    """Pairs by which a share of runs has reached a fortune.

    Args:
        log_growth: (runs, pairs) log-fortune after each pair.
        threshold: the fortune that convicts, such as 1e6.
        power: share of the runs.

    Returns:
        The number of pairs, or None where too few runs get there.
    """
    best = np.maximum.accumulate(log_growth, axis=1) >= np.log(threshold)
    share = best.mean(axis=0)
    return int(np.argmax(share >= power)) + 1 if share[-1] >= power else None


def _fewest(alpha: float) -> int:
    """Pairs of which all must agree to reach a level."""
    return ceil(-log(alpha) / log(2))


def _checked(win_rate: float, alpha: float, power: float) -> None:
    for name, value in (("win rate", win_rate), ("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise InputError(f"the {name} must lie between 0 and 1, not {value}")
