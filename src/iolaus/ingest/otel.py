"""OTLP JSON of the OpenTelemetry GenAI conventions to rows of the contract.

A span tells when and with what settings; the messages stand on it as a JSON string, or on a log event of the same span
as nested values. Neither says who asked: account, address and agent come from an access log, joined by trace or by
response id.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from iolaus.ingest.conversation import read_conversation, text_of

__all__ = ["Access", "exchanges_of"]

# An entry of the access log, under the trace id (hex) or the response id that it has.
Access = Mapping[str, Mapping[str, Any]]

_FROM_ACCESS: Final = ("account_id", "api_key_id", "ip", "country", "user_agent", "ja4", "asn", "status_code")
# Span and log event of one request arrive close together; an older half has lost its other.
_MOST_WAITING: Final = 100_000


def exchanges_of(documents: Iterable[object], access: Access, counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Rows of the contract from OTLP documents.

    Args:
        documents: parsed lines, each with ``resourceSpans`` or ``resourceLogs``.
        access: who asked; see `Access`.
        counts: takes the number of requests set aside, by reason.
    """
    waiting: dict[str, dict[str, Any]] = {}
    for document in documents:
        for name, found in _halves(document):
            known = waiting.pop(name, {})
            waiting[name] = found | known if "start" in known else known | found
            if len(waiting) > _MOST_WAITING:
                oldest = next(iter(waiting))
                yield from _finished(oldest, waiting.pop(oldest), access, counts)
    for name, found in waiting.items():
        yield from _finished(name, found, access, counts)


def _halves(document: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every GenAI span and log event of a document: the name of its span, and what it says."""
    for resource in _dicts(document, "resourceSpans"):
        for scope in _dicts(resource, "scopeSpans"):
            for span in _dicts(scope, "spans"):
                if found := _genai(span):
                    yield _name(span), found | {"start": _int(span.get("startTimeUnixNano"))}
    for resource in _dicts(document, "resourceLogs"):
        for scope in _dicts(resource, "scopeLogs"):
            for record in _dicts(scope, "logRecords"):
                if found := _genai(record):
                    seen = _int(record.get("timeUnixNano")) or _int(record.get("observedTimeUnixNano"))
                    yield _name(record), found | {"logged": seen}


def _dicts(holder: object, key: str) -> list[dict[str, Any]]:
    """The objects in a list under a key; nothing where there is no such list."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _int(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None


def _name(item: dict[str, Any]) -> str:
    return f"{_id(item.get('traceId'))}-{_id(item.get('spanId'))}"


def _genai(item: dict[str, Any]) -> dict[str, Any]:
    found = {str(a.get("key")): _value(a.get("value")) for a in _dicts(item, "attributes")}
    if "gen_ai.operation.name" not in found:
        return {}
    return found | {"trace": _id(item.get("traceId"))}


def _value(packed: object) -> Any:  # noqa: ANN401 - an attribute may be of any type
    """An attribute's value out of OTLP's wrapping."""
    for kind, value in packed.items() if isinstance(packed, dict) else ():
        if kind == "intValue":
            return _int(value)
        if kind == "arrayValue":
            return [_value(item) for item in _dicts(value, "values")]
        if kind == "kvlistValue":
            return {str(item.get("key")): _value(item.get("value")) for item in _dicts(value, "values")}
        return value
    return None


def _id(text: object) -> str:
    """An id in lower-case hex; exporters write hex or, against the standard, base64."""
    if not isinstance(text, str):
        return ""
    if len(text) in (16, 32) and all(c in "0123456789abcdefABCDEF" for c in text):
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return text


def _finished(name: str, found: dict[str, Any], access: Access, counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    who = access.get(found["trace"]) or access.get(str(found.get("gen_ai.response.id"))) or {}
    talk = read_conversation(_messages(found, "gen_ai.input.messages", "gen_ai.system_instructions"))
    if not who.get("account_id"):
        reason = "no entry in the access log"
    elif not talk.prompt:
        reason = "no message content"
    else:
        yield _row(name, found, who, talk.prompt, talk.system, talk.turn, talk.history_digest)
        return
    counts[reason] = counts.get(reason, 0) + 1


def _row(
    name: str,
    found: dict[str, Any],
    who: Mapping[str, Any],
    prompt: str,
    system: str | None,
    turn: int,
    history_digest: str | None,
) -> dict[str, Any]:
    answers = [text for role, text in _messages(found, "gen_ai.output.messages") if role == "assistant"]
    row = {
        "exchange_id": name,
        # Nanoseconds as a number are told from seconds by their size.
        "timestamp": found.get("start") or found.get("logged"),
        "prompt": prompt,
        "system": system,
        "turn": turn,
        "history_digest": history_digest,
        "conversation_id": found.get("gen_ai.conversation.id"),
        "channel": "api",
        "request_model": found.get("gen_ai.request.model"),
        "response": "\n".join(answers) or None,
        "input_tokens": found.get("gen_ai.usage.input_tokens"),
        "output_tokens": found.get("gen_ai.usage.output_tokens"),
        "temperature": found.get("gen_ai.request.temperature"),
        "max_tokens": found.get("gen_ai.request.max_tokens"),
        "choice_count": found.get("gen_ai.request.choice.count"),
        "stream": found.get("gen_ai.request.stream"),
    }
    row |= {column: who[column] for column in _FROM_ACCESS if column in who}
    return {column: value for column, value in row.items() if value is not None}


def _messages(found: dict[str, Any], name: str, instructions: str | None = None) -> list[tuple[str, str]]:
    """Messages as roles and texts, whether they came nested or as a JSON string."""
    messages = [
        (str(message.get("role", "")), text_of(message.get("parts")))
        for message in _list(found.get(name))
        if isinstance(message, dict)
    ]
    if instructions and (said := text_of(_list(found.get(instructions)))):
        messages.insert(0, ("system", said))
    return messages


def _list(value: object) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []
