"""The stream: exchanges in, campaigns out, judged anew at a cadence, in bounded memory.

Everything that happens depends on the rows and their order alone, never on how they were cut into batches or on a
clock: so a replay gives the same, and so does a restart from a checkpoint.
"""

import ctypes
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iolaus.campaign import Campaign, Casebook, Detection
from iolaus.detect.outputs import accounts_out, exchanges_out
from iolaus.detect.run import Progress, Settings
from iolaus.detect.run import judge as judge_log
from iolaus.detect.verdicts import Judged
from iolaus.schema import ACCOUNTS, ACCOUNTS_OUT, EXCHANGES_OUT, VERDICTS
from iolaus.signals import DAY, activity
from iolaus.stream.known import Joined, Known, named, remember, shown
from iolaus.stream.lookout import Join, Lookout
from iolaus.stream.necks import Neck, neck_of
from iolaus.stream.people import People
from iolaus.stream.rows import Incoming, incoming
from iolaus.stream.settings import StreamSettings
from iolaus.stream.window import View, Window
from iolaus.text.jit import kernel

__all__ = ["Findings", "Stream"]

# What the program takes before a row is read, and what judging takes a row: measured (benchmarks/stream).
_PROGRAM: Final = 480 << 20
_JUDGING: Final = 5_000
# The window is brought within its bound after so many rows.
_SETTLES: Final = 65_536
# Clocks that run further ahead are followed only when so many rows in a row agree.
_LEAP: Final = DAY
_AGREE: Final = 100
_NEVER: Final = int(np.iinfo(np.int64).min)
# Exchanges that an account which joined shows.
_MOST_SHOWN: Final = 1_000
# A campaign is confirmed, and its neck known, at this q-value.
_CONFIRMED: Final = 0.01


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known now, in the contract's form.

    Attributes:
        detection: campaigns.json.
        accounts: accounts.parquet, in ``iolaus.schema.ACCOUNTS_OUT``.
        exchanges: exchanges.parquet, in ``iolaus.schema.EXCHANGES_OUT``.
        book: the last judgement with what a report shows, None after a restart.
    """

    detection: Detection
    accounts: pa.Table
    exchanges: pa.Table
    book: Casebook | None = None


@dataclass(slots=True)
class Stream:
    """A judgement that goes on while exchanges arrive.

    Attributes:
        settings: how.
        accounts: gives the account table as it was at a time, in ``iolaus.schema.ACCOUNTS``.
        people: who was seen.
        window: what is kept.
        lookout: the bets on accounts that take necks up.
        known: campaigns by id, in the order in which they became known.
        home: int32 (a,), -1 for accounts that are in no campaign.
        findings: None before the first judgement.
        mark: the newest time that was agreed on.
        next: when the next judgement is due.
        judged: number of judgements, and
        judged_rows: rows read by the last.
        named: campaigns that ever had an id.
    """

    settings: StreamSettings = field(default_factory=StreamSettings)
    accounts: Callable[[datetime], pa.Table] = lambda at: ACCOUNTS.empty_table()
    people: People = field(default_factory=People)
    window: Window = field(init=False)
    lookout: Lookout = field(default_factory=Lookout)
    known: dict[str, Known] = field(default_factory=dict)
    home: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    findings: Findings | None = None
    mark: int = _NEVER
    ahead: int = 0
    next: int = _NEVER
    judged: int = 0
    judged_rows: int = 0
    named: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty window."""
        self.window = Window(self.settings.width, self.settings.cap)

    def take(self, batch: pa.RecordBatch, changed: Callable[[], None] = lambda: None) -> None:
        """Take exchanges in.

        Args:
            batch: in the contract's schema ``iolaus.schema.EXCHANGES``.
            changed: called whenever ``findings`` has changed.
        """
        start = 0
        while start < batch.num_rows:
            size = min(_SETTLES - self.window.counts.read % _SETTLES, batch.num_rows - start)
            self._piece(incoming(batch.slice(start, size), self.people), changed)
            if self.window.counts.read % _SETTLES == 0:
                self._settle()
                self._forget()
            start += size

    def _piece(self, rows: Incoming, changed: Callable[[], None]) -> None:
        """Take rows in, and judge wherever it is due among them."""
        missing = len(self.people.ids) - self.home.size
        self.home = np.r_[self.home, np.full(missing, -1, np.int32)]
        start = 0
        while start < rows.at.size:
            end, due = self._until_due(rows.at, start)
            if end > start:
                self._admit(rows.part(start, end), changed)
            if due:
                self.judge()
                changed()
            start = end

    def _until_due(self, at: np.ndarray, start: int) -> tuple[int, bool]:
        """Up to which row all can be taken in at one go, and whether a judgement is due before the next one."""
        every, end = self.settings.every, at.size
        if self.mark == _NEVER:
            self.mark = int(at[0])
            self.next = _after(self.mark, every)
        by_rows = self.settings.every_rows
        if by_rows:
            end = min(end, start + by_rows - (self.window.counts.read - self.judged_rows))
        state = np.array([self.mark, self.ahead, 0, 0])
        stop = _advance(at, start, end, state, self.next, self.settings.delay)
        self.mark, self.ahead = int(state[0]), int(state[1])
        self.window.counts.late += int(state[2])
        if stop < end:
            self.next = _after(int(state[3]), every)
            return stop, True
        return stop, by_rows > 0 and self.window.counts.read + stop - start - self.judged_rows >= by_rows

    def _admit(self, rows: Incoming, changed: Callable[[], None]) -> None:
        self.window.counts.read += rows.at.size
        fresh = self.window.take(rows)
        self.people.saw(rows.account, rows.at)
        if self.settings.necks:
            joins = self.lookout.look(rows, fresh, self.home)
            if joins:
                self._join(joins, rows)
                changed()

    def _settle(self) -> None:
        """Bring the window within its bound."""
        oldest = self.mark - self.settings.window
        self.window.settle(self.people, self.settings.memory - _PROGRAM, _JUDGING, oldest)

    def _forget(self) -> None:
        """Forget the accounts without a row or a campaign, once they are most."""
        kept = self.home >= 0
        kept[self.window.accounts()] = True
        if 2 * int(kept.sum()) > kept.size - 1024:
            return
        moved = self.people.keep(kept)
        for one in self.window.slices.values():
            one.renumber(moved)
        self.lookout.renumber(moved)
        self.home = self.home[kept]

    def judge(self) -> None:
        """Judge the window now; ``findings`` is new afterwards."""
        self._settle()
        self.judged += 1
        self.judged_rows = self.window.counts.read
        if not self.window.rows:
            return
        until = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.mark)
        view = self.window.view(self.people, self.accounts(until))
        settings = Settings(until=until, fdr=self.settings.fdr)
        book, campaigns, scores = judge_log(view.observed, view.texts, settings, Progress(_silent, 0.0))
        phrases = [j.cluster.phrases for j in campaigns]
        names = named(self.known, list(book.detection.campaigns), phrases, self.named + 1)
        self.named = max([self.named, *(int(name[1:]) for name in names)])
        records = [replace(c, campaign_id=n) for c, n in zip(book.detection.campaigns, names, strict=True)]
        book = replace(
            book,
            detection=replace(book.detection, campaigns=tuple(records)),
            dossiers=tuple(replace(d, campaign=c) for d, c in zip(book.dossiers, records, strict=True)),
        )
        self._remember(view, records, campaigns)
        self._publish(view, book, campaigns, scores)
        _forget_logs()

    def _remember(self, view: View, records: list[Campaign], campaigns: list[Judged]) -> None:
        log = view.observed.log
        outside = activity(log).sent > 0
        for judged in campaigns:
            outside[judged.cluster.accounts] = False
        for one in self.known.values():
            one.current = False
        measured: dict[str, Neck | None] = {}
        for record, judged in zip(records, campaigns, strict=True):
            name = record.campaign_id
            if self.settings.necks and record.verdict == "distillation_campaign" and record.q_value <= _CONFIRMED:
                measured[name] = neck_of(log, judged.cluster, outside, view.history)
            remember(self.known, record, judged.cluster.phrases)
            # What was confirmed before and is doubtful now is looked out for as before.
            self.known[name].neck = measured.get(name, self.known[name].neck)
        for one in self.known.values():
            # What can still be judged and is not found again is taken back; what lies before the window cannot.
            if not one.current and _instant(one.record.first_seen) >= log.at[0]:
                one.neck, one.joined = None, {}
        self.lookout.arm({name: one.neck for name, one in self.known.items() if one.neck is not None})
        self.home = np.full(len(self.people.ids), -1, dtype=np.int32)
        number = {name: i for i, name in enumerate(self.people.ids)}
        for place, one in enumerate(self.known.values()):
            if one.current or one.neck is not None:
                for account in {*one.record.accounts, *one.joined} & number.keys():
                    self.home[number[account]] = place
        ids = view.observed.account_ids
        for name, neck in measured.items():
            if neck is not None:
                takers = [number[account] for account in ids.take(neck.takers).to_pylist()]
                self.lookout.bar(name, np.array(takers, dtype=np.int64))

    def _publish(self, view: View, book: Casebook, campaigns: list[Judged], scores: np.ndarray) -> None:
        observed = view.observed
        self.findings = Findings(
            book.detection,
            accounts_out(observed, book.detection, campaigns, scores),
            exchanges_out(observed, book.detection, campaigns),
            book,
        )
        self._attribute(view)
        self._show()
        for name, one in self.known.items():
            self._enter(name, one.joined)

    def _attribute(self, view: View) -> None:
        """The window's exchanges by which accounts that joined take their neck up."""
        log = view.observed.log
        place = {name: i for i, name in enumerate(view.observed.account_ids.to_pylist())}
        for number, name in enumerate(self.lookout.necks):
            one = self.known[name]
            there = {place[account]: account for account in one.joined if account in place}
            rows = np.flatnonzero(np.isin(log.account, list(there)))
            if not rows.size:
                continue
            hit = self.lookout.hits(log.shingles[rows], log.item[rows], view.history[rows])[:, number]
            for i, account in there.items():
                mine = rows[hit & (log.account[rows] == i)][:_MOST_SHOWN]
                ids = tuple(sorted(view.observed.exchange_ids.take(pa.array(mine)).to_pylist()))
                one.joined[account] = replace(one.joined[account], exchange_ids=ids)

    def _join(self, joins: list[Join], rows: Incoming) -> None:
        """Take accounts into the campaigns whose necks they took up in a batch."""
        ids = self._ids_of(np.concatenate([join.keys for join in joins]))
        new: dict[str, dict[str, Joined]] = {}
        for join in joins:
            after = int((rows.account[join.row + 1 :] == join.account).sum())
            new.setdefault(join.name, {})[self.people.ids[join.account]] = Joined(
                join.p_value,
                join.hits,
                join.looked,
                int(self.people.count[join.account]) - after,
                tuple(sorted(ids[key] for key in join.keys.tolist() if key in ids)),
                int(rows.at[join.row]),
            )
        for name, joined in new.items():
            self.known[name].joined |= joined
            self._enter(name, joined)
        self._show()

    def _show(self) -> None:
        """Bring campaigns.json up to date: what was judged last, and what is remembered and goes on."""
        if self.findings is None:
            return
        going_on = [shown(one) for one in self.known.values() if one.current or one.joined]
        place = {c.campaign_id: i for i, c in enumerate(self.findings.detection.campaigns)}
        going_on.sort(key=lambda c: (VERDICTS.index(c.verdict), place.get(c.campaign_id, len(place)), c.campaign_id))
        self.findings = replace(self.findings, detection=replace(self.findings.detection, campaigns=tuple(going_on)))

    def _enter(self, name: str, joined: Mapping[str, Joined]) -> None:
        """Put accounts that joined into the tables."""
        if self.findings is None or not joined:
            return
        one, found = self.known[name], self.findings
        n, ids = len(joined), [e for j in joined.values() for e in j.exchange_ids]
        score = round(0.75 + 0.125 * one.record.score, 9)
        people = {
            "account_id": list(joined), "campaign_id": [name] * n, "score": [score] * n,
            "verdict": [one.record.verdict] * n,
        }  # fmt: skip
        exchanges = {"exchange_id": ids, "campaign_id": [name] * len(ids)}
        self.findings = replace(
            found,
            accounts=_with_rows(found.accounts, pa.table(people, schema=ACCOUNTS_OUT), "account_id"),
            exchanges=_with_rows(found.exchanges, pa.table(exchanges, schema=EXCHANGES_OUT), "exchange_id"),
        )

    def _ids_of(self, keys: np.ndarray) -> dict[int, str]:
        """Exchange ids of hashes, as far as the window keeps them."""
        found: dict[int, str] = {}
        for one in self.window.slices.values():
            for table in (*(s.columns for s in one.segments), *one.loose):
                held = table.column("key").to_numpy()
                there = np.isin(held, keys)
                if there.any():
                    ids = table.column("exchange_id").filter(pa.array(there)).to_pylist()
                    found |= zip(held[there].tolist(), ids, strict=True)
        return found


@kernel
def _advance(at: np.ndarray, start: int, end: int, state: np.ndarray, due: int, delay: int) -> int:
    """Carry the mark on until a row after which a judgement is due; that row is not taken in, nor counted.

    ``state`` holds the mark, how many rows in a row were a leap ahead, how many were late, and where the mark would be
    with the row that stopped it.
    """
    for row in range(start, end):
        mark, ahead = state[0], state[1]
        if at[row] > mark + _LEAP:
            ahead += 1
            if ahead >= _AGREE:
                mark, ahead = at[row], 0
        else:
            ahead = 0
            mark = max(mark, at[row])
        if mark >= due:
            state[3] = mark
            return row
        state[0], state[1] = mark, ahead
        if at[row] < mark - delay:
            state[2] += 1
    return end


def _after(at: int, every: int) -> int:
    """The first whole multiple of a time after an instant."""
    return (at // every + 1) * every if every else int(np.iinfo(np.int64).max)


def _with_rows(table: pa.Table, rows: pa.Table, key: str) -> pa.Table:
    """The table with some rows more, in place of those with the same key."""
    rest = table.filter(pc.invert(pc.is_in(table.column(key), value_set=rows.column(key).combine_chunks())))
    return pa.concat_tables([rest, rows]).sort_by(key).combine_chunks()


def _silent(stage: str, rows: int) -> None:
    """Nobody listens."""


def _instant(text: str) -> int:
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e6)


def _forget_logs() -> None:
    """Let go of the logs that signals have put by: the next judgement has a log of its own."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("iolaus.signals", "iolaus.detect")):
            for value in vars(module).values():
                clear = getattr(value, "cache_clear", None)
                if clear is not None:
                    clear()
    pa.default_memory_pool().release_unused()
    # What judging's threads have freed stays with them otherwise, judgement by judgement.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
