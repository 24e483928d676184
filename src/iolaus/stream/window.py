"""The window: the newest slices of time, within a bound of memory, put together as the log that signals read."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.detect.observe import Observed, Texts
from iolaus.detect.steps import ACCOUNT_CODES, CODES, NUMBERS
from iolaus.signals import DAY, UNKNOWN_TIME, Log
from iolaus.stream.people import People
from iolaus.stream.rows import PLAIN, Incoming
from iolaus.stream.slices import Slice, caps_of
from iolaus.text import BINS, find_families

__all__ = ["Counts", "PackedTexts", "View", "Window"]

# Slices that stay before caps are lowered instead: two days of six hours.
_LEAST_SLICES: Final = 8
_LEAST_CAP: Final = 8


@dataclass(slots=True)
class Counts:
    """What became of the rows.

    Attributes:
        read: all.
        late: older than the settled delay allows; they are kept as long as their slice is.
        lost: later still, their slice gone.
        repeated: whose exchange_id is kept already.
        thinned: beyond what is kept of one account in one slice, as they came.
        dropped: slices dropped for their age or for the memory they took.
    """

    read: int = 0
    late: int = 0
    lost: int = 0
    repeated: int = 0
    thinned: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """The window as detect sees a log.

    Attributes:
        observed: what ``iolaus.detect.observe.observe`` makes of the same rows.
        texts: where their texts are.
        history: uint64 (N,), hash of each exchange's history digest, 0 where null.
    """

    observed: Observed
    texts: "PackedTexts"
    history: np.ndarray


@dataclass(slots=True)
class Window:
    """The newest slices.

    Attributes:
        width: of a slice, microseconds.
        cap: about how many rows of one account a slice keeps.
        slices: by number, which is their time over ``width``.
        floor: slices below this number are gone for good.
        counts: what became of the rows.
    """

    width: int
    cap: int
    slices: dict[int, Slice] = field(default_factory=dict)
    floor: int = np.iinfo(np.int64).min
    counts: Counts = field(default_factory=Counts)

    @property
    def rows(self) -> int:
        """Rows held."""
        return sum(s.rows for s in self.slices.values())

    def take(self, rows: Incoming) -> np.ndarray:
        """Keep what is new of a batch; bool (n,), which rows neither came too late nor repeat one that is kept."""
        fresh = np.ones(rows.at.size, dtype=np.bool_)
        number = rows.at // self.width
        for which in np.unique(number).tolist():
            mine = np.flatnonzero(number == which)
            if which < self.floor:
                self.counts.lost += mine.size
                fresh[mine] = False
                continue
            repeated, thinned = self.slices.setdefault(which, Slice()).take(rows, mine)
            fresh[mine[repeated]] = False
            self.counts.repeated += int(repeated.sum())
            self.counts.thinned += thinned
        return fresh

    def settle(self, people: People, bytes_most: int, row_judged: int, oldest: int) -> None:
        """Thin, pack, and drop what is too old or too much; the result depends on the rows that came alone.

        Args:
            people: the accounts.
            bytes_most: what the window may take, its judging included.
            row_judged: bytes that judging takes a row.
            oldest: slices that end before this time, microseconds, go.
        """
        for number in sorted(self.slices):
            if (number + 1) * self.width <= oldest:
                self._drop(number)
        caps = caps_of(people, self.cap)
        for one in self.slices.values():
            if not one.settled:
                one.settle(caps)
        while sum(s.cost + s.rows * row_judged for s in self.slices.values()) > bytes_most:
            if len(self.slices) > _LEAST_SLICES or (self.cap <= _LEAST_CAP and len(self.slices) > 1):
                self._drop(min(self.slices))
            elif self.cap > 1:
                self.cap = max(self.cap // 2, 1)
                caps = caps_of(people, self.cap)
                for one in self.slices.values():
                    one.settle(caps)
            else:
                return

    def _drop(self, number: int) -> None:
        del self.slices[number]
        self.floor = max(self.floor, number + 1)
        self.counts.dropped += 1

    def accounts(self) -> np.ndarray:
        """Numbers of the accounts that have a row, sorted."""
        parts = [s.columns.column("account").to_numpy() for one in self.slices.values() for s in one.segments]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int32)

    def view(self, people: People, table: pa.Table) -> View:
        """Put the window together as a log.

        Args:
            people: the accounts.
            table: the account table in the contract's schema, possibly empty.

        The window must have rows; those that came since it was last settled are in it, thinned or not.
        """
        order = sorted(self.slices)
        for one in self.slices.values():
            one.pack()
        columns = [s.columns for number in order for s in self.slices[number].segments]
        packed = [s.texts for number in order for s in self.slices[number].segments]
        sizes = np.array([c.num_rows for c in columns], dtype=np.int64)
        rows = pa.concat_tables([c.drop_columns(["bins"]) for c in columns]).unify_dictionaries()
        kept = _in_order(rows, self._doubtful(rows))
        rows = rows.take(pa.array(kept))
        account, ids, of = _people(rows, people, table)
        bins = _gathered(columns, sizes, kept)
        families = find_families(bins, account)
        instants = {name: _instants(table, of, name) for name in ("created_at", "closed_at")}
        log = Log(
            account=account,
            at=rows.column("at").to_numpy(),
            item=rows.column("item").to_numpy(),
            family=families.of,
            tokens=rows.column("tokens").to_numpy(),
            fresh=families.fresh,
            shingles=bins,
            flags=rows.column("flags").to_numpy(),
            codes=_filled({name: _codes(rows.column(name), name in PLAIN) for name in CODES}),
            numbers=_filled({name: rows.column(name).to_numpy().astype(np.int64) for name in NUMBERS}),
            account_codes=_filled({name: _codes(_taken(table, of, name), True) for name in ACCOUNT_CODES}),
            created=instants["created_at"],
            closed=instants["closed_at"],
        )
        found = Observed(log, rows.column("exchange_id"), pa.chunked_array([ids]), [])
        return View(found, PackedTexts(packed, sizes, kept), rows.column("history").to_numpy())

    def _doubtful(self, rows: pa.Table) -> np.ndarray:
        """Continuations whose beginning may have been thinned out, bool (n,): they would pass for taken over.

        The turn before must be kept where something of the account was thinned out within the day before.
        """
        doubt = np.zeros(rows.num_rows, dtype=np.bool_)
        thinned = {number: one.capped for number, one in self.slices.items() if one.capped.size}
        if not thinned:
            return doubt
        account, at = rows.column("account").to_numpy(), rows.column("at").to_numpy()
        turn = rows.column("turn").to_numpy()
        number = at // self.width
        for which, accounts in thinned.items():
            later = (number >= which) & (number <= which + DAY // self.width + 1)
            doubt |= later & (turn > 1) & np.isin(account, accounts)
        if not doubt.any():
            return doubt
        # Rank is the conversation where one is named, so turns of one thread stand together.
        rank = rows.column("rank").to_numpy()
        thread = (rank ^ (account.astype(np.uint64) << np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        known = np.sort(thread[turn >= 1] + turn[turn >= 1].astype(np.uint64))
        places = np.flatnonzero(doubt)
        before = thread[places] + (turn[places] - 1).astype(np.uint64)
        at_most = np.minimum(np.searchsorted(known, before), known.size - 1)
        doubt[places[known[at_most] == before]] = False
        return doubt


class PackedTexts(Texts):
    """Excerpts, unpacked when they are wanted.

    Args:
        packed: one buffer a segment.
        sizes: rows of each segment.
        kept: int64 (N,), for every exchange its row, counted over all segments.
    """

    def __init__(self, packed: list[pa.Buffer], sizes: np.ndarray, kept: np.ndarray) -> None:
        self._packed, self._starts, self._kept = packed, np.r_[0, np.cumsum(sizes)], kept

    def of(self, exchanges: np.ndarray) -> dict[int, tuple[str, str | None]]:
        """Prompt and response of each exchange index, cut to what is kept of them."""
        wanted = np.unique(exchanges.astype(np.int64))
        row = self._kept[wanted]
        segment = np.searchsorted(self._starts, row, side="right") - 1
        found: dict[int, tuple[str, str | None]] = {}
        for which in np.unique(segment).tolist():
            mine = np.flatnonzero(segment == which)
            texts = pa.ipc.open_stream(self._packed[which]).read_all()
            texts = texts.take(pa.array(row[mine] - self._starts[which]))
            pairs = zip(texts.column("prompt").to_pylist(), texts.column("response").to_pylist(), strict=True)
            found.update(zip(wanted[mine].tolist(), pairs, strict=True))
        return found


def _in_order(rows: pa.Table, doubt: np.ndarray) -> np.ndarray:
    """Rows by time, then exchange id; of those that repeat an id over several slices the earliest. int64 (N,)."""
    ids = rows.column("exchange_id")
    by = pa.table({"at": rows.column("at"), "id": ids, "account": rows.column("account")})
    order = pc.sort_indices(by, sort_keys=[("at", "ascending"), ("id", "ascending")]).to_numpy().astype(np.int64)
    key = rows.column("key").to_numpy()[order]
    _, first = np.unique(key, return_index=True)
    first.sort()
    order = order[first]
    kept: np.ndarray = order[~doubt[order]]
    return kept


def _people(rows: pa.Table, people: People, table: pa.Table) -> tuple[np.ndarray, pa.Array, np.ndarray]:
    """Accounts in the order of their ids: of each row, the ids, and for each id its row in the account table or -1."""
    number = rows.column("account").to_numpy()
    there = np.unique(number)
    named = pa.array([people.ids[i] for i in there.tolist()], pa.string())
    listed = table.column("account_id").combine_chunks()
    ids = pc.unique(pa.chunked_array([named, listed]))
    ids = ids.take(pc.sort_indices(ids))
    place = np.zeros(int(there.max(initial=0)) + 1, dtype=np.int32)
    place[there] = pc.index_in(named, value_set=ids).to_numpy(zero_copy_only=False)
    of = pc.index_in(ids, value_set=listed).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return place[number], ids, of


def _gathered(columns: list[pa.Table], sizes: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The sketches in the log's order, one copy of them."""
    place = np.full(int(sizes.sum()), -1, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    bins = np.empty((kept.size, BINS), dtype=np.uint32)
    start = 0
    for table in columns:
        for chunk in table.column("bins").chunks:
            raw = np.frombuffer(chunk.buffers()[1], dtype=np.uint32).reshape(-1, BINS)
            to = place[start : start + len(chunk)]
            bins[to[to >= 0]] = raw[chunk.offset : chunk.offset + len(chunk)][to >= 0]
            start += len(chunk)
    return bins


def _codes(column: pa.ChunkedArray, plain: bool) -> np.ndarray:
    """Codes in the order of the values, -1 where null; int32 (n,)."""
    encoded = (column.dictionary_encode() if plain else column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    place = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    used = np.zeros(len(encoded.dictionary) + 1, dtype=np.bool_)
    used[place] = True
    order = pc.sort_indices(encoded.dictionary).to_numpy().astype(np.int64)
    order = order[used[order]]
    code = np.full(len(encoded.dictionary) + 1, -1, dtype=np.int32)
    code[order] = np.arange(order.size, dtype=np.int32)
    codes: np.ndarray = code[place]
    return codes


def _taken(table: pa.Table, of: np.ndarray, name: str) -> pa.ChunkedArray:
    """A column of the account table in the log's order; null for accounts that it does not have."""
    column = table.column(name)
    return pa.chunked_array([column.combine_chunks().take(pa.array(of, mask=of < 0))])


def _instants(table: pa.Table, of: np.ndarray, name: str) -> np.ndarray:
    instants: np.ndarray = _taken(table, of, name).cast(pa.int64()).fill_null(UNKNOWN_TIME).to_numpy()
    return instants


def _filled(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in columns.items() if values.size and values.max() >= 0}
