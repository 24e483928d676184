"""A slice of time: the rows of some hours, no more than so many of one account, deduplicated, texts packed.

What an account sends beyond its cap is thinned out: whole conversations stay or go, chosen by their hash, so that
what stays is a fair sample and does not depend on the order of arrival. A repeated exchange either meets its like among
the kept rows or is thinned out once more, so no memory of what was dropped is needed. Caps differ from account to
account by a factor of up to four (by a hash of the account), so that thinned accounts do not look alike in rate.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from iolaus.stream.keys import keys_table, mark
from iolaus.stream.people import People
from iolaus.stream.rows import COLUMNS, ROWS, Incoming, kept_rows

__all__ = ["Segment", "Slice", "caps_of", "row_cost"]

# Bytes that a row takes beside its texts, and bytes a byte of packed text: measured on simulated and real logs.
_ROW: Final = 560
_PACKED: Final = 0.55
# Rows that came since the texts were last packed.
_LOOSE: Final = 16_384
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Segment:
    """Some rows of a slice: their columns, and prompt and response packed."""

    columns: pa.Table
    texts: pa.Buffer

    def unpacked(self) -> pa.Table:
        """Prompt and response of the rows."""
        return pa.ipc.open_stream(self.texts).read_all()


def row_cost(rows: int, letters: int) -> int:
    """Bytes that rows with so many bytes of text take; depends on nothing but these, so replays agree on it."""
    return rows * _ROW + int(letters * _PACKED)


def caps_of(people: People, cap: int) -> np.ndarray:
    """Most rows of each account in a slice, between half and twice ``cap``; int64 (a,)."""
    share = (people.keys[: len(people.ids)] >> np.uint64(40)).astype(np.float64) / 2**24
    return np.maximum((cap * 2.0 ** (2.0 * share - 1.0)).astype(np.int64), 1)


@dataclass(slots=True)
class Slice:
    """Rows of one stretch of time.

    Attributes:
        segments: settled rows.
        loose: rows that came since, texts unpacked.
        capped: int32 (t,), sorted accounts of which rows were thinned out.
        limit: uint64 (t,), the highest rank of each that is kept.
        changed: whether there is something that the last checkpoint lacks.
        settled: whether all is thinned and ``cost`` holds.
        cost: bytes, as ``row_cost`` has them.
    """

    segments: list[Segment] = field(default_factory=list)
    loose: list[pa.Table] = field(default_factory=list)
    capped: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    limit: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    changed: bool = True
    settled: bool = False
    cost: int = 0
    _held: np.ndarray = field(default_factory=lambda: np.zeros(1024, np.uint64))
    _count: int = 0

    @property
    def rows(self) -> int:
        """Rows held."""
        return int(sum(s.columns.num_rows for s in self.segments) + sum(t.num_rows for t in self.loose))

    def take(self, rows: Incoming, mine: np.ndarray) -> tuple[np.ndarray, int]:
        """Keep what is new of a batch.

        Args:
            rows: the batch.
            mine: int64, its rows that fall into this slice.

        Returns:
            Which of ``mine`` repeat a row that is kept, bool, and how many were thinned out.
        """
        wanted = rows.rank[mine] <= self._limits(rows.account[mine])
        fresh = np.zeros(mine.size, dtype=np.bool_)
        if 2 * (self._count + mine.size) > self._held.size:
            self._index(self._count + mine.size)
        self._count += mark(self._held, rows.key[mine], wanted, fresh)
        chosen = mine[fresh]
        if chosen.size:
            self.loose.append(kept_rows(rows, chosen))
            self.changed, self.settled = True, False
        if sum(t.num_rows for t in self.loose) > _LOOSE:
            self.pack()
        return wanted & ~fresh, int((~wanted).sum())

    def settle(self, caps: np.ndarray) -> None:
        """Thin out what is over the caps, int64 (a,), and pack the rest: the rows then depend on what came alone."""
        self.pack()
        account = self._column("account")
        over = np.flatnonzero(np.bincount(account, minlength=1) > caps[: int(account.max(initial=0)) + 1])
        if over.size:
            self._thin(over, caps, account, self._column("rank"))
        self.segments = [_joined(self.segments)] if len(self.segments) > 8 else self.segments
        self.cost = row_cost(self.rows, int(self._column("letters").sum()))
        self.settled = True

    def renumber(self, moved: np.ndarray) -> None:
        """Give the accounts their new numbers; every account of the slice still has one."""
        at = COLUMNS.get_field_index("account")
        self.pack()
        self.segments = [
            Segment(
                s.columns.set_column(at, COLUMNS.field(at), pa.array(moved[s.columns.column(at).to_numpy()])), s.texts
            )
            for s in self.segments
        ]
        # Numbers keep their order, so what was sorted stays so; accounts may have been forgotten all the same.
        new = moved[self.capped]
        self.capped, self.limit = new[new >= 0], self.limit[new >= 0]
        self.changed = True

    def table(self) -> pa.Table:
        """All settled rows in the schema ``ROWS``, for a checkpoint."""
        parts = []
        for s in self.segments:
            texts = s.unpacked()
            parts.append(
                pa.Table.from_arrays(
                    [*s.columns.columns, texts.column("prompt"), texts.column("response")], schema=ROWS
                )
            )
        return pa.concat_tables(parts).unify_dictionaries() if parts else ROWS.empty_table()

    @classmethod
    def restored(cls, table: pa.Table, capped: np.ndarray, limit: np.ndarray) -> "Slice":
        """Put together again what a checkpoint kept."""
        one = cls(capped=capped.astype(np.int32), limit=limit.astype(np.uint64))
        one.loose = [table] if table.num_rows else []
        one.pack()
        one._index(table.num_rows)
        one.changed = False
        return one

    def _limits(self, account: np.ndarray) -> np.ndarray:
        if not self.capped.size:
            return np.broadcast_to(_ALL, account.shape)
        place = np.minimum(np.searchsorted(self.capped, account), self.capped.size - 1)
        return np.where(self.capped[place] == account, self.limit[place], _ALL)

    def _thin(self, over: np.ndarray, caps: np.ndarray, account: np.ndarray, rank: np.ndarray) -> None:
        rows = np.flatnonzero(np.isin(account, over))
        rows = rows[np.lexsort((rank[rows], account[rows]))]
        starts = np.searchsorted(account[rows], over)
        limit = rank[rows[starts + caps[over] - 1]]
        known = dict(zip(self.capped.tolist(), self.limit.tolist(), strict=True))
        known |= dict(zip(over.tolist(), limit.tolist(), strict=True))
        self.capped = np.array(sorted(known), dtype=np.int32)
        self.limit = np.array([known[a] for a in self.capped.tolist()], dtype=np.uint64)
        self.segments = [s for s in map(self._thinned, self.segments) if s.columns.num_rows]
        self._index(self.rows)
        self.changed = True

    def _thinned(self, segment: Segment) -> Segment:
        columns = segment.columns
        keep = columns.column("rank").to_numpy() <= self._limits(columns.column("account").to_numpy())
        if keep.all():
            return segment
        mask = pa.array(keep)
        return Segment(columns.filter(mask).combine_chunks(), _packed(segment.unpacked().filter(mask)))

    def pack(self) -> None:
        """Pack the texts of what came lately; thins nothing."""
        if self.loose:
            table = pa.concat_tables(self.loose).unify_dictionaries().combine_chunks()
            self.segments.append(Segment(table.select(COLUMNS.names), _packed(table.select(["prompt", "response"]))))
            self.loose = []

    def _index(self, room: int) -> None:
        keys = [s.columns.column("key").to_numpy() for s in self.segments]
        keys += [t.column("key").to_numpy() for t in self.loose]
        known = np.concatenate(keys) if keys else np.zeros(0, np.uint64)
        self._held, _ = keys_table(known, np.zeros(known.size, np.int32), room=max(2 * room - known.size, 256))
        self._count = known.size

    def _column(self, name: str) -> np.ndarray:
        parts = [s.columns.column(name).to_numpy() for s in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0, COLUMNS.field(name).type.to_pandas_dtype())


def _joined(segments: list[Segment]) -> Segment:
    columns = pa.concat_tables([s.columns for s in segments]).unify_dictionaries().combine_chunks()
    return Segment(columns, _packed(pa.concat_tables([s.unpacked() for s in segments]).combine_chunks()))


def _packed(texts: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, texts.schema, options=options) as writer:
        writer.write_table(texts)
    return sink.getvalue()
