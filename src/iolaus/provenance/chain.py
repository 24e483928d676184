"""A file that only grows: one JSON line an entry, each naming the hash of the line before it."""

import fcntl
import hashlib
import json
import os
import threading
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
        notice: is told every entry and its line's number, old ones first.

    Raises:
        EvidenceError: a line is not what was once written; the text names file and line.
    """

    def __init__(self, path: Path, notice: Callable[[Entry], None]) -> None:
        self.path, self._notice = path, notice
        self._head, self._count, self._size = START, 0, 0
        self._turn = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a+b", buffering=0)
            _sync_folder(path.parent)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        with self._alone():
            self._catch_up()

    def __len__(self) -> int:
        """Number of lines."""
        return self._count

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return self._head

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries, each as a line with its number and its predecessor's hash, and wait for the disk."""
        with self._alone():
            self._catch_up()
            written = b""
            head, grown = self._head, list[Entry]()
            for number, entry in enumerate(entries, self._count):
                grown.append({**entry, "seq": number, "prev": head})
                line = canonical(grown[-1])
                head = hashlib.sha256(line).hexdigest()
                written += line + b"\n"
            try:
                _write_all(self._file.fileno(), written)
                os.fsync(self._file.fileno())
            except OSError as error:
                os.ftruncate(self._file.fileno(), self._size)
                raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error
            self._head, self._count, self._size = head, self._count + len(grown), self._size + len(written)
            for entry in grown:
                self._notice(entry)

    def entries(self) -> Iterator[Entry]:
        """All entries, read from the file."""
        with open(self.path, "rb") as lines:
            for _, line in zip(range(self._count), lines, strict=False):
                yield json.loads(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of one process at a time."""
        with self._turn:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file.fileno(), fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        """Read the lines behind those that are known, and cut off one that lacks its end."""
        with open(self.path, "rb") as lines:
            lines.seek(self._size)
            for line in lines:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._file.fileno(), self._size)
                    os.fsync(self._file.fileno())
                    return
                entry = self._read(line[:-1])
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
