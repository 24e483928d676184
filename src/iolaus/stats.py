"""Tests of hypotheses and error control. Nothing here knows what an exchange is."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

__all__ = [
    "P_FLOOR",
    "benjamini_hochberg",
    "binomial_tail",
    "cauchy_combination",
    "chances_alike",
    "concentration",
    "hypergeometric_tail",
    "log_odds_bound",
    "partial_tail",
    "poisson_binomial_tail",
    "poisson_tail",
    "population_interval",
    "resampled_tail",
    "sequential_tail",
]

# No p-value is reported below this: beyond it, tails are extrapolations.
P_FLOOR: Final = 1e-12
# Draws of a null that reach the observation before no more are needed, and draws that are made at a time.
_REACHED: Final = 10
_AT_A_TIME: Final = 20


def _clip(p: float) -> float:
    return float(min(max(p, P_FLOOR), 1.0))


def cauchy_combination(p_values: ArrayLike) -> float:
    """One p-value for the null that all of several nulls hold; no p-values give 1.

    Liu and Xie, "Cauchy combination test", JASA 115 (2020), section 2: as the level goes to 0, the size goes to the
    level for a fixed number of tests whose scores are pairwise normal, however they correlate. At a level that is not
    small it exceeds it: for equicorrelated normal scores (200,000 draws or more, correlations 0 to 0.99) the size is
    at most 1.14 times a level of 0.05 for 3 tests, 1.28 for 8, 1.43 for 20; times a level of 0.01 at most 1.10, 1.22,
    1.30. Under any dependence whatever it is no bound. p-values above 1 - 1/(2k) are drawn in to that, for a single 1
    would otherwise outvote everything; for independent tests this costs at most a tenth of the level.
    """
    p = np.asarray(p_values, dtype=float)
    if p.size == 0:
        return 1.0
    p = np.clip(p, P_FLOOR, 1 - 0.5 / max(p.size, 2))
    # tan((1/2 - p) pi) loses its digits for small p, where it is 1 / (p pi).
    with np.errstate(divide="ignore"):
        terms = np.where(p < 1e-8, 1 / (p * np.pi), np.tan((0.5 - p) * np.pi))
    return _clip(float(sps.cauchy.sf(terms.mean())))


def benjamini_hochberg(p_values: ArrayLike) -> np.ndarray:
    """q-values: the least false-discovery rate at which each hypothesis is rejected.

    Benjamini and Hochberg, JRSS B 57 (1995), section 3; monotone adjusted form. Shape (n,) in, (n,) out.
    """
    p = np.asarray(p_values, dtype=float)
    n = p.size
    order = np.argsort(p, kind="stable")
    scaled = p[order] * n / np.arange(1, n + 1)
    q = np.empty(n)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def population_interval(reference: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where values stand among a population: for each, the ranks in (0, 1) below and up to it.

    Ties give an interval instead of a point, which keeps what is built on them conservative.

    Args:
        reference: (r,) values of the population.
        values: (m,) values to be ranked.

    Returns:
        Lower and upper ranks, each (m,).
    """
    known = np.sort(reference)
    below = np.searchsorted(known, values, side="left")
    upto = np.searchsorted(known, values, side="right")
    return below / (known.size + 1), (upto + 1) / (known.size + 1)


def concentration(
    lower: np.ndarray, upper: np.ndarray, density: float = 2.0, shares: tuple[float, ...] = (0.5, 0.8, 1.0)
) -> tuple[float, float]:
    """Whether values lie closer together than independent draws would.

    Null: the m values are independent, and each falls into any stretch of the population's ranks with at most
    ``density`` times that stretch's share. So a group may live in a half of the population (``density`` 2) and be no
    finding. For each of ``shares`` of the values the narrowest window that holds that many is
    found; the chance that some value has so many others within the window above it is at most
    m · P(Binomial(m - 1, density · width) >= k - 1), a union bound over the window's first value; they are
    combined by Bonferroni. Exact bounds, hence conservative, with no asymptotics.

    Args:
        lower: (m,) lower ends of the values' ranks.
        upper: (m,) upper ends of the values' ranks.
        density: bound on how much denser than the population the group may be.
        shares: parts of the values that may lie close together.

    Returns:
        The p-value, and the width of the window that gave it. With fewer than four values the p-value is 1.
    """
    m = lower.size
    if m < 4:
        return 1.0, 1.0
    order = np.lexsort((upper, lower))
    low, high = lower[order], np.maximum.accumulate(upper[order])
    best, best_width = 1.0, 1.0
    for share in shares:
        k = max(int(np.ceil(share * m)), 3)
        width = float((high[k - 1 :] - low[: m - k + 1]).min())
        p = m * float(sps.binom.sf(k - 2, m - 1, min(1.0, density * width)))
        if p < best:
            best, best_width = p, width
    return _clip(len(shares) * best), best_width


def hypergeometric_tail(hits: ArrayLike, population: int, marked: ArrayLike, drawn: int) -> np.ndarray:
    """P(X >= hits) when ``drawn`` of a population are drawn without regard to who is marked."""
    tail = sps.hypergeom.sf(np.asarray(hits) - 1, population, np.asarray(marked), drawn)
    clipped: np.ndarray = np.clip(tail, P_FLOOR, 1.0)
    return clipped


def binomial_tail(hits: int, trials: int, chance: float) -> float:
    """P(X >= hits) for a binomial count."""
    if trials == 0:
        return 1.0
    return _clip(float(sps.binom.sf(hits - 1, trials, min(max(chance, 0.0), 1.0))))


def chances_alike(opportunities: np.ndarray, happened: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Chance that something happens to those who have as many opportunities, learnt from a population.

    Opportunities fall into classes of a power of two; each class is drawn towards the whole with the weight of two
    members, and more opportunities never make the chance smaller.

    Args:
        opportunities: int (n,), at least 1, of the population.
        happened: bool (n,), to whom it did.
        wanted: int (m,), opportunities of those whose chance is asked for.

    Returns:
        float64 (m,) in (0, 1).
    """
    of = np.log2(np.maximum(opportunities, 1)).astype(int)
    asked = np.log2(np.maximum(wanted, 1)).astype(int)
    classes = int(max(of.max(initial=0), asked.max(initial=0))) + 1
    count = np.bincount(of, minlength=classes)
    hits = np.bincount(of, weights=happened.astype(float), minlength=classes)
    overall = (hits.sum() + 1) / (count.sum() + 2)
    chance: np.ndarray = np.maximum.accumulate((hits + 2 * overall) / (count + 2))[asked]
    return chance


def poisson_tail(hits: int, expected: float) -> float:
    """P(X >= hits) for a Poisson count."""
    return _clip(float(sps.poisson.sf(hits - 1, max(expected, 0.0)))) if hits > 0 else 1.0


def poisson_binomial_tail(hits: int, chances: ArrayLike) -> float:
    """P(X >= hits) for a sum of independent trials of unlike chances, exactly.

    The distribution is built one trial at a time (Hong, "On computing the distribution function for the Poisson
    binomial distribution", CSDA 59, 2013, section 2.2); beyond 2,000 trials Chernoff's bound stands in for it.

    Args:
        hits: successes seen.
        chances: (n,) chance of each trial.
    """
    p = np.clip(np.asarray(chances, dtype=float), 0.0, 1.0)
    if hits <= 0:
        return 1.0
    if hits > p.size:
        return P_FLOOR
    mean = float(p.sum())
    if p.size > 2_000:
        if hits <= mean:
            return 1.0
        return _clip(float(np.exp(hits - mean - hits * np.log(hits / max(mean, 1e-300)))))
    distribution = np.zeros(p.size + 1)
    distribution[0] = 1.0
    for n, chance in enumerate(p, start=1):
        distribution[1 : n + 1] = distribution[1 : n + 1] * (1 - chance) + distribution[:n] * chance
        distribution[0] *= 1 - chance
    return _clip(float(distribution[hits:].sum()))


def partial_tail(hits: int, chances: ArrayLike, share: float = 0.1) -> float:
    """P(X >= hits) where up to a share of the trials may succeed for a common reason of their own.

    The null of a partial conjunction (Benjamini and Heller, "Screening for partial conjunction hypotheses", Biometrics
    64, 2008, section 2): at most ``share`` of the trials are affected, whichever they are; they count as successes, the
    least likely ones first, and the others are independent. So a group does not stand for all that it is mixed with.

    Args:
        hits: successes seen.
        chances: (n,) chance of each trial by itself.
        share: part of the trials that may be affected under the null, in [0, 1).
    """
    p = np.sort(np.asarray(chances, dtype=float))
    excused = int(np.ceil(share * p.size))
    return poisson_binomial_tail(hits - excused, p[excused:])


def resampled_tail(observed: float, null: np.ndarray) -> float:
    """P(null >= observed) from draws of the null.

    While ten draws or more reach the observation it is (1 + hits) / (1 + draws), which is exact for exchangeable
    draws. Beyond, a Pearson type III curve is fitted to the draws' first three moments and its tail is read
    (approximating permutation tails from moments: Berry and Mielke, "Moment approximations", 1983), never below a tenth
    of the least value that the draws alone allow to the power of two, so that an extrapolation stays modest.
    """
    hits = int((null >= observed - 1e-12 * abs(observed)).sum())
    exact = (1 + hits) / (1 + null.size)
    if hits >= _REACHED or null.size < 50:
        return _clip(exact)
    spread = float(null.std(ddof=1))
    if spread <= 1e-12 * max(abs(observed), 1.0):
        return _clip(exact)
    skew = float(np.clip(sps.skew(null), -2.0, 4.0))
    fitted = float(sps.pearson3.sf((observed - null.mean()) / spread, max(skew, 0.05)))
    floor = 0.1 / (1 + null.size) ** 2
    return _clip(min(exact, max(fitted, floor)))


def sequential_tail(
    observed: float,
    draw: Callable[[int], np.ndarray],
    most: int,
    centred: Callable[[np.ndarray], np.ndarray] = lambda null: null,
) -> tuple[float, np.ndarray]:
    """P(null >= observed) from no more draws than are needed to see that it is not small.

    Drawing ends with the tenth draw, the l-th in all, that reaches the observation, and the p-value is 10 / l: exact
    for exchangeable draws (Besag and Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991, section 2).
    Where ``most`` draws do not reach it ten times, all of them are judged by ``resampled_tail``.

    Args:
        observed: the statistic.
        draw: makes so many draws of the null, float64 (n,).
        most: draws at most.
        centred: what is done to all draws so far before they are compared, where the null is known relative to them.

    Returns:
        The p-value, and the draws made, before ``centred``.
    """
    null = np.zeros(0)
    while null.size < most:
        null = np.concatenate([null, draw(min(_AT_A_TIME, most - null.size))])
        reach = np.flatnonzero(centred(null) >= observed - 1e-12 * abs(observed))
        if reach.size >= _REACHED:
            return _clip(_REACHED / (int(reach[_REACHED - 1]) + 1)), null
    return resampled_tail(observed, centred(null)), null


def log_odds_bound(p_value: float) -> float:
    """The most that a p-value can say, in nats of log-odds.

    -log(-e p log p) for p < 1/e, else 0: the bound on the Bayes factor of Sellke, Bayarri and Berger, "Calibration of
    p values", The American Statistician 55 (2001), section 3.
    """
    if p_value >= np.exp(-1):
        return 0.0
    p = max(p_value, P_FLOOR)
    return float(-np.log(-np.e * p * np.log(p)))
