import numpy as np
import pytest

from iolaus.provenance.exact import null_total, served_points
from iolaus.provenance.levels import counted, least_chance, share_out
from iolaus.provenance.power import pairs_needed, sign_test_power

ALPHA = 0.05


def accounts(rng, count=80):
    """Points of accounts with few pairs and with many."""
    sizes = np.minimum(rng.geometric(0.12, count), 60)
    return [rng.integers(0, 11, (size, 1)) * np.array([1, -1]) for size in sizes]


def test_the_least_chance_is_the_laws_own_end():
    rng = np.random.default_rng(0)
    for points in (*accounts(rng, 10), rng.integers(-5, 6, (7, 4)), np.zeros((3, 2), int)):
        law = null_total(points)
        assert least_chance(points) == pytest.approx(float(law.tail[np.flatnonzero(law.tail)[-1]]))


@pytest.mark.parametrize("within", [0, 15, 80])
def test_an_innocent_account_is_named_with_at_most_alpha(within):
    """Null: every coin is fair. Over 2,000 redraws, the share in which anybody at all is named."""
    rng = np.random.default_rng(1)
    named, draws = 0.0, 2000
    for _ in range(3):
        tables = accounts(rng)
        least = {str(i): least_chance(points) for i, points in enumerate(tables)}
        parts = [{n: v for n, v in least.items() if (int(n) < within) == side} for side in (True, False)]
        levels = share_out(ALPHA, parts)
        assert levels.keys() == least.keys()
        hit = np.zeros(draws, dtype=bool)
        for i, points in enumerate(tables):
            served = rng.integers(0, 2, (draws, len(points)))
            hit |= null_total(points).p_value(served_points(points, served).sum(axis=1)) <= levels[str(i)]
        named += hit.mean() / 3
    # Three standard errors of 6,000 redraws.
    assert named <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / (3 * draws)) ** 0.5
    assert named > ALPHA / 5


def test_levels_are_bonferronis_where_all_could_be_convicted_and_more_where_few_could():
    certain = {str(i): 0.0 for i in range(24_000)}
    assert set(share_out(1e-6, [certain, {}]).values()) == {1e-6 / 24_000}
    few = {name: (0.5**12 if int(name) >= 500 else 0.0) for name in certain}
    assert set(share_out(1e-6, [{}, few]).values()) == {1e-6 / 500}
    assert counted(np.array([]), 0.1) == 1 and share_out(0.1, [{}, {}]) == {}
    for seed in range(20):
        least = np.random.default_rng(seed).random(30) ** 8
        k = counted(least, 0.1)
        assert (least <= 0.1 / k).sum() <= k
        assert k == 1 or (least <= 0.1 / (k - 1)).sum() > k - 1


def test_a_test_that_may_stop_early_counts_everybody_in_the_plan():
    assert share_out(1e-6, [{"a": 0.0}, {"b": 0.0}], [10, 1000]) == pytest.approx({"a": 5e-8, "b": 5e-10})
    assert share_out(1e-6, [{}, {"b": 0.0}], [0, 1000]) == pytest.approx({"b": 1e-9})
    assert share_out(1e-6, [{"a": 0.0}, {}], [10, 0]) == pytest.approx({"a": 1e-7})


@pytest.mark.parametrize("rate", [0.6, 0.7, 0.8])
def test_an_account_of_a_campaign_among_24_000_costs_at_most_1_6_times_the_pairs(rate):
    parts = [{str(i): 0.0 for i in range(300)}, {str(i): 0.0 for i in range(300, 24_000)}]
    level = share_out(1e-6, parts)["0"]
    one = pairs_needed(rate)
    assert sign_test_power(int(1.6 * one), rate, level) >= 0.95
    assert pairs_needed(rate, level) <= 1.45 * one
