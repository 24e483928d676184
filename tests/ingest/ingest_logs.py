"""Logs to read, written in every form a provider may have them in."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.schema import EXCHANGES

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Row = dict[str, Any]


def make_rows(count: int) -> list[Row]:
    """Rows with every column, some of them null, and text that needs quoting."""
    return [
        {
            "exchange_id": f"e{i:05}",
            "timestamp": START + timedelta(seconds=i, microseconds=i * 7),
            "account_id": f"a{i % 7}",
            "prompt": f'row {i}, "quoted"\nsecond line 请解释 \U0001f40d',
            "api_key_id": None if i % 3 else f"k{i}",
            "conversation_id": f"c{i // 4}",
            "turn": i % 4 + 1,
            "history_digest": None if i % 4 == 0 else f"{i:064x}",
            "channel": "api",
            "request_model": "m-1",
            "system": None,
            "response": f"answer {i}",
            "input_tokens": 10 + i,
            "output_tokens": None if i % 5 == 0 else 2_000_000_000 + i,
            "temperature": None if i % 2 else 0.25 * (i % 5),
            "max_tokens": 1024,
            "choice_count": 1,
            "tool_count": 0,
            "stream": None if i % 6 == 0 else i % 2 == 0,
            "status_code": 200 if i % 9 else 429,
            "ip": f"10.0.0.{i % 250}",
            "country": "NL",
            "user_agent": "x/1, y",
            "ja4": None,
            "asn": 4_200_000_000 + i,
        }
        for i in range(count)
    ]


def to_table(rows: Sequence[Row], schema: pa.Schema = EXCHANGES) -> pa.Table:
    """The rows in the contract's own types."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def write(path: Path, rows: Sequence[Row], schema: pa.Schema = EXCHANGES) -> Path:
    """Write rows in the form the path's extensions name."""
    plain = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    if plain.suffix == ".parquet":
        pq.write_table(to_table(rows, schema), path, row_group_size=40)
        return path
    text = _csv(rows, schema) if plain.suffix == ".csv" else _jsonl(rows)
    packed = {".gz": gzip.compress, ".zst": lambda b: pa.compress(b, codec="zstd", asbytes=True)}
    path.write_bytes(packed.get(path.suffix, bytes)(text.encode()))
    return path


def _jsonl(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        plain = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}
        lines.append(json.dumps({k: v for k, v in plain.items() if v is not None}) + "\n")
    return "".join(lines)


def _csv(rows: Sequence[Row], schema: pa.Schema) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, schema.names)
    writer.writeheader()
    writer.writerows({k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()} for row in rows)
    return out.getvalue()
