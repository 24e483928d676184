"""How much a model prefers each candidate answer, by what access there is to it.

A score is any number that a model and a candidate decide and no coin does. More access gives scores that see more, and
so more power; the test stays as exact with the poorest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from iolaus.errors import AnswerError
from iolaus.lm import Access, LanguageModel, Sampling, walk_answer
from iolaus.provenance.calibrate import lengthened
from iolaus.provenance.likeness import Likeness
from iolaus.provenance.vault import TwinExchange

__all__ = ["Scores", "Scoring", "Way", "best_way", "queries_each", "score_candidates"]


class Way(StrEnum):
    """How candidates are scored."""

    LIKELIHOOD = "likelihood"
    """Log-likelihood of the whole answer: open weights, or an endpoint that echoes."""
    WALK = "walk"
    """Log-likelihood of the answer's first tokens, one query each: prefill and top-k logprobs."""
    FIRST_TOKEN = "first token"
    """Log-likelihood of the answer's first token alone: top-k logprobs without prefill; one query an exchange."""
    PREFILL = "prefill"
    """Likeness of the answer's second half to continuations of its first: prefill without logprobs."""
    TEXT = "text"
    """Likeness of the answer to fresh answers of the suspect: text alone."""


@dataclass(frozen=True)
class Scoring:
    """How candidates are scored; part of the plan.

    Args:
        way: see `Way`.
        length_power: log-likelihoods are divided by their number of tokens to this power.
        steps: tokens walked, for `Way.WALK`.
        draws: answers or continuations drawn for each exchange or candidate, for `Way.TEXT` and `Way.PREFILL`.
        max_tokens: length of what is drawn.
    """

    way: Way
    length_power: float = 0.0
    steps: int = 8
    draws: int = 4
    max_tokens: int = 128


@dataclass(frozen=True)
class Scores:
    """Scores of candidates.

    Args:
        values: (n, k); rows that could not be scored hold zeros.
        unusable: reasons by row.
    """

    values: np.ndarray
    unusable: dict[int, str]


def best_way(language_model: LanguageModel) -> Way:
    """The way that sees most."""
    access = language_model.access
    if access & (Access.WEIGHTS | Access.ECHO):
        return Way.LIKELIHOOD
    if Access.TOP_K in access:
        return Way.WALK if Access.PREFILL in access else Way.FIRST_TOKEN
    return Way.PREFILL if Access.PREFILL in access else Way.TEXT


def queries_each(scoring: Scoring, candidates: int) -> int:
    """Queries that one exchange costs."""
    return {
        Way.LIKELIHOOD: candidates,
        Way.WALK: candidates * scoring.steps,
        Way.FIRST_TOKEN: 1,
        Way.PREFILL: candidates * scoring.draws,
        Way.TEXT: scoring.draws,
    }[scoring.way]


def score_candidates(
    language_model: LanguageModel, exchanges: Sequence[TwinExchange], scoring: Scoring, likeness: Likeness
) -> Scores:
    """Score every candidate of some exchanges.

    Args:
        language_model: suspect or reference.
        exchanges: all with the same number k of candidates.
        scoring: how.
        likeness: measure of texts, for the ways that compare texts.

    Raises:
        AccessError: the model does not give what the way needs.
        AnswerError: a score is no number.
    """
    unusable: dict[int, str] = {}
    if scoring.way is Way.LIKELIHOOD:
        values = _likelihoods(language_model, exchanges, scoring, unusable)
    elif scoring.way is Way.WALK:
        rows = [[_walk(language_model, e.prompt, c, scoring) for c in e.candidates] for e in exchanges]
        values = np.array(rows, dtype=float)
    elif scoring.way is Way.FIRST_TOKEN:
        values = _first_tokens(language_model, exchanges, unusable)
    elif scoring.way is Way.PREFILL:
        values = np.array([_continued(language_model, e, scoring, likeness) for e in exchanges])
    else:
        values = np.array([_resembled(language_model, e, scoring, likeness) for e in exchanges])
    for row, column in zip(*np.nonzero(~np.isfinite(values)), strict=True):
        where = f"exchange {exchanges[row].seq}, candidate {column}"
        raise AnswerError(f"{language_model.name} scores {where} with {values[row, column]}, which is no number")
    return Scores(values, unusable)


def _likelihoods(
    language_model: LanguageModel, exchanges: Sequence[TwinExchange], scoring: Scoring, unusable: dict[int, str]
) -> np.ndarray:
    scored = language_model.score([(e.prompt, c) for e in exchanges for c in e.candidates])
    wide = len(exchanges[0].candidates)
    total = np.array([one.total for one in scored]).reshape(-1, wide)
    tokens = np.array([len(one.tokens) for one in scored]).reshape(-1, wide)
    for index, one in enumerate(scored):
        if one.truncated:
            unusable[index // wide] = f"an answer does not fit into the context window of {language_model.name}"
    return lengthened(total, tokens, scoring.length_power)


def _walk(language_model: LanguageModel, prompt: str, answer: str, scoring: Scoring) -> float:
    walked = walk_answer(language_model, prompt, answer, steps=scoring.steps)
    return float(walked.logprob / max(walked.steps, 1) ** scoring.length_power)


def _first_tokens(
    language_model: LanguageModel, exchanges: Sequence[TwinExchange], unusable: dict[int, str]
) -> np.ndarray:
    asked = Sampling(max_tokens=1, temperature=0.0, top=20)
    values = np.zeros((len(exchanges), len(exchanges[0].candidates)))
    for row, answer in enumerate(language_model.generate([e.prompt for e in exchanges], asked)):
        if not answer.top:
            # A model that ends at once told nothing; the candidates stay equal.
            unusable[row] = f"{language_model.name} told no first token"
            continue
        told = answer.top[0]
        least = min(value for _, value in told)
        for column, text in enumerate(exchanges[row].candidates):
            fitting = [value for token, value in told if token and text.startswith(token)]
            values[row, column] = max(fitting, default=least)
    return values


def _continued(
    language_model: LanguageModel, exchange: TwinExchange, scoring: Scoring, likeness: Likeness
) -> list[float]:
    sampling, scores = Sampling(max_tokens=scoring.max_tokens), []
    for text in exchange.candidates:
        begun, rest = text[: len(text) // 2], text[len(text) // 2 :]
        drawn = language_model.resume([(exchange.prompt, begun)] * scoring.draws, sampling)
        scores.append(sum(likeness.of(one.text, rest) for one in drawn) / len(drawn))
    return scores


def _resembled(
    language_model: LanguageModel, exchange: TwinExchange, scoring: Scoring, likeness: Likeness
) -> list[float]:
    drawn = [language_model.sample(exchange.prompt) for _ in range(scoring.draws)]
    return [sum(likeness.of(one, text) for one in drawn) / len(drawn) for text in exchange.candidates]
