"""The stages of a distillation of language models: preparing, targets, training."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from iolaus.distill.cache import (
    CachedTeacher,
    HiddenCache,
    HiddenTeacher,
    Manifest,
    build_cache,
    build_hidden,
    network_digest,
    tokenizer_digest,
)
from iolaus.distill.fit import CROSSING, causal_student, require_fit
from iolaus.distill.gather import Gathered, gather_texts, rows_of
from iolaus.distill.plan import CausalTeacher, EndpointTeacher, Plan
from iolaus.distill.preflight import check_before_training, check_served
from iolaus.distill.report import Finding, Report
from iolaus.distill.texts import Encoded, Rows, Spelling, encode_document, told_targets
from iolaus.distill.train import HardLabels, LiveTeacher, Source, load_tokenizer, make_student, train
from iolaus.distill.train.crossing import CrossingTeacher
from iolaus.distill.train.loop import Told
from iolaus.distill.train.networks import teacher_network, with_lora
from iolaus.distill.train.told import ToldTeacher
from iolaus.distill.untyped import Network, Tokenizer
from iolaus.errors import PlanError
from iolaus.lm import LanguageModel, LocalModel

__all__ = ["Listener", "Ready", "prepare", "targets_of", "train_student", "without_safeguards"]

Listener = Callable[[str, Told | None], None]
"""Told the stage under way, and in training what each update came to."""


@dataclass(slots=True)
class Ready:
    """All that is needed before the first update.

    Args:
        teacher: its network, where its weights are here.
        teacher_tokenizer: its tokenizer.
        language_model: the teacher as something that answers, where it does.
        tokenizer: the student's.
        student: the undistilled student.
        texts: the documents.
        rows: what the distilled student is trained on.
        hard_rows: what the hard-label student is trained on; None where there is to be none.
        held_out: documents nobody was trained on, encoded for the student.
        wide: rows of the vocabulary that count.
        belongs: what checkpoints and caches belong to.
        findings: of the checks before training.
        notes: sentences for the report.
    """

    teacher: Network
    teacher_tokenizer: Tokenizer
    language_model: LanguageModel | None
    tokenizer: Tokenizer
    student: Network
    texts: Gathered
    rows: Rows
    hard_rows: Rows | None
    held_out: list[Encoded]
    wide: int
    belongs: dict[str, str]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def prepare(plan: Plan, listen: Listener) -> Ready:
    """Open teacher and student, read and encode the texts, and run the checks before training.

    Raises:
        PlanError: something does not fit, or a check failed; says which.
        InputError: the texts cannot be used.
    """
    require_fit(plan)
    if plan.budget.threads is not None:
        torch.set_num_threads(plan.budget.threads)
    device = "cuda" if torch.cuda.is_available() and plan.budget.device == "auto" else "cpu"
    causal = plan.teacher if isinstance(plan.teacher, CausalTeacher) else None
    teacher = teacher_network(causal).to(device) if causal else None
    theirs = load_tokenizer(causal.path) if causal else None
    tokenizer = load_tokenizer(_tokenizer_place(plan))
    student = make_student(causal_student(plan), tokenizer, plan.seed).to(device)
    language_model = _as_language_model(plan, teacher, theirs)
    texts = gather_texts(plan, language_model, lambda stage: listen(stage, None))
    rows = rows_of(plan, tokenizer, texts.learned)
    hard_rows = None
    if plan.report.hard_label_student and texts.plain is not None:
        hard_rows = rows if texts.plain is texts.learned else rows_of(plan, tokenizer, texts.plain)
    elif plan.report.hard_label_student:
        texts.notes.append("There is no hard-label student: the texts hold no responses but the teacher's own.")
    crossing = plan.objective.name in CROSSING
    wide = _shared_width(tokenizer, student, None if crossing else teacher)
    held_out = [encode_document(tokenizer, one, plan.corpus) for one in texts.held_out[: plan.report.documents]]
    findings = check_before_training(plan, student, tokenizer, rows, wide, teacher, theirs)
    if isinstance(plan.teacher, EndpointTeacher) and plan.teacher.weights is not None and language_model is not None:
        local = LocalModel.load(plan.teacher.weights, chat=plan.teacher.style == "chat")
        prompts = [one.prompt for one in texts.learned[:3]]
        findings.append(check_served(language_model, local, prompts))
    failed = [found for found in findings if found.state == "failed"]
    if failed:
        raise PlanError(f"{failed[0].name}: {failed[0].sentence}")
    belongs = _belongs(plan, rows)
    return Ready(
        teacher,
        theirs,
        language_model,
        tokenizer,
        student,
        texts,
        rows,
        hard_rows,
        held_out,
        wide,
        belongs,
        findings,
        texts.notes,
    )


def targets_of(plan: Plan, ready: Ready, listen: Listener) -> tuple[Source, dict[str, Any] | None]:
    """What judges the distilled student's predictions; and what a report says of the cache, where there is one."""
    if plan.objective.name == "sequence":
        return HardLabels(), None
    if ready.teacher is None:
        return _told(plan, ready), None
    if plan.objective.name in CROSSING:
        return CrossingTeacher(ready.teacher, ready.teacher_tokenizer, ready.tokenizer, plan.objective), None
    if plan.cache is None:
        return LiveTeacher(ready.teacher, plan.objective, ready.wide), None
    choice = plan.cache
    manifest = Manifest(
        teacher=network_digest(ready.teacher),
        tokenizer=tokenizer_digest(ready.tokenizer),
        corpus=ready.rows.digest,
        kind=choice.kind,
        tokens=choice.tokens,
        power=choice.power,
        temperature=plan.objective.temperature,
        wide=ready.wide,
        rows=len(ready.rows),
        shard_rows=choice.shard_rows,
        seed=plan.seed,
        nats=choice.nats if choice.kind == "hidden" else 0.0,
    )
    build = build_hidden if choice.kind == "hidden" else build_cache
    cache = build(
        Path(choice.path),
        manifest,
        ready.teacher,
        ready.rows,
        lambda done, of: listen(f"caching the teacher: shard {done} of {of}", None),
    )
    worst = cache.verify(ready.teacher, ready.rows, choice.verify_rows) if choice.verify_rows else None
    # Everything that training needs of the teacher is on disk now: a student need not share a GPU with it.
    ready.teacher.to("cpu")
    told = {"kind": choice.kind, "bytes_per_token": cache.bytes_per_token}
    if isinstance(cache, HiddenCache):
        return HiddenTeacher(cache, plan.objective), told | {"divergence": worst}
    return CachedTeacher(cache, plan.objective), told | {"tokens": choice.tokens, "log_z_off": worst}


def train_student(
    plan: Plan,
    ready: Ready,
    run: str,
    network: Network,
    report: Report,
    listen: Listener,
    source: Source | None = None,
) -> Network:
    """Train one student; on hard labels where there is no source. Low-rank additions are merged at the end."""
    rows = ready.rows if source is not None or ready.hard_rows is None else ready.hard_rows
    hard = plan.model_copy(update={"objective": plan.objective.model_copy(update=_HARD)})
    trained = with_lora(network, causal_student(plan))
    found = train(
        trained,
        rows,
        source or HardLabels(),
        plan if source is not None else hard,
        plan.out / "runs" / run,
        wide=ready.wide,
        teacher=ready.teacher if source is not None else None,
        belongs=ready.belongs | {"run": run},
        listen=lambda told: listen(f"training the {run.replace('_', '-')} student", told),
    )
    report.training[run] = {
        "steps": plan.budget.steps,
        "resumed_from": found.resumed_from,
        "rows": len(rows),
        "tokens": found.tokens,
        "seconds": round(found.seconds, 3),
        "last_loss": float(found.losses[-1]) if len(found.losses) else None,
        "logits_chunked": found.chunked,
    }
    return (trained.merge_and_unload() if causal_student(plan).lora is not None else trained).eval()


_HARD = {"name": "sequence", "hidden_weight": 0.0, "relation_weight": 0.0, "on_policy": 0.0}
_NO_MATTER = frozenset(
    {"checkpoint_every", "threads", "queries", "attempts", "timeout", "first_wait", "concurrency", "weights"}
)


def without_safeguards(
    plan: Plan, ready: Ready, source: Source, network: Network, report: Report, listen: Listener
) -> Network:
    """A student trained the same way on the texts before safeguards were mixed in; None where there is no such thing.

    A cache and what an endpoint told belong to the mixed rows, and cannot judge others.
    """
    if ready.texts.bare is None:
        return None
    if isinstance(source, CachedTeacher | ToldTeacher):
        ready.notes.append("What the safeguards change is not shown: kept targets serve the mixed texts only.")
        return None
    bare = replace(ready, rows=rows_of(plan, ready.tokenizer, ready.texts.bare))
    bare.belongs = ready.belongs | {"texts": bare.rows.digest[:16]}
    return train_student(plan, bare, "without_safeguards", network, report, listen, source)


def _told(plan: Plan, ready: Ready) -> ToldTeacher:
    encoded = [encode_document(ready.tokenizer, one, plan.corpus) for one in ready.texts.learned]
    told = told_targets(Spelling(ready.tokenizer), encoded, ready.texts.answers)
    if told.share == 0:
        raise PlanError(
            "objective.name: no token that the endpoint told is a token of the student at the same place; use the "
            "teacher's tokenizer, or objective.name sequence"
        )
    ready.notes.append(f"The endpoint told targets for {told.share:.0%} of its tokens; the rest are hard labels.")
    return ToldTeacher(told, ready.rows, plan.objective)


def _tokenizer_place(plan: Plan) -> str:
    fallback = plan.teacher.path if isinstance(plan.teacher, CausalTeacher) else None
    student = causal_student(plan)
    place = student.tokenizer or student.path or student.config or fallback
    if place is None:
        raise PlanError("student.tokenizer: a fresh student of a teacher without weights needs a tokenizer")
    return place


def _as_language_model(plan: Plan, teacher: Network, tokenizer: Tokenizer) -> LanguageModel | None:
    if isinstance(plan.teacher, CausalTeacher):
        return LocalModel(teacher, tokenizer, name=f"teacher {plan.teacher.path}", chat=plan.corpus.template == "chat")
    if isinstance(plan.teacher, EndpointTeacher):
        from iolaus.distill.endpoints import open_endpoint

        return open_endpoint(plan.teacher)
    return None


def _shared_width(tokenizer: Tokenizer, student: Network, teacher: Network) -> int:
    """Rows of the vocabulary that mean something: what networks pad beyond the tokenizer is cut off."""
    highest = int(max(tokenizer.get_vocab().values())) + 1
    networks = (student, teacher) if teacher is not None else (student,)
    return min(highest, *(int(network.get_output_embeddings().weight.shape[0]) for network in networks))


def _belongs(plan: Plan, rows: Rows) -> dict[str, str]:
    """All that decides the bits of a run, key by key."""
    found = {"texts": rows.digest[:16], "seed": str(plan.seed)}
    for part in ("teacher", "student", "objective", "budget"):
        for key, value in getattr(plan, part).model_dump(mode="json").items():
            if key not in _NO_MATTER:
                found[f"{part}.{key}"] = str(value)
    return found
