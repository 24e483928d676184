"""What the audit log adds up to: which decisions live, who was touched, what appeals have settled."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from iolaus.enforce.audit import GENESIS, Entry, Head, read_entries
from iolaus.enforce.decision import Decision
from iolaus.enforce.judge import Lifted
from iolaus.enforce.plan import History
from iolaus.errors import InputError

__all__ = ["Appeal", "Ledger", "replay"]

_DAY: Final = 86_400
# Ended decisions are kept in mind this long, the longest delay that makes sense: see `plan`.
_AFTERLIFE: Final = 30 * _DAY


@dataclass(frozen=True, slots=True)
class Appeal:
    """How an appeal stands: ``open``, ``upheld`` (the decision stays) or ``lifted``."""

    decision_id: str
    state: str
    by: str
    reason: str
    at: int


@dataclass(slots=True)
class Ledger:
    """The log, added up.

    Attributes:
        history: what `plan` needs.
        decisions: every decision, by its id.
        by_account: every decision on an account.
        snapshots: id of the snapshot in which each decision was first published, by decision.
        appeals: newest state of every appeal, by decision.
        cases: digests of the campaign evidence that the log already holds.
        pending: (account, rule) of blocks that were announced as waiting for two persons.
        head: where the log ends.
        last_at: when its last line was written, 0 where there is none.
    """

    history: History = field(default_factory=History)
    decisions: dict[str, Decision] = field(default_factory=dict)
    by_account: dict[str, list[Decision]] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    appeals: dict[str, Appeal] = field(default_factory=dict)
    cases: set[str] = field(default_factory=set)
    pending: set[tuple[str, str]] = field(default_factory=set)
    head: Head = field(default_factory=lambda: Head(0, GENESIS))
    last_at: int = 0

    def live(self, now: int) -> list[Decision]:
        """Decisions that hold or will, in the order in which they were made."""
        return [d for decisions in self.history.live.values() for d in decisions if d.ends_at > now]


def replay(path: Path, now: int) -> Ledger:
    """Add up a log.

    Args:
        path: the log; one that is not there is empty.
        now: seconds since 1970 UTC; decisions long over by then are no longer live.

    Raises:
        InputError: the log cannot be read or its chain is broken.
    """
    ledger = Ledger()
    live: dict[str, Decision] = {}
    for entry in read_entries(path):
        take = _TAKERS.get(entry.kind)
        if take is not None:
            try:
                take(ledger, live, entry.body, entry)
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"{path}: line {entry.seq} lacks what a {entry.kind} entry must say") from error
        ledger.head, ledger.last_at = Head(entry.seq, entry.hash), entry.at
    by_account: dict[str, list[Decision]] = defaultdict(list)
    for decision in live.values():
        if decision.ends_at > now - _AFTERLIFE:
            by_account[decision.account_id].append(decision)
    ledger.history.live = dict(by_account)
    return ledger


def _decision(ledger: Ledger, live: dict[str, Decision], body: dict[str, Any], entry: Entry) -> None:
    decision = Decision.from_json(body)
    ledger.decisions[decision.decision_id] = live[decision.decision_id] = decision
    ledger.by_account.setdefault(decision.account_id, []).append(decision)
    ledger.snapshots[decision.decision_id] = body["snapshot_id"]
    day = decision.decided_at // _DAY
    if decision.touching:
        ledger.history.touched.setdefault(day, set()).add(decision.account_id)
    if decision.action == "block":
        ledger.history.blocked.setdefault(day, set()).add(decision.account_id)


def _withdrawn(ledger: Ledger, live: dict[str, Decision], body: dict[str, Any], entry: Entry) -> None:
    live.pop(body["decision_id"], None)


def _case(ledger: Ledger, live: dict[str, Decision], body: dict[str, Any], entry: Entry) -> None:
    ledger.cases.add(body["case"])


def _pending(ledger: Ledger, live: dict[str, Decision], body: dict[str, Any], entry: Entry) -> None:
    ledger.pending.add((body["account_id"], body["rule"]))


def _approval(ledger: Ledger, live: dict[str, Decision], body: dict[str, Any], entry: Entry) -> None:
    given = ledger.history.approvals.setdefault((body["account_id"], body["rule"]), {})
    given[body["by"]] = entry.at


def _appeal(ledger: Ledger, live: dict[str, Decision], body: dict[str, Any], entry: Entry) -> None:
    decision = ledger.decisions[body["decision_id"]]
    appeal = Appeal(decision.decision_id, body["state"], body["by"], body["reason"], entry.at)
    ledger.appeals[decision.decision_id] = appeal
    if appeal.state != "lifted":
        return
    account = decision.account_id
    against = ledger.by_account[account]
    for other in against:
        live.pop(other.decision_id, None)
    # Approvals of a block were given on the evidence that has now been set aside.
    for given in [pair for pair in ledger.history.approvals if pair[0] == account]:
        del ledger.history.approvals[given]
    ledger.pending = {pair for pair in ledger.pending if pair[0] != account}
    evidence = frozenset(d.evidence for d in against)
    ledger.history.lifted[account] = Lifted(evidence, max(d.seen_until for d in against))


_TAKERS: Final[dict[str, Callable[[Ledger, dict[str, Decision], dict[str, Any], Entry], None]]] = {
    "decision": _decision,
    "withdrawn": _withdrawn,
    "case": _case,
    "pending": _pending,
    "approval": _approval,
    "appeal": _appeal,
}
