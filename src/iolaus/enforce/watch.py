"""A file that is read again when it changes, and whose last good content outlives whatever happens to it."""

import logging
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from iolaus.errors import InputError

__all__ = ["Watched"]

_LOG = logging.getLogger("iolaus.enforce")
T = TypeVar("T")


class Watched(Generic[T]):
    """The content of a file, swapped as a whole when another file takes its place.

    A thread looks at the file's inode, size and time of change and reads it when one of them moved; readers take
    `content` without a lock and without waiting. A file that cannot be read leaves the last good content in place;
    each new reason is logged once.

    Args:
        path: the file.
        read: reads it; raises `iolaus.errors.InputError` where it cannot be used.
        every_s: seconds between two looks.

    Attributes:
        content: the last good content, None before there was one.
        loads: times that the file was read well.
        failures: times that it was not.
        idle: whether this process has no thread that watches; see `ensure`.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], every_s: float = 1.0) -> None:
        self.path, self._read, self._every_s = path, read, every_s
        self.content: T | None = None
        self.loads = self.failures = 0
        self._seen: tuple[int, ...] | None = (0,)
        self._reason = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.idle = True
        # A forked worker has no threads; it starts its own at its first request.
        mine = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget_thread(mine))
        self.look()

    def ensure(self) -> None:
        """Start the thread where this process has none yet."""
        if self.idle:
            self.idle = False
            self._thread = threading.Thread(target=self._run, name=f"iolaus-watch-{self.path.name}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread; the content stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread, self.idle = None, True
        self._stop.clear()

    def look(self) -> bool:
        """Read the file if it changed; whether there is new content."""
        try:
            status = self.path.stat()
            seen: tuple[int, ...] | None = (status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError:
            seen = None
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self.content = self._read(self.path)
        except (InputError, MemoryError, RecursionError) as error:
            self.failures += 1
            if seen is not None and (isinstance(error, MemoryError) or isinstance(error.__cause__, OSError)):
                # The file is there and the fault lies elsewhere (no memory, no file handles): try again.
                self._seen = (0,)
            if str(error) != self._reason:
                self._reason = str(error)
                kept = "the last good one stays in use" if self.content is not None else "there is none to fall back on"
                _LOG.error("%s; %s", error, kept)
            return False
        self.loads += 1
        self._reason = ""
        return True

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.look()


def _forget_thread(watched: "weakref.ref[Watched[T]]") -> None:
    if (there := watched()) is not None:
        there._thread, there.idle = None, True
