"""Segments: the rows of a part of a file, and those set aside, as Arrow files packed with zstd."""

import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import numpy as np
import pyarrow as pa

from iolaus.detect.kept import ROWS, Kept
from iolaus.detect.state.manifest import Stored
from iolaus.errors import StateError
from iolaus.ingest.rejects import Listener
from iolaus.text import BINS

__all__ = ["Heard", "Segment", "read_aside", "read_kept", "write_aside"]

_BIN: Final = np.dtype("<u4")
_KEPT: Final = ROWS.append(pa.field("bins", pa.binary(BINS * _BIN.itemsize)))
_ASIDE: Final = pa.schema({"row": pa.int64(), "column": pa.string(), "reason": pa.string(), "exchange_id": pa.string()})
_BLOCK: Final = 1 << 20


@dataclass(slots=True)
class Heard(Listener):
    """Listens in the place of ``Rejects`` and keeps what it hears for every later run.

    Attributes:
        rows: row, column, reason and exchange id of each row set aside.
        notes: what was mended or left out, by sentence.
    """

    rows: list[tuple[int | None, str | None, str, str | None]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, count: int) -> None:
        """See `Rejects.note`."""
        if count:
            self.notes[what] += count

    def add(
        self, file: str | None, row: int | None, column: str | None, reason: str, exchange_id: str | None = None
    ) -> None:
        """See `Rejects.add`; the file is known."""
        self.rows.append((row, column, reason, exchange_id))


class Segment:
    """Writes usable rows beside, and renames the file when it is whole.

    Use it as a context; ``close`` ends the file, and what is not closed leaves nothing.

    Args:
        path: the file to be.
    """

    def __init__(self, path: Path) -> None:
        self._file = _Beside(path)
        self._writer = pa.ipc.new_file(self._file.sink, _KEPT, options=pa.ipc.IpcWriteOptions(compression="zstd"))

    def add(self, kept: Kept) -> None:
        """Append rows."""
        bins = np.ascontiguousarray(kept.bins.astype(_BIN, copy=False))
        packed = pa.FixedSizeBinaryArray.from_buffers(
            _KEPT.field("bins").type, bins.shape[0], [None, pa.py_buffer(bins)]
        )
        self._writer.write_batch(pa.RecordBatch.from_arrays([*kept.rows.columns, packed], schema=_KEPT))

    def close(self) -> Stored:
        """End the file."""
        self._writer.close()
        return self._file.close()

    def __enter__(self) -> Self:
        """The segment itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no half of a file."""
        self._file.drop()


def write_aside(path: Path, heard: Heard) -> Stored | None:
    """Write the rows set aside; None where there are none."""
    if not heard.rows:
        return None
    columns = [pa.array(values, kind.type) for values, kind in zip(zip(*heard.rows, strict=True), _ASIDE, strict=True)]
    file = _Beside(path)
    try:
        with pa.ipc.new_file(file.sink, _ASIDE, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_ASIDE))
        return file.close()
    finally:
        file.drop()


def read_kept(folder: Path, stored: Stored) -> Iterator[Kept]:
    """The rows of a segment.

    Raises:
        StateError: the file is damaged.
    """
    for batch in _batches(folder, stored, _KEPT):
        bins = batch.column("bins")
        values = np.frombuffer(bins.buffers()[1], _BIN)[bins.offset * BINS :][: len(bins) * BINS]
        rows = pa.RecordBatch.from_arrays(batch.columns[:-1], schema=ROWS)
        yield Kept(rows, values.reshape(-1, BINS).astype(np.uint32, copy=False))


def read_aside(folder: Path, stored: Stored) -> Iterator[tuple[int | None, str | None, str, str | None]]:
    """Row, column, reason and exchange id of the rows set aside.

    Raises:
        StateError: the file is damaged.
    """
    for batch in _batches(folder, stored, _ASIDE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _batches(folder: Path, stored: Stored, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    path = folder / stored.name
    try:
        if _sum(path) != stored.sum:
            raise pa.ArrowInvalid("its bytes are not those that were written")
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as reader:
            if reader.schema != schema:
                raise pa.ArrowInvalid("it holds other columns")
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
    except (OSError, pa.ArrowException) as error:
        words = " ".join(str(error).split())[:200]
        raise StateError(f"{path} cannot be read: {words}; remove the folder of the state and run again") from error


def _sum(path: Path) -> int:
    total = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            total = zlib.crc32(block, total)
    return total


class _Beside:
    """A file that is written beside its place, with the sum of its bytes.

    Attributes:
        sink: what Arrow writes to.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._partial = path, path.with_name(f"{path.name}.partial")
        self._file: IO[bytes] = self._partial.open("wb")
        self._sum, self._size = 0, 0
        self.sink = pa.PythonFile(self, mode="w")

    @property
    def closed(self) -> bool:
        """Arrow asks."""
        return self._file.closed

    def write(self, data: pa.Buffer) -> int:
        """Take bytes from Arrow."""
        view = memoryview(data)
        self._sum, self._size = zlib.crc32(view, self._sum), self._size + view.nbytes
        return self._file.write(view)

    def flush(self) -> None:
        """Arrow may ask for it."""
        self._file.flush()

    def close(self) -> Stored:
        """Bring the bytes to the disk, and the file to its place."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)
        return Stored(self._path.name, self._size, self._sum)

    def drop(self) -> None:
        """Remove what was not closed."""
        if not self._file.closed:
            self._file.close()
            self._partial.unlink(missing_ok=True)
