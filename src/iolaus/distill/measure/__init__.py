"""What a student keeps: measures of several models on the same units, with intervals and verdicts."""

from iolaus.distill.measure.costs import Costs, measure_costs
from iolaus.distill.measure.harness import require_harness, run_harness
from iolaus.distill.measure.intervals import Interval, Judged, Measure, judge_measure, verdict_of
from iolaus.distill.measure.likelihood import Predictions, calibration_error, likelihood_measures, predict_documents
from iolaus.distill.measure.ranks import judge_ranks
from iolaus.distill.measure.tasks import Task, read_task, score_task

__all__ = [
    "Costs",
    "Interval",
    "Judged",
    "Measure",
    "Predictions",
    "Task",
    "calibration_error",
    "judge_measure",
    "judge_ranks",
    "likelihood_measures",
    "measure_costs",
    "predict_documents",
    "read_task",
    "require_harness",
    "run_harness",
    "score_task",
    "verdict_of",
]
