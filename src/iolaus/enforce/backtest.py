"""Who would have been touched: a policy tried on findings, with nothing recorded and nobody harmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from iolaus.enforce.decision import Decision
from iolaus.enforce.findings import Findings
from iolaus.enforce.plan import History, Pending, plan
from iolaus.enforce.policy import Policy
from iolaus.enforce.snapshot import ACTIONS

__all__ = ["Backtest", "backtest"]

# Delays are drawn, but when an action would have begun is not what a backtest is asked.
_KEY: Final = b"backtest"


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a policy would do on the day on which the log ends, were it enforced and nobody touched before.

    Attributes:
        decisions: one a touched or observed account, the surest first.
        pending: blocks that two persons would have to approve.
        spared: accounts of campaigns that are left alone, by reason.
        accounts: accounts of the log.
        exchanges: of each account in campaigns, its exchanges in the log, None where no log was read.
        orgs: of each account in campaigns, its organisation where known.
    """

    decisions: tuple[Decision, ...]
    pending: tuple[Pending, ...]
    spared: dict[str, int]
    accounts: int
    exchanges: dict[str, int | None]
    orgs: dict[str, str | None]

    def by_action(self) -> list[dict[str, Any]]:
        """For every action that occurs: accounts, their exchanges, those not attributed to a campaign, organisations.

        Exchanges that are not attributed are the ordinary use that the action would have hit as well.
        """
        rows = []
        for action in reversed(ACTIONS):
            hit = [d for d in self.decisions if d.action == action]
            if hit:
                rows.append({"action": action, **self._weights(hit)})
        return rows

    def _weights(self, hit: Sequence[Decision]) -> dict[str, int]:
        return {
            "accounts": len(hit),
            "exchanges": sum(self.exchanges[d.account_id] or 0 for d in hit),
            "not_attributed": sum((self.exchanges[d.account_id] or 0) - (d.attributed or 0) for d in hit),
            "organisations": len({self.orgs[d.account_id] for d in hit} - {None}),
            "capped": sum(d.why == "cap" for d in hit),
        }

    def to_json(self) -> dict[str, Any]:
        """One document for machines."""
        keys = ("account_id", "action", "wanted", "why", "rule", "campaign_id", "verdict", "q_value", "share")
        return {
            "accounts": self.accounts,
            "by_action": self.by_action(),
            "spared": self.spared,
            "pending": [{"account_id": p.account_id, "rule": p.rule} for p in self.pending],
            "decisions": [{key: getattr(d, key) for key in keys} for d in self.decisions],
        }


def backtest(findings: Findings, policy: Policy) -> Backtest:
    """Try a policy on findings as if it were enforced."""
    enforced = policy.model_copy(update={"enforce": True})
    made = plan(findings.subjects, enforced, History(), findings.until, _KEY)
    return Backtest(
        decisions=made.made,
        pending=made.pending,
        spared=made.spared,
        accounts=findings.accounts,
        exchanges={s.account_id: s.exchanges for s in findings.subjects},
        orgs={s.account_id: s.org_id for s in findings.subjects},
    )
