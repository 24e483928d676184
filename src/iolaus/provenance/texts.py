"""Reading tables of prompts and answers."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from iolaus.errors import InputError

__all__ = ["read_texts"]


def read_texts(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read text columns of a Parquet or JSON Lines file.

    Args:
        path: the file; ``.parquet`` is Parquet, anything else JSON Lines.
        columns: must be there and be text in every row.
        optional: may be missing or null, and are then the empty text.

    Returns:
        One dictionary a row.

    Raises:
        InputError: names the file, and the row and column that cannot be used.
    """
    rows = _parquet(path, [*columns, *optional]) if path.suffix == ".parquet" else _lines(path)
    found = []
    for number, row in enumerate(rows, 1):
        texts = {name: row.get(name) for name in columns} | {name: row.get(name) or "" for name in optional}
        for name, value in texts.items():
            if not isinstance(value, str):
                wrong = "is missing" if value is None else f"is no text but {type(value).__name__}"
                raise InputError(f"{path}, row {number}: column {name!r} {wrong}")
        found.append(texts)
    if not found:
        raise InputError(f"{path} holds no rows")
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise InputError(f"{path}, line {number} is no JSON object")
                    yield row
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {number} is no JSON: {error}") from error


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            there = [name for name in columns if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=there):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error
