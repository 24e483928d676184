"""The stages of a distillation of language models: preparing, targets, training, measuring."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from iolaus.distill.measure import (
    calibration_error,
    judge_measure,
    likelihood_measures,
    measure_costs,
    predict_documents,
)
from iolaus.distill.plan import CausalTeacher, EndpointTeacher, ExchangesTeacher, Plan
from iolaus.distill.preflight import check_before_training
from iolaus.distill.report import Finding, Report
from iolaus.distill.texts import (
    Document,
    Encoded,
    Rows,
    answers_as_documents,
    encode_document,
    harvest,
    make_rows,
    read_documents,
    read_exchange_documents,
    split_documents,
)
from iolaus.distill.train import HardLabels, LiveTeacher, Source, load_tokenizer, make_student, train
from iolaus.distill.train.loop import Told
from iolaus.distill.train.networks import teacher_network, with_lora
from iolaus.errors import PlanError
from iolaus.lm import LanguageModel, LocalModel, Sampling

__all__ = ["Models", "Ready", "assess", "prepare", "targets_of", "train_student"]

_Listener = Callable[[str, Told | None], None]


@dataclass(slots=True)
class Ready:
    """All that is needed before the first update.

    Args:
        teacher: its network, where its weights are here.
        language_model: the teacher as something that answers, where it does.
        tokenizer: the student's.
        student: the undistilled student.
        rows: what the distilled student is trained on.
        hard_rows: what the hard-label student is trained on; None where there is to be none.
        held_out: documents nobody was trained on.
        wide: rows of the vocabulary that count.
        belongs: what checkpoints and caches belong to.
        findings: of the checks before training.
        notes: sentences for the report.
    """

    teacher: Any
    language_model: LanguageModel | None
    tokenizer: Any
    student: Any
    rows: Rows
    hard_rows: Rows | None
    held_out: list[Encoded]
    wide: int
    belongs: dict[str, str]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Models:
    """The four models that are compared; a teacher behind an endpoint and a hard-label student may be missing."""

    teacher: Any
    undistilled: Any
    hard_label: Any
    distilled: Any

    def present(self) -> dict[str, Any]:
        """By name."""
        every = {
            "teacher": self.teacher,
            "undistilled": self.undistilled,
            "hard_label": self.hard_label,
            "distilled": self.distilled,
        }
        return {name: network for name, network in every.items() if network is not None}
