"""Reading what OpenAI-compatible endpoints answer, and refusing what cannot be right."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np

from iolaus.errors import AnswerError
from iolaus.lm.access import Generation, Scored, TopTokens

__all__ = ["read_chat", "read_completion", "read_echo"]

# Servers write this for "not told" (OpenAI) or for minus infinity (vLLM).
_UNTOLD: Final = -9998.0
# Rounding may lift a certain token a little above zero.
_SLACK: Final = 1e-2


def read_completion(body: dict[str, Any], name: str) -> Generation:
    """The answer of ``/completions``.

    Raises:
        AnswerError: names the endpoint and what is wrong.
    """
    choice = _choice(body, name)
    text = choice.get("text")
    if not isinstance(text, str):
        raise AnswerError(f"{name} answered without a text")
    truncated = choice.get("finish_reason") == "length"
    told = choice.get("logprobs")
    if not isinstance(told, dict) or not told.get("tokens"):
        return Generation(text, truncated)
    tokens, numbers = _columns(told, name)
    logprobs = np.array([_logprob(value, name) for value in numbers])
    return Generation(text, truncated, tokens, logprobs, _tops(told, len(tokens), name))


def read_chat(body: dict[str, Any], name: str) -> Generation:
    """The answer of ``/chat/completions``.

    Raises:
        AnswerError: names the endpoint and what is wrong.
    """
    choice = _choice(body, name)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(text, str):
        raise AnswerError(f"{name} answered without a text")
    truncated = choice.get("finish_reason") == "length"
    told = choice.get("logprobs")
    steps = told.get("content") if isinstance(told, dict) else None
    if not steps:
        return Generation(text, truncated)
    if not isinstance(steps, list) or not all(isinstance(step, dict) and "token" in step for step in steps):
        raise AnswerError(f"{name} answered with logprobs that are no list of tokens")
    tops = []
    for step in steps:
        ranked = step.get("top_logprobs") or []
        if not isinstance(ranked, list) or not all(isinstance(one, dict) and "token" in one for one in ranked):
            raise AnswerError(f"{name} answered with top_logprobs that are no list of tokens")
        tops.append(_ranked([(_spelled(one), one.get("logprob")) for one in ranked], name))
    return Generation(
        text,
        truncated,
        tuple(_spelled(step) for step in steps),
        np.array([_logprob(step.get("logprob"), name) for step in steps]),
        tuple(tops) if any(tops) else (),
    )


def read_echo(body: dict[str, Any], prompt: str, answer: str, name: str) -> Scored:
    """The score of an answer that was sent behind its prompt and echoed.

    Raises:
        AnswerError: the echoed tokens do not spell what was sent, or their log-probabilities are missing or wrong.
    """
    told = _choice(body, name).get("logprobs")
    if not isinstance(told, dict):
        raise AnswerError(f"{name} echoes without log-probabilities")
    tokens, numbers = _columns(told, name)
    starts = _starts(tokens, told.get("text_offset"), prompt + answer, name)
    ends = [*starts[1:], starts[-1] + len(tokens[-1])]
    whole = len(prompt) + len(answer)
    chosen = [i for i in range(len(tokens)) if ends[i] > len(prompt) and starts[i] < whole]
    # Nothing stands before the first token of all, so it has no probability.
    chosen = [i for i in chosen if i > 0 or numbers[0] is not None]
    if answer and not chosen:
        raise AnswerError(f"{name} cut the answer off: none of its tokens is echoed")
    tops = _tops(told, len(tokens), name)
    return Scored(
        tuple(tokens[i] for i in chosen),
        np.array([_logprob(numbers[i], name) for i in chosen]),
        truncated=bool(chosen) and ends[chosen[-1]] < whole,
        straddles=bool(chosen) and starts[chosen[0]] < len(prompt),
        top=tuple(tops[i] for i in chosen) if tops else (),
    )


def _choice(body: dict[str, Any], name: str) -> dict[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        said = body.get("error") or body.get("message") or "no choices"
        raise AnswerError(f"{name} answered without a choice: {str(said)[:200]}")
    return choices[0]


def _columns(told: dict[str, Any], name: str) -> tuple[tuple[str, ...], list[Any]]:
    tokens, numbers = told.get("tokens"), told.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(numbers, list) or not tokens:
        raise AnswerError(f"{name} answered with logprobs that lack tokens or token_logprobs")
    if len(tokens) != len(numbers):
        raise AnswerError(f"{name} answered with {len(tokens)} tokens and {len(numbers)} log-probabilities")
    if not all(isinstance(token, str) for token in tokens):
        raise AnswerError(f"{name} answered with tokens that are no text")
    return tuple(tokens), numbers


def _logprob(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerError(f"{name} answered with a log-probability that is no number: {value!r}")
    if not math.isfinite(value) or value > _SLACK or value <= _UNTOLD:
        raise AnswerError(f"{name} answered with an impossible log-probability: {value}")
    return min(float(value), 0.0)


def _ranked(pairs: Sequence[tuple[str, object]], name: str) -> TopTokens:
    told = [(token, value) for token, value in pairs if not (isinstance(value, int | float) and value <= _UNTOLD)]
    return tuple(sorted(((token, _logprob(value, name)) for token, value in told), key=lambda pair: -pair[1]))


def _tops(told: dict[str, Any], count: int, name: str) -> tuple[TopTokens, ...]:
    steps = told.get("top_logprobs")
    if not steps:
        return ()
    if not isinstance(steps, list) or len(steps) != count:
        raise AnswerError(f"{name} answered with top_logprobs that do not match its tokens")
    return tuple(_ranked(list(step.items()), name) if isinstance(step, dict) else () for step in steps)


def _spelled(step: dict[str, Any]) -> str:
    """A token's text: from its bytes where they are whole characters, else as the endpoint writes it."""
    try:
        return bytes(step["bytes"]).decode()
    except (KeyError, TypeError, ValueError):
        return str(step["token"])


def _starts(tokens: Sequence[str], offsets: object, text: str, name: str) -> list[int]:
    """Where each token begins in the text that was sent, in characters; marks before the text begin below zero."""
    spelled = "".join(tokens)
    lengths = [0, *accumulate(len(token) for token in tokens)][:-1]
    at = spelled.find(text)
    if at >= 0:
        return [start - at for start in lengths]
    if text.startswith(spelled):
        return lengths
    if text.endswith(spelled):
        raise AnswerError(f"{name} cut off the beginning of the prompt: it does not fit into its context window")
    # Tokens that are parts of characters cannot be spelled; then the endpoint's own offsets decide.
    if (
        isinstance(offsets, list)
        and len(offsets) == len(tokens)
        and all(type(start) is int and start >= 0 for start in offsets)
        and all(a <= b for a, b in pairwise(offsets))
        and offsets[-1] <= len(text)
        and _plain("".join(tokens)).endswith(_plain(text))
    ):
        return list(offsets)
    raise AnswerError(f"{name} echoes tokens that do not spell the text it was sent")


def _plain(text: str) -> str:
    """The letters and digits of the ASCII range, which no tokenizer tears apart."""
    return "".join(character for character in text if character.isascii() and character.isalnum())
