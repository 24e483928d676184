"""Parquet: columns come as they are, row group by row group."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.errors import InputError
from iolaus.ingest.chunk import BATCH_BYTES, Chunk, Reader, split
from iolaus.ingest.source import SourceFile

__all__ = ["open_parquet"]

# Pages are read through a buffer of this size; without one a whole column of a row group is held at once.
BUFFER_BYTES: Final = 1 << 20


def open_parquet(file: SourceFile, table: pa.Schema, batch_rows: int) -> Reader:
    """Open a Parquet file.

    Raises:
        InputError: two of its columns have the same name.
        pa.ArrowException, OSError: it is not Parquet, or cut short.
    """
    with pq.ParquetFile(file.path) as parquet:
        names = parquet.schema_arrow.names
        wanted = [name for name in table.names if name in names]
        rows = parquet.metadata.num_rows
    for name in wanted:
        if names.count(name) > 1:
            raise InputError(f"{file.path}: column {name} is there more than once")
    lacking = frozenset(field.name for field in table if not field.nullable and field.name not in names)
    return Reader(frozenset(wanted), rows, lambda: _chunks(file, wanted, batch_rows), lacking)


def _chunks(file: SourceFile, wanted: list[str], batch_rows: int) -> Iterator[Chunk]:
    number = 1
    with pq.ParquetFile(file.path, buffer_size=BUFFER_BYTES, pre_buffer=False) as parquet:
        rows = min(batch_rows, _rows_that_fit(parquet.metadata))
        for batch in parquet.iter_batches(batch_size=rows, columns=wanted):
            for part in split(batch, batch_rows):
                yield Chunk(part, np.arange(number, number + part.num_rows, dtype=np.int64))
                number += part.num_rows


def _rows_that_fit(metadata: pq.FileMetaData) -> int:
    """How many rows of the widest row group make a full batch, by their unpacked size."""
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)
    return max(1, int(BATCH_BYTES / max(widest, 1)))
