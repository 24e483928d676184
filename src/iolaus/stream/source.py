"""Where a watched log comes from: what every source is."""

from typing import Protocol

__all__ = ["Source"]


class Source(Protocol):
    """A log that grows."""

    @property
    def position(self) -> object:
        """How far it has been read, as JSON can hold it; reading goes on from there after a restart."""
        ...

    def seek(self, position: object) -> None:
        """Go on from a position that ``position`` gave."""
        ...

    def read(self, last: bool = False) -> bytes | None:
        """The next whole lines of JSON, each ending in a newline; None where there are none now.

        Args:
            last: nothing more will come, so that a last line without a newline counts as whole.

        Raises:
            InputError: the source cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
