"""One call from teacher to student and report."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from iolaus.distill.fit import require_pair
from iolaus.distill.plan import Budget, CacheChoice, EstimatorTeacher, Objective, Plan, ReportChoice
from iolaus.distill.reading import check_plan
from iolaus.distill.report import Report
from iolaus.distill.writing import write_whole
from iolaus.errors import OutputError, PlanError

__all__ = ["DistillResult", "Listener", "carry_out", "distill"]

Listener = Callable[[str, Any], None]
"""Told the stage under way, and in training what each update came to (`iolaus.distill.train.Told`)."""


@dataclass(frozen=True, slots=True)
class DistillResult:
    """What came out.

    Args:
        student: the distilled network in evaluation mode, the static encoder, or the surrogate.
        report: what it keeps.
        folder: where student, card and report are.
    """

    student: Any
    report: Report
    folder: Path


def distill(
    teacher: Any,  # noqa: ANN401 - a folder, a part of the plan, a fitted model or a function
    student: str | BaseModel | dict[str, Any],
    corpus: Any,  # noqa: ANN401 - a file, a part of the plan, or an array
    objective: str | Objective | dict[str, Any] = "forward_kl",
    budget: int | Budget | dict[str, Any] = 1000,
    *,
    out: str | Path,
    cache: CacheChoice | dict[str, Any] | None = None,
    report: ReportChoice | dict[str, Any] | None = None,
    seed: int = 0,
    listen: Listener = lambda stage, told: None,
) -> DistillResult:
    """Distil a teacher into a student and say what the student keeps.

    Args:
        teacher: folder of a causal language model; a teacher of the plan; or a fitted scikit-learn model, or a function
            from rows to scores.
        student: folder of a causal language model to start from; a student of the plan; or tree, rules or linear.
        corpus: file of texts or a table; a corpus of the plan; or, for a fitted model, an array (n, features).
        objective: its name, or an objective of the plan.
        budget: steps, or a budget of the plan.
        out: folder for the student, its card and the report. A run that was killed goes on where it was.
        cache: keep the teacher's targets on disk.
        report: what is measured, and the bar.
        seed: of weights, order and draws.
        listen: told how far it is.

    Raises:
        PlanError: something does not fit; names the key.
        IolausError: as the plan is carried out; what was written before is whole.
    """
    given = not isinstance(teacher, str | dict | BaseModel)
    rows = corpus if isinstance(corpus, np.ndarray) else None
    found = {
        "teacher": {"kind": "estimator", "path": type(teacher).__name__} if given else _part(teacher, "path", "causal"),
        "student": {"kind": student} if student in ("tree", "rules", "linear") else _part(student, "path"),
        "corpus": {} if rows is not None else _part(corpus, "path"),
        "objective": _part(objective, "name"),
        "budget": {"steps": budget} if isinstance(budget, int) else budget,
        "cache": cache,
        "report": report if report is not None else {},
        "out": out,
        "seed": seed,
    }
    return _carry_out(check_plan(found, "the call"), listen, teacher if given else None, rows)


def carry_out(plan: Plan, listen: Listener = lambda stage, told: None) -> DistillResult:
    """Carry out a plan; see `distill`."""
    return _carry_out(plan, listen, None, None)


def _part(given: Any, key: str, kind: str | None = None) -> Any:  # noqa: ANN401 - a part of the plan or a short form
    if not isinstance(given, str):
        return given
    return {key: given} if kind is None else {"kind": kind, key: given}


def _carry_out(plan: Plan, listen: Listener, model: Any, rows: np.ndarray | None) -> DistillResult:  # noqa: ANN401
    require_pair(plan)
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder {plan.out} cannot be made: {error}") from error
    written = json.loads(plan.model_dump_json())
    write_whole(plan.out / "plan.json", json.dumps(written, indent=2) + "\n")
    listen("preparing", None)
    report = Report(written)
    student: Any
    if isinstance(plan.teacher, EstimatorTeacher):
        student = _surrogate(plan, plan.teacher, report, model, rows)
    elif plan.teacher.kind == "encoder":
        from iolaus.distill.routes.encoder import distil_encoder

        student = distil_encoder(plan, report, listen)
    else:
        from iolaus.distill.routes.language import distil_language_model

        student = distil_language_model(plan, report, listen)
    write_whole(plan.out / "report.md", report.markdown())
    write_whole(plan.out / "report.json", json.dumps(report.to_json(), indent=2) + "\n")
    return DistillResult(student, report, plan.out)


def _surrogate(plan: Plan, teacher: EstimatorTeacher, report: Report, model: Any, rows: np.ndarray | None) -> Any:  # noqa: ANN401
    from iolaus.distill.routes.surrogate import distil_estimator, load_estimator, read_table

    names: tuple[str, ...] = ()
    if rows is None:
        if plan.corpus.path is None:
            raise PlanError("corpus.path: give the table")
        rows, names = read_table(Path(plan.corpus.path), plan.corpus.columns)
    return distil_estimator(plan, report, model if model is not None else load_estimator(teacher), rows, names)
