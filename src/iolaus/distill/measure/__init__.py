"""What a student keeps: measures of several models on the same units, with intervals and verdicts."""

from iolaus.distill.measure.costs import Costs, measure_costs
from iolaus.distill.measure.intervals import Interval, Judged, Measure, judge_measure
from iolaus.distill.measure.likelihood import Predictions, calibration_error, likelihood_measures, predict_documents
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
    "likelihood_measures",
    "measure_costs",
    "predict_documents",
    "read_task",
    "score_task",
]
