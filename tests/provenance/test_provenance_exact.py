from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sps

from iolaus.errors import InputError
from iolaus.provenance import verify
from iolaus.provenance.exact import hoeffding_bound, null_total, served_points, sign_test

small_points = st.integers(2, 4).flatmap(
    lambda k: st.lists(st.lists(st.integers(-10, 10), min_size=k, max_size=k), min_size=1, max_size=5)
)


@given(small_points, st.data())
def test_the_law_is_that_of_all_coins_and_the_bound_lies_above_it(rows, data):
    points = np.array(rows)
    flips = product(range(points.shape[1]), repeat=len(rows))
    every = [sum(row[c] for row, c in zip(rows, coins, strict=True)) for coins in flips]
    total = data.draw(st.sampled_from(every)) + data.draw(st.integers(-1, 1))
    exact = np.mean([one >= total for one in every])
    assert null_total(points).p_value(total) == pytest.approx(exact, abs=1e-12)
    assert hoeffding_bound(points, total) >= exact - 1e-12


def test_with_two_candidates_the_bound_is_the_one_of_the_docs():
    w = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    points = np.stack([w, -w], axis=1)
    assert hoeffding_bound(points, 20) == pytest.approx(np.exp(-(20**2) / (2 * (w**2).sum())))


def test_equal_points_give_the_binomial_test_and_small_tails_keep_their_digits():
    points = np.tile([1, -1], (400, 1))
    law = null_total(points)
    for wins in (200, 260, 330, 400):
        assert law.p_value(2 * wins - 400) == pytest.approx(sps.binom.sf(wins - 1, 400, 0.5), rel=1e-9)


@pytest.mark.parametrize("sides", [2, 3, 5])
def test_p_values_are_super_uniform_under_fair_coins(sides):
    rng = np.random.default_rng(3)
    points = rng.integers(-10, 11, (150, sides))
    served = rng.integers(0, sides, (20_000, 150))
    p = null_total(points).p_value(served_points(points, served).sum(axis=1))
    for level in (0.001, 0.01, 0.05, 0.3, 0.7):
        assert (p <= level).mean() <= level + 4 * (level / 20_000) ** 0.5
    # Exact, and so not far below either.
    assert (p <= 0.05).mean() > 0.035


def test_the_verifying_program_computes_the_same_with_no_library():
    rng = np.random.default_rng(5)
    for sides in (2, 4):
        points = rng.integers(-10, 11, (120, sides))
        served = np.where(rng.random(120) < 0.5, points.argmax(axis=1), rng.integers(0, sides, 120))
        total = int(served_points(points, served).sum())
        found = verify.exact_chance(points.tolist(), served.tolist())
        assert found[0] == total and found[1] == pytest.approx(float(null_total(points).p_value(total)), rel=1e-9)
        assert found[2] == pytest.approx(hoeffding_bound(points, total), rel=1e-12)


def test_the_sign_test_counts_clear_wins_only():
    points = np.array([[5, -5], [0, 0], [-2, 2], [1, -1]])
    assert sign_test(points, np.array([0, 0, 1, 1]))[:2] == (2, 3)
    assert sign_test(np.zeros((4, 2), int), np.zeros(4, int)) == (0, 0, 1.0)


def test_points_must_be_whole_numbers_in_a_table():
    for wrong in (np.zeros((3, 2)), np.zeros(3, int), np.zeros((3, 1), int)):
        with pytest.raises(InputError, match="whole numbers"):
            null_total(wrong)
