"""The audit log: one JSON object a line, each sealed by the hash of all before it. Only ever appended to.

A line holds ``seq``, ``at``, ``kind``, ``body``, ``prev`` and ``hash``; the hash is SHA-256 over the line's other five
keys in canonical JSON, ``prev`` the hash of the line before (64 zeros for the first). An append holds a lock on the
file, writes its lines at once, and returns only when they are on the disk (fsync); a caller who was told of a decision
finds it there. What was cut off by a crash was never told to anyone: the next append takes the torn line off and
records that it did.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from iolaus.errors import InputError, OutputError

__all__ = ["GENESIS", "AuditLog", "Entry", "Head", "read_entries", "verify"]

GENESIS: Final = "0" * 64
_BLOCK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its number from 1, when it was written (seconds since 1970 UTC), what it is, and what it says."""

    seq: int
    at: int
    kind: str
    body: dict[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends: number and hash of its last line."""

    seq: int
    hash: str


class AuditLog:
    """A log that this process appends to; others may too.

    Args:
        path: the file; it and its folder are made at the first append.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator["Appender"]:
        """Hold the log: what is read under the lock is still so when the append comes.

        Raises:
            OutputError: the log cannot be opened.
            InputError: its last line is not one of this program's.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutputError(f"{self.path}: the audit log cannot be opened: {error.strerror or error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Appender(self.path, handle)
        finally:
            os.close(handle)

    def append(self, kind: str, body: dict[str, Any], at: int | None = None) -> Head:
        """Append one line; see `Appender.append`."""
        with self.locked() as log:
            return log.append([(kind, body)], int(time.time()) if at is None else at)


class Appender:
    """Appends under the lock; made by `AuditLog.locked`.

    Attributes:
        head: where the log ends.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self._path, self._handle = path, handle
        self._torn = b""
        self.head = self._find_head()

    def append(self, lines: Iterable[tuple[str, dict[str, Any]]], at: int) -> Head:
        """Append lines, all or none, and wait until they are on the disk.

        Raises:
            OutputError: they cannot be written; the log is as it was before.
        """
        todo = list(lines)
        if self._torn:
            cut = {"bytes": len(self._torn), "sha256": sha256(self._torn).hexdigest()}
            todo.insert(0, ("recovered", cut))
        head, packed = self.head, []
        for kind, body in todo:
            line = {"seq": head.seq + 1, "at": at, "kind": kind, "body": body, "prev": head.hash}
            seal = _seal(line)
            packed.append(_canonical(line | {"hash": seal}) + b"\n")
            head = Head(head.seq + 1, seal)
        end = os.lseek(self._handle, 0, os.SEEK_END) - len(self._torn)
        try:
            os.ftruncate(self._handle, end)
            _write_all(self._handle, b"".join(packed), end)
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, end)
            raise OutputError(f"{self._path}: the audit log cannot be written: {error.strerror or error}") from error
        self.head, self._torn = head, b""
        return head

    def _find_head(self) -> Head:
        """The last whole line; what follows it is remembered as torn."""
        size = os.lseek(self._handle, 0, os.SEEK_END)
        held, at = b"", size
        while at > 0 and held.count(b"\n") < 2:
            step = min(_BLOCK, at)
            at -= step
            held = os.pread(self._handle, step, at) + held
        whole = held.rfind(b"\n") + 1
        self._torn = held[whole:]
        if whole == 0:
            return Head(0, GENESIS)
        last = held[held.rfind(b"\n", 0, whole - 1) + 1 : whole]
        entry = _entry(last, self._path, "the last line")
        return Head(entry.seq, entry.hash)


def read_entries(path: Path) -> Iterator[Entry]:
    """Read the log and check its chain on the way; a torn last line is left out.

    Raises:
        InputError: the log cannot be read, or a line was changed, removed, added or moved; the text names it.
    """
    head = Head(0, GENESIS)
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                entry = _entry(line, path, f"line {number}")
                if entry.seq != head.seq + 1 or entry.prev != head.hash:
                    raise InputError(f"{path}: line {number} does not follow the line before it")
                head = Head(entry.seq, entry.hash)
                yield entry
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path}: the audit log cannot be read: {error.strerror or error}") from error


def verify(path: Path, known: Iterable[Head] = ()) -> Head:
    """Check the whole chain.

    Args:
        path: the log.
        known: heads that were noted elsewhere (every snapshot carries one); each must be in the log, which shows that
            its end was not cut off since.

    Returns:
        Where the log ends.

    Raises:
        InputError: the chain is broken, or a known head is not in it.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no audit log")
    wanted = {head.seq: head.hash for head in known if head.seq > 0}
    head = Head(0, GENESIS)
    for entry in read_entries(path):
        head = Head(entry.seq, entry.hash)
        if wanted.get(entry.seq, entry.hash) != entry.hash:
            raise InputError(f"{path}: line {entry.seq} is not the one that was known; the log was written anew")
        wanted.pop(entry.seq, None)
    if wanted:
        raise InputError(f"{path}: the log ends at line {head.seq}, but line {max(wanted)} was known; its end is gone")
    return head


def _entry(line: bytes, path: Path, where: str) -> Entry:
    try:
        found = json.loads(line)
        entry = Entry(found["seq"], found["at"], found["kind"], found["body"], found["prev"], found["hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: {where} is no entry of an audit log") from error
    # A line may say nothing but what is sealed, so it must also be in the one form in which it was written.
    whole = line == _canonical(found) + b"\n"
    if not whole or len(found) != 6 or entry.hash != _seal({k: v for k, v in found.items() if k != "hash"}):
        raise InputError(f"{path}: {where} was changed: its hash does not fit its content")
    return entry


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _seal(document: dict[str, Any]) -> str:
    return sha256(_canonical(document)).hexdigest()


def _write_all(handle: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(handle, view, at)
        at, view = at + written, view[written:]
