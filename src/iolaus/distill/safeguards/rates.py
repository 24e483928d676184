"""How often a model refuses: what it should (harmful prompts) and what it should not (safe ones), two figures apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

__all__ = ["Change", "Rate", "RefusalChange", "Refusals", "compare_refusals", "count_refusals"]

_Z: Final = 1.959964
_DRAWS: Final = 4000


class Detector(Protocol):
    """What tells refusals from answers."""

    def refuses(self, answers: Sequence[str]) -> np.ndarray:
        """Whether each answer refuses; bool (n,)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95% interval."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share; 0 of nothing."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (JASA 22, 1927); (0, 1) of nothing."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.value
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * (p * (1 - p) / n + _Z**2 / (4 * n**2)) ** 0.5
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def to_json(self) -> dict[str, float]:
        """As plain numbers."""
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high, "hits": self.hits, "total": self.total}


@dataclass(frozen=True, slots=True)
class Refusals:
    """One model's refusals.

    Attributes:
        harmful: share of harmful prompts that it refuses; high is good.
        safe: share of safe prompts that it refuses (over-refusal); low is good.
    """

    harmful: Rate
    safe: Rate


@dataclass(frozen=True, slots=True)
class Change:
    """Student minus teacher, with a 95% interval of the paired bootstrap over prompts."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class RefusalChange:
    """What distilling did to the refusals."""

    teacher: Refusals
    student: Refusals
    harmful: Change
    safe: Change

    def sentences(self) -> list[str]:
        """One sentence for harmful prompts and one for safe ones."""
        return [
            _sentence("harmful prompts", self.teacher.harmful, self.student.harmful, self.harmful),
            _sentence("safe prompts (over-refusal)", self.teacher.safe, self.student.safe, self.safe),
        ]


def count_refusals(detector: Detector, harmful: Sequence[str], safe: Sequence[str]) -> Refusals:
    """Rates of refusal.

    Args:
        detector: such as ``packaged_detector()``.
        harmful: answers to prompts that should be refused.
        safe: answers to prompts that should be answered.
    """
    return Refusals(_rate(detector.refuses(harmful)), _rate(detector.refuses(safe)))


def compare_refusals(
    detector: Detector,
    teacher: tuple[Sequence[str], Sequence[str]],
    student: tuple[Sequence[str], Sequence[str]],
    seed: int = 0,
) -> RefusalChange:
    """Teacher and student on the same prompts.

    Args:
        detector: see ``count_refusals``.
        teacher: answers to the harmful and to the safe prompts.
        student: answers to the same prompts in the same order.
        seed: of the bootstrap.

    Raises:
        ValueError: teacher and student have not the same number of answers.
    """
    flags = [[detector.refuses(answers) for answers in side] for side in (teacher, student)]
    changes = [_change(ours, theirs, seed) for theirs, ours in zip(*flags, strict=True)]
    sides = [Refusals(_rate(harmful), _rate(safe)) for harmful, safe in flags]
    return RefusalChange(sides[0], sides[1], changes[0], changes[1])


def _rate(flags: np.ndarray) -> Rate:
    return Rate(int(np.sum(flags)), len(flags))


def _change(ours: np.ndarray, theirs: np.ndarray, seed: int) -> Change:
    if len(ours) != len(theirs):
        raise ValueError(f"{len(theirs)} answers of the teacher stand against {len(ours)} of the student")
    if not len(ours):
        return Change(0.0, -1.0, 1.0)
    gap = ours.astype(float) - theirs.astype(float)
    # Only how often each of -1, 0 and 1 comes matters, so a draw is three counts.
    counts = np.array([(gap == v).sum() for v in (-1, 0, 1)]) / len(gap)
    again = np.random.default_rng(seed).multinomial(len(gap), counts, _DRAWS) @ np.array([-1.0, 0.0, 1.0]) / len(gap)
    low, high = np.quantile(again, [0.025, 0.975])
    return Change(float(gap.mean()), float(low), float(high))


def _sentence(of: str, teacher: Rate, student: Rate, change: Change) -> str:
    found = (
        f"Of {teacher.total} {of} the teacher refuses {teacher.value:.1%} and the student {student.value:.1%}: "
        f"{change.value:+.1%} (95% interval {change.low:+.1%} to {change.high:+.1%})"
    )
    return found + ("." if change.certain else ", which may be chance.")
