"""The decision on one request: a look into the snapshot, and for throttled accounts into their bucket."""

import math
from collections import Counter
from pathlib import Path
from typing import Final, Literal, NamedTuple

from iolaus.enforce.buckets import Buckets
from iolaus.enforce.clock import SteadyClock
from iolaus.enforce.snapshot import Row, Snapshot, gravest, read_snapshot
from iolaus.enforce.watch import Watched

__all__ = ["PASS", "Guard", "Ruling"]

Fail = Literal["open", "closed"]


class Ruling(NamedTuple):
    """What happens to one request.

    Attributes:
        action: ``allow``, ``observe``, ``watermark``, ``restrict``, ``throttle``, ``challenge``, ``block``, or
            ``unavailable`` where there is no snapshot and the guard fails closed.
        status: HTTP status of the refusal, 0 where the request passes.
        decision_id: the decision's name in the audit log, empty where there is none.
        retry_after: seconds, for 429 and 503.
        url: for a challenge.
        withheld: for a restriction: what the server is to leave out.
    """

    action: str
    status: int = 0
    decision_id: str = ""
    retry_after: int = 0
    url: str = ""
    withheld: str = ""


PASS: Final = Ruling("allow")
_MOST_REMEMBERED: Final = 50_000
_UNAVAILABLE: Final = Ruling("unavailable", status=503, retry_after=5)


class Guard:
    """Rules on requests by the published snapshot alone; never waits and never raises.

    Args:
        snapshot: the published file.
        fail: what happens while there is no good snapshot: ``open`` lets all pass, ``closed`` refuses all (503).
        every_s: seconds between two looks at the file.
        clock: tells the time.
        buckets: keeps the throttled accounts' rates.

    Attributes:
        counts: requests by action; ``unidentified`` for those without an account, ``throttled`` for those of throttled
            accounts that were refused.
    """

    def __init__(
        self,
        snapshot: Path,
        *,
        fail: Fail = "open",
        every_s: float = 1.0,
        clock: SteadyClock | None = None,
        buckets: Buckets | None = None,
    ) -> None:
        self._clock, self._buckets = clock or SteadyClock(), buckets or Buckets()
        self._without = PASS if fail == "open" else _UNAVAILABLE
        self.watched: Watched[Snapshot] = Watched(snapshot, read_snapshot, every_s)
        self.counts: Counter[str] = Counter()
        self._remembered: dict[str, tuple[Row, ...]] = {}
        self._remembered_of: Snapshot | None = None

    def rule(self, account_id: str | None) -> Ruling:
        """Rule on a request of an account; None where nobody vouches for who sends it."""
        watched = self.watched
        if watched.idle:
            watched.ensure()
        snapshot = watched.content
        if snapshot is None:
            ruling = self._without
        elif account_id is None:
            self.counts["unidentified"] += 1
            return PASS
        else:
            rows = self._rows_of(snapshot, account_id)
            ruling = self._by(rows) if rows else PASS
        self.counts[ruling.action] += 1
        return ruling

    def status(self) -> dict[str, object]:
        """Counts, and how the snapshot stands; nothing about any account."""
        snapshot = self.watched.content
        return {
            "snapshot_id": snapshot.snapshot_id if snapshot else None,
            "rows": len(snapshot) if snapshot else 0,
            "loads": self.watched.loads,
            "failures": self.watched.failures,
            "clock_jumps": self._clock.jumps,
            "requests": dict(sorted(self.counts.items())),
        }

    def _rows_of(self, snapshot: Snapshot, account_id: str) -> tuple[Row, ...]:
        """The account's decisions, remembered as long as the snapshot lasts: callers come back within seconds."""
        if snapshot is not self._remembered_of or len(self._remembered) > _MOST_REMEMBERED:
            self._remembered_of, self._remembered = snapshot, {}
        rows = self._remembered.get(account_id)
        if rows is None:
            rows = self._remembered[account_id] = snapshot.rows_of(account_id)
        return rows

    def _by(self, rows: tuple[Row, ...]) -> Ruling:
        row = gravest(rows, self._clock.now())
        if row is None:
            return PASS
        treatment = row.treatment
        if treatment.action == "block":
            return Ruling("block", 403, row.decision_id)
        if treatment.action == "challenge":
            return Ruling("challenge", treatment.status, row.decision_id, url=treatment.url)
        if treatment.action == "throttle":
            wait = self._buckets.take(row.decision_id, treatment.requests_per_minute, treatment.burst)
            if wait:
                self.counts["throttled"] += 1
                return Ruling("throttle", 429, row.decision_id, retry_after=math.ceil(wait))
        return Ruling(treatment.action, decision_id=row.decision_id, withheld=treatment.withheld)
