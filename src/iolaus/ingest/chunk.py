"""What every format's reader hands on: raw rows, before their columns are brought to the contract's types."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Chunk", "Mark", "Reader", "split"]

# At most this much text goes into one batch, however few rows that makes.
BATCH_BYTES: Final = 64 << 20

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a plain JSON Lines file where reading can go on just as if it had begun at the top.

    Attributes:
        position: how many bytes have been read.
        start: where the first line begins that has not been handed on.
        line: its 1-based number.
        types: name and type of each column as the lines before have taught it, None where they did not.
    """

    position: int
    start: int
    line: int
    types: tuple[tuple[str, str], ...] | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of one file as they were read.

    Attributes:
        batch: the wanted columns that the file has, of whatever type it gives them.
        numbers: int64 (rows,), each row's 1-based number in its file (a line's number in JSON Lines).
        unreadable: by column, bool (rows,): true where the reader itself could make nothing of a value.
        broken: number and reason of rows that did not even come apart into columns; they are not in `batch`.
        mended: how many bytes that were not UTF-8 the reader itself has replaced.
        mark: where reading may go on after this chunk however the file has grown, None where it may not.
    """

    batch: pa.RecordBatch
    numbers: npt.NDArray[np.int64]
    unreadable: dict[str, Mask] = field(default_factory=dict)
    broken: tuple[tuple[int, str], ...] = ()
    mended: int = 0
    mark: Mark | None = None

    def filter(self, keep: Mask) -> "Chunk":
        """The rows where `keep` is true, bool (rows,); broken rows stay."""
        unreadable = {name: mask[keep] for name, mask in self.unreadable.items()}
        return replace(self, batch=self.batch.filter(pa.array(keep)), numbers=self.numbers[keep], unreadable=unreadable)


@dataclass(frozen=True, slots=True)
class Reader:
    """One opened file.

    Attributes:
        columns: the wanted columns it has; in JSON Lines those of its first rows that hold a value.
        rows: how many rows it holds, None where only reading tells.
        chunks: starts reading from the top.
        lacking: required columns it seems not to have.
    """

    columns: frozenset[str]
    rows: int | None
    chunks: Callable[[], Iterator[Chunk]]
    lacking: frozenset[str] = frozenset()


def split(batch: pa.RecordBatch, rows: int, limit: int = BATCH_BYTES) -> Iterator[pa.RecordBatch]:
    """Slices of a batch of at most `rows` rows and (but for single rows) `limit` bytes; nothing is copied."""
    if batch.num_rows > rows:
        for start in range(0, batch.num_rows, rows):
            yield from split(batch.slice(start, rows), rows, limit)
    elif batch.num_rows > 1 and sum(_size(column) for column in batch.columns) > limit:
        half = batch.num_rows // 2
        yield from split(batch.slice(0, half), rows, limit)
        yield from split(batch.slice(half), rows, limit)
    elif batch.num_rows:
        yield batch


def _size(column: pa.Array) -> int:
    """Bytes the column takes once its dictionary, if it has one, is written out."""
    kind = column.type
    if not pa.types.is_dictionary(kind):
        return int(column.nbytes)
    words = column.dictionary
    if not (pa.types.is_string(words.type) or pa.types.is_large_string(words.type)):
        return int(column.indices.nbytes)
    return int(pc.sum(pc.binary_length(words).take(column.indices)).as_py() or 0)
