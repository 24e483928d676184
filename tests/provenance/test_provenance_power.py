import numpy as np
import pytest

from iolaus.errors import InputError
from iolaus.provenance.betting import log_wealth
from iolaus.provenance.many import bonferroni, e_bh
from iolaus.provenance.power import pairs_for_effect, pairs_needed, pairs_to_stop, sign_test_power

STATED = {0.52: 25_657, 0.55: 4_104, 0.60: 1_023, 0.70: 250, 0.80: 105}


@pytest.mark.parametrize("rate,pairs", STATED.items())
def test_the_exact_sign_test_needs_the_stated_pairs(rate, pairs):
    assert pairs_needed(rate, alpha=1e-6, power=0.95) == pairs
    assert sign_test_power(pairs, rate, 1e-6) >= 0.95
    assert sign_test_power(int(0.97 * pairs), rate, 1e-6) < 0.95


def test_undecidable_cases_are_said_to_be():
    assert pairs_needed(0.5) is None
    assert pairs_needed(0.501) is None
    assert pairs_for_effect(0.0) is None and pairs_for_effect(1e-4) is None
    for wrong in ({"alpha": 0}, {"power": 1.0}):
        with pytest.raises(InputError):
            pairs_needed(0.6, **wrong)


@pytest.mark.parametrize("rate", [0.6, 0.7])
def test_one_account_among_24_000_costs_at_most_1_6_times_the_pairs(rate):
    rng = np.random.default_rng(0)
    pairs = 3 * pairs_needed(rate)
    sides = (rng.random((300, pairs)) >= rate).astype(int)
    # A preference as strong as the rate says: the points of a Gaussian difference would only add noise.
    points = np.tile([10, -10], (pairs, 1)) * rng.choice([1, -1], pairs)[:, None]
    served = np.where(points[:, 0] > 0, sides, 1 - sides)
    growth = log_wealth(points, served, 10)
    one, many = pairs_to_stop(growth, 1e6), pairs_to_stop(growth, 24_000 * 1e6)
    assert one is not None and many is not None and many <= 1.6 * one


def test_power_planning_by_effect_agrees_with_the_sign_tests_own():
    assert pairs_for_effect(0.4) == 256
    assert pairs_for_effect(5.0) == 20
    assert pairs_to_stop(np.zeros((5, 10)), 10.0) is None


def test_bonferroni_and_e_bh_keep_their_promises():
    assert bonferroni(np.array([0.01, 0.02, 0.5]), 0.03).tolist() == [True, False, False]
    assert e_bh(np.log([100.0, 45.0, 1.0]), 0.05).tolist() == [True, True, False]
    assert not e_bh(np.log([10.0, 10.0, 1.0]), 0.05).any() and e_bh(np.zeros(0), 0.05).size == 0
    rng = np.random.default_rng(1)
    false = 0.0
    for _ in range(300):
        points = rng.integers(-10, 11, (60, 1)) * np.array([1, -1])
        served = rng.integers(0, 2, (50, 60))
        wealth = log_wealth(points, served, 10)[:, -1]
        wealth[:5] += 8.0  # five true discoveries
        found = e_bh(wealth, 0.2)
        false += found[5:].sum() / max(found.sum(), 1)
    assert false / 300 <= 0.2
