"""The lookout: every exchange against the known necks, and the bets on accounts that have drawn attention."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from iolaus.stream.keys import keys_table, slot_of
from iolaus.stream.necks import ALPHA, LEAST_LOOKED, Neck, count_held
from iolaus.stream.rows import Incoming
from iolaus.text.jit import kernel

__all__ = ["Join", "Lookout"]

# Stakes: for accounts that do little else, for mixed ones, and for those that mostly do something else.
_STAKES: Final = np.array([0.7, 0.25, 0.05])
_REMEMBERED: Final = 4
# Below so small a fortune (in nats) an account no longer draws attention.
_SPENT: Final = -3.0
# The fortune of an account that may not join: no gain makes up for it.
_BARRED: Final = -1e9


@dataclass(frozen=True, slots=True)
class Join:
    """An account that has taken a neck up.

    Attributes:
        row: place of the exchange that settled it, in the batch.
        account: its number.
        name: of the neck's campaign.
        p_value: one over its fortune.
        hits: exchanges that took the neck up, the first one included.
        looked: exchanges since the first of them, that one included.
        keys: uint64, hashes of the newest of them.
    """

    row: int
    account: int
    name: str
    p_value: float
    hits: int
    looked: int
    keys: np.ndarray


@dataclass(slots=True)
class Lookout:
    """Bets on accounts.

    Attributes:
        necks: by the campaign's name; bets number them in this order.
        fortunes: float64 (e, 3), log of the fortune at each stake, one row a pair of account and neck.
        numbers: int64 (e, 4): account, neck, hits, exchanges looked at.
        prompts: uint64 (e, 4), the newest prompts that were hits, and
        keys: uint64 (e, 4), hashes of their exchange ids.
        used: rows of these in use.
        started: bets ever begun.
    """

    necks: dict[str, Neck] = field(default_factory=dict)
    fortunes: np.ndarray = field(default_factory=lambda: np.zeros((256, _STAKES.size)))
    numbers: np.ndarray = field(default_factory=lambda: np.zeros((256, 4), np.int64))
    prompts: np.ndarray = field(default_factory=lambda: np.zeros((256, _REMEMBERED), np.uint64))
    keys: np.ndarray = field(default_factory=lambda: np.zeros((256, _REMEMBERED), np.uint64))
    used: int = 0
    started: int = 0
    _tables: tuple[np.ndarray, ...] = ()

    def arm(self, necks: dict[str, Neck], *, prune: bool = True) -> None:
        """Look out for these necks from now on; bets go on, and with ``prune`` those as good as lost are given up."""
        number = {name: k for k, name in enumerate(necks)}
        moved = np.array([number.get(name, -1) for name in self.necks], dtype=np.int64)
        self.necks = necks
        words = [neck.phrases for neck in necks.values()]
        things = [np.r_[neck.items, neck.histories] for neck in necks.values()]
        self._tables = (
            *_numbered(words),
            *_numbered(things),
            np.array([neck.held for neck in necks.values()], dtype=np.int16),
            np.array([neck.chance for neck in necks.values()], dtype=np.float64),
        )
        if self.used:
            self.numbers[: self.used, 1] = moved[self.numbers[: self.used, 1]]
            best = self.fortunes[: self.used].max(axis=1)
            lost = prune & (best <= _SPENT) & (best > _BARRED / 2)
            self._keep((self.numbers[: self.used, 1] >= 0) & ~lost)

    def bar(self, name: str, accounts: np.ndarray) -> None:
        """Leave accounts, int64, to the judgement: they had the neck's marks before it was one."""
        neck, known = list(self.necks).index(name), self.numbers[: self.used]
        there = known[known[:, 1] == neck, 0]
        fresh = np.setdiff1d(accounts, there)
        self.fortunes[: self.used][(known[:, 1] == neck) & np.isin(known[:, 0], accounts)] = _BARRED
        self._room(self.used + fresh.size)
        new = slice(self.used, self.used + fresh.size)
        self.numbers[new], self.fortunes[new], self.prompts[new], self.keys[new] = 0, _BARRED, 0, 0
        self.numbers[new, 0], self.numbers[new, 1] = fresh, neck
        self.used += fresh.size

    def hits(self, bins: np.ndarray, item: np.ndarray, history: np.ndarray) -> np.ndarray:
        """Which of n exchanges take which neck up; bool (n, necks)."""
        held, of, things, of_thing, least, _ = self._tables
        count = np.zeros((item.size, len(self.necks)), dtype=np.int16)
        count_held(bins, held, of, count)
        _things(item, history, things, of_thing, least, count)
        taken: np.ndarray = count >= least
        return taken

    def look(self, rows: Incoming, fresh: np.ndarray, home: np.ndarray) -> list[Join]:
        """Bet on a batch.

        Args:
            rows: the batch.
            fresh: bool (n,), rows that are no repetition of one that is kept.
            home: int32 (a,), the neck of each account that is in a campaign, -1 for all others; joins are entered.
        """
        if not self.necks:
            return []
        hit = self.hits(rows.sketch.bins, rows.sketch.item, rows.history)
        head = np.full(home.size, -1, dtype=np.int64)
        free = home[self.numbers[: self.used, 0]] < 0
        self._keep(free)
        several = int(hit.any(axis=1).sum())
        self._room(self.used + several)
        link = np.full(self.numbers.shape[0], -1, dtype=np.int64)
        for entry in range(self.used):
            account = self.numbers[entry, 0]
            link[entry], head[account] = head[account], entry
        bound = np.log(max(self.started, LEAST_LOOKED) / ALPHA)
        out = np.zeros((max(several, 1), 2), dtype=np.int64)
        used, found = _follow(
            hit, fresh, rows.account, rows.sketch.item, rows.key, home, head, link, self.fortunes, self.numbers,
            self.prompts, self.keys, self.used, self._tables[5], _STAKES, bound, out,
        )  # fmt: skip
        self.started += used - self.used
        self.used = used
        return [self._join(int(row), int(entry)) for row, entry in out[:found]]

    def renumber(self, moved: np.ndarray) -> None:
        """Give the accounts their new numbers; bets on accounts that are gone are given up."""
        self.numbers[: self.used, 0] = moved[self.numbers[: self.used, 0]]
        self._keep(self.numbers[: self.used, 0] >= 0)

    def _join(self, row: int, entry: int) -> Join:
        account, neck, hits, looked = self.numbers[entry].tolist()
        fortune = _fortune(self.fortunes[entry])
        name = list(self.necks)[neck]
        return Join(row, account, name, float(np.exp(-fortune)), hits, looked, self.keys[entry][self.keys[entry] != 0])

    def _keep(self, kept: np.ndarray) -> None:
        if kept.all():
            return
        places = np.flatnonzero(kept)
        for name in ("fortunes", "numbers", "prompts", "keys"):
            values = getattr(self, name)
            values[: places.size] = values[places]
        self.used = places.size

    def _room(self, size: int) -> None:
        if size <= self.numbers.shape[0]:
            return
        for name in ("fortunes", "numbers", "prompts", "keys"):
            values = getattr(self, name)
            setattr(
                self, name, np.concatenate([values, np.zeros((2 * size - len(values), values.shape[1]), values.dtype)])
            )


def _numbered(keys: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A table from the keys to the number of their list."""
    of = np.repeat(np.arange(len(keys)), [k.size for k in keys])
    return keys_table(np.concatenate(keys) if keys else np.zeros(0, np.uint64), of)


@kernel
def _things(
    item: np.ndarray, history: np.ndarray, held: np.ndarray, of: np.ndarray, least: np.ndarray, count: np.ndarray
) -> None:
    """Raise the count of exchanges with a known prompt or history to what their neck asks for."""
    for row in range(item.shape[0]):
        for key in (item[row], history[row]):
            if key == 0:
                continue
            slot = slot_of(held, key)
            if held[slot] != 0:
                count[row, of[slot]] = max(count[row, of[slot]], least[of[slot]])


@kernel
def _fortune(logs: np.ndarray) -> float:
    """Log of the mean fortune."""
    most = logs.max()
    return most + np.log(np.exp(logs - most).mean())


@kernel
def _follow(
    hit: np.ndarray,
    fresh: np.ndarray,
    account: np.ndarray,
    item: np.ndarray,
    key: np.ndarray,
    home: np.ndarray,
    head: np.ndarray,
    link: np.ndarray,
    fortunes: np.ndarray,
    numbers: np.ndarray,
    prompts: np.ndarray,
    keys: np.ndarray,
    used: int,
    chance: np.ndarray,
    stakes: np.ndarray,
    bound: float,
    out: np.ndarray,
) -> tuple[int, int]:
    """Carry all bets on, row by row; returns how many rows the bets take, and how many accounts joined."""
    found = 0
    for row in range(account.shape[0]):
        who = account[row]
        if home[who] >= 0 or not fresh[row]:
            continue
        known = False
        entry = head[who]
        while entry >= 0:
            neck = numbers[entry, 1]
            known |= hit[row, neck]
            again = False
            for i in range(prompts.shape[1]):
                again |= prompts[entry, i] == item[row]
            if not again:
                numbers[entry, 3] += 1
                for i in range(stakes.shape[0]):
                    fortunes[entry, i] += np.log(stakes[i] / chance[neck]) if hit[row, neck] else np.log(1 - stakes[i])
                if hit[row, neck]:
                    _note(prompts, keys, numbers, entry, item[row], key[row])
                    if _fortune(fortunes[entry]) >= bound and home[who] < 0:
                        home[who] = neck
                        out[found, 0], out[found, 1] = row, entry
                        found += 1
            entry = link[entry]
        if known:
            continue
        for neck in range(hit.shape[1]):
            if hit[row, neck]:
                numbers[used, 0], numbers[used, 1], numbers[used, 2], numbers[used, 3] = who, neck, 0, 1
                fortunes[used, :], prompts[used, :], keys[used, :] = 0.0, np.uint64(0), np.uint64(0)
                _note(prompts, keys, numbers, used, item[row], key[row])
                link[used], head[who] = head[who], used
                used += 1
                break
    return used, found


@kernel
def _note(prompts: np.ndarray, keys: np.ndarray, numbers: np.ndarray, entry: int, prompt: int, exchange: int) -> None:
    place = numbers[entry, 2] % prompts.shape[1]
    prompts[entry, place] = prompt
    keys[entry, place] = exchange
    numbers[entry, 2] += 1
