"""How fast to ask, and how long to wait after a refusal."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Patience", "TokenBucket", "asked_wait"]


class TokenBucket:
    """Lets ``rate`` requests a second through, with bursts of up to ``burst``; safe across threads.

    Args:
        rate: requests a second.
        burst: most requests at once.
        clock: seconds, monotonic.
        sleep: waits that many seconds.

    Raises:
        ValueError: a rate or burst that lets nothing through.
    """

    def __init__(
        self,
        rate: float,
        burst: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"a rate of {rate} with bursts of {burst} lets nothing through")
        self._rate, self._burst, self._clock, self._sleep = rate, burst, clock, sleep
        self._level, self._seen, self._lock = float(burst), clock(), threading.Lock()

    def acquire(self) -> None:
        """Return when one request may be sent; requests are let through in the order in which they came."""
        with self._lock:
            now = self._clock()
            self._level = min(self._burst, self._level + (now - self._seen) * self._rate) - 1
            self._seen = now
            wait = max(0.0, -self._level / self._rate)
        if wait:
            self._sleep(wait)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again.

    Args:
        attempts: most attempts at one request.
        first_wait: seconds before the second attempt, at most; doubles with each further one.
        longest_wait: most seconds to wait at once. An endpoint that asks for more is given up.
        timeout: most seconds that one attempt may take, from sending to the last byte.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    timeout: float = 120.0

    def backoff(self, failures: int, chance: random.Random) -> float:
        """Seconds to wait after so many failures: between half of the doubled wait and all of it.

        The jitter keeps callers that failed together from coming back together (Brooker, "Exponential Backoff And
        Jitter", 2015, "equal jitter").
        """
        longest = min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1))
        return longest * (0.5 + 0.5 * chance.random())


def asked_wait(retry_after: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, as a number or a date (RFC 9110, 10.2.3); None for nonsense."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    # A NaN compares false with everything.
    return max(seconds, 0.0) if seconds < float("inf") else None
