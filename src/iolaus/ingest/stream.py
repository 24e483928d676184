"""The two doors of this room: a stream of exchanges, a table of accounts."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.errors import InputError
from iolaus.ingest.chunk import Reader
from iolaus.ingest.conform import ACCOUNT_TABLE, EXCHANGE_TABLE, Table, conform, horizon
from iolaus.ingest.opening import FAILURES, open_file, require_columns, unreadable
from iolaus.ingest.rejects import Rejects
from iolaus.ingest.source import SourceFile, find_files
from iolaus.schema import ACCOUNTS, EXCHANGES

__all__ = ["ExchangeStream", "Progress", "read_accounts", "read_exchanges"]

Progress = Callable[[int], None]
BATCH_ROWS: Final = 65_536


class ExchangeStream:
    """Batches of exchanges, exactly in `iolaus.schema.EXCHANGES`; iterate it once, in bounded memory.

    Attributes:
        schema: `EXCHANGES`.
        columns_present: the contract's columns that at least one file has. Known beforehand for Parquet and
            CSV; for JSON Lines it begins with what the first rows hold and is complete when the stream has
            ended.
        rows_expected: how many rows there are before any is left out, None where only reading tells.
        read: rows read so far, those set aside included, those after the horizon not.
        error: what ended the stream early. Whoever reads through C (DuckDB) sees only its words, and finds it
            here.
    """

    schema: pa.Schema = EXCHANGES

    def __init__(
        self,
        files: list[SourceFile],
        rejects: Rejects,
        until: datetime | None,
        batch_rows: int,
        progress: Progress | None,
    ) -> None:
        """Open the files; arguments as for `read_exchanges`."""
        self._tables = _Rows(files, EXCHANGE_TABLE, rejects, until, batch_rows)
        self._batches = self._tables.batches()
        self._progress = progress
        self.error: InputError | None = None

    @property
    def columns_present(self) -> frozenset[str]:
        """See the class."""
        return frozenset(self._tables.present)

    @property
    def rows_expected(self) -> int | None:
        """See the class."""
        return self._tables.rows_expected

    @property
    def read(self) -> int:
        """See the class."""
        return self._tables.read

    def __iter__(self) -> Self:
        """The stream is its own iterator."""
        return self

    def __next__(self) -> pa.RecordBatch:
        """The next batch.

        Raises:
            InputError: a file cannot be read further.
        """
        try:
            batch = next(self._batches)
        except InputError as error:
            self.error = error
            raise
        if self._progress is not None:
            self._progress(self.read)
        return batch


def read_exchanges(
    source: str | Path,
    rejects: Rejects,
    *,
    until: datetime | None = None,
    batch_rows: int = BATCH_ROWS,
    progress: Progress | None = None,
) -> ExchangeStream:
    """Read an exchange log.

    Args:
        source: Parquet, JSON Lines or CSV (the last two plain, gzip or zstd): a file, a folder or a glob.
        rejects: takes the rows that cannot be used.
        until: rows after this are left out, as if they did not exist yet; without a zone it means UTC.
        batch_rows: most rows a batch.
        progress: told the rows read so far after every batch.

    Returns:
        A stream of batches, which can go to `pa.RecordBatchReader.from_batches(stream.schema, stream)`.

    Raises:
        InputError: there is no such source, or a file of it is of an unknown format, cannot be opened, or
            lacks a required column. Later, while the stream is read: a file is cut short or corrupt.
    """
    return ExchangeStream(find_files(source), rejects, until, batch_rows, progress)


def read_accounts(
    source: str | Path, rejects: Rejects, *, until: datetime | None = None, rejected_share: float = 0.05
) -> pa.Table:
    """Read an account table.

    Args:
        source: as for `read_exchanges`.
        rejects: takes the rows that cannot be used, and those whose account_id another row has.
        until: accounts created after this are left out, and closed ones that closed after it are still open.
        rejected_share: the largest share of the rows that may be set aside.

    Returns:
        The accounts in `iolaus.schema.ACCOUNTS`, each account_id once.

    Raises:
        InputError: as for `read_exchanges`.
        TooManyRejects: more rows were set aside than may be.
    """
    files = find_files(source)
    rows = _Rows(files, ACCOUNT_TABLE, rejects, until, BATCH_ROWS)
    table = pa.Table.from_batches(rows.batches(), schema=ACCOUNTS)
    table = _each_once(table, files[0].name if len(files) == 1 else None, rejects)
    rejects.check(rows.read, rejected_share)
    last = horizon(until)
    if last is None:
        return table
    closed = table["closed_at"]
    open_still = pc.if_else(pc.greater(closed, last), pa.scalar(None, closed.type), closed)
    return table.set_column(table.schema.get_field_index("closed_at"), ACCOUNTS.field("closed_at"), open_still)


def _each_once(table: pa.Table, file: str | None, rejects: Rejects) -> pa.Table:
    """Of rows with one account_id the first by their values, so that the rows' order does not matter."""
    if pc.count_distinct(table["account_id"]).as_py() == table.num_rows:
        return table
    # Nulls sort last: the row that says more stays.
    table = table.sort_by([(name, "ascending") for name in table.schema.names])
    ids = table["account_id"].combine_chunks()
    again = np.zeros(len(ids), dtype=np.bool_)
    again[1:] = np.asarray(pc.equal(ids[1:], ids[:-1]))
    rejects.add_many(file, [None] * int(again.sum()), "account_id", "repeats an account_id")
    return table.filter(pa.array(~again))


class _Rows:
    """The rows of several files, one file after the other."""

    def __init__(
        self, files: list[SourceFile], table: Table, rejects: Rejects, until: datetime | None, batch_rows: int
    ) -> None:
        self._table, self._rejects, self._until = table, rejects, horizon(until)
        self._readers = [(file, open_file(file, table, batch_rows)) for file in files]
        self.present: set[str] = set().union(*(reader.columns for _, reader in self._readers))
        require_columns(table, ((file, reader.lacking) for file, reader in self._readers))
        counts = [reader.rows for _, reader in self._readers]
        self.rows_expected = sum(n for n in counts if n is not None) if None not in counts else None
        self.read = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every file's usable rows."""
        for file, reader in self._readers:
            try:
                yield from self._of_file(file, reader)
            except FAILURES as error:
                raise unreadable(file, error) from error

    def _of_file(self, file: SourceFile, reader: Reader) -> Iterator[pa.RecordBatch]:
        for chunk in reader.chunks():
            if file.format == "jsonl":
                names = chunk.batch.schema.names
                self.present.update(n for n in names if chunk.batch[n].null_count < len(chunk.numbers))
            batch, read = conform(chunk, self._table, file.name, self._rejects, self._until)
            self.read += read
            if batch.num_rows:
                yield batch
