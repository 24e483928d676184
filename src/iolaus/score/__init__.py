"""The score: how a detector's folder compares with the truth of a range."""

from iolaus.score.measure import Score, score
from iolaus.score.series import leaked_before_flag, runs_below

__all__ = ["Score", "leaked_before_flag", "runs_below", "score"]
