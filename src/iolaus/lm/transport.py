"""Requests over HTTP: tried again when that helps, paced, budgeted and kept."""

import json
import os
import random
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from iolaus.errors import AnswerError, ModelError
from iolaus.lm.budget import Budget
from iolaus.lm.cache import AnswerCache, request_digest
from iolaus.lm.pace import Patience, TokenBucket, asked_wait

if TYPE_CHECKING:
    import httpx

__all__ = ["KEY_VARIABLE", "Refused", "Transport"]

KEY_VARIABLE: Final = "IOLAUS_API_KEY"
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_UNSERVED: Final = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429, 503, 529})
_MOST_BYTES: Final = 256 * 2**20

_T = TypeVar("_T")


class Refused(ModelError):
    """The endpoint refused a request for good.

    Args:
        status: its HTTP status.
        words: the whole sentence.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class _Fault(Exception):
    """One attempt failed and another may succeed; ``wait`` is what the endpoint asked for."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class Transport:
    """Posts JSON to one address and to no other: redirects and proxies from the environment are not followed.

    Args:
        base_url: such as ``http://127.0.0.1:8000/v1``.
        key: sent as a bearer token; else the environment's ``IOLAUS_API_KEY``, else none. It is never logged, and is
            cut out of what the endpoint says.
        patience: how often and how long to try again.
        pace: how many requests a second.
        budget: how many queries in all. What the endpoint refused to serve is not counted.
        cache: answers kept from before.
        concurrency: most requests at once.
        seed: seed of the jitter.

    Raises:
        ModelError: the address is none, or httpx is not installed.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        pace: TokenBucket | None = None,
        budget: Budget | None = None,
        cache: AnswerCache | None = None,
        concurrency: int = 4,
        seed: int | None = None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ModelError(f"an endpoint's address begins with http:// or https://, not {base_url!r}")
        self.base_url = base_url.rstrip("/")
        self.patience, self.pace = patience or Patience(), pace
        self.budget, self.cache = budget or Budget(), cache
        self._concurrency, self._chance = concurrency, random.Random(seed)
        self._key = key if key is not None else os.environ.get(KEY_VARIABLE)
        self._client = self._open()
        # Whoever forgets to close leaves no socket behind.
        self.close = weakref.finalize(self, self._client.close)

    def ask(
        self, path: str, payloads: Sequence[dict[str, Any]], read: Callable[[dict[str, Any], int], _T], draw: int | None
    ) -> list[_T]:
        """Post several requests and read their answers, in order.

        Args:
            path: below the base address, such as ``/completions``.
            payloads: the requests.
            read: turns the answer to the request of that index into a result; raises AnswerError for what cannot be
                used, which is then not kept.
            draw: number of the draw that the answers are kept under; None neither looks them up nor keeps them.

        Raises:
            BudgetSpent: they do not fit into the budget; nothing was sent.
            ModelError: the endpoint could not be reached or refused.
            AnswerError: it answered what cannot be used.
        """
        keys = [request_digest(self.base_url + path, payload, draw or 0) for payload in payloads]
        kept = [self.cache.get(key) if self.cache and draw is not None else None for key in keys]
        missing = [index for index, body in enumerate(kept) if body is None]
        self.budget.require(len(missing))

        def one(index: int) -> _T:
            body = self._persist(path, payloads[index])
            result = read(body, index)
            if self.cache and draw is not None:
                self.cache.put(keys[index], body)
            return result

        results = {index: read(body, index) for index, body in enumerate(kept) if body is not None}
        if len(missing) == 1 or self._concurrency == 1:
            results |= {index: one(index) for index in missing}
        elif missing:
            with ThreadPoolExecutor(min(self._concurrency, len(missing))) as pool:
                try:
                    results |= dict(zip(missing, pool.map(one, missing), strict=True))
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        return [results[index] for index in range(len(payloads))]

    def _persist(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Try until there is an answer, a refusal, or no patience left."""
        for failures in range(1, self.patience.attempts + 1):
            if self.pace:
                self.pace.acquire()
            self.budget.take()
            try:
                return self._attempt(path, payload)
            except _Fault as fault:
                words, asked = str(fault), fault.wait
            if asked is not None and asked > self.patience.longest_wait:
                raise ModelError(
                    f"{self.base_url}{path}: {words}, and asks to wait {asked:.0f} s, "
                    f"longer than the {self.patience.longest_wait:.0f} s allowed"
                )
            if failures < self.patience.attempts:
                time.sleep(max(asked or 0.0, self.patience.backoff(failures, self._chance)))
        raise ModelError(f"{self.base_url}{path} did not answer in {self.patience.attempts} attempts: {words}")

    def _attempt(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        import httpx

        try:
            status, headers, content = self._exchange(path, payload)
        except httpx.TimeoutException as error:
            raise _Fault(f"no answer within {self.patience.timeout:g} s") from error
        except (httpx.ConnectError, httpx.UnsupportedProtocol) as error:
            self.budget.give_back()
            raise _Fault(f"cannot connect: {self._shown(str(error))}") from error
        except httpx.HTTPError as error:
            raise _Fault(f"the connection broke: {self._shown(str(error)) or type(error).__name__}") from error
        if status in _UNSERVED:
            self.budget.give_back()
        if status in _AGAIN:
            raise _Fault(f"status {status}", asked_wait(headers.get("retry-after")))
        if status != 200:
            excerpt = self._shown(content[:300].decode("utf-8", "replace"))
            raise Refused(status, f"{self.base_url}{path} refused with status {status}: {excerpt}")
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _Fault("the answer is no JSON") from error
        if not isinstance(body, dict):
            raise AnswerError(f"{self.base_url}{path} answered with JSON that is no object")
        return body

    def _exchange(self, path: str, payload: dict[str, Any]) -> tuple[int, "httpx.Headers", bytes]:
        """One request; the deadline holds for the whole answer, so one that drips is not waited for."""
        import httpx

        deadline = time.monotonic() + self.patience.timeout
        content = bytearray()
        with self._client.stream("POST", self.base_url + path, json=payload) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise AnswerError(f"{self.base_url}{path} answered with more than {_MOST_BYTES >> 20} MiB")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("deadline")
            return response.status_code, response.headers, bytes(content)

    def _open(self) -> "httpx.Client":
        try:
            import httpx
        except ImportError as error:
            raise ModelError("talking to endpoints needs httpx: pip install 'iolaus[prove]'") from error
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        return httpx.Client(headers=headers, timeout=self.patience.timeout, follow_redirects=False, trust_env=False)

    def _shown(self, words: str) -> str:
        """An endpoint's own words on one line, without the key."""
        line = " ".join(words.split())
        return line.replace(self._key, "[key]") if self._key else line
