"""Logs that grow, and what is read of them with a state and without one."""

import csv
import gzip
import io
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iolaus.detect import Settings, detect
from iolaus.detect.kept import ROWS, keep
from iolaus.detect.state import opened_state
from iolaus.errors import IolausError
from iolaus.ingest import Rejects, read_exchanges
from iolaus.report import write_html
from iolaus.text import BINS

Row = dict[str, Any]


def small_blocks(patch):
    """JSON Lines in blocks of some hundred bytes, so that a small file has many of them."""
    patch.setattr("iolaus.ingest.jsonl.BLOCK_BYTES", 700)
    patch.setattr("iolaus.ingest.jsonl.PIECE_BYTES", 250)
    patch.setattr("iolaus.detect.state.update.BLOCK_BYTES", 700)
    patch.setattr("iolaus.detect.state.update._PART_BYTES", 1500)


def line(row: Row) -> bytes:
    return (json.dumps(row) + "\n").encode()


def packed(form: str, rows: list[Row]) -> bytes:
    """A file's bytes; in CSV and Parquet every value is text."""
    if form.startswith("jsonl"):
        text = b"".join(map(line, rows))
        return gzip.compress(text, mtime=0) if form == "jsonl.gz" else text
    names = ["exchange_id", "timestamp", "account_id", "prompt", *sorted({name for row in rows for name in row})]
    names = list(dict.fromkeys(names))
    texts = [{name: None if row.get(name) is None else str(row[name]) for name in names} for row in rows]
    if form == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(texts)
        return out.getvalue().encode()
    table = pa.Table.from_pylist(texts, schema=pa.schema([(name, pa.string()) for name in names]))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@dataclass
class Seen:
    """All that a run makes of a log before it judges it."""

    rows: pa.Table
    bins: np.ndarray
    read: int
    notes: tuple[str, ...]
    rejects: bytes | None
    error: str | None

    def same(self, other: "Seen") -> None:
        assert (self.error, self.read, self.notes) == (other.error, other.read, other.notes)
        assert self.rejects == other.rejects
        assert self.rows.equals(other.rows)
        assert np.array_equal(self.bins, other.bins)


def seen(source: Path, work: Path, until: datetime | None, state: Path | None) -> Seen:
    """Read a log, from a state where one is given; where it cannot be read, the error is all."""
    path = work / ("rejects-of-state.jsonl" if state else "rejects.jsonl")
    path.unlink(missing_ok=True)
    rejects, parts, read = Rejects(path), [], 0
    try:
        if state is None:
            stream = read_exchanges(source, rejects, until=until)
            parts = [keep(batch) for batch in stream]
            read = stream.read
        else:
            with opened_state(state, lambda sentence: None) as opened:
                kept = opened.read(source, rejects, until, lambda stage, rows: None)
                parts = list(kept)
                read = kept.read
    except IolausError as error:
        return Seen(ROWS.empty_table(), np.empty((0, BINS), np.uint32), 0, (), None, str(error))
    rejects.close()
    return Seen(
        pa.Table.from_batches([part.rows for part in parts], schema=ROWS).combine_chunks(),
        np.concatenate([np.empty((0, BINS), np.uint32), *(part.bins for part in parts)]),
        read,
        rejects.notes,
        path.read_bytes() if path.exists() else None,
        None,
    )


def same_reading(source: Path, work: Path, until: datetime | None = None) -> Seen:
    """Read with and without the state and compare."""
    fresh = seen(source, work, until, None)
    seen(source, work, until, work / "state").same(fresh)
    return fresh


def outputs(source: Path | str, out: Path, **settings: Any) -> dict[str, bytes]:
    """Every file that a run leaves."""
    html = {"report.html": lambda path: write_html(book, path, redact=False)}
    book = None

    def also(found):
        nonlocal book
        book = found
        return html

    detect(source, None, out, Settings(rejected_share=1.0, **settings), also=also)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}
