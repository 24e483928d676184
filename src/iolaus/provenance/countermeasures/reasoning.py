"""Withholding or shortening the reasoning before an answer.

A student that adapts asks for the steps one by one, as questions of their own, and is none the worse for it but for the
number of its queries; honest users lose what they check an answer by.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["summarise_reasoning", "withhold_reasoning"]

_FIELDS: Final = ("reasoning_content", "reasoning")
_THOUGHT: Final = re.compile(r"<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)
_STEP: Final = re.compile(r"\n+|(?<=[.!?])\s+")


def withhold_reasoning(body: Mapping[str, Any]) -> dict[str, Any]:
    """A chat response without its reasoning: neither as a field of its own nor between ``<think>`` marks.

    Args:
        body: of ``/chat/completions``.

    Returns:
        A copy; an answer whose ``<think>`` never ends is empty.
    """
    return _changed(body, lambda _: "")


def summarise_reasoning(body: Mapping[str, Any], keep_every: int = 2) -> dict[str, Any]:
    """A chat response whose reasoning holds only every so many-th step, and always the last.

    Args:
        body: of ``/chat/completions``.
        keep_every: 1 keeps all. Steps are lines and sentences.

    Returns:
        A copy.
    """
    if keep_every < 1:
        raise ValueError(f"keep_every must be at least 1, not {keep_every}")

    def shortened(thought: str) -> str:
        steps = [step for step in _STEP.split(thought.strip()) if step]
        kept = [step for at, step in enumerate(steps, 1) if at % keep_every == 0 or at == len(steps)]
        return "\n".join(kept)

    return _changed(body, shortened)


def _changed(body: Mapping[str, Any], change: Any) -> dict[str, Any]:  # noqa: ANN401 - a function of text to text
    choices = []
    for choice in body.get("choices", []):
        message = dict(choice.get("message") or {})
        for field in _FIELDS:
            if isinstance(message.get(field), str):
                message[field] = change(message[field]) or None
        if isinstance(message.get("content"), str):
            message["content"] = _THOUGHT.sub(lambda found: _marked(change(found[1])), message["content"])
        choices.append({**choice, "message": message})
    return {**body, "choices": choices}


def _marked(thought: str) -> str:
    return f"<think>{thought}</think>" if thought else ""
