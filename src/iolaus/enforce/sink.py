"""LiteLLM's logs on disk: taken at once, turned into exchanges a moment later, each step safe against a kill.

LiteLLM forgets what it logs while a batch is on its way (its queue is emptied after the answer has come, version
1.106.2), so every millisecond of waiting loses logs. A batch is therefore only laid down in a spool before it is
acknowledged; a thread turns the spool into rows of the contract, a file an hour, and removes it when they are synced.
"""

import itertools
import json
import os
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from iolaus.errors import OutputError
from iolaus.ingest.litellm import LiteLLMReading, SetAside, exchange_of

__all__ = ["LogSink"]

_REMEMBERED: Final = 200_000


class LogSink:
    """Turns LiteLLM's payloads into rows of the contract.

    What is sent or read twice, because an acknowledgement was lost or the process was killed, is written once: ids
    seen lately are remembered, and after a kill they are read back from the newest files.

    Args:
        folder: gets files such as ``exchanges-20260901T13.jsonl``; ``detect`` takes the folder as its source.
        reading: how payloads are read.
        clock: seconds since 1970 UTC; names the files.

    Attributes:
        counts: rows ``written`` and ``repeated``, payloads set aside, by reason, and ``postponed`` attempts.
    """

    def __init__(self, folder: Path, reading: LiteLLMReading, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._reading, self._clock = folder, reading, clock
        # A name that begins with a dot is left out by whoever reads the folder.
        self._spool = folder / ".incoming"
        self._number = itertools.count()
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.counts: Counter[str] = Counter()
        if any(self._waiting()):
            self._seen |= dict.fromkeys(_newest_ids(folder))

    def put(self, body: bytes) -> None:
        """Lay a batch down; it is there when this returns, unless the machine itself goes down.

        Raises:
            OutputError: it cannot be written.
        """
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._number)}"
        beside = self._spool / f".{name}.tmp"
        try:
            self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(body)
            beside.replace(self._spool / f"{name}.body")
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise OutputError(f"{self._spool}: the logs cannot be written: {error.strerror or error}") from error

    def drain(self) -> int:
        """Turn all that waits into rows; what cannot be written now waits on.

        Returns:
            How many batches are left.
        """
        with self._lock:
            waiting = self._waiting()
            for place, path in enumerate(waiting):
                try:
                    self._write(path.read_bytes())
                    path.unlink()
                except OSError:
                    self.counts["postponed"] += 1
                    return len(waiting) - place
        return 0

    def _waiting(self) -> list[Path]:
        return sorted(self._spool.glob("[0-9]*.body"))

    def _write(self, body: bytes) -> None:
        rows, told = {}, Counter[str]()
        for payload in _payloads(body):
            try:
                row = exchange_of(payload, self._reading)
            except SetAside as reason:
                told[str(reason)] += 1
                continue
            if row["exchange_id"] in self._seen or row["exchange_id"] in rows:
                told["repeated"] += 1
            rows[row["exchange_id"]] = row
        fresh = {name: row for name, row in rows.items() if name not in self._seen}
        if fresh:
            self._append(fresh.values())
        told["written"] = len(fresh)
        self._seen |= dict.fromkeys(fresh)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self.counts.update(told)

    def _append(self, rows: Iterable[dict[str, Any]]) -> None:
        hour = datetime.fromtimestamp(self._clock(), UTC)
        path = self._folder / f"exchanges-{hour:%Y%m%dT%H}.jsonl"
        content = b"".join(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for row in rows)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _append_whole(handle, content)
        finally:
            os.close(handle)


def _append_whole(handle: int, content: bytes) -> None:
    """Append all or nothing, after the last whole line: what a crash tore was never acknowledged."""
    end = _whole_lines(handle)
    try:
        os.ftruncate(handle, end)
        view, at = memoryview(content), end
        while view:
            written = os.pwrite(handle, view, at)
            at, view = at + written, view[written:]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise


def _whole_lines(handle: int) -> int:
    """Where the file's last whole line ends."""
    at = os.lseek(handle, 0, os.SEEK_END)
    while at > 0:
        step = min(1 << 16, at)
        found = os.pread(handle, step, at - step).rfind(b"\n")
        if found >= 0:
            return at - step + found + 1
        at -= step
    return 0


def _payloads(body: bytes) -> Iterable[object]:
    """The payloads of a body; a line that is not JSON stands as None, and the others are still read."""
    head = body.lstrip()[:1]
    if head == b"[":
        found = _parsed(body)
        return found if isinstance(found, list) else [None]
    lines = [line for line in body.split(b"\n") if line.strip()]
    return (_parsed(line) for line in lines)


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _newest_ids(folder: Path) -> Iterator[str]:
    """Exchange ids of the two newest files: a batch is written in the hour in which it came, or the one after."""
    for path in sorted(folder.glob("exchanges-*.jsonl"))[-2:]:
        with open(path, "rb") as file:
            for line in file:
                row = _parsed(line)
                if isinstance(row, dict) and "exchange_id" in row:
                    yield row["exchange_id"]
