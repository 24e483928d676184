"""A static student: one vector a word piece, distilled from a sentence encoder.

1. *Vocabulary pass*: the teacher reads every piece by itself; its vectors are projected to the student's width on the
   principal directions of the teacher's sentence vectors, and weighted by smooth inverse frequency, a / (a + p)
   (Arora et al., ICLR 2017, section 3). This alone is about what Model2Vec distils.
2. *Training*: the vectors of a text's pieces are summed and set to length 1, and learned so that similarities within
   batches of like sentences are the teacher's (``matching``). A piece's length is its weight; nothing else is learned.
3. *Writing*: int8 with one scale a piece; ``iolaus.text.static`` runs it without torch.
"""

import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import torch

from iolaus.distill.encoders.matching import match_teacher
from iolaus.distill.encoders.neighbours import find_cells
from iolaus.distill.encoders.teacher import SentenceEncoder
from iolaus.errors import InputError, OutputError, TrainingError
from iolaus.text.static import StaticEncoder
from iolaus.text.wordpiece import WordPieces, compile_pieces, split_pieces

__all__ = ["StaticPlan", "StaticVectors", "distil_static", "pack_static", "vocabulary_pass", "write_static"]

_RARITY: Final = 1e-3
_FOR_DIRECTIONS: Final = 20_000
_TOKENS: Final = 128


@dataclass(frozen=True, slots=True)
class StaticPlan:
    """How a static student is trained.

    Attributes:
        width: length of its vectors; at most the teacher's.
        steps: batches; 0 leaves the vocabulary pass untrained.
        batch: texts in a batch.
        cells: cells of like sentences that a batch is drawn from.
        rate: Adam's greatest rate, reached after 50 steps, then falling to 0 in a line.
        pull: weight of the teacher's own directions (see ``match_teacher``).
        seed: of every draw.
    """

    width: int = 256
    steps: int = 3000
    batch: int = 512
    cells: int = 16
    rate: float = 0.005
    pull: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class StaticVectors:
    """Vectors of a vocabulary.

    Attributes:
        pieces: the pieces' names, in the order of the rows.
        vectors: float32 (pieces, width).
    """

    pieces: tuple[str, ...]
    vectors: np.ndarray


def vocabulary_pass(teacher: SentenceEncoder) -> tuple[tuple[str, ...], np.ndarray]:
    """Every piece of the vocabulary that a Latin word or a mark can be, and the teacher's vector of it alone.

    Returns:
        Names, and float32 (pieces, width). Special and unused pieces, and those of other scripts, whose words the
        student hashes whole, are left out.
    """
    held = sorted(teacher.tokenizer.get_vocab().items(), key=lambda item: int(item[1]))
    chosen = [(name, row) for name, row in held if _useful(name)]
    first, last = (teacher.tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
    rows = [[first, row, last] for _, row in chosen]
    return tuple(name for name, _ in chosen), teacher.encode_ids(rows, batch=256, brief=True)


def _useful(name: str) -> bool:
    if name.startswith("[") and name.endswith("]") and len(name) > 2:
        return False
    # Letters up to Latin Extended-B, and punctuation; not Greek, Cyrillic, Arabic, Chinese.
    return all(ord(char) < 0x250 or 0x2000 <= ord(char) < 0x2C00 for char in name)


def distil_static(
    pieces: Sequence[str],
    alone: np.ndarray,
    texts: Sequence[str],
    targets: np.ndarray,
    plan: StaticPlan,
    listen: Callable[[int, float], None] = lambda step, loss: None,
) -> StaticVectors:
    """Train a static student.

    Args:
        pieces: names of the vocabulary's pieces.
        alone: (pieces, d) the teacher's vectors of single pieces.
        texts: n training texts.
        targets: (n, d) the teacher's unit vectors of them.
        plan: how to train.
        listen: is told each step and its loss.

    Raises:
        InputError: the texts are fewer than a batch, or the width is more than the teacher's.
        TrainingError: the loss is no number.
    """
    if len(texts) < plan.batch or plan.width > targets.shape[1]:
        raise InputError(
            f"a static student of width {plan.width} needs {plan.batch} texts or more and a teacher at least as wide; "
            f"there are {len(texts)} texts of width {targets.shape[1]}"
        )
    tokens, ends = _known(texts, compile_pieces(pieces))
    rng = np.random.default_rng(plan.seed)
    onto = _directions(targets, plan.width, rng)
    counts = np.bincount(tokens, minlength=len(pieces))
    start = ((alone - alone.mean(0)) @ onto) * _rarity(counts)[:, None]
    weights = torch.nn.Parameter(torch.from_numpy(start / np.linalg.norm(start, axis=1).mean()).float())
    if plan.steps:
        _train(weights, tokens, ends, targets, onto, plan, rng, listen)
    return StaticVectors(tuple(pieces), weights.detach().numpy())


def _known(texts: Sequence[str], pieces: WordPieces) -> tuple[np.ndarray, np.ndarray]:
    """Tokens that the vocabulary holds, and where each text's end; hashed words have nothing to learn."""
    tokens, ends = split_pieces(pa.array(texts, type=pa.string()), pieces, _TOKENS)
    known = tokens < pieces.size
    return tokens[known], np.concatenate([[0], np.cumsum(known)])[ends]


def _directions(targets: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Principal directions of the teacher's vectors, (d, width); uncentred, for cosines must survive."""
    sample = targets[rng.permutation(len(targets))[:_FOR_DIRECTIONS]]
    _, _, axes = np.linalg.svd(sample, full_matrices=False)
    return np.ascontiguousarray(axes[:width].T)


def _rarity(counts: np.ndarray) -> np.ndarray:
    share = (counts + 1) / (counts.sum() + counts.size)
    weight: np.ndarray = _RARITY / (_RARITY + share)
    return weight


def _train(
    weights: torch.nn.Parameter, tokens: np.ndarray, ends: np.ndarray, targets: np.ndarray, onto: np.ndarray,
    plan: StaticPlan, rng: np.random.Generator, listen: Callable[[int, float], None],
) -> None:  # fmt: skip
    theirs = torch.from_numpy(targets)
    directions = torch.nn.functional.normalize(torch.from_numpy(targets @ onto), dim=1)
    cells = find_cells(targets, plan.seed)
    # Only the pieces of a batch move: a step costs what its texts cost, not what the vocabulary does.
    descent = torch.optim.SparseAdam([weights], lr=plan.rate)
    rate = torch.optim.lr_scheduler.LambdaLR(descent, lambda k: min(1.0, (k + 1) / 50) * (1 - k / plan.steps))
    for step in range(plan.steps):
        rows = cells.draw(rng, plan.batch, plan.cells)
        ids, starts = _bags(tokens, ends, rows)
        summed = torch.nn.functional.embedding_bag(ids, weights, starts, mode="sum", sparse=True)
        ours = torch.nn.functional.normalize(summed, dim=1)
        loss = match_teacher(ours, theirs[rows], directions[rows], plan.pull)
        if not torch.isfinite(loss):
            raise TrainingError(f"the static student's loss is no number at step {step}; lower the rate {plan.rate}")
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()  # type: ignore[no-untyped-call]
        rate.step()
        listen(step, float(loss.detach()))


def _bags(tokens: np.ndarray, ends: np.ndarray, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the chosen texts in a row, and where each text's begin."""
    lengths = ends[rows + 1] - ends[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    places = np.repeat(ends[rows] - starts, lengths) + np.arange(int(lengths.sum()))
    return torch.from_numpy(tokens[places]), torch.from_numpy(starts)


def pack_static(student: StaticVectors, about: dict[str, Any]) -> StaticEncoder:
    """The student as int8 with one scale a piece, ready to run.

    Args:
        student: its vectors.
        about: what the file is to say of itself: teacher, licence, training text.
    """
    largest = np.abs(student.vectors).max(axis=1)
    scales = np.maximum(largest / 127, 1e-12).astype(np.float16).astype(np.float32)
    scales = np.maximum(scales, np.float32(np.finfo(np.float16).tiny))
    quantised = np.clip(np.rint(student.vectors / scales[:, None]), -127, 127).astype(np.int8)
    # An unknown word weighs as much as a typical known one.
    hashed = float(np.median(np.linalg.norm(student.vectors, axis=1)))
    return StaticEncoder(quantised, scales, hashed, compile_pieces(student.pieces), about | {"hashed": hashed})


def write_static(student: StaticVectors, about: dict[str, Any], path: Path) -> None:
    """Write a student for ``iolaus.text.static.read_static``: beside first, then renamed.

    Raises:
        OutputError: the file cannot be written.
    """
    packed = pack_static(student, about)
    held = io.BytesIO()
    np.savez_compressed(
        held,
        vectors=packed.vectors,
        scales=packed.scales.astype(np.float16),
        pieces=np.frombuffer("\n".join(student.pieces).encode("utf-8"), dtype=np.uint8),
        about=np.frombuffer(json.dumps(packed.about, sort_keys=True).encode("utf-8"), dtype=np.uint8),
    )
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_bytes(held.getvalue())
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
