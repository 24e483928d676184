"""Opening a source's files: the reader for each format, and what is said where one cannot be read."""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from iolaus.errors import InputError
from iolaus.ingest.chunk import Mark, Reader
from iolaus.ingest.conform import Table
from iolaus.ingest.csv import open_csv
from iolaus.ingest.jsonl import open_jsonl
from iolaus.ingest.parquet import open_parquet
from iolaus.ingest.source import SourceFile

__all__ = ["FAILURES", "open_file", "require_columns", "unreadable"]

# What Arrow and the system raise where a file cannot be read.
FAILURES: Final = (pa.ArrowException, OSError, MemoryError)


def open_file(file: SourceFile, table: Table, batch_rows: int, since: Mark | None = None) -> Reader:
    """Open one file.

    Args:
        file: which.
        table: what its rows are to become.
        batch_rows: most rows a chunk.
        since: where reading begins, None for the top; only a plain JSON Lines file can be taken up elsewhere.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if file.format == "jsonl":
            return open_jsonl(file, table.schema, batch_rows, since)
        return {"parquet": open_parquet, "csv": open_csv}[file.format](file, table.schema, batch_rows)
    except FAILURES as error:
        raise unreadable(file, error) from error


def require_columns(table: Table, lacking: Iterable[tuple[SourceFile, frozenset[str]]]) -> None:
    """Complain where a required column is not there.

    A Parquet or CSV file says what columns it has. In JSON Lines a key may be missing from some rows, which
    are then set aside; the column is missing only where no file's first rows have it.

    Args:
        table: whose columns are required.
        lacking: each file of the source with the required columns that it seems not to have.

    Raises:
        InputError: the column is missing.
    """
    files = list(lacking)
    lines = [(file, missing) for file, missing in files if file.format == "jsonl"]
    for name in table.required:
        without = [file for file, missing in files if file.format != "jsonl" and name in missing]
        if lines and all(name in missing for _, missing in lines):
            without += [file for file, _ in lines]
        if without:
            raise InputError(f"{without[0].path}: the column {name} is missing")


def unreadable(file: SourceFile, error: BaseException) -> InputError:
    """The error that says so."""
    words = " ".join(str(error).split())[:200]
    packed = f"{file.compression}-packed " if file.compression else ""
    kind = {"parquet": "Parquet", "jsonl": "JSON Lines", "csv": "CSV"}[file.format]
    return InputError(f"{file.path}: cannot be read as {packed}{kind}: {words or type(error).__name__}")
