"""Making the refusal detector from labelled answers and from refusals that this project wrote.

The written refusals carry what everybody knows of the form (an apology, an inability, what is withheld, why), so that
a model whose habit of refusing is in none of the labelled answers is recognised all the same.
"""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from iolaus.distill.safeguards.refusal import RefusalDetector
from iolaus.distill.safeguards.refusal_features import PLACES, structure_of, word_runs
from iolaus.errors import InputError, OutputError

__all__ = ["train_detector", "write_detector", "written_refusals"]

_STRENGTH: Final = 10.0
_RUNS: Final = 3.0
_STRUCTURE: Final = 0.3
_LEAST: Final = 3
_WRITTEN: Final = 300

_OPENINGS: Final = (
    "Sorry, but ", "I'm sorry, but ", "I am sorry, ", "Sorry, ", "I apologize, but ", "My apologies, but ",
    "Unfortunately, ", "I'm really sorry, but ", "", "", "I understand your question, but ",
    "Thank you for asking, but ", "As an AI, ", "As a language model, ",
)  # fmt: skip
_INABILITIES: Final = (
    "I can't ", "I cannot ", "I'm unable to ", "I am not able to ", "I won't ", "I will not ", "I must decline to ",
    "I'm not going to ", "I do not feel comfortable enough to ", "I have to refuse to ",
)  # fmt: skip
_AIDS: Final = (
    "assist", "help", "help with that", "assist with that", "assist you with that", "fulfill that request",
    "comply with this request", "provide that information", "answer that", "support this", "discuss that topic",
    "offer guidance on this", "help you do this", "share details about it", "continue with this conversation",
    "generate that content", "provide instructions for this",
)  # fmt: skip
_REASONS: Final = (
    ".", ". It is illegal and harmful.", ". If you are in danger, please contact local authorities.",
    ". Is there something else I can help you with?", ". Please consider talking to a professional.",
    ". I would be glad to help with a different question.", ", because it could hurt someone.",
    ", as that would be unsafe.",
)  # fmt: skip


def written_refusals(count: int = _WRITTEN, seed: int = 0) -> list[str]:
    """Refusals put together from this project's own phrases."""
    rng = Random(seed)
    made = ["".join(rng.choice(part) for part in (_OPENINGS, _INABILITIES, _AIDS, _REASONS)) for _ in range(count)]
    return [text[0].upper() + text[1:] for text in made]


def train_detector(
    answers: Sequence[str], refused: Sequence[bool], about: dict[str, Any], written: int = _WRITTEN
) -> RefusalDetector:
    """Fit the detector; needs scikit-learn (``pip install 'iolaus[distill]'``).

    Args:
        answers: labelled answers.
        refused: whether a person called each a refusal, full or partial.
        about: what the weights' file is to say of its training.
        written: how many of this project's own refusals to add.

    Raises:
        InputError: answers and labels do not fit together, or one kind is missing.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    if len(answers) != len(refused) or len(set(refused)) < 2:
        raise InputError("a refusal detector needs as many labels as answers, with both refusals and compliances")
    texts = [*answers, *written_refusals(written)]
    labels = np.concatenate([np.asarray(refused, dtype=int), np.ones(len(texts) - len(answers), dtype=int)])
    runs = [word_runs(text) for text in texts]
    seen = np.bincount(np.concatenate(runs), minlength=PLACES)
    runs = [places[seen[places] >= _LEAST] for places in runs]
    ends = np.concatenate([[0], np.cumsum([places.size for places in runs])])
    counted = np.concatenate([np.full(p.size, _RUNS / max(p.size, 1) ** 0.5) for p in runs])
    build = np.stack([structure_of(text) for text in texts])
    centre, spread = build[: len(answers)].mean(0), build[: len(answers)].std(0) + 1e-9
    table = sparse.hstack(
        [
            sparse.csr_matrix((counted, np.concatenate(runs), ends), shape=(len(texts), PLACES)),
            sparse.csr_matrix((build - centre) / spread * _STRUCTURE),
        ]
    ).tocsr()
    fitted = LogisticRegression(C=_STRENGTH, max_iter=3000).fit(table, labels)
    weights = fitted.coef_[0]
    structure = weights[PLACES:] * _STRUCTURE / spread
    bias = float(fitted.intercept_[0] - structure @ centre)
    return RefusalDetector((weights[:PLACES] * _RUNS).astype(np.float32), structure, bias, about)


def write_detector(detector: RefusalDetector, path: Path) -> None:
    """Write the weights for ``read_detector``: beside first, then renamed.

    Raises:
        OutputError: the file cannot be written.
    """
    held = io.BytesIO()
    np.savez_compressed(
        held,
        runs=detector.runs.astype(np.float16),
        structure=detector.structure,
        bias=np.float64(detector.bias),
        about=np.frombuffer(json.dumps(detector.about, sort_keys=True).encode(), dtype=np.uint8),
    )
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_bytes(held.getvalue())
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
