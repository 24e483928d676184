"""A wall clock that a jump of the system's clock does not move at once."""

import logging
import time
from collections.abc import Callable
from typing import Final

__all__ = ["SteadyClock"]

_LOG = logging.getLogger("iolaus.enforce")
_JUMP_S: Final = 300.0
_SETTLED_S: Final = 600.0


class SteadyClock:
    """Seconds since 1970 UTC, carried on by the monotonic clock.

    Small corrections (under five minutes) are followed at once. A larger one is taken for a fault: it is counted and
    logged once, and followed only when it has stood for ten minutes, so that a clock that jumps and comes back ends
    no decision early and starts none late.

    Args:
        wall: the system's clock.
        monotonic: a clock that never jumps.

    Attributes:
        jumps: jumps seen.
    """

    __slots__ = ("_monotonic", "_offset", "_since", "_wall", "jumps")

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = wall() - monotonic()
        self._since: float | None = None
        self.jumps = 0

    def now(self) -> float:
        """The time."""
        elapsed = self._monotonic()
        offset = self._wall() - elapsed
        moved = offset - self._offset
        if -_JUMP_S < moved < _JUMP_S:
            self._offset, self._since = offset, None
        elif self._since is None:
            self._since = elapsed
            self.jumps += 1
            _LOG.warning("the system clock jumped by %.0f s; decisions keep to the old time for ten minutes", moved)
        elif elapsed - self._since >= _SETTLED_S:
            self._offset, self._since = offset, None
        return elapsed + self._offset
