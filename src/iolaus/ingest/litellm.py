"""LiteLLM's StandardLoggingPayload, as its ``generic_api`` callback posts it, to rows of the contract.

Only what the proxy itself vouches for is taken for an identity. ``end_user``, ``trace_id`` and ``session_id`` are the
client's own words and are left out; a forwarded address counts only as far as one's own proxies wrote it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from iolaus.forwarded import client_address
from iolaus.ingest.conversation import read_conversation, text_of

__all__ = ["ACCOUNT_ORDER", "REFUSAL_PREFIX", "Account", "LiteLLMReading", "SetAside", "account_of", "exchange_of"]

Account = Literal["user_id", "team_id", "org_id", "key_alias", "key_hash"]
ACCOUNT_ORDER: Final[tuple[Account, ...]] = ("user_id", "team_id", "key_hash")

_ENTRIES: Final[dict[Account, str]] = {
    "user_id": "user_api_key_user_id",
    "team_id": "user_api_key_team_id",
    "org_id": "user_api_key_org_id",
    "key_alias": "user_api_key_alias",
    "key_hash": "user_api_key_hash",
}

# How Iolaus's own refusals through the guardrail begin; LiteLLM logs them all as 400.
REFUSAL_PREFIX: Final = "iolaus: "
_SLOWED: Final = "too many requests"

_EXCHANGES: Final = frozenset(
    {
        "completion", "acompletion", "text_completion", "atext_completion", "anthropic_messages", "responses",
        "aresponses",
    }
)  # fmt: skip
# What LiteLLM writes in place of content where message logging is off.
_REDACTED: Final = "redacted-by-litellm"
_LEADING_CODE: Final = re.compile(r"\s*(\d{3})\s*:")


class SetAside(Exception):
    """A payload that is no exchange of a known account; the text says why in a few words, with nothing of it."""


@dataclass(frozen=True, slots=True)
class LiteLLMReading:
    """How payloads are read.

    Attributes:
        accounts: which of the key's properties is the account; the first that the key has.
        trusted_hops: proxies of one's own in front of LiteLLM; see `iolaus.forwarded.client_address`.
    """

    accounts: tuple[Account, ...] = ACCOUNT_ORDER
    trusted_hops: int = 0


def account_of(metadata: Mapping[str, Any], order: Sequence[Account] = ACCOUNT_ORDER) -> str | None:
    """The account behind a key, from the ``user_api_key_*`` entries that the proxy made; None where it has none."""
    for name in order:
        value = metadata.get(_ENTRIES[name])
        if isinstance(value, str) and value:
            return value
    return None


def exchange_of(payload: object, reading: LiteLLMReading) -> dict[str, Any]:
    """One payload as a row of the contract; columns that it does not fill are left out.

    Raises:
        SetAside: it is no exchange of a known account.
    """
    if not isinstance(payload, dict):
        raise SetAside("not an object")
    if str(payload.get("call_type")) not in _EXCHANGES:
        raise SetAside("not a text exchange")
    metadata = _dict(payload.get("metadata"))
    status = _status(payload)
    account = account_of(metadata, reading.accounts)
    # A refused key is logged with the hash of whatever was sent as a key; nobody stands behind it.
    if account is None or status == 401:
        raise SetAside("no verified account")
    talk = read_conversation(_messages(payload.get("messages")))
    if not talk.prompt:
        raise SetAside("no user message")
    if talk.prompt == _REDACTED:
        raise SetAside("content is redacted")
    call, started = payload.get("litellm_call_id") or payload.get("id"), payload.get("startTime")
    if not isinstance(call, str) or not isinstance(started, int | float) or isinstance(started, bool):
        raise SetAside("no id or time")
    settings = _dict(payload.get("model_parameters"))
    response = _dict(payload.get("response"))
    row = {
        # A retry is logged under its call's id too; one failure and one success are told apart.
        "exchange_id": call if payload.get("status") == "success" else f"{call}-failed",
        "timestamp": started,
        "account_id": account,
        "prompt": talk.prompt,
        "api_key_id": metadata.get("user_api_key_hash"),
        "turn": talk.turn,
        "history_digest": talk.history_digest,
        "channel": "api",
        "request_model": payload.get("model_group") or payload.get("model"),
        "system": talk.system or _str(settings.get("instructions")),
        "response": _answer(payload.get("response")),
        "input_tokens": payload.get("prompt_tokens"),
        "output_tokens": payload.get("completion_tokens"),
        "temperature": settings.get("temperature"),
        "max_tokens": _first(settings, "max_tokens", "max_completion_tokens", "max_output_tokens"),
        "choice_count": settings.get("n") or len(_list(response.get("choices"))) or None,
        "tool_count": len(_list(settings.get("tools"))) + len(_list(settings.get("functions"))),
        "stream": bool(payload.get("stream") or settings.get("stream")),
        "status_code": status,
        "ip": _address(payload, metadata, reading.trusted_hops),
        "user_agent": payload.get("user_agent") or metadata.get("user_agent"),
    }
    return {name: value for name, value in row.items() if value is not None}


def _messages(found: object) -> list[tuple[str, str]]:
    if isinstance(found, str):
        return [("user", found)]
    return [
        (str(message.get("role", "")), text_of(message.get("content")))
        for message in _list(found)
        if isinstance(message, dict)
    ]


def _answer(found: object) -> str | None:
    """The answer's text: of the first choice, of a Responses output, or of an Anthropic message; None for a failure."""
    if isinstance(found, str):
        return found or None
    response = _dict(found)
    choices = _list(response.get("choices"))
    if choices:
        choice = _dict(choices[0])
        return text_of(_dict(choice.get("message")).get("content")) or _str(choice.get("text"))
    output = [item for item in _list(response.get("output")) if isinstance(item, dict)]
    if output:
        return "\n".join(filter(None, (text_of(item.get("content")) for item in output))) or None
    return text_of(response.get("content")) or None


def _status(payload: dict[str, Any]) -> int | None:
    """The HTTP status that the caller saw; a refusal by Iolaus counts as the 403 or 429 that LiteLLM cannot send."""
    if payload.get("status") == "success":
        return 200
    told = _dict(payload.get("error_information"))
    words = _str(told.get("error_message")) or _str(payload.get("error_str")) or ""
    if words.startswith(REFUSAL_PREFIX):
        return 429 if _SLOWED in words else 403
    code = told.get("error_code")
    if isinstance(code, str | int) and str(code).isdigit() and 100 <= int(code) <= 599:
        return int(code)
    if told.get("error_class") == "RouterRateLimitError":
        return 429
    leading = _LEADING_CODE.match(words)
    return int(leading[1]) if leading else None


def _address(payload: dict[str, Any], metadata: dict[str, Any], hops: int) -> str | None:
    """The caller's address.

    With ``use_x_forwarded_for`` LiteLLM logs the header as it came in place of the address, so a value that is the
    header, or a chain, says nothing about the connection itself.
    """
    headers = _dict(_dict(metadata.get("requester_metadata")).get("headers"))
    forwarded = next((str(v) for k, v in headers.items() if str(k).lower() == "x-forwarded-for"), "")
    logged = _str(payload.get("requester_ip_address")) or _str(metadata.get("requester_ip_address"))
    if logged is not None and "," in logged:
        forwarded, logged = forwarded or logged, None
    elif logged == forwarded:
        logged = None
    return client_address(forwarded, logged, hops)


def _first(found: dict[str, Any], *names: str) -> object:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _str(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
