"""Measuring four models side by side and writing what is found into the report."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iolaus.distill.fit import CROSSING
from iolaus.distill.keeping import protected_kept, read_prompts, refusals_kept
from iolaus.distill.measure import (
    Measure,
    Task,
    calibration_error,
    judge_measure,
    likelihood_measures,
    measure_costs,
    predict_documents,
    read_task,
    run_harness,
    score_task,
)
from iolaus.distill.plan import Plan
from iolaus.distill.report import Report
from iolaus.distill.stages import Ready
from iolaus.distill.texts import Document, encode_document
from iolaus.distill.untyped import Network
from iolaus.lm import LanguageModel, LocalModel

__all__ = ["Models", "assess", "read_tasks"]


@dataclass(frozen=True, slots=True)
class Models:
    """The models that are compared; all but the undistilled and the distilled student may be missing."""

    teacher: Network
    undistilled: Network
    hard_label: Network
    distilled: Network
    without_safeguards: Network = None

    def present(self) -> dict[str, Network]:
        """By name."""
        every = {
            "teacher": self.teacher,
            "undistilled": self.undistilled,
            "hard_label": self.hard_label,
            "distilled": self.distilled,
            "without_safeguards": self.without_safeguards,
        }
        return {name: network for name, network in every.items() if network is not None}


def read_tasks(plan: Plan) -> list[Task]:
    """The plan's task files, read before anything is trained.

    Raises:
        InputError: names file and row of what is no item.
    """
    return [read_task(Path(path)) for path in plan.report.tasks]


def assess(plan: Plan, ready: Ready, models: Models, tasks: list[Task], report: Report) -> None:
    """Measure the models on held-out documents and tasks.

    Args:
        plan: the bar, the intervals.
        ready: held-out documents and tokenizers.
        models: what is compared.
        tasks: from `read_tasks`.
        report: is filled.
    """
    choice, networks = plan.report, models.present()
    answering = _answering(plan, ready, networks)
    for measure in [*_likelihoods(plan, ready, networks, report), *_tasks(tasks, answering, report)]:
        report.judged.append(judge_measure(measure, choice.bar, choice.confidence, choice.resamples, plan.seed))
    for name, network in networks.items():
        report.costs[name] = measure_costs(network, choice.cost_repeats)
    prompts = read_prompts(plan)
    if prompts is not None:
        report.further["refusals"], said = refusals_kept(answering, prompts, choice.answer_tokens, plan.seed)
        report.notes += said
    if choice.protected is not None:
        report.further["protected text"], said = protected_kept(answering, plan, plan.seed)
        report.notes += said
    if choice.harness:
        tokenizers = {name: ready.tokenizer for name in networks} | {"teacher": ready.teacher_tokenizer}
        report.further["lm-evaluation-harness"] = run_harness(networks, tokenizers, choice.harness)


def _likelihoods(plan: Plan, ready: Ready, networks: dict[str, Network], report: Report) -> list[Measure]:
    choice, block = plan.report, plan.corpus.block
    crossing = plan.objective.name in CROSSING and "teacher" in networks
    ours = {name: network for name, network in networks.items() if not (crossing and name == "teacher")}
    found, tokens = predict_documents(ours, ready.held_out, block, ready.wide)
    for name, predictions in found.items():
        report.calibration[name] = calibration_error(predictions, choice.confidence, choice.resamples, plan.seed)
    if not crossing:
        return likelihood_measures(found, tokens)
    # Tokens of two tokenizers are no common unit; the bytes of the same whole documents are.
    documents = ready.texts.held_out[: choice.documents]
    theirs = [encode_document(ready.teacher_tokenizer, one, plan.corpus) for one in documents]
    wide = networks["teacher"].get_output_embeddings().weight.shape[0]
    above, _ = predict_documents({"teacher": networks["teacher"]}, theirs, _WHOLE, wide)
    whole, _ = predict_documents(ours, ready.held_out, _WHOLE, ready.wide)
    report.notes.append("Likelihood is per byte of whole documents, for teacher and student cut text differently.")
    return likelihood_measures(above | whole, _bytes(documents, plan), "byte")


_WHOLE = 1 << 30


def _bytes(documents: list[Document], plan: Plan) -> np.ndarray:
    """What both tokenizers had to predict of each document, the closing token counted as one byte."""
    prompts = plan.corpus.learn == "all"
    return np.array(
        [len(one.response.encode()) + 1 + (len(one.prompt.encode()) if prompts else 0) for one in documents],
        dtype=float,
    )


def _answering(plan: Plan, ready: Ready, networks: dict[str, Network]) -> dict[str, LanguageModel]:
    """The models as what answers prompts."""
    chat = plan.corpus.template == "chat"
    found: dict[str, LanguageModel] = {
        name: LocalModel(network, ready.tokenizer, name=name, chat=chat)
        for name, network in networks.items()
        if name != "teacher"
    }
    return found if ready.language_model is None else {"teacher": ready.language_model} | found


def _tasks(tasks: list[Task], answering: dict[str, LanguageModel], report: Report) -> list[Measure]:
    measures = []
    for task in tasks:
        scored = {name: score_task(task, language_model) for name, language_model in answering.items()}
        sums = {name: scores for name, scores in scored.items() if scores is not None}
        if len(sums) < len(scored):
            report.notes.append(f"{task.name}: the teacher's endpoint does not give what choices are scored by.")
        weights = {name: np.ones(len(task.items)) for name in sums}
        measures.append(Measure(task.name, "higher", sums, weights, chance=task.chance))
    return measures
