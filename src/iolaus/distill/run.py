"""One call from teacher to student and report."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iolaus.distill.plan import (
    Budget,
    CacheChoice,
    CausalStudent,
    CausalTeacher,
    Corpus,
    EndpointTeacher,
    ExchangesTeacher,
    Objective,
    Plan,
    ReportChoice,
)
from iolaus.distill.reading import check_plan
from iolaus.distill.report import Report, model_card, write_whole
from iolaus.distill.stages import Models, assess, prepare, targets_of, train_student
from iolaus.distill.train import save_network
from iolaus.distill.train.loop import Told
from iolaus.errors import OutputError

__all__ = ["DistillResult", "Listener", "carry_out", "distill"]

Listener = Callable[[str, Told | None], None]
"""Told the stage under way, and in training what each update came to."""


@dataclass(frozen=True, slots=True)
class DistillResult:
    """What came out.

    Args:
        student: the distilled network, in evaluation mode.
        report: what it keeps.
        folder: where student, card and report are.
    """

    student: Any
    report: Report
    folder: Path


def distill(
    teacher: str | CausalTeacher | EndpointTeacher | ExchangesTeacher | dict[str, Any],
    student: str | CausalStudent | dict[str, Any],
    corpus: str | Corpus | dict[str, Any],
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
        teacher: folder of a causal language model, or a teacher of the plan.
        student: folder of a causal language model to start from, or a student of the plan.
        corpus: file of texts, or a corpus of the plan.
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
    short = {
        "teacher": {"kind": "causal", "path": teacher} if isinstance(teacher, str) else teacher,
        "student": {"path": student} if isinstance(student, str) else student,
        "corpus": {"path": corpus} if isinstance(corpus, str) else corpus,
        "objective": {"name": objective} if isinstance(objective, str) else objective,
        "budget": {"steps": budget} if isinstance(budget, int) else budget,
        "cache": cache,
        "report": report if report is not None else {},
        "out": out,
        "seed": seed,
    }
    return carry_out(check_plan(short, "the call"), listen)


def carry_out(plan: Plan, listen: Listener = lambda stage, told: None) -> DistillResult:
    """Carry out a plan; see `distill`."""
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder {plan.out} cannot be made: {error}") from error
    written = json.loads(plan.model_dump_json())
    write_whole(plan.out / "plan.json", json.dumps(written, indent=2) + "\n")
    listen("preparing", None)
    ready = prepare(plan, listen)
    report = Report(written, preflight=ready.findings, notes=list(ready.notes))
    targets, report.cache = targets_of(plan, ready, listen)
    undistilled = copy.deepcopy(ready.student)
    hard = None
    if ready.hard_rows is not None:
        hard = train_student(plan, ready, "hard_label", copy.deepcopy(ready.student), report, listen)
    distilled = train_student(plan, ready, "distilled", ready.student, report, listen, targets)
    listen("measuring", None)
    assess(plan, ready, Models(ready.teacher, undistilled, hard, distilled), report)
    listen("writing", None)
    save_network(distilled, ready.tokenizer, plan.out / "student")
    write_whole(plan.out / "student" / "README.md", model_card(report, plan.out.name))
    write_whole(plan.out / "report.md", report.markdown())
    write_whole(plan.out / "report.json", json.dumps(report.to_json(), indent=2) + "\n")
    return DistillResult(distilled, report, plan.out)
