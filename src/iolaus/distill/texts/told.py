"""An endpoint's likeliest tokens as targets for the student's tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from iolaus.distill.texts.harvest import Answer
from iolaus.distill.texts.rows import Encoded
from iolaus.distill.texts.spelling import Spelling

__all__ = ["Told", "told_targets"]


@dataclass(frozen=True, slots=True)
class Told:
    """Targets of every token of the corpus, in the order of documents and tokens.

    Args:
        ids: (n, K) token ids of the student.
        log_p: (n, K) float32 log-probabilities, -inf for padding. A token of which the endpoint told nothing usable has
            its own id with log-probability 0: a hard label.
        share: share of the answers' tokens with a target told by the endpoint.
    """

    ids: NDArray[np.int64]
    log_p: NDArray[np.float32]
    share: float


def told_targets(spelling: Spelling, encoded: Sequence[Encoded], answers: Sequence[Answer]) -> Told:
    """Put what an endpoint told onto the student's tokens, where both have a token of the same bytes at the same place.

    A told token that the student writes with several tokens is left out, and its mass counts as tail.

    Args:
        spelling: of the student's tokenizer.
        encoded: documents made from the answers, in the same order.
        answers: with tokens and likeliest tokens.
    """
    wide = max((len(step) for answer in answers for step in answer.top), default=1) or 1
    flat = np.array([index for document in encoded for index in document.ids], dtype=np.int64)
    ids = np.zeros((len(flat), wide), dtype=np.int64)
    log_p = np.full((len(flat), wide), -np.inf, dtype=np.float32)
    ids[:, 0], log_p[:, 0] = flat, 0.0
    start, told, counted = 0, 0, 0
    for document, answer in zip(encoded, answers, strict=True):
        body = document.ids[document.head :]
        for place, step in _same_places(spelling, body, answer):
            known = {spelling.ids[text.encode()]: value for text, value in step if text.encode() in spelling.ids}
            if known:
                row = start + document.head + place
                ids[row, : len(known)], log_p[row] = list(known), -np.inf
                log_p[row, : len(known)] = list(known.values())
                told += 1
        counted += len(body)
        start += len(document.ids)
    return Told(ids, log_p, told / max(1, counted))


def _same_places(
    spelling: Spelling, body: Sequence[int], answer: Answer
) -> list[tuple[int, tuple[tuple[str, float], ...]]]:
    """Places in the student's tokens where a told token has the same first and last byte."""
    if not answer.top or "".join(answer.tokens) != answer.response:
        return []
    theirs = list(accumulate(len(token.encode()) for token in answer.tokens))
    spans = dict(zip(zip([0, *theirs[:-1]], theirs, strict=True), answer.top, strict=True))
    ours = spelling.ends(body)
    return [
        (place, spans[first, last])
        for place, (first, last) in enumerate(zip([0, *ours[:-1]], ours, strict=True))
        if first < last and (first, last) in spans
    ]
