"""What a policy says about one account. A pure function: nothing is read, nothing is kept."""

from dataclasses import dataclass

from iolaus.enforce.policy import Condition, Policy, Rule, Standing

__all__ = ["Judgement", "Lifted", "Subject", "judge"]


@dataclass(frozen=True, slots=True)
class Subject:
    """An account of a campaign, as the findings show it; instants are seconds since 1970 UTC.

    Attributes:
        account_id: the account.
        campaign_id: its gravest campaign.
        verdict: on that campaign.
        q_value: of that campaign.
        share: of the account's exchanges, those attributed to the campaign; None where no log was given.
        attributed: how many those are; None where no log was given.
        exchanges: all of the account's; None where no log was given.
        standing: from the account table.
        org_id: from the account table.
        evidence: digest of what speaks against the account.
        case: digest of the campaign's evidence, under which the audit log keeps it.
        exchange_ids: a few of the account's attributed exchanges.
        seen_until: time of the newest exchange that was looked at.
        attributed_after: for an account that was once lifted on appeal, its attributed exchanges since the evidence
            that was lifted; None where no log was given.
    """

    account_id: str
    campaign_id: str
    verdict: str
    q_value: float
    share: float | None = None
    attributed: int | None = None
    exchanges: int | None = None
    standing: Standing = "unknown"
    org_id: str | None = None
    evidence: str = ""
    case: str = ""
    exchange_ids: tuple[str, ...] = ()
    seen_until: int = 0
    attributed_after: int | None = None


@dataclass(frozen=True, slots=True)
class Lifted:
    """Evidence that an appeal set aside: its digests, and the time until which it reaches."""

    evidence: frozenset[str]
    until: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policy says.

    Attributes:
        rule: the rule that decides, None where none fits.
        why: ``rule``, ``no rule``, ``allow list`` or ``lifted on appeal``.
        pending: a block that two persons have yet to approve.
    """

    rule: Rule | None
    why: str
    pending: Rule | None = None


def judge(
    subject: Subject, policy: Policy, *, approved: frozenset[str] = frozenset(), lifted: Lifted | None = None
) -> Judgement:
    """Judge an account.

    Args:
        subject: the account and what was found about it.
        policy: the rules.
        approved: names of the block rules that two persons have approved for this account.
        lifted: what an appeal of this account has set aside.
    """
    if subject.account_id in policy.allow.accounts or subject.org_id in policy.allow.organisations:
        return Judgement(None, "allow list")
    if lifted is not None and not _new_evidence(subject, policy, lifted):
        return Judgement(None, "lifted on appeal")
    pending: Rule | None = None
    for rule in policy.rules:
        if not _fits(subject, rule.when):
            continue
        if rule.action == "block" and policy.two_persons is not None and rule.name not in approved:
            pending = pending or rule
            continue
        return Judgement(rule, "rule", pending)
    return Judgement(None, "no rule", pending)


def _fits(subject: Subject, when: Condition) -> bool:
    """Whether all of a condition holds; what is not known never speaks against an account."""
    return (
        subject.verdict in when.verdict
        and subject.q_value <= when.q_value_at_most
        and subject.standing in when.standing
        and _reaches(subject.share, when.traffic_share_at_least)
        and _reaches(subject.attributed, when.attributed_at_least)
    )


def _reaches(value: float | None, least: float) -> bool:
    return least <= 0 or (value is not None and value >= least)


def _new_evidence(subject: Subject, policy: Policy, lifted: Lifted) -> bool:
    """Whether enough has come since an appeal; without a log that can't be shown, and the appeal stands."""
    if subject.evidence in lifted.evidence or subject.seen_until <= lifted.until:
        return False
    return subject.attributed_after is not None and subject.attributed_after >= policy.new_evidence_at_least
