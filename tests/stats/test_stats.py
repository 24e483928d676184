"""Calibration of the ground floor's tests: under a null, p-values at most as often below a level as the level says."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sps

from iolaus.stats import (
    P_FLOOR,
    benjamini_hochberg,
    binomial_tail,
    cauchy_combination,
    chances_alike,
    concentration,
    hypergeometric_tail,
    log_odds_bound,
    partial_tail,
    poisson_binomial_tail,
    poisson_tail,
    population_interval,
    resampled_tail,
    sequential_tail,
)

LEVELS = (0.01, 0.05, 0.1)
PROBABILITY = st.floats(0.0, 1.0, allow_nan=False)


def share_below(p_values, level):
    return float((np.asarray(p_values) <= level).mean())


def allowed(level, draws, slack=1.0):
    """The level itself, and three standard errors of a share of so many draws."""
    return slack * level + 3 * np.sqrt(level * (1 - level) / draws)


def equicorrelated(rng, draws, tests, correlation):
    """p-values of normal scores that share one factor; shape (draws, tests)."""
    common = rng.normal(size=(draws, 1)) * np.sqrt(correlation)
    return sps.norm.sf(common + rng.normal(size=(draws, tests)) * np.sqrt(1 - correlation))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5, 0.95, 1.0])
@pytest.mark.parametrize(("tests", "excess"), [(1, 1.0), (3, 1.14), (8, 1.3)])
def test_cauchy_combination_exceeds_its_level_by_no_more_than_it_says(correlation, tests, excess):
    rng = np.random.default_rng(11)
    combined = [cauchy_combination(row) for row in equicorrelated(rng, 6000, tests, correlation)]
    for level in LEVELS:
        assert share_below(combined, level) <= allowed(level, 6000, excess)


def test_cauchy_combination_of_dependent_tests_nears_its_level_as_the_level_falls():
    rng = np.random.default_rng(17)
    combined = [cauchy_combination(row) for row in equicorrelated(rng, 20_000, 8, 0.3)]
    assert share_below(combined, 0.05) > 1.1 * 0.05, "if this holds its level, the docstring claims too little"
    assert share_below(combined, 0.001) <= allowed(0.001, 20_000, 1.15)


def test_cauchy_combination_is_near_uniform_where_tests_are_independent():
    combined = [cauchy_combination(row) for row in np.random.default_rng(12).random((6000, 5))]
    for level in LEVELS:
        assert share_below(combined, level) >= 0.7 * level


def test_cauchy_combination_of_discrete_conservative_tests_is_conservative():
    rng = np.random.default_rng(13)
    sure = np.where(rng.random((6000, 4)) < 0.5, 1.0, rng.random((6000, 4)))
    combined = [cauchy_combination(row) for row in sure]
    for level in LEVELS:
        assert share_below(combined, level) <= 1.2 * level


def test_cauchy_combination_keeps_one_strong_finding_among_ones():
    assert cauchy_combination([1e-9, 1.0, 1.0, 1.0]) < 1e-7
    assert cauchy_combination([]) == 1.0
    assert cauchy_combination([0.0, 0.5]) >= P_FLOOR


@given(st.lists(PROBABILITY, min_size=1, max_size=20))
def test_cauchy_combination_gives_a_p_value_that_ignores_order(values):
    p = cauchy_combination(values)
    assert 0.0 < p <= 1.0
    assert cauchy_combination(values[::-1]) == pytest.approx(p, rel=1e-6)


@given(st.lists(PROBABILITY, min_size=1, max_size=10), st.floats(0.0, 1.0))
def test_cauchy_combination_never_rises_when_a_p_value_falls(values, factor):
    smaller = [values[0] * factor, *values[1:]]
    assert cauchy_combination(smaller) <= cauchy_combination(values) * (1 + 1e-9)


def test_benjamini_hochberg_by_hand():
    p = [0.01, 0.04, 0.03, 0.005]
    # Sorted .005 .01 .03 .04, times 4/rank: .02 .02 .04 .04; each the least of itself and those after it.
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg([0.2, 0.9, 0.25]) == pytest.approx([0.375, 0.9, 0.375])
    assert benjamini_hochberg([0.7]) == pytest.approx([0.7])
    assert benjamini_hochberg([]).shape == (0,)


def test_benjamini_hochberg_agrees_with_scipy():
    p = np.random.default_rng(14).random(200) ** 2
    assert benjamini_hochberg(p) == pytest.approx(sps.false_discovery_control(p))


def test_benjamini_hochberg_controls_the_false_discovery_rate():
    rng = np.random.default_rng(15)
    proportions, found = [], 0
    for _ in range(600):
        p = rng.random(100)
        p[:20] = sps.norm.sf(rng.normal(3.0, 1.0, 20))
        rejected = benjamini_hochberg(p) <= 0.1
        proportions.append(rejected[20:].sum() / max(rejected.sum(), 1))
        found += int(rejected[:20].sum())
    assert np.mean(proportions) <= 0.1 * 0.8 + 3 * np.std(proportions) / np.sqrt(600)
    assert found / (600 * 20) > 0.5


@given(st.lists(PROBABILITY, min_size=1, max_size=30))
def test_q_values_are_no_less_than_p_values_and_keep_their_order(values):
    p = np.array(values)
    q = benjamini_hochberg(p)
    assert (q >= p - 1e-12).all() and (q <= 1.0).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-12).all()


@pytest.mark.parametrize("part", [(0.0, 1.0), (0.0, 0.5), (0.3, 0.8)])
@pytest.mark.parametrize("members", [4, 5, 12, 60])
def test_concentration_holds_its_level_on_draws_from_all_or_half_of_the_range(part, members):
    rng = np.random.default_rng(16)
    draws = rng.uniform(*part, size=(3000, members))
    p = [concentration(row, row)[0] for row in draws]
    for level in LEVELS:
        assert share_below(p, level) <= level


@pytest.mark.parametrize("reference", [20, 200])
def test_concentration_holds_its_level_among_a_population_of_finite_size(reference):
    rng = np.random.default_rng(17)
    p = []
    for _ in range(2000):
        population = rng.lognormal(size=reference)
        p.append(concentration(*population_interval(population, rng.lognormal(size=10)))[0])
    for level in LEVELS:
        assert share_below(p, level) <= allowed(level, 2000)


def test_concentration_finds_what_lies_tight():
    rng = np.random.default_rng(18)
    values = rng.uniform(0.40, 0.42, 12)
    p, width = concentration(values, values)
    assert p < 1e-6 and width <= 0.02
    # Half of the values tight and the others anywhere is found too.
    half = np.r_[rng.uniform(0.6, 0.605, 15), rng.random(15)]
    assert concentration(half, half)[0] < 1e-6


def test_concentration_counts_ties_as_nothing():
    population = np.r_[np.zeros(90), np.arange(1, 11)]
    lower, upper = population_interval(population, np.zeros(20))
    assert upper[0] - lower[0] > 0.85
    assert concentration(lower, upper)[0] == 1.0


def test_concentration_ignores_order_and_needs_four():
    rng = np.random.default_rng(19)
    values = rng.beta(8, 8, 30)
    shuffled = rng.permutation(values)
    assert concentration(values, values) == concentration(shuffled, shuffled)
    assert concentration(values[:3], values[:3]) == (1.0, 1.0)
    assert concentration(np.zeros(0), np.zeros(0)) == (1.0, 1.0)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), st.floats(1.0, 4.0))
def test_concentration_gives_a_p_value_that_grows_with_the_density_allowed(values, density):
    v = np.array(values)
    p, width = concentration(v, v, density)
    assert 0.0 < p <= 1.0 and 0.0 <= width <= 1.0
    assert concentration(v, v, density * 1.5)[0] >= p * (1 - 1e-9)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.lists(st.integers(-5, 5), min_size=1, max_size=20))
def test_population_intervals_are_ranks_that_keep_order(reference, values):
    lower, upper = population_interval(np.array(reference), np.array(values))
    assert (lower >= 0).all() and (lower < upper).all() and (upper <= 1).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(lower[order]) >= 0).all() and (np.diff(upper[order]) >= 0).all()


def test_resampled_tail_counts_exactly_while_draws_reach():
    null = np.arange(100.0)
    assert resampled_tail(90.0, null) == pytest.approx(11 / 101)
    assert resampled_tail(-1.0, null) == 1.0
    # Too few draws to fit a curve: only counting is left.
    assert resampled_tail(1e6, np.arange(49.0)) == pytest.approx(1 / 50)
    # A null without spread has no curve.
    assert resampled_tail(3.0, np.full(200, 2.0)) == pytest.approx(1 / 201)
    assert resampled_tail(2.0, np.full(200, 2.0)) == 1.0


@pytest.mark.parametrize("shape", ["normal", "gamma", "binomial", "chisquare"])
def test_resampled_tail_is_super_uniform(shape):
    rng = np.random.default_rng(20)
    draw = {
        "normal": lambda size: rng.normal(size=size),
        "gamma": lambda size: rng.gamma(2.0, size=size),
        "binomial": lambda size: rng.binomial(40, 0.3, size=size).astype(float),
        "chisquare": lambda size: rng.chisquare(1.0, size=size),
    }[shape]
    sample = draw((3000, 201))
    p = [resampled_tail(float(row[0]), row[1:]) for row in sample]
    for level in (0.002, *LEVELS):
        assert share_below(p, level) <= allowed(level, 3000)


def test_resampled_tail_extrapolates_modestly():
    null = np.random.default_rng(21).normal(size=400)
    p = resampled_tail(8.0, null)
    assert 0.1 / 401**2 <= p < 1e-4
    assert resampled_tail(1e9, null) >= 0.1 / 401**2 * (1 - 1e-9)


@pytest.mark.parametrize("most", [100, 400])
def test_sequential_tail_is_super_uniform(most):
    rng = np.random.default_rng(22)
    p = [sequential_tail(float(rng.normal()), lambda n: rng.normal(size=n), most)[0] for _ in range(4000)]
    for level in (0.005, *LEVELS):
        assert share_below(p, level) <= allowed(level, 4000)


def test_sequential_tail_draws_no_more_than_it_needs_and_all_where_nothing_reaches():
    rng = np.random.default_rng(23)
    p, null = sequential_tail(0.0, lambda n: rng.normal(size=n), 400)
    reached = np.flatnonzero(null >= 0.0)
    assert null.size <= 60 and p == pytest.approx(10 / (reached[9] + 1))
    p, null = sequential_tail(5.0, lambda n: rng.normal(size=n), 400)
    assert null.size == 400 and p == resampled_tail(5.0, null)


def test_sequential_tail_compares_what_is_centred():
    rng = np.random.default_rng(24)
    p, null = sequential_tail(5.0, lambda n: 5.0 + rng.normal(size=n), 400, lambda null: null - null.mean())
    assert p < 1e-3 and null.mean() == pytest.approx(5.0, abs=0.3)


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e3), st.integers(0, 2**32 - 1))
def test_resampled_tail_gives_a_p_value_that_falls_with_the_observation(observed, more, seed):
    null = np.random.default_rng(seed).normal(scale=100.0, size=60)
    p = resampled_tail(observed, null)
    assert 0.0 < p <= 1.0
    assert resampled_tail(observed + more, null) <= p * (1 + 1e-9)


@given(st.integers(1, 200), st.data())
def test_hypergeometric_tail_is_scipys(population, data):
    marked = data.draw(st.integers(0, population))
    drawn = data.draw(st.integers(0, population))
    hits = data.draw(st.integers(0, drawn))
    exact = sps.hypergeom.pmf(np.arange(hits, drawn + 1), population, marked, drawn).sum()
    assert hypergeometric_tail([hits], population, [marked], drawn)[0] == pytest.approx(max(exact, P_FLOOR), abs=1e-9)


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.0, 1.0))
def test_binomial_tail_is_scipys(hits, trials, chance):
    p = binomial_tail(hits, trials, chance)
    assert 0.0 < p <= 1.0
    if trials:
        exact = sps.binom.sf(hits - 1, trials, chance)
        assert p == pytest.approx(max(exact, P_FLOOR), rel=1e-9)
        assert binomial_tail(hits + 1, trials, chance) <= p


def test_binomial_tail_without_trials_or_with_a_chance_out_of_range():
    assert binomial_tail(0, 0, 0.5) == 1.0
    assert binomial_tail(3, 5, 1.5) == 1.0
    assert binomial_tail(3, 5, -0.5) == P_FLOOR


@given(st.integers(-2, 60), st.floats(0.0, 40.0))
def test_poisson_tail_is_scipys(hits, expected):
    p = poisson_tail(hits, expected)
    exact = sps.poisson.sf(hits - 1, expected)
    assert p == pytest.approx(max(exact, P_FLOOR), rel=1e-9)
    assert poisson_tail(hits + 1, expected) <= p
    assert poisson_tail(hits, expected + 1) >= p


def test_poisson_tail_of_an_expectation_below_nothing():
    assert poisson_tail(0, -1.0) == 1.0
    assert poisson_tail(1, -1.0) == P_FLOOR


@given(st.lists(PROBABILITY, max_size=8), st.integers(-1, 9))
def test_poisson_binomial_tail_is_the_sum_over_all_outcomes(chances, hits):
    exact = 0.0
    for happened in itertools.product((False, True), repeat=len(chances)):
        if sum(happened) >= hits:
            exact += math.prod(c if yes else 1 - c for yes, c in zip(happened, chances, strict=True))
    assert poisson_binomial_tail(hits, chances) == pytest.approx(max(exact, P_FLOOR), rel=1e-9, abs=1e-12)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.01, 0.99))
def test_poisson_binomial_tail_of_like_chances_is_binomial(hits, trials, chance):
    p = poisson_binomial_tail(hits, np.full(trials, chance))
    assert p == pytest.approx(max(binomial_tail(hits, trials, chance), P_FLOOR), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("hits", [150, 200, 210, 260, 400])
def test_poisson_binomial_tail_of_very_many_trials_is_bounded_from_above(hits):
    chances = np.linspace(0.0, 0.2, 2_001)
    bound, exact = poisson_binomial_tail(hits, chances), poisson_binomial_tail(hits, chances[1:])
    assert exact <= bound * (1 + 1e-9) <= 1 + 1e-9


@given(st.lists(PROBABILITY, min_size=1, max_size=20), st.integers(0, 20), st.floats(0.0, 0.9))
def test_partial_tail_excuses_a_share_and_no_more(chances, hits, share):
    p = partial_tail(hits, chances, share)
    assert p >= poisson_binomial_tail(hits, chances) * (1 - 1e-9)
    excused = math.ceil(share * len(chances))
    assert partial_tail(excused, chances, share) == 1.0
    assert partial_tail(hits, chances[::-1], share) == pytest.approx(p, rel=1e-9)
    assert partial_tail(hits, chances, 0.0) == pytest.approx(poisson_binomial_tail(hits, chances), rel=1e-9)


@pytest.mark.parametrize("affected", ["least likely", "most likely", "any", "none"])
def test_partial_tail_is_super_uniform_whichever_tenth_succeeds_for_a_reason_of_its_own(affected):
    rng = np.random.default_rng(22)
    chances = np.sort(rng.beta(1, 4, 30))
    p = []
    for _ in range(3000):
        happened = rng.random(30) < chances
        where = {"least likely": [0, 1, 2], "most likely": [27, 28, 29], "any": rng.choice(30, 3, replace=False)}
        happened[where.get(affected, [])] = True
        p.append(partial_tail(int(happened.sum()), chances))
    for level in LEVELS:
        assert share_below(p, level) <= allowed(level, 3000)


def test_partial_tail_finds_what_most_do():
    assert partial_tail(18, np.full(20, 0.1)) < 1e-9
    assert partial_tail(0, []) == 1.0


@given(
    st.lists(st.tuples(st.integers(1, 500), st.booleans()), max_size=40),
    st.lists(st.integers(0, 2_000), min_size=1, max_size=20),
)
def test_chances_lie_inside_and_grow_with_opportunities(population, wanted):
    opportunities = np.array([n for n, _ in population], dtype=int)
    happened = np.array([yes for _, yes in population], dtype=bool)
    chances = chances_alike(opportunities, happened, np.sort(wanted))
    assert chances.shape == (len(wanted),) and (chances > 0).all() and (chances < 1).all()
    assert (np.diff(chances) >= 0).all()


def test_chances_are_learnt_from_those_with_as_many_opportunities():
    rng = np.random.default_rng(23)
    opportunities = rng.integers(1, 128, 4_000)
    happened = rng.random(4_000) < 1 - 0.98**opportunities
    chances = chances_alike(opportunities, happened, np.array([1, 10, 100]))
    # Of 8 to 15 opportunities, and of 64 to 127.
    assert chances == pytest.approx([0.02, 0.2, 0.85], abs=0.06)
    assert chances_alike(np.zeros(0, int), np.zeros(0, bool), np.array([3])) == pytest.approx([0.5])


@pytest.mark.parametrize("population", [30, 300])
def test_counts_of_those_alike_hold_their_level(population):
    rng = np.random.default_rng(24)
    p = []
    for _ in range(3000):
        sent = rng.geometric(0.05, population + 10)
        happened = rng.random(sent.size) < 1 - 0.97**sent
        chances = chances_alike(sent[10:], happened[10:], sent[:10])
        p.append(partial_tail(int(happened[:10].sum()), chances))
    for level in LEVELS:
        assert share_below(p, level) <= allowed(level, 3000)


@given(PROBABILITY, PROBABILITY)
def test_log_odds_bound_falls_with_p_and_is_never_negative(a, b):
    low, high = min(a, b), max(a, b)
    assert log_odds_bound(low) >= log_odds_bound(high) - 1e-12 >= -1e-12
    assert np.isfinite(log_odds_bound(low))
    assert log_odds_bound(0.5) == 0.0
