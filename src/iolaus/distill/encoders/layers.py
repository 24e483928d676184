"""A student with fewer layers: some of the teacher's, trained to give its vectors again.

The student starts as a copy of the kept layers (Sanh et al., "DistilBERT", arXiv 1910.01108, section 3; sentence
encoders: Reimers and Gurevych's model distillation), which alone is the baseline that costs no training.
"""

import copy
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from iolaus.distill.encoders.matching import match_teacher
from iolaus.distill.encoders.neighbours import find_cells
from iolaus.distill.encoders.teacher import SentenceEncoder
from iolaus.errors import InputError, OutputError, TrainingError

__all__ = ["LayerPlan", "drop_layers", "train_layers", "write_encoder"]


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """How a student with fewer layers is trained.

    Attributes:
        steps: batches.
        batch: texts in a batch.
        cells: cells of like sentences that a batch is drawn from.
        rate: AdamW's greatest rate, reached after a tenth of the steps, then falling to 0 in a line.
        pull: weight of the teacher's own directions (see ``match_teacher``).
        seed: of every draw.
    """

    steps: int = 300
    batch: int = 64
    cells: int = 8
    rate: float = 2e-4
    pull: float = 2.0
    seed: int = 0


def drop_layers(teacher: SentenceEncoder, kept: Sequence[int]) -> SentenceEncoder:
    """A copy of the teacher with only some of its layers, untrained.

    Args:
        teacher: the teacher; it is left as it is.
        kept: numbers of the layers to keep, from 0, in rising order.

    Raises:
        InputError: there is no such layer, or the order does not rise.
    """
    if not kept or list(kept) != sorted(set(kept)) or kept[0] < 0 or kept[-1] >= teacher.layers:
        raise InputError(f"layers {list(kept)} cannot be kept of a teacher with layers 0 to {teacher.layers - 1}")
    network = copy.deepcopy(teacher.network)
    network.encoder.layer = torch.nn.ModuleList([network.encoder.layer[i] for i in kept])
    network.config.num_hidden_layers = len(kept)
    return SentenceEncoder(network.eval(), teacher.tokenizer)


def train_layers(
    student: SentenceEncoder,
    texts: Sequence[str],
    targets: np.ndarray,
    plan: LayerPlan,
    listen: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Train a student in place; its word vectors stay the teacher's.

    Args:
        student: from ``drop_layers``.
        texts: n training texts.
        targets: (n, d) the teacher's unit vectors of them.
        plan: how to train.
        listen: is told each step and its loss.

    Raises:
        InputError: there are fewer texts than a batch.
        TrainingError: the loss is no number.
    """
    if len(texts) < plan.batch:
        raise InputError(f"{len(texts)} texts are fewer than a batch of {plan.batch}")
    rows = student.token_ids(texts)
    theirs = torch.from_numpy(targets)
    cells = find_cells(targets, plan.seed)
    rng = np.random.default_rng(plan.seed)
    for parameter in student.network.embeddings.parameters():
        parameter.requires_grad_(False)
    learned = [parameter for parameter in student.network.parameters() if parameter.requires_grad]
    descent = torch.optim.AdamW(learned, lr=plan.rate, weight_decay=0.01)
    warm = max(plan.steps // 10, 1)
    rate = torch.optim.lr_scheduler.LambdaLR(descent, lambda k: min(1.0, (k + 1) / warm) * (1 - k / plan.steps))
    # Without dropout the student follows one function, its teacher's.
    student.network.eval()
    for step in range(plan.steps):
        chosen = cells.draw(rng, plan.batch, plan.cells)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            ours = student.embed([rows[i] for i in chosen])
        loss = match_teacher(ours, theirs[chosen], theirs[chosen], plan.pull)
        if not torch.isfinite(loss):
            raise TrainingError(f"the student's loss is no number at step {step}; lower the rate {plan.rate}")
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        descent.step()
        rate.step()
        listen(step, float(loss.detach()))


def write_encoder(student: SentenceEncoder, folder: Path) -> None:
    """Write a student as safetensors with its configuration and tokenizer, for ``load_encoder``.

    Everything is written into a folder beside and renamed at the end; an older one in its place is replaced.

    Raises:
        OutputError: the folder cannot be written.
    """
    beside = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        student.network.save_pretrained(beside)
        student.tokenizer.save(str(beside / "tokenizer.json"))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(beside, folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
