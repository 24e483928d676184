"""Scoring an answer without echo: token by token, through prefill and the likeliest next tokens."""

import re
from dataclasses import dataclass

from iolaus.errors import AnswerError
from iolaus.lm.access import LanguageModel

__all__ = ["Walked", "walk_answer"]

_WORD = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class Walked:
    """The score of an answer's beginning.

    Args:
        logprob: sum of the steps' natural-log probabilities. A step whose token is not among the likeliest counts as
            the least likely of those that were told, so the sum is an upper bound where ``unseen`` is above zero.
        steps: queries made.
        unseen: steps whose token was not told.
        covered: characters of the answer that were scored.
    """

    logprob: float
    steps: int
    unseen: int
    covered: int


def walk_answer(language_model: LanguageModel, prompt: str, answer: str, *, steps: int, top: int = 20) -> Walked:
    """Score an answer's first tokens, one query each.

    At each step the likeliest told token that the rest of the answer begins with is taken; after a step without one,
    the walk goes on behind the answer's next word.

    Args:
        language_model: gives top-k logprobs and prefill.
        prompt: text.
        answer: text.
        steps: most queries.
        top: tokens told at each step.

    Raises:
        AccessError: there is no top-k access or no prefill.
        AnswerError: the model told no token at all.
    """
    total, unseen, at, made = 0.0, 0, 0, 0
    while made < steps and at < len(answer):
        told = language_model.next_token(prompt, answer[:at], top)
        if not told:
            raise AnswerError(f"{language_model.name} told no token that could follow")
        made += 1
        fitting = next(((token, value) for token, value in told if token and answer.startswith(token, at)), None)
        if fitting is None:
            unseen += 1
            total += min(value for _, value in told)
            word = _WORD.match(answer, at)
            at = word.end() if word else len(answer)
        else:
            total += fitting[1]
            at += len(fitting[0])
    return Walked(total, made, unseen, at)
