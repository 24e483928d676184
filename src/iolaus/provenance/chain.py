"""A file that only grows: one JSON line an entry, each naming the hash of the line before it."""

import fcntl
import hashlib
import json
import os
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from iolaus.errors import EvidenceError, OutputError
from iolaus.provenance.verify import canonical

__all__ = ["START", "Chain", "Entry"]

Entry = dict[str, Any]

# What the first line names as its predecessor.
START: Final = "0" * 64


class Chain:
    """The log of a vault.

    A line is on the disk (fsync) before `append` returns. A process that is killed while it writes leaves at most a
    line without its end; nobody was told of it, and it is cut off when the file is opened or written next. Several
    processes may append to one file: each takes a lock and first reads what the others wrote.

    Args:
        path: the file; made where it is missing.
        notice: is told every entry, old ones first.

    Raises:
        EvidenceError: a line is not what was once written; the text names file and line.
    """

    def __init__(self, path: Path, notice: Callable[[Entry], None]) -> None:
        self.path, self._notice = path, notice
        self._head, self._count, self._size = START, 0, 0
        self._starts = array("Q")
        self._turn = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            _sync_folder(path.parent)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        with self._alone() as file:
            self._catch_up(file)

    def append(self, entries: Sequence[Entry]) -> list[Entry]:
        """Write entries, each as a line with its number and its predecessor's hash, and wait for the disk.

        Returns:
            The entries as they were written.
        """
        with self._alone() as file:
            self._catch_up(file)
            written, head, grown, starts = b"", self._head, list[Entry](), list[int]()
            for number, entry in enumerate(entries, self._count):
                grown.append({**entry, "seq": number, "prev": head})
                line = canonical(grown[-1])
                head = hashlib.sha256(line).hexdigest()
                starts.append(self._size + len(written))
                written += line + b"\n"
            try:
                _write_all(file, written)
                os.fsync(file)
            except OSError as error:
                os.ftruncate(file, self._size)
                raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error
            self._head, self._count, self._size = head, self._count + len(grown), self._size + len(written)
            self._starts.extend(starts)
            for entry in grown:
                self._notice(entry)
        return grown

    def entries(self) -> Iterator[Entry]:
        """All entries, read from the file."""
        with open(self.path, "rb") as lines:
            for _, line in zip(range(self._count), lines, strict=False):
                yield json.loads(line)

    def entry(self, number: int) -> Entry:
        """One entry, by the number of its line."""
        with open(self.path, "rb") as lines:
            lines.seek(self._starts[number])
            found: Entry = json.loads(lines.readline())
        return found

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """The open file, for one thread of one process at a time."""
        with self._turn:
            try:
                file = os.open(self.path, os.O_RDWR | os.O_APPEND)
            except OSError as error:
                raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)

    def _catch_up(self, file: int) -> None:
        """Read the lines behind those that are known, and cut off one that lacks its end."""
        with open(self.path, "rb") as lines:
            lines.seek(self._size)
            for line in lines:
                if not line.endswith(b"\n"):
                    os.ftruncate(file, self._size)
                    os.fsync(file)
                    return
                entry = self._read(line[:-1])
                self._starts.append(self._size)
                self._head, self._count = hashlib.sha256(line[:-1]).hexdigest(), self._count + 1
                self._size += len(line)
                self._notice(entry)

    def _read(self, line: bytes) -> Entry:
        where = f"{self.path}, line {self._count + 1}"
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise EvidenceError(f"{where}: this is no JSON") from error
        if not isinstance(entry, dict) or canonical(entry) != line or "kind" not in entry:
            raise EvidenceError(f"{where}: this is no line that a vault wrote")
        if entry.get("seq") != self._count or entry.get("prev") != self._head:
            raise EvidenceError(f"{where}: it does not follow the line before it; one of the two was altered")
        return entry


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
