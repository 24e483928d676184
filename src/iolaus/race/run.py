"""A race: a benign population, one operator that adapts, the stream that watches, and a policy that acts on it."""

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from iolaus.enforce.decision import Decision
from iolaus.enforce.judge import Subject
from iolaus.enforce.plan import History, plan
from iolaus.enforce.policy import Policy
from iolaus.errors import InputError
from iolaus.race.operator import Habits, Operator, Request
from iolaus.schema import ACCOUNTS, EXCHANGES, TIMESTAMP
from iolaus.signals import DAY, HOUR
from iolaus.simulate import simulate
from iolaus.stream import Stream, StreamSettings

__all__ = ["BLOCKING", "RaceResult", "race"]

# Blocks what is sure after a short delay. An account that joined by a neck shows few exchanges yet.
BLOCKING: Final = Policy.model_validate(
    {
        "schema": "iolaus.policy/1",
        "enforce": True,
        "rules": [
            {
                "name": "block",
                "action": "block",
                "when": {"q_value_at_most": 0.01, "traffic_share_at_least": 0.1, "attributed_at_least": 3},
            }
        ],
        "delay": {"least": "5m", "most": "1h"},
        "caps": {"accounts_per_day": 10_000, "blocks_per_day": 10_000},
    }
)
_REFUSED: Final = 403
_STOPPING: Final = ("block", "challenge")


@dataclass(slots=True)
class RaceResult:
    """What a race came to.

    Attributes:
        level: rung of the ladder that the operator begins on.
        planned: exchanges that it wanted answered.
        leaked: of those, answered.
        leaked_unwatched: answered by the same time without Iolaus.
        leaked_before: answered before the first account of the operator was rightly refused; None where none was.
        heads: accounts that it used.
        opened: of those, opened anew.
        leaked_a_head: answered exchanges of each head, in the order of the heads.
        joined_after: for each new head that was found, its exchanges until a decision on it held.
        covers: cover exchanges that it spent.
        refused: refusals that it met.
        benign: accounts of others, and
        benign_touched: how many of them a decision touched,
        benign_by_neck: of those, how many had joined by a neck and not by a judgement, and
        benign_refused: how many of their exchanges were refused.
        series: by day since the start: answered exchanges with Iolaus, and without.
    """

    level: int
    planned: int = 0
    leaked: int = 0
    leaked_unwatched: int = 0
    leaked_before: int | None = None
    heads: int = 0
    opened: int = 0
    leaked_a_head: list[int] = field(default_factory=list)
    joined_after: list[int] = field(default_factory=list)
    covers: int = 0
    refused: int = 0
    benign: int = 0
    benign_touched: int = 0
    benign_by_neck: int = 0
    benign_refused: int = 0
    series: list[tuple[float, int, int]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain values, with the shares and medians that are told."""
        return asdict(self) | {
            "leaked_share": round(self.leaked / max(self.planned, 1), 4),
            "leaked_before_share": None
            if self.leaked_before is None
            else round(self.leaked_before / max(self.planned, 1), 4),
            "joined_after_median": float(np.median(self.joined_after)) if self.joined_after else None,
            "leaked_a_head_median": float(np.median(self.leaked_a_head)) if self.leaked_a_head else None,
        }


def race(
    level: int,
    *,
    seed: int = 0,
    exchanges: int = 20_000,
    habits: Habits | None = None,
    policy: Policy | None = None,
    settings: StreamSettings | None = None,
    text: Path | None = None,
    organic: Path | None = None,
) -> RaceResult:
    """Run a race over a simulated range.

    Args:
        level: rung of the ladder that the operator begins on, 0 to 6.
        seed: of all chance.
        exchanges: rows of the range; a tenth of them are the operator's.
        habits: how the operator adapts.
        policy: what may be done; ``BLOCKING`` where None.
        settings: of the stream.
        text: Parquet of real prompts that campaigns harvest.
        organic: Parquet of real prompts of ordinary callers.

    Returns:
        What leaked, what it cost, whom it hurt; the same arguments give the same.

    Raises:
        InputError: there is no such level, or a file cannot be used.
    """
    if not 0 <= level <= 6:
        raise InputError(f"an operator begins on a level from 0 to 6, not {level}")
    with tempfile.TemporaryDirectory() as folder:
        field_ = _Field(Path(folder), level, seed, exchanges, habits or Habits(), text, organic)
        return _Race(field_, policy or BLOCKING, settings or StreamSettings(every=12 * HOUR)).run()


class _Field:
    """The range as it would be without anybody acting, and the operator's plan in it."""

    def __init__(
        self, folder: Path, level: int, seed: int, rows: int, habits: Habits, text: Path | None, organic: Path | None
    ) -> None:
        self.level, self.seed = level, seed
        share: dict[str, Any] = {"hydra_share": 0.1, "operators_per_level": 1, "text": text, "organic": organic}
        simulate(f"l{level}", folder, seed=seed, exchanges=rows, **share)
        self.table, self.people = _read(folder)
        harvested, self.owner = _truth(folder)
        names = np.array(self.table["account_id"].to_pylist(), dtype=object)
        at = self.table["timestamp"].cast(pa.int64()).to_numpy()
        hydra = np.array([self.owner[name] is not None for name in names])
        plan = np.flatnonzero(hydra & harvested)
        heads = sorted(set(names[plan].tolist()))
        slot = np.searchsorted(np.array(heads, dtype=str), names[plan].astype(str))
        own_cover = np.flatnonzero(hydra & ~harvested)
        self.benign = np.flatnonzero(~hydra)
        covers = own_cover if own_cover.size else self.benign
        rng = np.random.default_rng([seed, 77])
        self.operator = Operator(plan, at[plan], slot, heads, covers, habits, rng)
        self.at, self.names, self.plan = at, names, plan
        self.cover_rows = own_cover if level >= 4 else own_cover[:0]
        self.reworded = self._other_words(folder, rows, share, plan) if habits.rewords_after else {}

    def _other_words(self, folder: Path, rows: int, share: dict[str, Any], plan: np.ndarray) -> dict[int, str]:
        """For each row of the plan, a prompt of an operator who says everything in ever other words."""
        other = folder / "reworded"
        simulate("l3", other, seed=self.seed, exchanges=rows, **share)
        table, _ = _read(other)
        harvested, _ = _truth(other)
        prompts = table["prompt"].filter(pa.array(harvested)).to_pylist()
        return {int(row): prompts[i % len(prompts)] for i, row in enumerate(plan)}


class _Race:
    """The loop: an hour of traffic, what the stream makes of it, what the policy does."""

    def __init__(self, ground: _Field, policy: Policy, settings: StreamSettings) -> None:
        self.ground, self.policy = ground, policy
        self.stream = Stream(settings)
        self.stream.accounts = self._accounts
        self.history = History()
        self.result = RaceResult(ground.level, planned=int(ground.plan.size))
        self.changed = False
        self.sent: Counter[str] = Counter()
        self.leaks: Counter[str] = Counter()
        self.account_of: dict[str, str] = {}
        self.number = 0

    def run(self) -> RaceResult:
        """Race until the range ends."""
        ground, result = self.ground, self.result
        begin = int(ground.at[0]) // HOUR * HOUR
        end = int(ground.at[-1]) + 1
        benign = np.sort(np.r_[ground.benign, ground.cover_rows])
        planned = np.sort(ground.at[ground.plan])
        for start in range(begin, end, HOUR):
            low, high = np.searchsorted(ground.at[benign], [start, start + HOUR])
            self._hour([(int(row), None) for row in benign[low:high]], ground.operator.due(min(start + HOUR, end)))
            if self.changed:
                self._decide(start + HOUR)
            unwatched = int(np.searchsorted(planned, start + HOUR))
            result.series.append(((start + HOUR - begin) / DAY, result.leaked, unwatched))
        result.leaked_unwatched = int(planned.size)
        heads = [*ground.operator.names, *ground.operator.opened]
        used = [name for name in heads if self.sent[name]]
        result.heads, result.opened = len(used), sum(name in ground.operator.opened for name in used)
        result.leaked_a_head = [self.leaks[name] for name in used]
        result.benign = len({name for name in ground.names if ground.owner[name] is None})
        return result

    def _hour(self, benign: list[tuple[int, None]], mine: list[tuple[Request, str]]) -> None:
        """Answer or refuse an hour's requests in the order of their times, and log them."""
        ground = self.ground
        calls: list[tuple[int, int, str, Request | None]] = [
            (int(ground.at[row]), row, str(ground.names[row]), None) for row, _ in benign
        ]
        calls += [(request.at, request.row, account, request) for request, account in mine]
        calls.sort(key=lambda call: (call[0], call[1], call[2]))
        statuses = [self._answer(*call) for call in calls]
        if calls:
            self.stream.take(self._logged(calls, statuses), self._heard)

    def _answer(self, at: int, row: int, account: str, request: Request | None) -> int | None:
        """403 where a decision stops the account now, None for the status that the row has."""
        ground, result = self.ground, self.result
        stopped = self._stopped(account, at // 1_000_000)
        self.sent[account] += 1
        if request is None:
            result.benign_refused += stopped and ground.owner.get(account) is None
            return _REFUSED if stopped else None
        result.covers += request.cover
        if stopped:
            result.refused += 1
            if result.leaked_before is None:
                result.leaked_before = result.leaked
            ground.operator.refused(request, account)
            return _REFUSED
        if not request.cover:
            result.leaked += 1
            self.leaks[account] += 1
        return None

    def _stopped(self, account: str, now: int) -> bool:
        live = self.history.live.get(account, ())
        return any(d.action in _STOPPING and d.starts_at <= now < d.ends_at for d in live)

    def _logged(self, calls: list[tuple[int, int, str, Request | None]], statuses: list[int | None]) -> pa.RecordBatch:
        ground = self.ground
        rows = ground.table.take(pa.array([row for _, row, _, _ in calls]))
        ids = []
        for _, row, account, request in calls:
            self.number += 1
            ids.append(f"race-{self.number:08d}" if request is not None else ground.table["exchange_id"][row].as_py())
            self.account_of[ids[-1]] = account
        changes: dict[str, list[Any]] = {
            "exchange_id": ids,
            "timestamp": [at for at, _, _, _ in calls],
            "account_id": [account for _, _, account, _ in calls],
        }
        columns = {name: pa.array(values, pa.string()) for name, values in changes.items() if name != "timestamp"}
        columns["timestamp"] = pa.array(changes["timestamp"], pa.int64()).cast(TIMESTAMP)
        own = rows["status_code"].to_pylist()
        merged = [now if now is not None else was for now, was in zip(statuses, own, strict=True)]
        columns["status_code"] = pa.array(merged, pa.int16())
        fresh = [account in ground.operator.opened for _, _, account, _ in calls]
        for name in ("ip", "api_key_id"):
            # Another head has another address and another key.
            new = [account if is_new else was for (_, _, account, _), is_new, was in zip(
                calls, fresh, rows[name].to_pylist(), strict=True
            )]  # fmt: skip
            columns[name] = pa.array(new, pa.string())
        if ground.operator.rewords:
            said = [
                ground.reworded.get(row, was) if request is not None and not request.cover else was
                for (_, row, _, request), was in zip(calls, rows["prompt"].to_pylist(), strict=True)
            ]
            columns["prompt"] = pa.array(said, pa.string())
        arrays = [columns.get(f.name, rows[f.name].combine_chunks()) for f in EXCHANGES]
        return pa.RecordBatch.from_arrays(arrays, schema=EXCHANGES)

    def _heard(self) -> None:
        self.changed = True

    def _decide(self, now: int) -> None:
        """Judge the accounts of all campaigns by the policy, and let its decisions hold."""
        self.changed = False
        seconds = now // 1_000_000
        made = plan(self._subjects(seconds), self.policy, self.history, seconds, b"race").made
        for decision in made:
            self.history.live.setdefault(decision.account_id, []).append(decision)
            if decision.touching:
                self._touched(decision, seconds)

    def _touched(self, decision: Decision, seconds: int) -> None:
        account, ground = decision.account_id, self.ground
        day = seconds // 86_400
        self.history.touched.setdefault(day, set()).add(account)
        if decision.action == "block":
            self.history.blocked.setdefault(day, set()).add(account)
        if account in ground.operator.opened:
            self.result.joined_after.append(self.sent[account])
        elif ground.owner.get(account) is None:
            self.result.benign_touched += 1
            self.result.benign_by_neck += any(account in one.joined for one in self.stream.known.values())

    def _subjects(self, seconds: int) -> list[Subject]:
        found = self.stream.findings
        if found is None:
            return []
        attributed = Counter(self.account_of[e] for e in found.exchanges["exchange_id"].to_pylist())
        subjects = {}
        for campaign in found.detection.campaigns:
            for account in campaign.accounts:
                if account in subjects or not self.sent[account]:
                    continue
                subjects[account] = Subject(
                    account_id=account,
                    campaign_id=campaign.campaign_id,
                    verdict=campaign.verdict,
                    q_value=campaign.q_value,
                    share=min(attributed[account] / self.sent[account], 1.0),
                    attributed=attributed[account],
                    exchanges=self.sent[account],
                    evidence=account,
                    seen_until=seconds,
                )
        return list(subjects.values())

    def _accounts(self, at: datetime) -> pa.Table:
        """The account table at a time: who was there, and the heads that were opened since."""
        there = self.ground.people.filter(pc.less_equal(self.ground.people["created_at"], pa.scalar(at, TIMESTAMP)))
        new = {name: opened for name, opened in self.ground.operator.opened.items() if opened <= at.timestamp() * 1e6}
        rows = pa.table(
            {
                f.name: list(new)
                if f.name == "account_id"
                else pa.array(list(new.values()), pa.int64()).cast(TIMESTAMP)
                if f.name == "created_at"
                else pa.nulls(len(new), f.type)
                for f in ACCOUNTS
            },
            schema=ACCOUNTS,
        )
        return pa.concat_tables([there, rows]).combine_chunks()


def _read(folder: Path) -> tuple[pa.Table, pa.Table]:
    exchanges = pq.read_table(folder / "exchanges.parquet").cast(EXCHANGES).combine_chunks()
    people = pq.read_table(folder / "accounts.parquet").cast(ACCOUNTS)
    # What becomes of an account is for the race to say.
    closed = people.schema.get_field_index("closed_at")
    return exchanges, people.set_column(closed, ACCOUNTS.field(closed), pa.nulls(people.num_rows, TIMESTAMP))


def _truth(folder: Path) -> tuple[np.ndarray, dict[str, str | None]]:
    exchanges = pq.read_table(folder / "truth_exchanges.parquet")
    accounts = pq.read_table(folder / "truth_accounts.parquet")
    owner = dict(zip(accounts["account_id"].to_pylist(), accounts["operator_id"].to_pylist(), strict=True))
    return np.asarray(exchanges["harvested"].to_numpy(zero_copy_only=False)), owner
