"""From the files to the log that signals read: stream, sketch, order, encode."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.detect.kept import ROWS, Kept, keep
from iolaus.detect.steps import (
    ACCOUNT_CODES,
    CODES,
    NUMBERS,
    PEOPLE,
    SURPLUS,
    account_columns,
    encoded,
    ordered,
    texts_of,
)
from iolaus.signals import UNKNOWN_TIME, Log
from iolaus.store import Engine, Pipeline, Step
from iolaus.text import BINS, find_families

__all__ = ["Observed", "Texts", "observe", "observe_kept", "observe_loaded"]

_RAW: Final = ROWS.append(pa.field("rid", pa.int64()))


@dataclass(frozen=True, slots=True)
class Observed:
    """The log, and the ids behind its indices.

    Attributes:
        log: the columns that signals read.
        exchange_ids: string (N,), in the log's order.
        account_ids: string (A,), in the log's order.
        repeated: exchange ids of rows left out because their id came before, one entry a row.
    """

    log: Log
    exchange_ids: pa.ChunkedArray
    account_ids: pa.ChunkedArray
    repeated: list[str]


@dataclass(slots=True)
class _Sketches:
    """What the stream leaves behind beside the table, in the order in which rows came."""

    bins: list[np.ndarray] = field(default_factory=list)
    rows: int = 0

    def ordered(self, rid: np.ndarray) -> np.ndarray:
        """The sketches of the rows that stay, uint32 (N, BINS); each part is let go of once it is copied.

        Args:
            rid: int64 (N,), which row of the stream is to come in each place.
        """
        place = np.full(self.rows, -1, dtype=np.int64)
        place[rid] = np.arange(rid.size)
        out = np.empty((rid.size, BINS), dtype=np.uint32)
        self.bins.reverse()
        first = 0
        while self.bins:
            part = self.bins.pop()
            to = place[first : first + part.shape[0]]
            out[to[to >= 0]] = part[to >= 0]
            first += part.shape[0]
        return out


def observe(engine: Engine, batches: Iterator[pa.RecordBatch], accounts: pa.Table) -> Observed:
    """Read the log once and make its columns.

    Args:
        engine: where the rows are kept; it holds the tables ``raw``, ``surplus``, ``ordered`` and ``people`` after.
        batches: exchanges in the contract's schema.
        accounts: the account table in the contract's schema, possibly empty; account ids are unique in it.
    """
    return observe_kept(engine, map(keep, batches), accounts)


def observe_kept(engine: Engine, parts: Iterator[Kept], accounts: pa.Table) -> Observed:
    """Make the columns of a log of which it is kept already what is needed; the rest as for ``observe``."""
    sketches = _Sketches()
    engine.load("raw", _RAW, _numbered(parts, sketches))
    # Sketches come in the order of the stream; row ids lead back to them.
    return observe_loaded(engine, accounts, sketches.ordered)


def observe_loaded(engine: Engine, accounts: pa.Table, sketches: Callable[[np.ndarray], np.ndarray]) -> Observed:
    """Make the columns of a log whose rows are in the table ``raw``; the rest as for ``observe``.

    Args:
        engine: where the rows are.
        accounts: as for ``observe``.
        sketches: gives the sketches, uint32 (N, BINS), of the rows whose ids it is told, int64 (N,).
    """
    engine.load("account_table", accounts.schema, accounts.to_batches())
    for pipeline in (SURPLUS, ordered(), PEOPLE):
        engine.materialise(pipeline)
    repeated = engine.run(Pipeline((Step("repeated_ids", "SELECT exchange_id FROM surplus ORDER BY exchange_id"),)))
    table = engine.run(encoded())
    people = engine.run(account_columns())
    return Observed(
        log=_columns(table, people, sketches(_ints(table, "rid", np.int64))),
        exchange_ids=table.column("exchange_id"),
        account_ids=people.column("account_id"),
        repeated=repeated.column("exchange_id").to_pylist(),
    )


class Texts:
    """Excerpts of prompts and responses, read from the engine when they are wanted.

    Args:
        engine: the engine that ``observe`` filled.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, exchanges: np.ndarray) -> dict[int, tuple[str, str | None]]:
        """Prompt and response of each exchange index, cut to what is kept of them."""
        wanted = pa.table({"x": np.unique(exchanges.astype(np.int64))})
        self._engine.load("wanted", wanted.schema, wanted.to_batches())
        found = self._engine.run(texts_of())
        rows = zip(*(found.column(name).to_pylist() for name in ("x", "prompt", "response")), strict=True)
        return {x: (prompt, response) for x, prompt, response in rows}


def _numbered(parts: Iterator[Kept], sketches: _Sketches) -> Iterator[pa.RecordBatch]:
    """The rows with their numbers; the sketches themselves are put aside."""
    for part in parts:
        sketches.bins.append(part.bins)
        first, sketches.rows = sketches.rows, sketches.rows + part.rows.num_rows
        rid = pa.array(np.arange(first, sketches.rows))
        yield pa.RecordBatch.from_arrays([*part.rows.columns, rid], schema=_RAW)


def _columns(table: pa.Table, people: pa.Table, bins: np.ndarray) -> Log:
    account = _ints(table, "account", np.int32)
    families = find_families(bins, account)
    instants = {name: _instants(people.column(name)) for name in ("created_at", "closed_at")}
    return Log(
        account=account,
        at=_ints(table, "at", np.int64),
        item=_ints(table, "item", np.int64).view(np.uint64),
        family=families.of,
        tokens=_ints(table, "tokens", np.int32),
        fresh=families.fresh,
        shingles=bins,
        flags=_ints(table, "flags", np.int32).view(np.uint32),
        codes=_filled({name: _ints(table, name, np.int32) for name in CODES}),
        numbers=_filled({name: _ints(table, name, np.int64) for name in NUMBERS}),
        account_codes=_filled({name: _dictionary(people.column(name)) for name in ACCOUNT_CODES}),
        created=instants["created_at"],
        closed=instants["closed_at"],
    )


def _ints(table: pa.Table, name: str, kind: type) -> np.ndarray:
    values: np.ndarray = np.ascontiguousarray(table.column(name).to_numpy().astype(kind, copy=False))
    return values


def _filled(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in columns.items() if values.size and values.max() >= 0}


def _instants(column: pa.ChunkedArray) -> np.ndarray:
    instants: np.ndarray = column.cast(pa.int64()).fill_null(UNKNOWN_TIME).to_numpy()
    return instants


def _dictionary(column: pa.ChunkedArray) -> np.ndarray:
    """Codes of an account column in the order of its values, -1 where null."""
    known = pc.unique(column.drop_null())
    codes: np.ndarray = pc.index_in(column, value_set=known.take(pc.sort_indices(known))).fill_null(-1).to_numpy()
    return codes.astype(np.int32)
