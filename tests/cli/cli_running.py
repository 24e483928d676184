"""Running the command line inside the test, and logs to run it on."""

import contextlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from jsonschema import Draft202012Validator

from iolaus.cli import main
from iolaus.report import campaigns_schema
from iolaus.schema import ACCOUNTS_OUT, EXCHANGES, EXCHANGES_OUT

Row = dict[str, Any]
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FILES = ("accounts.parquet", "campaigns.json", "exchanges.parquet", "report.html")
VALIDATOR = Draft202012Validator(campaigns_schema())


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    def refused(self) -> str:
        """The one sentence with which the run ended."""
        assert self.status == 2, (self.status, self.err)
        assert self.out == ""
        assert self.err.startswith("iolaus: ") and self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err

    def fine(self) -> str:
        """What a run said that went well."""
        assert (self.status, self.err) == (0, ""), self
        return self.out


def run(*arguments: object) -> Ran:
    """Run ``iolaus`` with these arguments."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch("sys.argv", ["iolaus", *map(str, arguments)]),
        mock.patch.dict("os.environ", {"COLUMNS": "80"}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Ran(status, out.getvalue(), err.getvalue())


def detect(log: Path | str, out: Path, *options: object) -> Ran:
    return run("detect", log, "--out", out, *options)


def rows(count: int = 24, **changed: Any) -> list[Row]:
    """A few accounts' exchanges; `changed` overrides columns in every row."""
    return [
        {
            "exchange_id": f"e{i:05}",
            "timestamp": START + timedelta(minutes=i),
            "account_id": f"a{i % 5}",
            "prompt": f'Summarise chapter {i} of "The Sea", please.\nIn two lines, 用中文.',
            "response": f"Line one of {i}.\nLine two.",
            "input_tokens": 12 + i,
            "output_tokens": 30,
            "request_model": "m-1",
            "status_code": 200,
            "ip": f"198.51.100.{i % 5}",
        }
        | changed
        for i in range(count)
    ]


def plain(row: Row) -> Row:
    """The row without nulls and with its times as text."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items() if v is not None}


def jsonl(path: Path, log: Sequence[Row], tail: bytes = b"") -> Path:
    path.write_bytes("".join(json.dumps(plain(row)) + "\n" for row in log).encode() + tail)
    return path


def parquet(path: Path, log: Sequence[Row], **columns: pa.Array) -> Path:
    """The rows in the contract's types, some columns replaced by others of any type."""
    names = {name for row in log for name in row} or set(EXCHANGES.names)
    schema = pa.schema([field for field in EXCHANGES if field.name in names])
    table = pa.Table.from_pylist(list(log), schema=schema)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    pq.write_table(table, path)
    return path


def checked(out: Path) -> dict[str, Any]:
    """The folder holds what the contract says, no more, and what it says holds together."""
    held = {p.name for p in out.iterdir()}
    assert set(FILES) <= held <= {*FILES, "rejects.jsonl"}, held
    document = json.loads((out / "campaigns.json").read_text(encoding="utf-8"))
    VALIDATOR.validate(document)
    accounts, exchanges = (pq.read_table(out / name) for name in ("accounts.parquet", "exchanges.parquet"))
    assert accounts.schema.equals(ACCOUNTS_OUT) and exchanges.schema.equals(EXCHANGES_OUT)
    assert accounts.num_rows == document["accounts"] == len(set(accounts["account_id"].to_pylist()))
    assert all(0.0 <= score <= 1.0 for score in accounts["score"].to_pylist())
    known = {c["campaign_id"]: c for c in document["campaigns"]}
    assert set(exchanges["campaign_id"].to_pylist()) <= set(known)
    for row in accounts.to_pylist():
        assert row["verdict"] == (known[row["campaign_id"]]["verdict"] if row["campaign_id"] else None)
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")
    return document


def contents(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.iterdir())}
