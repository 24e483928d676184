"""How a stream is judged, and within what bounds."""

from dataclasses import dataclass
from typing import Final

from iolaus.errors import InputError
from iolaus.signals import DAY, HOUR

__all__ = ["LEAST_MEMORY", "StreamSettings"]

LEAST_MEMORY: Final = 640 << 20


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream is judged; times in microseconds.

    Attributes:
        memory: bytes that the process is to stay under.
        every: log time between two judgements; 0 for none by time.
        every_rows: rows between two judgements; 0 for none by rows.
        width: of a slice.
        window: slices older than this go.
        delay: rows that come later than this after newer ones are counted as late.
        cap: about how many exchanges of one account are kept in a slice.
        fdr: false-discovery rate of each judgement.
        necks: whether accounts may join between judgements.
    """

    memory: int = 1 << 30
    every: int = 6 * HOUR
    every_rows: int = 0
    width: int = 6 * HOUR
    window: int = 60 * DAY
    delay: int = HOUR
    cap: int = 256
    fdr: float = 0.05
    necks: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be kept.

        Raises:
            InputError: names the setting.
        """
        if self.memory < LEAST_MEMORY:
            raise InputError(f"the memory must be at least 640MiB, not {self.memory / 2**20:.0f}MiB")
        if min(self.width, self.window, self.cap) < 1 or min(self.every, self.every_rows, self.delay) < 0:
            raise InputError("times, caps and numbers of rows of a stream must be positive")
