"""ASGI middleware for any OpenAI-compatible server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from iolaus.enforce.guard import Guard, Ruling
from iolaus.enforce.identity import Identify
from iolaus.enforce.refusal import refusal

__all__ = ["RESTRICT_HEADER", "WATERMARK_HEADER", "Gateway"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WATERMARK_HEADER: Final = b"x-iolaus-watermark"
RESTRICT_HEADER: Final = b"x-iolaus-restrict"


class Gateway:
    """Refuses, slows down or marks what the published snapshot says; everything else passes as it came.

    Bodies are neither read nor held, in either direction, so uploads, streams and malformed JSON reach the server
    untouched.

    Args:
        app: the server.
        guard: rules by the snapshot.
        identify: names the account of a request; see `iolaus.enforce.identity`.
        account_header: header in which the server is told the verified account; whatever a request carries under that
            name is taken off first. Empty where the server is told nothing.
        paths: prefixes of the paths that are guarded.
    """

    def __init__(
        self, app: App, guard: Guard, identify: Identify, *, account_header: str = "", paths: tuple[str, ...] = ("/",)
    ) -> None:
        self.app, self._guard, self._identify, self._paths = app, guard, identify, paths
        self._account_header = account_header.lower().encode()
        self._reserved = frozenset({WATERMARK_HEADER, RESTRICT_HEADER, self._account_header} - {b""})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(self._paths):
            await self.app(scope, receive, send)
            return
        account = self._identify(scope)
        ruling = self._guard.rule(account)
        if ruling.status:
            await _refuse(ruling, scope, receive, send)
            return
        await self.app(self._cleaned(scope, account, ruling), receive, send)

    def _cleaned(self, scope: Scope, account: str | None, ruling: Ruling) -> Scope:
        """The scope with the gateway's own headers, and without those that a caller wrote under their names."""
        reserved = self._reserved
        headers = scope["headers"]
        mine: list[tuple[bytes, bytes]] = []
        if self._account_header and account is not None:
            mine.append((self._account_header, account.encode()))
        if ruling.action == "watermark":
            mine.append((WATERMARK_HEADER, ruling.decision_id.encode()))
        if ruling.action == "restrict":
            mine.append((RESTRICT_HEADER, ruling.withheld.encode()))
        if not mine and reserved.isdisjoint([header[0] for header in headers]):
            return scope
        return {**scope, "headers": [header for header in headers if header[0] not in reserved] + mine}


async def _refuse(ruling: Ruling, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers, body = refusal(ruling, scope["path"])
    await send({"type": "http.response.start", "status": ruling.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
