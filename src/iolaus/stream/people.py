"""Who was seen: account ids as numbers, with when and how often each was seen."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from iolaus.stream.keys import hash_texts, keys_table, slot_of
from iolaus.text.jit import kernel

__all__ = ["People"]


@dataclass(slots=True)
class People:
    """The accounts of a stream, numbered in the order in which they came.

    Attributes:
        ids: their names.
        keys: uint64 (c,), hashes of the names, room included.
        first: int64 (c,), time of the earliest exchange of each, microseconds since 1970 UTC.
        last: int64 (c,), and of the latest.
        count: int64 (c,), exchanges seen of each, those thinned out included.
    """

    ids: list[str] = field(default_factory=list)
    keys: np.ndarray = field(default_factory=lambda: np.zeros(1024, np.uint64))
    first: np.ndarray = field(default_factory=lambda: np.full(1024, np.iinfo(np.int64).max))
    last: np.ndarray = field(default_factory=lambda: np.full(1024, np.iinfo(np.int64).min))
    count: np.ndarray = field(default_factory=lambda: np.zeros(1024, np.int64))
    _table: tuple[np.ndarray, np.ndarray] = field(
        default_factory=lambda: keys_table(np.zeros(0, np.uint64), np.zeros(0, np.int32))
    )

    @classmethod
    def restored(cls, ids: list[str], first: np.ndarray, last: np.ndarray, count: np.ndarray) -> "People":
        """Put together again what a checkpoint kept."""
        people = cls(list(ids), hash_texts(pa.array(ids, pa.string())), first.copy(), last.copy(), count.copy())
        people._grow(max(len(ids), 1024))
        people._rebuild()
        return people

    def numbers(self, names: pa.Array) -> np.ndarray:
        """The number of each row's account, int32 (n,); new accounts are entered in the order of the rows."""
        keys = hash_texts(names)
        found = np.empty(keys.size, dtype=np.int32)
        _find(*self._table, keys, found)
        missing = np.flatnonzero(found < 0)
        if missing.size:
            fresh, at = np.unique(keys[missing], return_index=True)
            order = np.argsort(at)
            self._enter(names.take(pa.array(missing[at[order]])).to_pylist(), fresh[order])
            _find(*self._table, keys, found)
        return found

    def saw(self, number: np.ndarray, at: np.ndarray) -> None:
        """Count exchanges of accounts, int32 (n,), at their times, int64 (n,)."""
        _saw(self.first, self.last, self.count, number, at)

    def keep(self, kept: np.ndarray) -> np.ndarray:
        """Forget all others, bool (a,); returns the new number of each old one, -1 where it is gone, int32 (a,)."""
        places = np.flatnonzero(kept)
        moved = np.full(kept.size, -1, dtype=np.int32)
        moved[places] = np.arange(places.size, dtype=np.int32)
        self.ids = [self.ids[i] for i in places.tolist()]
        for name in ("keys", "first", "last", "count"):
            setattr(self, name, getattr(self, name)[places])
        self._grow(max(places.size, 1024))
        self._rebuild()
        return moved

    def _enter(self, names: list[str], keys: np.ndarray) -> None:
        begin, end = len(self.ids), len(self.ids) + len(names)
        self.ids.extend(names)
        if end > self.keys.size:
            self._grow(2 * end)
        self.keys[begin:end] = keys
        if 3 * end > 2 * self._table[0].size:
            self._rebuild()
        else:
            _enter(*self._table, keys, begin)

    def _grow(self, size: int) -> None:
        more = size - self.keys.size
        if more <= 0:
            return
        for name, empty in (
            ("first", np.iinfo(np.int64).max), ("last", np.iinfo(np.int64).min), ("count", 0),
        ):  # fmt: skip
            setattr(self, name, np.r_[getattr(self, name), np.full(more, empty, np.int64)])
        self.keys = np.r_[self.keys, np.zeros(more, np.uint64)]

    def _rebuild(self) -> None:
        n = len(self.ids)
        self._table = keys_table(self.keys[:n], np.arange(n), room=n)


@kernel
def _find(held: np.ndarray, of: np.ndarray, keys: np.ndarray, out: np.ndarray) -> None:
    for i in range(keys.shape[0]):
        slot = slot_of(held, keys[i])
        out[i] = of[slot] if held[slot] != 0 else -1


@kernel
def _enter(held: np.ndarray, of: np.ndarray, keys: np.ndarray, begin: int) -> None:
    for i in range(keys.shape[0]):
        slot = slot_of(held, keys[i])
        if held[slot] == 0:
            held[slot] = keys[i]
            of[slot] = begin + i


@kernel
def _saw(first: np.ndarray, last: np.ndarray, count: np.ndarray, number: np.ndarray, at: np.ndarray) -> None:
    for i in range(number.shape[0]):
        who = number[i]
        count[who] += 1
        first[who] = min(first[who], at[i])
        last[who] = max(last[who], at[i])
