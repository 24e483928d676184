"""What an encoder's student keeps: rank correlation with human similarity, its share of the teacher's, speed."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats as sps

from iolaus.errors import InputError

__all__ = ["PairTask", "Share", "bare", "check_disjoint", "correlations", "sentences_per_second", "share_of_teacher"]


@dataclass(frozen=True, slots=True)
class PairTask:
    """Sentence pairs that people scored.

    Attributes:
        name: such as STS13.
        left: int64 (m,), rows of the sentences.
        right: int64 (m,).
        scores: float64 (m,), likeness as people see it.
    """

    name: str
    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, slots=True)
class Share:
    """The student's mean correlation over the teacher's, and its 95% interval."""

    value: float
    low: float
    high: float


def check_disjoint(training: Iterable[str], evaluation: Iterable[str]) -> None:
    """Make sure that no evaluation sentence was trained on, case, spacing and marks aside.

    Raises:
        InputError: names the first sentence in both.
    """
    held = {bare(text) for text in evaluation}
    for text in training:
        if bare(text) in held:
            raise InputError(f"a training sentence is also an evaluation sentence: {text[:80]!r}")


def bare(text: str) -> str:
    """A text without case, marks and spacing, by which two sentences count as the same."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def correlations(tasks: Sequence[PairTask], vectors: np.ndarray) -> dict[str, float]:
    """Spearman's correlation of cosines with people's scores, for each task.

    Args:
        tasks: the pairs.
        vectors: (n, d) unit vectors of the sentences that the pairs' rows name.
    """
    return {task.name: _spearman(_cosines(task, vectors), task.scores) for task in tasks}


def _cosines(task: PairTask, vectors: np.ndarray) -> np.ndarray:
    cosines: np.ndarray = np.einsum("ij,ij->i", vectors[task.left], vectors[task.right])
    return cosines


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    return float(sps.spearmanr(a, b).statistic)


def share_of_teacher(
    tasks: Sequence[PairTask], student: np.ndarray, teacher: np.ndarray, draws: int = 200, seed: int = 0
) -> Share:
    """Mean correlation of the student over that of the teacher, with a paired bootstrap interval.

    Each draw takes the pairs of every task again, with replacement, the same for student and teacher (Efron and
    Tibshirani, "An introduction to the bootstrap", 1993, chapter 13: percentile interval).
    """
    rng = np.random.default_rng(seed)
    sides = [(_cosines(t, student), _cosines(t, teacher), t.scores) for t in tasks]

    def ratio(chosen: Sequence[np.ndarray | slice]) -> float:
        ours = sum(_spearman(s[c], y[c]) for (s, _, y), c in zip(sides, chosen, strict=True))
        theirs = sum(_spearman(t[c], y[c]) for (_, t, y), c in zip(sides, chosen, strict=True))
        return float(ours / theirs)

    again = [ratio([rng.integers(0, len(y), len(y)) for _, _, y in sides]) for _ in range(draws)]
    low, high = np.quantile(again, [0.025, 0.975])
    return Share(ratio([slice(None)] * len(sides)), float(low), float(high))


def sentences_per_second(encode: Callable[[Sequence[str]], object], texts: Sequence[str], rounds: int = 3) -> float:
    """Sentences a second of CPU time of this thread's process, the best of several rounds after one to warm up."""
    encode(texts[: min(len(texts), 64)])
    best = np.inf
    for _ in range(rounds):
        started = time.process_time()
        encode(texts)
        best = min(best, time.process_time() - started)
    return len(texts) / max(best, 1e-9)
