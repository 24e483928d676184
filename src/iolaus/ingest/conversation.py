"""What a list of messages says in the contract's columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

__all__ = ["Conversation", "read_conversation", "text_of"]

_INSTRUCTIONS: Final = ("system", "developer")
_TEXTS: Final = ("text", "input_text", "output_text")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request's messages.

    Attributes:
        prompt: the newest user message, None where there is none.
        system: the instructions, None where there are none.
        turn: how many user messages there are.
        history_digest: of all before the newest user message but the instructions, which thousands of strangers share;
            None for the first turn.
    """

    prompt: str | None
    system: str | None
    turn: int
    history_digest: str | None


def read_conversation(messages: Sequence[tuple[str, str]]) -> Conversation:
    """Sum up messages, each a role and a text, in their order."""
    said = [message for message in messages if message[0] not in _INSTRUCTIONS]
    instructions = [text for role, text in messages if role in _INSTRUCTIONS and text]
    asked = [place for place, (role, _) in enumerate(said) if role == "user"]
    before = said[: asked[-1]] if asked else []
    digest = sha256(json.dumps(before, separators=(",", ":")).encode()).hexdigest() if before else None
    return Conversation(
        prompt=said[asked[-1]][1] if asked else None,
        system="\n".join(instructions) or None,
        turn=len(asked),
        history_digest=digest,
    )


def text_of(content: object) -> str:
    """The text of a message's content: itself, or its text parts joined; pictures and calls have none."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = []
    for part in content:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict) and part.get("type") in _TEXTS:
            text = part.get("text", part.get("content"))
            if isinstance(text, str):
                parts.append(text)
    return "\n".join(parts)
