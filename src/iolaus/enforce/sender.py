"""Sends logs to the service from inside a proxy: what is on its way is kept until it has been acknowledged."""

import asyncio
import json
from collections import deque
from typing import Any, Final

import httpx

__all__ = ["LogSender"]

_BATCH: Final = 256
_MOST: Final = 20_000
_LONGEST_PAUSE_S: Final = 60.0


class LogSender:
    """Keeps payloads in order, sends them in batches, and tries again until the service has them.

    Args:
        url: the service's ``/logs``.
        token: the service's token.
        every_s: seconds between two batches, and the first pause after a failure.
        most: payloads held at most; beyond it the oldest go, and are counted.
        transport: for tests.

    Attributes:
        dropped: payloads that went because too many were held.
    """

    def __init__(
        self,
        url: str,
        token: str,
        every_s: float = 1.0,
        most: int = _MOST,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url, self._every_s, self._most = url, every_s, most
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/x-ndjson"}
        self._client = httpx.AsyncClient(timeout=10, trust_env=False, transport=transport)
        self._held: deque[str] = deque()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def add(self, payload: dict[str, Any]) -> None:
        """Take a payload; must be called in the event loop that sends."""
        self._held.append(json.dumps(payload, default=str))
        while len(self._held) > self._most:
            self._held.popleft()
            self.dropped += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        pause = self._every_s
        while self._held:
            await asyncio.sleep(pause)
            batch = [self._held[place] for place in range(min(_BATCH, len(self._held)))]
            gone = self.dropped
            if not await self._send(batch):
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            pause = self._every_s
            # Some of the batch may have been dropped from the front while it was on its way.
            for _ in range(len(batch) - (self.dropped - gone)):
                self._held.popleft()

    async def _send(self, batch: list[str]) -> bool:
        try:
            answer = await self._client.post(self._url, content="\n".join(batch), headers=self._headers)
        except httpx.HTTPError:
            return False
        return answer.is_success
