"""Telling fewer and rounder log-probabilities.

A student that adapts asks again: `restrict_request` also closes the way by which biased requests recover a whole
distribution from its single likeliest token (Carlini et al., "Stealing Part of a Production Language Model", ICML 2024,
section 5). Sampling remains open to everybody, so this raises a price and forbids nothing.
"""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["restrict_logprobs", "restrict_request"]


def restrict_request(payload: Mapping[str, Any], top: int) -> dict[str, Any]:
    """A request that asks for no more than is given.

    Args:
        payload: of ``/completions`` or ``/chat/completions``.
        top: most alternatives a token; 0 takes log-probabilities away altogether.

    Returns:
        A copy. Where log-probabilities remain, ``logit_bias`` is taken out; ``echo`` never goes with them.
    """
    asked = dict(payload)
    if "top_logprobs" in asked or asked.get("logprobs") is True:
        if top:
            asked["top_logprobs"] = min(_count(asked.get("top_logprobs")), top)
        else:
            asked.pop("logprobs", None)
            asked.pop("top_logprobs", None)
    elif asked.get("logprobs") not in (None, False):
        if top:
            asked["logprobs"] = min(_count(asked["logprobs"]), top)
        else:
            del asked["logprobs"]
    if asked.get("logprobs") not in (None, False):
        asked.pop("logit_bias", None)
        asked.pop("echo", None)
    return asked


def restrict_logprobs(body: Mapping[str, Any], top: int, step: float) -> dict[str, Any]:
    """A response that tells no more than ``top`` alternatives a token, rounded.

    Args:
        body: of ``/completions`` or ``/chat/completions``.
        top: most alternatives; 0 takes log-probabilities away altogether.
        step: in nats; values are rounded down to its multiples. 0 leaves them as they are.

    Returns:
        A copy; the text is untouched.
    """
    if step < 0 or top < 0:
        raise ValueError(f"top and step cannot be negative: {top}, {step}")
    choices = [dict(choice) for choice in body.get("choices", [])]
    for choice in choices:
        told = choice.get("logprobs")
        if told is not None:
            choice["logprobs"] = _restricted(told, top, step) if top else None
    return {**body, "choices": choices}


def _restricted(told: Mapping[str, Any], top: int, step: float) -> dict[str, Any]:
    if "content" in told:
        steps = []
        for token in told["content"] or []:
            ranked = sorted(token.get("top_logprobs") or [], key=lambda one: -one["logprob"])[:top]
            others = [one | {"logprob": _rounded(one["logprob"], step)} for one in ranked]
            steps.append(token | {"logprob": _rounded(token["logprob"], step), "top_logprobs": others})
        return {**told, "content": steps}
    found = {**told, "token_logprobs": [_rounded(value, step) for value in told.get("token_logprobs") or []]}
    if told.get("top_logprobs"):
        found["top_logprobs"] = [
            None
            if one is None
            else {k: _rounded(v, step) for k, v in sorted(one.items(), key=lambda item: -item[1])[:top]}
            for one in told["top_logprobs"]
        ]
    return found


def _rounded(value: float | None, step: float) -> float | None:
    return value if value is None or step == 0 else math.floor(value / step + 1e-9) * step


def _count(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
