"""What a refused caller is told: enough to appeal, nothing about what gave it away."""

import json
from typing import Final

from iolaus.enforce.guard import Ruling

__all__ = ["refusal", "refusal_error"]

_WORDS: Final = {
    "block": ("permission_error", "account_suspended", "This account may not use the service for the time being."),
    "challenge": ("permission_error", "verification_required", "This account must be verified before it may go on."),
    "throttle": ("rate_limit_error", "rate_limit_exceeded", "Too many requests; try again later."),
    "unavailable": ("api_error", "service_unavailable", "The service is not available at the moment."),
}


def refusal(ruling: Ruling, path: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a refusal.

    The body follows Anthropic's form on ``/messages`` and OpenAI's elsewhere, so that the vendors' clients read it.
    Every value in a header is the policy's or a number; nothing the caller sent comes back in one.

    Args:
        ruling: one with a status.
        path: the request's path.
    """
    error = refusal_error(ruling)
    if path.endswith("/messages"):
        del error["code"]
        document: dict[str, object] = {"type": "error", "error": error}
    else:
        document = {"error": error}
    body = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if ruling.retry_after:
        headers.append((b"retry-after", str(ruling.retry_after).encode()))
    if ruling.url:
        headers.append((b"link", f'<{ruling.url}>; rel="help"'.encode("ascii", "ignore")))
    return headers, body


def refusal_error(ruling: Ruling) -> dict[str, str]:
    """The error itself, in the words that OpenAI's and Anthropic's forms share, with OpenAI's ``code``."""
    kind, code, message = _WORDS[ruling.action]
    error = {"message": message, "type": kind, "code": code}
    if ruling.decision_id:
        error["decision_id"] = ruling.decision_id
    if ruling.url:
        error["url"] = ruling.url
    return error
