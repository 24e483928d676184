"""What experiments have in common: coins, students, and the test on what a student says."""

from dataclasses import dataclass

import numpy as np

from benchmarks.provenance.corpus import PAD
from iolaus.provenance.betting import log_wealth
from iolaus.provenance.calibrate import FULL, calibrate
from iolaus.provenance.exact import null_total, served_points, sign_test
from iolaus.provenance.power import pairs_for_effect, pairs_to_stop

__all__ = ["ALPHA", "Tested", "answer_lengths", "power_curve", "served_answers", "stopping_pairs", "test_scores"]

ALPHA = 1e-6
_RESAMPLES = 150


@dataclass(frozen=True)
class Tested:
    """The test on one student with one set of references.

    Args:
        points: (n, 2).
        served: (n,).
        effect: mean of the served answers' points over their standard deviation.
        win_rate: share of the pairs in which the served answer is ahead.
        p_value: over all pairs.
        log_e_value: over all pairs.
    """

    points: np.ndarray
    served: np.ndarray
    effect: float
    win_rate: float
    p_value: float
    log_e_value: float

    def to_json(self) -> dict[str, float | int | None]:
        """For a result."""
        return {
            "pairs": len(self.points),
            "effect": round(self.effect, 4),
            "win_rate": round(self.win_rate, 4),
            "p_value": self.p_value,
            "log_e_value": round(self.log_e_value, 2),
            "pairs_for_95_percent": pairs_for_effect(self.effect, ALPHA),
        }


def served_answers(twins: np.ndarray, served: np.ndarray) -> np.ndarray:
    """The served one of each two: (n, 2, w) and (n,) give (n, w)."""
    return twins[np.arange(len(served)), served]


def test_scores(scores: np.ndarray, served: np.ndarray, references: dict[str, np.ndarray]) -> Tested:
    """Calibrate without the coins, then test with them; all arrays have n rows."""
    points = calibrate(scores, references).points
    won = served_points(points, served)
    wins, decided, _ = sign_test(points, served)
    return Tested(
        points=points,
        served=served,
        effect=float(won.mean() / max(won.std(), 1e-12)),
        win_rate=wins / max(decided, 1),
        p_value=float(null_total(points).p_value(int(won.sum()))),
        log_e_value=float(log_wealth(points, served, FULL)[-1]),
    )


def power_curve(
    scores: list[np.ndarray], served: list[np.ndarray], references: list[dict[str, np.ndarray]], sizes: list[int]
) -> dict[int, float]:
    """Share of tests that convict at ALPHA, by number of pairs.

    Pairs are drawn without replacement from each student's, calibration included, so every draw is a test as it
    would have been run with so many pairs. Draws of one student overlap; students do not.
    """
    rng = np.random.default_rng(0)
    curve = {}
    for size in sizes:
        convicted = 0
        for draw in range(_RESAMPLES):
            student = draw % len(scores)
            rows = rng.choice(len(served[student]), size, replace=False)
            mine = {name: table[rows] for name, table in references[student].items()}
            convicted += test_scores(scores[student][rows], served[student][rows], mine).p_value <= ALPHA
        curve[size] = convicted / _RESAMPLES
    return curve


def stopping_pairs(tests: list[Tested], pairs: int) -> int | None:
    """Pairs by which 95% of tests that may stop at any time have convicted at ALPHA, over random orders.

    Args:
        tests: one a student, with at least ``pairs`` pairs each.
        pairs: where a test gives up.
    """
    rng = np.random.default_rng(1)
    growth = []
    for draw in range(_RESAMPLES):
        test = tests[draw % len(tests)]
        rows = rng.permutation(len(test.served))[:pairs]
        growth.append(log_wealth(test.points[rows], test.served[rows], FULL))
    return pairs_to_stop(np.stack(growth), 1 / ALPHA)


def answer_lengths(twins: np.ndarray) -> np.ndarray:
    """Tokens of each candidate: (n, k, w) gives (n, k)."""
    lengths: np.ndarray = (twins != PAD).sum(axis=2).astype(float)
    return lengths
