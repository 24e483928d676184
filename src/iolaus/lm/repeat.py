"""Does a model answer the same question twice in the same way?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iolaus.errors import AnswerError
from iolaus.lm.access import Access, LanguageModel, Sampling

__all__ = ["Repeatability", "check_repeatability"]


@dataclass(frozen=True, slots=True)
class Repeatability:
    """What asking twice showed.

    Args:
        name: of the model.
        asked: questions that were asked twice.
        differing: of those, answered differently.
        largest: largest difference of an answer's log-probability, in nats; None where only texts were compared.
        tolerance: difference in nats up to which two scores count as the same.
    """

    name: str
    asked: int
    differing: int
    largest: float | None
    tolerance: float

    @property
    def sentence(self) -> str:
        """One sentence for a report."""
        if not self.differing:
            return f"{self.name} answered {self.asked} questions twice in the same way."
        size = "" if self.largest is None else f", by up to {self.largest:.3g} nats"
        return (
            f"{self.name} answered {self.differing} of {self.asked} questions differently when asked again{size}, "
            "although nothing was left to chance; an endpoint that promises to be deterministic is wrong."
        )

    def require(self) -> None:
        """Refuse to go on with a model that does not repeat itself.

        Raises:
            AnswerError: it does not.
        """
        if self.differing:
            raise AnswerError(self.sentence.rstrip("."))


def check_repeatability(
    language_model: LanguageModel, pairs: Sequence[tuple[str, str]], *, tolerance: float = 1e-3, max_tokens: int = 32
) -> Repeatability:
    """Ask everything, then everything again in reverse order, without the cache.

    With open weights or echo, scores are compared; else texts at temperature 0 with a seed.

    Args:
        language_model: the model.
        pairs: (prompt, answer); the answers are used for scores only.
        tolerance: in nats per answer.
        max_tokens: length of compared texts.
    """
    fresh = language_model.uncached()
    back = list(reversed(pairs))
    if fresh.access & (Access.ECHO | Access.WEIGHTS):
        first = np.array([scored.total for scored in fresh.score(pairs)])
        again = np.array([scored.total for scored in fresh.score(back)])[::-1]
        gap = np.abs(first - again)
        # A lone NaN would compare false with the tolerance and pass for equal.
        differing = int((~(gap <= tolerance)).sum())
        return Repeatability(fresh.name, len(pairs), differing, float(gap.max(initial=0.0)), tolerance)
    greedy = Sampling(max_tokens=max_tokens, temperature=0.0, seed=0)
    texts = [one.text for one in fresh.generate([prompt for prompt, _ in pairs], greedy)]
    others = [one.text for one in fresh.generate([prompt for prompt, _ in back], greedy)][::-1]
    differing = sum(a != b for a, b in zip(texts, others, strict=True))
    return Repeatability(fresh.name, len(pairs), differing, None, tolerance)
