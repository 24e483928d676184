"""Beside a LiteLLM proxy, over HTTP alone: takes its logs, answers its guardrail. Every caller needs the token."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from iolaus.enforce.guard import Guard, Ruling
from iolaus.enforce.sink import LogSink
from iolaus.errors import InputError, OutputError
from iolaus.ingest.litellm import ACCOUNT_ORDER, REFUSAL_PREFIX, Account, account_of

__all__ = ["GUARDRAIL_PATH", "LOGS_PATH", "Service"]

# The path that LiteLLM appends to the guardrail's api_base.
GUARDRAIL_PATH: Final = "/beta/litellm_basic_guardrail_api"
LOGS_PATH: Final = "/logs"
_SHORTEST_TOKEN: Final = 16
_MOST_BYTES: Final = 128 << 20
# Below this a body is parsed at once; a longer one goes to a thread, so that other decisions do not wait for it.
_SMALL: Final = 64 << 10
# Between two attempts to write what a full disk has refused.
_PAUSE_S: Final = 2.0


class Service:
    """The two HTTP interfaces of LiteLLM, and a status page for whoever runs it.

    Args:
        guard: rules by the snapshot.
        sink: takes the logs; None where logs are not taken here.
        token: what every caller must show, as ``Authorization: Bearer`` or ``x-api-key``.
        accounts: which of the key's properties is the account.

    Raises:
        InputError: the token is shorter than 16 characters.
    """

    def __init__(
        self, guard: Guard, sink: LogSink | None, token: str, accounts: tuple[Account, ...] = ACCOUNT_ORDER
    ) -> None:
        if len(token) < _SHORTEST_TOKEN:
            raise InputError(f"the service's token must have at least {_SHORTEST_TOKEN} characters")
        self._guard, self._sink, self._accounts = guard, sink, accounts
        self._token = sha256(token.encode()).digest()
        self._arrived = asyncio.Event()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route(LOGS_PATH, self._logs, methods=["POST"]),
                Route(GUARDRAIL_PATH, self._decide, methods=["POST"]),
                Route("/status", self._status),
                Route("/healthz", _alive),
            ],
            lifespan=self._draining,
        )

    @asynccontextmanager
    async def _draining(self, app: Starlette) -> AsyncIterator[None]:
        """While the service runs, and once more at its end, the spool is turned into rows."""
        if self._sink is None:
            yield
            return
        worker = asyncio.create_task(self._drain(self._sink))
        yield
        worker.cancel()
        await asyncio.to_thread(self._sink.drain)

    async def _drain(self, sink: LogSink) -> None:
        while True:
            self._arrived.clear()
            left = await asyncio.to_thread(sink.drain)
            if left:
                await asyncio.sleep(_PAUSE_S)
            else:
                await self._arrived.wait()

    async def _decide(self, request: Request) -> Response:
        body = await self._authentic_body(request)
        if isinstance(body, Response):
            return body
        asked = json_object(body) if len(body) <= _SMALL else await asyncio.to_thread(json_object, body)
        if asked is None:
            return _complaint(400, "the body is not a JSON object")
        if asked.get("input_type") != "request":
            # A stream's answer is shown here many times; only the request is ruled on, and counted once.
            return JSONResponse({"action": "NONE"})
        known = asked.get("request_data")
        account = account_of(known, self._accounts) if isinstance(known, Mapping) else None
        ruling = self._guard.rule(account)
        if not ruling.status:
            return JSONResponse({"action": "NONE"})
        return JSONResponse({"action": "BLOCKED", "blocked_reason": words(ruling)})

    async def _logs(self, request: Request) -> Response:
        body = await self._authentic_body(request)
        if isinstance(body, Response):
            return body
        if self._sink is None:
            return _complaint(404, "logs are not taken here")
        try:
            self._sink.put(body)
        except OutputError as error:
            # LiteLLM tries again after a 5xx where max_retries is set.
            return _complaint(507, str(error))
        self._arrived.set()
        return JSONResponse({"received": len(body)}, status_code=202)

    async def _status(self, request: Request) -> Response:
        if not self._authentic(request):
            return _complaint(401, "the token is missing or wrong")
        logs = dict(self._sink.counts) if self._sink else {}
        return JSONResponse(self._guard.status() | {"logs": logs})

    def _authentic(self, request: Request) -> bool:
        shown = request.headers.get("x-api-key", "")
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            shown = shown or bearer.strip()
        return hmac.compare_digest(sha256(shown.encode()).digest(), self._token)

    async def _authentic_body(self, request: Request) -> bytes | Response:
        """The body of a caller with the token; nothing is read for anyone else."""
        if not self._authentic(request):
            return _complaint(401, "the token is missing or wrong")
        pieces, size = [], 0
        try:
            async for piece in request.stream():
                size += len(piece)
                if size > _MOST_BYTES:
                    return _complaint(413, f"the body is longer than {_MOST_BYTES >> 20} MB")
                pieces.append(piece)
        except ClientDisconnect:
            return _complaint(400, "the caller went away")
        return b"".join(pieces)


def words(ruling: Ruling) -> str:
    """A refusal in a sentence, as the caller reads it in LiteLLM's error."""
    if ruling.action == "throttle":
        said = f"too many requests; try again in {ruling.retry_after} s"
    elif ruling.action == "challenge":
        said = f"this account must be verified before it may go on: {ruling.url}"
    elif ruling.action == "unavailable":
        said = "the service is not available at the moment"
    else:
        said = "this account may not use the service for the time being"
    reference = f" (decision {ruling.decision_id})" if ruling.decision_id else ""
    return f"{REFUSAL_PREFIX}{said}{reference}"


def json_object(body: bytes) -> dict[str, Any] | None:
    """A body as a JSON object, None where it is something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def _alive(request: Request) -> Response:
    return Response(status_code=204)


def _complaint(status: int, words: str) -> Response:
    return JSONResponse({"error": words}, status_code=status)
