import numpy as np
import pytest

from iolaus.errors import InputError
from iolaus.provenance import verify
from iolaus.provenance.calibrate import CUT, FULL, RIDGE, calibrate, lengthened


def table(seed, n=200, k=2):
    rng = np.random.default_rng(seed)
    teacher, length = rng.normal(-80, 12, (n, k)), rng.integers(20, 60, (n, k)).astype(float)
    return teacher, length, 0.8 * teacher - 0.3 * length + rng.normal(0, 2, (n, k))


def test_what_the_references_explain_is_subtracted():
    teacher, length, suspect = table(1)
    found = calibrate(suspect, {"teacher": teacher, "length": length})
    assert found.explained > 0.9
    assert found.weights["teacher"] == pytest.approx(0.8, abs=0.05)
    assert found.scale == pytest.approx(2 / 2**0.5, rel=0.15)
    assert np.abs(found.points).max() <= FULL and found.points.dtype == np.int64


def test_an_exchange_wide_shift_and_the_order_of_candidates_change_nothing():
    teacher, length, suspect = table(2, k=3)
    plain = calibrate(suspect, {"teacher": teacher, "length": length}).points
    shift = np.arange(len(suspect))[:, None]
    assert (calibrate(suspect + shift, {"teacher": teacher, "length": length}).points == plain).all()
    turned = calibrate(suspect[:, ::-1], {"teacher": teacher[:, ::-1], "length": length[:, ::-1]}).points
    assert (turned[:, ::-1] == plain).all()


def test_references_that_copy_each_other_or_say_nothing_do_no_harm():
    teacher, _, suspect = table(3)
    flat = np.zeros_like(teacher)
    once = calibrate(suspect, {"teacher": teacher}).points
    more = calibrate(suspect, {"teacher": teacher, "copy": teacher.copy(), "flat": flat}).points
    assert np.abs(once - more).max() <= 1
    assert (calibrate(flat, {"teacher": teacher}).points == 0).all()


def test_the_verifying_program_finds_the_same_points():
    teacher, length, suspect = table(4, k=3)
    points = calibrate(suspect, {"teacher": teacher, "length": length}).points
    scores = {"suspect": suspect.tolist(), "teacher": teacher.tolist(), "length": length.tolist()}
    plan = {"references": ["teacher", "length"], "ridge": RIDGE, "cut": CUT, "full": FULL}
    verify.check_points(scores, points.tolist(), [len(points)], plan)
    points[5, 1] += 1
    with pytest.raises(verify.Refuted, match="points and should have"):
        verify.check_points(scores, points.tolist(), [len(points)], plan)


def test_a_number_that_is_none_is_named():
    teacher, _, suspect = table(5)
    teacher[7, 1] = np.nan
    with pytest.raises(InputError, match="pair 7, candidate 1: the score of teacher is nan"):
        calibrate(suspect, {"teacher": teacher})


def test_length_can_be_divided_out():
    assert lengthened(np.array([[-8.0, -9.0]]), np.array([[4, 9]]), 0.5) == pytest.approx(np.array([[-4.0, -3.0]]))
    with pytest.raises(InputError, match="between 0 and 1"):
        lengthened(np.zeros((1, 2)), np.ones((1, 2)), 2.0)
