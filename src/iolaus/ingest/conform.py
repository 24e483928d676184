"""From raw rows to the contract's table: rows after the horizon left out, unusable ones set aside."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.ingest.chunk import Chunk, Mask
from iolaus.ingest.coerce import Coerced, coerce
from iolaus.ingest.rejects import Listener
from iolaus.schema import ACCOUNTS, EXCHANGES, TIMESTAMP

__all__ = ["ACCOUNT_TABLE", "EXCHANGE_TABLE", "Table", "conform", "horizon"]

MISSING: Final = "missing"
EMPTY: Final = "empty"
UNREADABLE: Final = "cannot be read"
NO_TIME: Final = "not a time between 1990 and 2100"


@dataclass(frozen=True, slots=True)
class Table:
    """One of the contract's input tables.

    Attributes:
        name: what notes call it.
        schema: its columns; those that may not be null are the required ones.
        since: the column that says from when on a row exists.
    """

    name: str
    schema: pa.Schema
    since: str

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns no row can do without."""
        return tuple(field.name for field in self.schema if not field.nullable)


EXCHANGE_TABLE: Final = Table("exchanges", EXCHANGES, "timestamp")
ACCOUNT_TABLE: Final = Table("accounts", ACCOUNTS, "created_at")


def horizon(until: datetime | None) -> pa.Scalar | None:
    """The last moment that counts, as an Arrow scalar; one without a zone is taken as UTC."""
    if until is None:
        return None
    zoned = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return pa.scalar(zoned, TIMESTAMP)


def conform(
    chunk: Chunk, table: Table, file: str, rejects: Listener, until: pa.Scalar | None
) -> tuple[pa.RecordBatch, int]:
    """Bring a chunk to the table's schema.

    Args:
        chunk: raw rows of one file.
        table: what they are to become.
        file: name of the file, for the rejects.
        rejects: takes the rows that cannot be used, and notes about values that became null or were mended.
        until: rows that begin after this do not exist and leave no trace.

    Returns:
        The usable rows, and how many rows were read: usable ones and rejects.
    """
    if until is not None and table.since in chunk.batch.schema.names:
        times = coerce(chunk.batch[table.since], TIMESTAMP).values
        late = pc.greater(times, until).fill_null(False)
        if pc.any(late).as_py():
            chunk = chunk.filter(~np.asarray(late))
    rejects.note(f"{table.name}: bytes that were not UTF-8, mended with U+FFFD", chunk.mended)
    for number, reason in chunk.broken:
        rejects.add(file, number, None, reason)
    columns = [_column(chunk, table, field, rejects) for field in table.schema]
    batch = pa.RecordBatch.from_arrays([column.values for column in columns], schema=_loose(table.schema))
    good = _set_aside(batch, columns, chunk, table, file, rejects)
    if good is not None:
        batch = batch.filter(pa.array(good))
    return batch.cast(table.schema), chunk.batch.num_rows + len(chunk.broken)


def _loose(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _column(chunk: Chunk, table: Table, field: pa.Field, rejects: Listener) -> Coerced:
    """One column in its type; what happened to its values is noted, but for what rejects the row anyway."""
    if field.name not in chunk.batch.schema.names:
        return Coerced(pa.nulls(chunk.batch.num_rows, field.type))
    column = coerce(chunk.batch[field.name], field.type)
    given_up = chunk.unreadable.get(field.name)
    if given_up is not None:
        unreadable = given_up if column.unreadable is None else given_up | column.unreadable
        column = Coerced(column.values, unreadable, column.naive, column.mended)
    where = f"{table.name}, {field.name}"
    rejects.note(f"{where}: times without a zone, taken as UTC", column.naive)
    rejects.note(f"{where}: texts that were not valid Unicode, mended with U+FFFD", column.mended)
    if field.nullable and column.unreadable is not None:
        rejects.note(f"{where}: values that cannot be read, taken as missing", int(column.unreadable.sum()))
    return column


def _set_aside(
    batch: pa.RecordBatch, columns: list[Coerced], chunk: Chunk, table: Table, file: str, rejects: Listener
) -> Mask | None:
    """Reject rows that lack something required, for the first column at fault; None where all are good."""
    good: Mask | None = None
    for name, column in zip(table.schema.names, columns, strict=True):
        if name not in table.required:
            continue
        for bad, reason in _faults(name, column):
            good = np.ones(len(batch), dtype=np.bool_) if good is None else good
            new = bad & good
            if new.any():
                ids = (
                    batch["exchange_id"].filter(pa.array(new)).to_pylist()
                    if "exchange_id" in batch.schema.names
                    else None
                )
                rejects.add_many(file, chunk.numbers[new].tolist(), name, reason, ids)
            good &= ~bad
    return good


def _faults(name: str, column: Coerced) -> list[tuple[Mask, str]]:
    faults: list[tuple[Mask, str]] = []
    values = column.values
    if column.unreadable is not None:
        faults.append((column.unreadable, NO_TIME if pa.types.is_timestamp(values.type) else UNREADABLE))
    if values.null_count:
        faults.append((np.asarray(values.is_null()), MISSING))
    if name.endswith("_id"):
        empty = pc.equal(pc.binary_length(values), 0)
        if pc.any(empty).as_py():
            faults.append((np.asarray(empty.fill_null(False)), EMPTY))
    return faults
