"""The published snapshot: who is to be treated how, from when until when. One immutable file, read whole.

Layout, little-endian: a fixed header (magic, version, row count, two lengths, BLAKE2b-256 of all that follows it), a
JSON description with the table of treatments, then one column after the other: 64-bit hashes of the account ids in
ascending order, start, end, decision, end of the id's bytes, treatment; last the ids themselves. A hash only finds a
row; the id's own bytes decide, so two accounts with one hash are never taken for each other.

The file is read into memory, not mapped: a mapped file that someone cuts short in place kills its reader (SIGBUS), and
the gateway must outlive whatever happens to the file. Standard library only, so that it loads inside a proxy that has
nothing else of Iolaus's dependencies.
"""

import json
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from iolaus.errors import InputError, OutputError

__all__ = [
    "ACTIONS",
    "TOUCHING",
    "Row",
    "Snapshot",
    "SnapshotError",
    "Treatment",
    "gravest",
    "read_snapshot",
    "write_snapshot",
]

# From the mildest to the gravest.
ACTIONS: Final = ("allow", "observe", "watermark", "restrict", "throttle", "challenge", "block")
# Actions that a caller can notice.
TOUCHING: Final = frozenset(ACTIONS[2:])

MAGIC: Final = b"IOLAUSSN"
VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sII QQQ 32s")
_CHECKED_FROM: Final = _HEADER.size
_RANK: Final = {action: rank for rank, action in enumerate(ACTIONS)}


class SnapshotError(InputError):
    """A file that is no usable snapshot; the text names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to a request.

    Attributes:
        action: one of `ACTIONS`.
        requests_per_minute: rate that a throttled account keeps.
        burst: requests that a throttled account may send at once after a pause.
        status: HTTP status of a challenge, 402 or 403.
        url: where a challenged caller finds out what to do.
        withheld: what the server is to leave out of a restricted account's answers, as the header tells it.
    """

    action: str
    requests_per_minute: float = 0.0
    burst: int = 1
    status: int = 403
    url: str = ""
    withheld: str = ""


class Row(NamedTuple):
    """One decision as the gateway sees it; instants are whole seconds since 1970 UTC, the end excluded."""

    account_id: str
    decision_id: str
    starts_at: int
    ends_at: int
    treatment: Treatment


class Snapshot:
    """The rows of one file, ready to be looked up; made by `read_snapshot`.

    Attributes:
        snapshot_id: its name in the audit log.
        description: what the publisher wrote about it (``created_at``, ``audit_head`` and so on).
    """

    __slots__ = ("_columns", "_hashes", "_ids", "_stop", "_treatments", "description", "snapshot_id")

    def __init__(self, description: dict[str, Any], columns: dict[str, memoryview], ids: memoryview) -> None:
        self.snapshot_id = str(description["snapshot_id"])
        self._treatments = tuple(Treatment(**item) for item in description["treatments"])
        self.description = description
        self._columns, self._ids = columns, ids
        self._hashes, self._stop = columns["hash"], columns["stop"]

    def __len__(self) -> int:
        """Rows."""
        return len(self._hashes)

    def find(self, account_id: str, now: float) -> Row | None:
        """The gravest decision on an account that is in force, None where there is none.

        Args:
            account_id: the whole id.
            now: seconds since 1970 UTC.
        """
        return gravest(self.rows_of(account_id), now)

    def rows_of(self, account_id: str) -> tuple[Row, ...]:
        """All decisions on an account, in force or not; most accounts have none."""
        name = account_id.encode("utf-8", "surrogatepass")
        key = _hash(name)
        hashes = self._hashes
        place, rows = bisect_left(hashes, key), len(hashes)
        found: tuple[Row, ...] = ()
        while place < rows and hashes[place] == key:
            if self._name(place) == name:
                found = (*found, self._row(place, account_id))
            place += 1
        return found

    def rows(self) -> Iterable[Row]:
        """All rows, in the file's order."""
        for place in range(len(self)):
            yield self._row(place, bytes(self._name(place)).decode("utf-8", "surrogatepass"))

    def _name(self, place: int) -> memoryview:
        return self._ids[self._stop[place - 1] if place else 0 : self._stop[place]]

    def _row(self, place: int, account_id: str) -> Row:
        c = self._columns
        decision = f"{c['decision'][place]:016x}"
        return Row(account_id, decision, c["start"][place], c["end"][place], self._treatments[c["treatment"][place]])


def gravest(rows: tuple[Row, ...], now: float) -> Row | None:
    """The gravest of an account's decisions that is in force at a time, None where none is."""
    best: Row | None = None
    for row in rows:
        if row.starts_at <= now < row.ends_at and (
            best is None or _RANK[row.treatment.action] > _RANK[best.treatment.action]
        ):
            best = row
    return best


# Columns in the file's order, with their struct codes.
_COLUMNS: Final[tuple[tuple[str, Literal["Q", "q", "I"]], ...]] = (
    ("hash", "Q"),
    ("start", "q"),
    ("end", "q"),
    ("decision", "Q"),
    ("stop", "Q"),
    ("treatment", "I"),
)


def write_snapshot(path: Path, rows: Iterable[Row], description: dict[str, Any]) -> None:
    """Publish a snapshot: written beside, synced, then renamed, so that no reader ever sees a half.

    Args:
        path: where the gateways look.
        rows: decisions in any order; an account may have several.
        description: ``snapshot_id`` and whatever else is worth knowing, as JSON.

    Raises:
        OutputError: it cannot be written; the snapshot before it is untouched.
    """
    keyed = sorted(
        ((_hash(name), name, row) for row in rows for name in (row.account_id.encode("utf-8", "surrogatepass"),)),
        key=lambda item: (item[0], item[1], item[2].starts_at, item[2].decision_id),
    )
    treatments = list(dict.fromkeys(row.treatment for _, _, row in keyed))
    index = {treatment: place for place, treatment in enumerate(treatments)}
    stops, total = [], 0
    for _, name, _ in keyed:
        total += len(name)
        stops.append(total)
    values: dict[str, list[int]] = {
        "hash": [key for key, _, _ in keyed],
        "start": [row.starts_at for _, _, row in keyed],
        "end": [row.ends_at for _, _, row in keyed],
        "decision": [int(row.decision_id, 16) for _, _, row in keyed],
        "stop": stops,
        "treatment": [index[row.treatment] for _, _, row in keyed],
    }
    told = json.dumps(description | {"treatments": [asdict(t) for t in treatments]}).encode()
    told += b" " * (-(len(told) + _HEADER.size) % 8)
    columns = [struct.pack(f"<{len(keyed)}{code}", *values[name]) for name, code in _COLUMNS]
    body = b"".join((told, *columns, *(name for _, name, _ in keyed)))
    head = _HEADER.pack(MAGIC, VERSION, 0, len(keyed), len(told), total, blake2b(body, digest_size=32).digest())
    _place(path, head + body)


def _place(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: the snapshot cannot be written: {error.strerror or error}") from error


def read_snapshot(path: Path) -> Snapshot:
    """Read and verify a snapshot.

    Raises:
        SnapshotError: there is none, or it is cut short, corrupt, or of a version that this program does not know.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path}: the snapshot cannot be read: {error.strerror or error}") from error
    if len(content) < _HEADER.size or not content.startswith(MAGIC):
        raise SnapshotError(f"{path}: this is no snapshot, or only its first bytes")
    _, version, _, count, told, names, digest = _HEADER.unpack_from(content)
    if version != VERSION:
        raise SnapshotError(f"{path}: the snapshot is of version {version}; this program reads version {VERSION}")
    row = sum(struct.calcsize(f"<{code}") for _, code in _COLUMNS)
    if len(content) != _HEADER.size + told + count * row + names:
        raise SnapshotError(f"{path}: the snapshot is not as long as its header says; it was cut short or written over")
    view = memoryview(content)
    if blake2b(view[_CHECKED_FROM:], digest_size=32).digest() != digest:
        raise SnapshotError(f"{path}: the snapshot's checksum does not fit its content")
    columns, at = {}, _HEADER.size + told
    for name, code in _COLUMNS:
        size = count * struct.calcsize(f"<{code}")
        columns[name] = view[at : at + size].cast(code)
        at += size
    try:
        return Snapshot(json.loads(content[_HEADER.size : _HEADER.size + told]), columns, view[at:])
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"{path}: the snapshot's description cannot be read") from error


def _hash(name: bytes) -> int:
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little")
