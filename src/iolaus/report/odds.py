"""From p-values to log-odds: what a campaign's evidence can say at most, step by step."""

import math
from dataclasses import dataclass
from typing import Final

from iolaus.campaign import Campaign
from iolaus.stats import log_odds_bound

__all__ = ["METADATA", "METADATA_CAP", "PRIOR", "Step", "ledger"]

# One group in a thousand, before any evidence is looked at.
PRIOR: Final = -math.log(999)
# What a client can write as it likes, and what strangers share behind one address, never convicts alone.
METADATA: Final = frozenset({"infrastructure"})
METADATA_CAP: Final = math.log(20)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall, in nats.

    Attributes:
        kind: the signal's name; ``prior`` for the first step.
        statement: the evidence's sentence.
        p_value: None for the prior.
        bound: what the p-value could say at most.
        counted: what is counted of it; less than ``bound`` where metadata are capped.
        before: the log-odds before the step.
        after: the log-odds after it.
    """

    kind: str
    statement: str
    p_value: float | None
    bound: float
    counted: float
    before: float
    after: float


def ledger(campaign: Campaign, prior: float = PRIOR) -> tuple[Step, ...]:
    """The campaign's evidence as steps of log-odds, in its own order, the prior first.

    The evidence is added as if independent. All metadata evidence together counts for ``METADATA_CAP`` at
    most.
    """
    steps = [Step("prior", "What is held before any evidence.", None, prior, prior, 0.0, prior)]
    room = METADATA_CAP
    for found in campaign.evidence:
        bound = log_odds_bound(found.p_value)
        counted = bound
        if found.kind in METADATA:
            counted = min(bound, room)
            room -= counted
        before = steps[-1].after
        steps.append(Step(found.kind, found.statement, found.p_value, bound, counted, before, before + counted))
    return tuple(steps)
