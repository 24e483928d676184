"""From what a policy says about accounts to decisions: caps, delays, expiry, and what already holds. Pure."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from iolaus.enforce.decision import Decision
from iolaus.enforce.judge import Judgement, Lifted, Subject, judge
from iolaus.enforce.policy import Policy, Rule
from iolaus.enforce.snapshot import ACTIONS, TOUCHING, Treatment

__all__ = ["History", "Pending", "Plan", "plan"]

_RANK: Final = {action: rank for rank, action in enumerate(ACTIONS)}
_DAY: Final = 86_400


@dataclass(slots=True)
class History:
    """What the audit log says so far.

    Attributes:
        live: decisions neither withdrawn nor lifted nor long over, by account.
        touched: accounts newly touched, by UTC day (days since 1970).
        blocked: accounts newly blocked, by UTC day.
        lifted: what appeals have set aside, by account.
        approvals: who has approved a block and when, by account and rule.
    """

    live: dict[str, list[Decision]] = field(default_factory=dict)
    touched: dict[int, set[str]] = field(default_factory=dict)
    blocked: dict[int, set[str]] = field(default_factory=dict)
    lifted: dict[str, Lifted] = field(default_factory=dict)
    approvals: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pending:
    """A block that waits for two persons: the account, the rule, the case, and who has approved so far."""

    account_id: str
    rule: str
    case: str
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be recorded and published.

    Attributes:
        made: new decisions.
        kept: decisions that go on.
        withdrawn: decisions that end before their time, with the reason.
        pending: blocks that wait for two persons.
        spared: accounts that no decision is made on, counted by reason.
    """

    made: tuple[Decision, ...]
    kept: tuple[Decision, ...]
    withdrawn: tuple[tuple[Decision, str], ...]
    pending: tuple[Pending, ...]
    spared: dict[str, int]


def plan(subjects: Sequence[Subject], policy: Policy, history: History, now: int, key: bytes) -> Plan:
    """Decide on all accounts of the findings.

    A decision that holds is kept until its end, so that a new run starts no delay anew; a graver one is made beside it
    and takes over when its own delay is past. Where the policy no longer enforces, has lost the rule, or allows the
    account, the decision is withdrawn at once.

    Args:
        subjects: accounts of campaigns, one entry an account.
        policy: the rules.
        history: from the audit log.
        now: seconds since 1970 UTC.
        key: secret behind the delays and the decisions' names; the same key, account and evidence give the same delay.
    """
    kept, withdrawn = _continue(policy, history, now, {s.account_id: s for s in subjects})
    standing = {account: list(decisions) for account, decisions in _by_account(kept).items()}
    made: list[Decision] = []
    pending: list[Pending] = []
    spared: dict[str, int] = {}
    caps = _Caps(policy, history, now // _DAY)
    for subject in sorted(subjects, key=lambda s: (s.q_value, -(s.share or 0.0), s.account_id)):
        approved = frozenset(
            rule.name for rule in policy.rules if len(_approvers(policy, history, subject.account_id, rule, now)) > 1
        )
        found = judge(subject, policy, approved=approved, lifted=history.lifted.get(subject.account_id))
        if found.pending is not None:
            names = _approvers(policy, history, subject.account_id, found.pending, now)
            pending.append(Pending(subject.account_id, found.pending.name, subject.case, tuple(sorted(names))))
        if found.rule is None or found.rule.action == "allow":
            spared[found.why] = spared.get(found.why, 0) + 1
            continue
        decision = _decide(subject, found, found.rule, policy, caps, history, now, key)
        if any(_covers(live, decision) for live in standing.get(subject.account_id, ())):
            continue
        caps.count(decision)
        made.append(decision)
    return Plan(tuple(made), tuple(kept), tuple(withdrawn), tuple(pending), dict(sorted(spared.items())))


def _approvers(policy: Policy, history: History, account: str, rule: Rule, now: int) -> set[str]:
    """Persons of the policy whose approval still holds; it lapses as a decision would."""
    if rule.action != "block" or policy.two_persons is None:
        return set()
    given = history.approvals.get((account, rule.name), {})
    return {name for name, at in given.items() if name in policy.two_persons.approvers and now - at < policy.expiry}


def _by_account(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for decision in decisions:
        found.setdefault(decision.account_id, []).append(decision)
    return found


def _continue(
    policy: Policy, history: History, now: int, subjects: Mapping[str, Subject]
) -> tuple[list[Decision], list[tuple[Decision, str]]]:
    """The live decisions that go on, and those that do not."""
    rules = {rule.name for rule in policy.rules}
    kept: list[Decision] = []
    withdrawn: list[tuple[Decision, str]] = []
    for account, decisions in sorted(history.live.items()):
        now_in = subjects[account].org_id if account in subjects else None
        for decision in decisions:
            if decision.ends_at <= now:
                continue
            if account in policy.allow.accounts or {now_in, decision.org_id} & policy.allow.organisations:
                withdrawn.append((decision, "allow list"))
            elif decision.rule not in rules:
                withdrawn.append((decision, "rule no longer in the policy"))
            elif decision.touching and not policy.enforce:
                withdrawn.append((decision, "policy only observes"))
            else:
                kept.append(decision)
    return kept, withdrawn


def _covers(live: Decision, new: Decision) -> bool:
    """Whether a decision that goes on makes a new one needless."""
    if live.touching and _RANK[live.action] >= _RANK[new.action]:
        return True
    return live.action == new.action and live.wanted == new.wanted and live.rule == new.rule


class _Caps:
    """How many more accounts may be touched today."""

    def __init__(self, policy: Policy, history: History, day: int) -> None:
        self._caps = policy.caps
        self._touched = set(history.touched.get(day, ()))
        self._blocked = set(history.blocked.get(day, ()))

    def allows(self, account: str, action: str) -> bool:
        """Whether one more may be touched in this way."""
        if action == "block" and account not in self._blocked and len(self._blocked) >= self._caps.blocks_per_day:
            return False
        return account in self._touched or len(self._touched) < self._caps.accounts_per_day

    def count(self, decision: Decision) -> None:
        """Take a decision into account."""
        if decision.touching:
            self._touched.add(decision.account_id)
        if decision.action == "block":
            self._blocked.add(decision.account_id)


def _decide(
    subject: Subject, found: Judgement, rule: Rule, policy: Policy, caps: _Caps, history: History, now: int, key: bytes
) -> Decision:
    treatment, why = rule.treatment(), found.why
    if treatment.action in TOUCHING and not policy.enforce:
        treatment, why = Treatment("observe"), "observing"
    elif treatment.action in TOUCHING and not caps.allows(subject.account_id, treatment.action):
        treatment, why = Treatment("observe"), "cap"
    wait = 0
    if treatment.action in TOUCHING and not _just_over(history, subject.account_id, treatment.action, policy, now):
        share = _draw(key, "delay", subject.account_id, subject.evidence, rule.name)
        wait = policy.delay.least + int(share * (policy.delay.most - policy.delay.least + 1))
    name = _mac(key, "decision", subject.account_id, subject.evidence, rule.name, treatment.action, str(now))
    return Decision(
        decision_id=name[:8].hex(),
        account_id=subject.account_id,
        treatment=treatment,
        wanted=rule.action,
        why=why,
        rule=rule.name,
        campaign_id=subject.campaign_id,
        verdict=subject.verdict,
        q_value=subject.q_value,
        share=subject.share,
        attributed=subject.attributed,
        standing=subject.standing,
        org_id=subject.org_id,
        evidence=subject.evidence,
        case=subject.case,
        exchange_ids=subject.exchange_ids,
        seen_until=subject.seen_until,
        decided_at=now,
        starts_at=now + wait,
        ends_at=now + wait + policy.expiry,
    )


def _just_over(history: History, account: str, action: str, policy: Policy, now: int) -> bool:
    """Whether a decision as grave ended so shortly ago that another delay would only open a gap."""
    return any(
        d.touching and _RANK[d.action] >= _RANK[action] and now - policy.delay.most <= d.ends_at <= now
        for d in history.live.get(account, ())
    )


def _mac(key: bytes, *parts: str) -> bytes:
    # Lengths go in too, so that no two lists of parts read the same.
    text = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (p.encode("utf-8", "surrogatepass") for p in parts))
    return hmac.new(key, text, sha256).digest()


def _draw(key: bytes, *parts: str) -> float:
    """A number in [0, 1) that the key and the parts determine."""
    return int.from_bytes(_mac(key, *parts)[:6], "big") / 2**48
