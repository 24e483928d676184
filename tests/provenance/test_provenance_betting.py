import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iolaus.provenance import verify
from iolaus.provenance.betting import KAPPAS, STAKE, log_factors, log_fortune, log_wealth


@given(st.integers(2, 6).flatmap(lambda k: st.lists(st.integers(-10, 10), min_size=k, max_size=k)))
def test_every_bet_is_fair_and_none_can_ruin(row):
    factors = np.exp(log_factors(np.array([row]), 10))[0]
    assert factors.mean(axis=0) == pytest.approx(np.ones(len(KAPPAS)), rel=1e-9)
    assert (factors >= (1 - STAKE) * 0.999).all()


def test_with_two_candidates_the_factor_is_the_hyperbolic_tangent_of_the_docs():
    factors = np.exp(log_factors(np.array([[7, -7]]), 10))[0]
    assert factors[0] == pytest.approx(1 + STAKE * np.tanh(2 * np.array(KAPPAS) * 0.7))
    assert factors[1] == pytest.approx(1 - STAKE * np.tanh(2 * np.array(KAPPAS) * 0.7))


@pytest.mark.parametrize("sides", [2, 3])
def test_looking_after_every_pair_accuses_no_more_than_the_level(sides):
    rng = np.random.default_rng(11)
    points = rng.integers(-10, 11, (400, sides))
    served = rng.integers(0, sides, (4_000, 400))
    best = log_wealth(points, served, 10).max(axis=1)
    for level in (0.01, 0.05, 0.2):
        assert (best >= -np.log(level)).mean() <= level + 3 * (level / 4_000) ** 0.5


def test_the_verifying_program_computes_the_same_fortune():
    rng = np.random.default_rng(2)
    points, served = rng.integers(-10, 11, (90, 3)), rng.integers(0, 3, 90)
    plan = {"kappas": KAPPAS, "stake": STAKE, "full": 10}
    found = verify.log_e_value(points.tolist(), served.tolist(), plan)
    assert found == pytest.approx(log_fortune(points, served, 10), rel=1e-9)
    assert log_fortune(points[:0], served[:0], 10) == 0.0
