"""Language models: four of them are trained or loaded, and compared."""

import copy

from iolaus.distill.assess import Models, assess, read_tasks
from iolaus.distill.keeping import read_prompts
from iolaus.distill.measure import require_harness
from iolaus.distill.plan import Plan
from iolaus.distill.report import Report, model_card
from iolaus.distill.stages import Listener, prepare, targets_of, train_student, without_safeguards
from iolaus.distill.train import save_network
from iolaus.distill.untyped import Network
from iolaus.distill.writing import write_whole

__all__ = ["distil_language_model"]


def distil_language_model(plan: Plan, report: Report, listen: Listener) -> Network:
    """Train the student, and the hard-label student beside it; measure; write both, and the card."""
    tasks = read_tasks(plan)
    read_prompts(plan)
    if plan.report.harness:
        require_harness()
    ready = prepare(plan, listen)
    report.preflight, report.notes = ready.findings, ready.notes
    targets, report.cache = targets_of(plan, ready, listen)
    undistilled = copy.deepcopy(ready.student)
    hard = None
    if ready.hard_rows is not None:
        hard = train_student(plan, ready, "hard_label", copy.deepcopy(ready.student), report, listen)
    bare = None
    if plan.report.harmful is not None and plan.report.safe is not None:
        bare = without_safeguards(plan, ready, targets, copy.deepcopy(ready.student), report, listen)
    distilled = train_student(plan, ready, "distilled", ready.student, report, listen, targets)
    listen("measuring", None)
    assess(plan, ready, Models(ready.teacher, undistilled, hard, distilled, bare), tasks, report)
    listen("writing", None)
    save_network(distilled, ready.tokenizer, plan.out / "student")
    if hard is not None:
        save_network(hard, ready.tokenizer, plan.out / "hard_label")
    write_whole(plan.out / "student" / "README.md", model_card(report, plan.out.name))
    return distilled
