"""A decision: what is done to an account, why, from when until when."""

from dataclasses import asdict, dataclass
from typing import Any

from iolaus.enforce.snapshot import TOUCHING, Row, Treatment

__all__ = ["Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as the audit log keeps it; instants are whole seconds since 1970 UTC.

    Attributes:
        decision_id: 16 hex digits; what a refused caller is told, and what an appeal names.
        account_id: whom it touches.
        treatment: what is done.
        wanted: the action that the rule asks for; graver than what is done while the policy only observes, or where a
            cap was reached.
        why: ``rule``, ``observing`` or ``cap``.
        rule: name of the rule.
        campaign_id: campaign in the findings.
        verdict: on the campaign.
        q_value: of the campaign.
        share: of the account's traffic that is the campaign's, None where unknown.
        attributed: exchanges of the account that are the campaign's, None where unknown.
        standing: of the account.
        org_id: of the account, None where unknown.
        evidence: digest of what speaks against the account.
        case: digest of the campaign's evidence, which has an entry of its own in the log.
        exchange_ids: a few of the account's attributed exchanges.
        seen_until: time of the newest exchange that was looked at.
        decided_at: when.
        starts_at: first second at which it holds.
        ends_at: first second at which it no longer does.
    """

    decision_id: str
    account_id: str
    treatment: Treatment
    wanted: str
    why: str
    rule: str
    campaign_id: str
    verdict: str
    q_value: float
    share: float | None
    attributed: int | None
    standing: str
    org_id: str | None
    evidence: str
    case: str
    exchange_ids: tuple[str, ...]
    seen_until: int
    decided_at: int
    starts_at: int
    ends_at: int

    @property
    def action(self) -> str:
        """What is done."""
        return self.treatment.action

    @property
    def touching(self) -> bool:
        """Whether the caller can notice it."""
        return self.action in TOUCHING

    def row(self) -> Row:
        """As the gateway sees it."""
        return Row(self.account_id, self.decision_id, self.starts_at, self.ends_at, self.treatment)

    def to_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> "Decision":
        """Read back what `to_json` gave; keys beyond it are ignored.

        Raises:
            KeyError, TypeError: something is missing.
        """
        plain = {name: item[name] for name in cls.__dataclass_fields__}
        plain |= {"treatment": Treatment(**item["treatment"]), "exchange_ids": tuple(item["exchange_ids"])}
        return cls(**plain)
