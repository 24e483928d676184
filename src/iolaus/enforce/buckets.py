"""Token buckets: how much of its rate a throttled account has left."""

import time
from collections.abc import Callable
from typing import Final

__all__ = ["Buckets"]

_MOST: Final = 100_000


class Buckets:
    """One bucket a key, in the memory of this process; time is the monotonic clock's.

    Args:
        monotonic: seconds on a clock that never jumps.
        most: buckets kept; beyond it those that were used longest ago go.
    """

    __slots__ = ("_levels", "_monotonic", "_most")

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        self._levels: dict[str, tuple[float, float]] = {}
        self._monotonic, self._most = monotonic, most

    def take(self, key: str, per_minute: float, burst: int) -> float:
        """Take one token.

        Returns:
            0 where there was one, else the seconds until there is.
        """
        now = self._monotonic()
        level, at = self._levels.pop(key, (float(burst), now))
        rate = per_minute / 60
        level = min(float(burst), level + (now - at) * rate)
        wait = 0.0 if level >= 1 else (1 - level) / rate
        self._levels[key] = (level - 1 if level >= 1 else level, now)
        if len(self._levels) > self._most:
            del self._levels[next(iter(self._levels))]
        return wait
