"""Shards on disk: written beside and put in place, listed in a log, checked against it.

A shard that is not in the log was being written when the run was killed, and is made again. The log is appended to and
never rewritten; where it names a shard twice, the later line holds.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from iolaus.distill.cache.sparse import SparseTargets, systematic_weights
from iolaus.distill.writing import put_bytes
from iolaus.errors import OutputError, StaleCache

__all__ = ["Shard", "ShardReader", "logged_shards", "put_shard", "write_shard"]

_LOG = "shards.jsonl"


@dataclass(frozen=True, slots=True)
class Shard:
    """A line of the log.

    Args:
        number: of the shard.
        positions: predictions whose targets it holds.
        size: bytes of its file.
        sha256: of its file.
    """

    number: int
    positions: int
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """Of its file."""
        return f"shard-{self.number:06d}.safetensors"


def write_shard(
    folder: Path, number: int, parts: Sequence[SparseTargets], row_lengths: NDArray[np.int64], wide: int
) -> Shard:
    """Write a shard, then its line in the log.

    Args:
        folder: of the cache.
        number: of the shard.
        parts: targets in the order of rows and positions.
        row_lengths: (rows,) predictions that count in each row.
        wide: rows of the vocabulary; up to 65,536 ids take two bytes, beyond three.

    Raises:
        OutputError: it cannot be written, as on a full disk; shards before it are whole.
    """
    lengths = np.concatenate([part.lengths for part in parts])
    ids = np.concatenate([part.ids for part in parts])
    values = np.concatenate([part.values for part in parts])
    halved = values.dtype == np.uint8 and int(values.max(initial=0)) < 16
    tensors = {
        "row_starts": np.concatenate([[0], np.cumsum(row_lengths)]).astype(np.int32),
        "lengths": lengths,
        "ids": (ids & 0xFFFF).astype(np.uint16),
        "values": values,
        "log_z": np.concatenate([part.log_z for part in parts]),
        "tail": np.concatenate([part.tail for part in parts]),
    }
    own = [part.certain for part in parts if part.certain is not None]
    if own:
        # The weights of the certain tokens give the others'.
        tensors["certain"] = np.concatenate(own)
        count = int(lengths[0])
        tensors["values"] = values.reshape(-1, count)[np.arange(count) < tensors["certain"][:, None]]
    if halved:
        # Counts of up to 15 draws: two to a byte.
        even = np.append(values, np.zeros(len(values) % 2, dtype=np.uint8))
        tensors["halves"] = even[::2] | even[1::2] << 4
        del tensors["values"]
    if wide > 0x10000:
        tensors["ids_high"] = (ids >> 16).astype(np.uint8)
    return put_shard(folder, number, len(lengths), tensors)


def put_shard(folder: Path, number: int, positions: int, tensors: dict[str, NDArray[Any]]) -> Shard:
    """Write a shard's tensors whole, then its line in the log.

    Raises:
        OutputError: it cannot be written, as on a full disk; shards before it are whole.
    """
    content = save(tensors)
    made = Shard(number, positions, len(content), hashlib.sha256(content).hexdigest())
    put_bytes(folder / made.name, content)
    try:
        with (folder / _LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(asdict(made)) + "\n")
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        raise OutputError(f"{folder / _LOG} cannot be written: {error}") from error
    return made


def logged_shards(folder: Path) -> dict[int, Shard]:
    """Whole shards by number: in the log, and with the bytes that the log says."""
    path = folder / _LOG
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        # A line half-written by a killed run would spoil the next one.
        with path.open("r+b") as file:
            file.truncate(len(whole))
    found: dict[int, Shard] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            shard = Shard(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise StaleCache(f"{path}, row {number}: is no line of a shard log") from error
        found[shard.number] = shard
    return {number: shard for number, shard in found.items() if _is_whole(folder, shard)}


def _is_whole(folder: Path, shard: Shard) -> bool:
    path = folder / shard.name
    try:
        if path.stat().st_size != shard.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == shard.sha256
    except OSError:
        return False


class ShardReader:
    """Rows of one shard, read where they lie.

    Args:
        folder: of the cache.
        shard: from its log.

    Raises:
        StaleCache: the file cannot be read.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self._path = folder / shard.name
        try:
            opened: Any = safe_open(self._path, framework="numpy")
            self._file = opened
            lengths = self._file.get_tensor("lengths").astype(np.int64)
            self._rows = self._file.get_tensor("row_starts").astype(np.int64)
            self._wide, self._halved = ("ids_high" in opened.keys()), ("halves" in opened.keys())
        except (OSError, SafetensorError) as error:
            raise StaleCache(f"shard {self._path} cannot be read: {error}; delete it, and it is made again") from error
        self._entries = np.concatenate([[0], np.cumsum(lengths)])
        self._certain: NDArray[np.uint8] | None = None
        if "certain" in opened.keys():
            self._certain, self._count = self._file.get_tensor("certain"), int(lengths[0])
            self._exact = np.concatenate([[0], np.cumsum(self._certain.astype(np.int64))])

    def row(self, index: int) -> SparseTargets:
        """The targets of one of the shard's rows."""
        first, last = int(self._rows[index]), int(self._rows[index + 1])
        begin, end = int(self._entries[first]), int(self._entries[last])
        ids = self._file.get_slice("ids")[begin:end].astype(np.int64)
        if self._wide:
            ids |= self._file.get_slice("ids_high")[begin:end].astype(np.int64) << 16
        return SparseTargets(
            np.diff(self._entries[first : last + 1]).astype(np.uint8),
            ids,
            self._values(begin, end) if self._certain is None else self._weights(first, last),
            self._file.get_slice("log_z")[first:last],
            self._file.get_slice("tail")[first:last],
            None if self._certain is None else self._certain[first:last],
        )

    def _values(self, begin: int, end: int) -> NDArray[Any]:
        if not self._halved:
            found: NDArray[Any] = self._file.get_slice("values")[begin:end]
            return found
        packed = self._file.get_slice("halves")[begin // 2 : (end + 1) // 2]
        both = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)
        return both[begin % 2 : begin % 2 + end - begin]

    def _weights(self, first: int, last: int) -> NDArray[np.float16]:
        exact = self._file.get_slice("values")[int(self._exact[first]) : int(self._exact[last])]
        own: NDArray[np.uint8] = self._certain[first:last] if self._certain is not None else np.zeros(0, np.uint8)
        return systematic_weights(exact, own, self._count)
