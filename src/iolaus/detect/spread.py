"""Observing where the log lies: executors read, check and sketch the rows, and only columns come to the driver.

The kernels are the ones that one machine uses (``conform``, ``keep``), batch by batch; so the rows that stay, and those
that are set aside, are the same.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from iolaus.detect.kept import ROWS, Kept, keep
from iolaus.detect.observe import Observed, observe_loaded
from iolaus.errors import InputError, StoreError
from iolaus.ingest import Rejects, read_exchanges
from iolaus.ingest.chunk import Chunk
from iolaus.ingest.conform import EXCHANGE_TABLE, conform, horizon
from iolaus.ingest.rejects import Listener
from iolaus.ingest.source import SourceFile, find_files
from iolaus.schema import EXCHANGES
from iolaus.store import Pipeline, Place, SpreadEngine, Step
from iolaus.text import BINS

__all__ = ["observe_spread"]

# A row is usable, and has all columns but the last; or it is only the last one, a word to ``Rejects``.
_SPREAD: Final = pa.schema(
    [*ROWS, pa.field("rid", pa.int64()), pa.field("bins", pa.binary()), pa.field("aside", pa.string())]
)
_RAW: Final = Pipeline((Step("raw", f"SELECT {', '.join(_SPREAD.names[:-1])} FROM spread WHERE aside IS NULL"),))
_ASIDE: Final = Pipeline((Step("asides", "SELECT aside FROM spread WHERE aside IS NOT NULL"),))
_SIZE: Final = Pipeline((Step("size", "SELECT count(*) AS n FROM raw"),))
_SKETCHES: Final = Pipeline((Step("sketches", "SELECT rid, bins FROM raw"),))
# A row's number in its file is below 2 to this; above it stands the file's number.
_FILE_SHIFT: Final = 40
_WILD: Final = re.compile(r"[*?\[{]")
_ROOT: Final = re.compile(r"^([A-Za-z][\w+.-]*):/+")

# By a file's URL: which one it is in the order of the log, and what reports call it.
Names = dict[str, tuple[int, str]]


def observe_spread(
    engine: SpreadEngine, source: str, accounts: pa.Table, rejects: Rejects, until: datetime | None
) -> tuple[Observed, int]:
    """Read a log; Parquet where the executors are, anything else here.

    Args:
        engine: holds the same tables as after ``observe``.
        source: a file, folder or glob of this machine; or a URL of those that Spark reads, all of it Parquet.
        accounts: as for ``observe``.
        rejects: takes the rows that cannot be used.
        until: rows after this do not exist yet.

    Returns:
        The log; how many rows were read, usable ones and rejects.

    Raises:
        InputError: the source cannot be read, or lacks a required column.
    """
    if "://" in source:
        return _observe_parquet(engine, source, [], accounts, rejects, until)
    # Opening the files tells what is wrong with them; Spark's words for that are of less use.
    stream = read_exchanges(source, rejects, until=until)
    files = find_files(source)
    if all(file.format == "parquet" for file in files):
        return _observe_parquet(engine, source, files, accounts, rejects, until)
    schema = EXCHANGES.append(pa.field("rid", pa.int64()))
    engine.load("exchanges", schema, _counted(stream, schema))
    engine.map("spread", Pipeline((Step("rows", "SELECT * FROM exchanges"),)), _SPREAD, _sketch_rows)
    return _collect(engine, accounts, rejects)[0], stream.read


def _observe_parquet(
    engine: SpreadEngine,
    source: str,
    files: list[SourceFile],
    accounts: pa.Table,
    rejects: Rejects,
    until: datetime | None,
) -> tuple[Observed, int]:
    # Spark takes ".." out of a path; so that its name of a file is the one known here, none is let in.
    paths = [Path(os.path.abspath(file.path)) for file in files]
    places: list[Place] = [*paths] if paths else [source]
    local = {f"file:{path}": (i, file.name) for i, (path, file) in enumerate(zip(paths, files, strict=True))}
    try:
        found, columns = engine.open_parquet("exchanges", places, EXCHANGES.names)
        for name in EXCHANGE_TABLE.required:
            if name not in columns:
                raise InputError(f"{source}: the column {name} is missing")
        rows = Pipeline((Step("rows", f"SELECT {', '.join([*columns, 'file', 'row'])} FROM exchanges"),))
        names = local or _names_below(source, found)
        engine.map("spread", rows, _SPREAD, partial(_read_rows, names=names, until=until))
    except StoreError as error:
        raise InputError(f"{source}: Spark cannot read it as Parquet: {error.reason}") from error
    return _collect(engine, accounts, rejects)


def _collect(engine: SpreadEngine, accounts: pa.Table, rejects: Rejects) -> tuple[Observed, int]:
    engine.define(_RAW)
    before = rejects.count
    for word in engine.run(_ASIDE).column("aside").to_pylist():
        kind, *said = json.loads(word)
        (rejects.note if kind == "note" else rejects.add)(*said)
    read = engine.run(_SIZE).column("n")[0].as_py() + rejects.count - before
    return observe_loaded(engine, accounts, partial(_sketches, engine)), read


def _sketches(engine: SpreadEngine, rid: np.ndarray) -> np.ndarray:
    """The sketches of the rows that stay, uint32 (N, BINS), by their row ids, int64 (N,)."""
    order = np.argsort(rid)
    known = rid[order]
    out = np.empty((rid.size, BINS), dtype=np.uint32)
    batches = engine.run(_SKETCHES).to_batches()
    while batches:
        batch = batches.pop()
        if batch.num_rows == 0:
            continue
        came = batch.column("rid").to_numpy()
        place = np.minimum(np.searchsorted(known, came), known.size - 1)
        stays = known[place] == came
        packed = batch.column("bins")
        _, offsets, values = packed.buffers()
        first = int(np.frombuffer(offsets, dtype=np.int32)[packed.offset])
        bins = np.frombuffer(values, dtype=np.uint32, count=came.size * BINS, offset=first).reshape(-1, BINS)
        out[order[place[stays]]] = bins[stays]
    return out


@dataclass(slots=True)
class _Asides(Listener):
    """What an executor would say to ``Rejects``, which is at the driver: one JSON list a word."""

    words: list[str] = field(default_factory=list)

    def note(self, what: str, count: int) -> None:
        """See ``Rejects.note``."""
        if count:
            self.words.append(json.dumps(["note", what, int(count)]))

    def add(
        self, file: str | None, row: int | None, column: str | None, reason: str, exchange_id: str | None = None
    ) -> None:
        """See ``Rejects.add``."""
        self.words.append(json.dumps(["row", file, row, column, reason, exchange_id]))

    def taken(self) -> pa.RecordBatch:
        """The words as rows, and none of them left."""
        words, self.words = self.words, []
        columns = [pa.nulls(len(words), column.type) for column in _SPREAD]
        return pa.RecordBatch.from_arrays([*columns[:-1], pa.array(words, pa.string())], schema=_SPREAD)


def _read_rows(batches: Iterator[pa.RecordBatch], names: Names, until: datetime | None) -> Iterator[pa.RecordBatch]:
    """On an executor: rows as the files have them, checked and sketched."""
    asides = _Asides()
    for batch in batches:
        for part in _by_file(batch):
            which, name = names[_key(part.column("file")[0].as_py())]
            row = part.column("row").to_numpy()
            chunk = Chunk(part.drop_columns(["file", "row"]), row + 1)
            usable, _ = conform(chunk, EXCHANGE_TABLE, name, asides, horizon(until))
            # Rows that are set aside leave no gap, but no two rows of a file get the same number either.
            rid = (which << _FILE_SHIFT) + row[0] + np.arange(usable.num_rows)
            yield _spread(keep(usable), rid)
            if asides.words:
                yield asides.taken()


def _sketch_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """On an executor: rows in the contract's schema, and their numbers, sketched."""
    for batch in batches:
        yield _spread(keep(batch), batch.column("rid").to_numpy())


def _spread(kept: Kept, rid: np.ndarray) -> pa.RecordBatch:
    n = kept.rows.num_rows
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(4 * BINS)
    bins = pa.Array.from_buffers(pa.binary(), n, [None, pa.py_buffer(offsets), pa.py_buffer(kept.bins)])
    return pa.RecordBatch.from_arrays(
        [*kept.rows.columns, pa.array(rid, pa.int64()), bins, pa.nulls(n, pa.string())], schema=_SPREAD
    )


def _by_file(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Runs of rows of one file."""
    if batch.num_rows == 0:
        return
    which = batch.column("file").dictionary_encode().indices.to_numpy()
    ends = [*(np.flatnonzero(np.diff(which)) + 1).tolist(), batch.num_rows]
    for first, end in zip([0, *ends], ends, strict=False):
        yield batch.slice(first, end - first)


def _counted(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in batches:
        rid = pa.array(np.arange(rows, rows + batch.num_rows))
        rows += batch.num_rows
        yield pa.RecordBatch.from_arrays([*batch.columns, rid], schema=schema)


def _names_below(source: str, found: list[str]) -> Names:
    """Files in the order of their paths, called by their path below the folder that was named."""
    keys = sorted((_key(url) for url in found), key=lambda key: key.split("/"))
    root = _key(source).rstrip("/")
    wild = _WILD.search(root)
    base = root[: root.rfind("/", 0, wild.start())] if wild else root
    return {
        key: (i, key.removeprefix(f"{base}/") if key.startswith(f"{base}/") else key.rsplit("/", 1)[1])
        for i, key in enumerate(keys)
    }


def _key(url: str) -> str:
    """One form of a URL, for the several in which Spark gives it."""
    return _ROOT.sub(r"\1:/", unquote(url))
