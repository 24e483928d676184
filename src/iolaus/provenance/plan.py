"""A test's plan: everything that could be chosen, fixed and written into the vault before the suspect is asked."""

import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from iolaus.errors import InputError
from iolaus.provenance.betting import KAPPAS, STAKE
from iolaus.provenance.calibrate import CUT, FULL, RIDGE
from iolaus.provenance.scoring import Scoring, queries_each
from iolaus.provenance.vault import Seal, TwinExchange, Vault
from iolaus.provenance.verify import campaigns_digest, selection

__all__ = ["LENGTH", "Plan", "draw_plan"]

# A reference that is always there: an answer's number of characters.
LENGTH: Final = "length"


@dataclass(frozen=True)
class Plan:
    """What is tested, how, and what convicts.

    Args:
        suspect: the suspect's name.
        references: names of the reference models, and LENGTH.
        alpha: chance of a false accusation.
        decide: ``p_value`` tests all exchanges at once; ``e_value`` goes batch by batch and may stop early.
        seal: the seal whose exchanges are tested.
        eligible: numbers of the lines that may be tested.
        exchanges: how many of them are; the seal's root decides which, and in which order.
        candidates: answers to each.
        batch: exchanges scored before the calibration is made anew.
        scoring: how candidates are scored.
        grade: ``A`` where the coins were committed beforehand, ``B`` for twins that were drawn later.
        campaigns: campaign by account, for the accounts under test; a salted hash of it is registered.
        salt: of that hash; empty where there are no campaigns.
        counts: accounts under test that are in a campaign, other accounts under test, and campaigns.
        schema: version of this record.
    """

    suspect: str
    references: tuple[str, ...]
    alpha: float
    decide: Literal["p_value", "e_value"]
    seal: Seal
    eligible: tuple[int, ...]
    exchanges: int
    candidates: int
    batch: int
    scoring: Scoring
    grade: Literal["A", "B"] = "A"
    campaigns: Mapping[str, str] = field(default_factory=dict, repr=False)
    salt: str = field(default="", repr=False)
    counts: tuple[int, int, int] = (0, 0, 0)
    schema: str = field(default="iolaus.plan/2", init=False)

    def chosen(self) -> list[int]:
        """The exchanges under test, in their order."""
        return selection(self.seal.root, list(self.eligible), self.exchanges)

    def to_json(self) -> dict[str, Any]:
        """The plan as it is registered, with every constant that the result depends on."""
        constants = {"ridge": RIDGE, "cut": CUT, "full": FULL, "kappas": list(KAPPAS), "stake": STAKE}
        plain = asdict(self) | {"references": list(self.references), "eligible": list(self.eligible)}
        plain |= {"campaigns": campaigns_digest(self.campaigns, self.salt), "counts": list(self.counts)}
        del plain["salt"]
        return plain | constants | {"root": self.seal.root}


def draw_plan(
    vault: Vault,
    *,
    suspect: str,
    references: Sequence[str],
    scoring: Scoring,
    alpha: float = 1e-6,
    budget: int | None = None,
    decide: Literal["p_value", "e_value"] = "p_value",
    accounts: Collection[str] | None = None,
    batch: int = 100,
    grade: Literal["A", "B"] = "A",
    root: str | None = None,
    campaigns: Mapping[str, str] | None = None,
) -> Plan:
    """Make a plan over what a vault has sealed.

    Exchanges with two equal candidates, an empty one, or another number of candidates than most are not eligible;
    none of this depends on a coin.

    Args:
        vault: sealed at least once.
        suspect: name.
        references: names of the reference models.
        scoring: how candidates are scored.
        alpha: chance of a false accusation.
        budget: most queries to the suspect; None for no bound.
        decide: see `Plan`.
        accounts: test only these accounts' exchanges.
        batch: exchanges in a batch, for ``e_value``.
        grade: see `Plan`.
        root: of the seal whose exchanges are tested, as it was published; None takes the newest.
        campaigns: campaign by account, as `detect` found them.

    Raises:
        InputError: nothing is sealed, or not under this root, nothing is left to test, or a number is out of range.
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, not {alpha}")
    if batch < 1:
        raise InputError(f"a batch must have at least one exchange, not {batch}")
    seals = [seal for seal in vault.seals if not seal.of_plan and root in (None, seal.root)]
    if not seals:
        what = "was never sealed; seal it before a test" if root is None else f"has no seal with the root {root}"
        raise InputError(f"the vault {vault.folder} {what}")
    rows = [e for e in vault.exchanges(seals[-1].size) if e.grade == grade and not e.never_served and _usable(e)]
    rows = [e for e in rows if accounts is None or e.account in accounts]
    if not rows:
        raise InputError(f"the vault {vault.folder} has no sealed exchange of grade {grade} that can be tested")
    wide, _ = Counter(len(e.candidates) for e in rows).most_common(1)[0]
    eligible = tuple(e.seq for e in rows if len(e.candidates) == wide)
    affordable = len(eligible) if budget is None else budget // queries_each(scoring, wide)
    if affordable < 1:
        raise InputError(
            f"a budget of {budget} queries does not pay for one exchange, which costs {queries_each(scoring, wide)}"
        )
    count = min(len(eligible), affordable)
    size = count if decide == "p_value" else min(batch, count)
    names = (*references, LENGTH)
    if len(set(names)) < len(names) or "suspect" in names:
        raise InputError(
            f"the references' names must differ, and none be 'suspect' or '{LENGTH}': {', '.join(references)}"
        )
    chosen = set(selection(seals[-1].root, list(eligible), count))
    tested = {e.account for e in rows if e.seq in chosen and e.account}
    found = {name: campaign for name, campaign in sorted((campaigns or {}).items()) if name in tested and campaign}
    counts = (len(found), len(tested) - len(found), len(set(found.values())))
    salt = secrets.token_hex(16) if found else ""
    return Plan(
        suspect, names, alpha, decide, seals[-1], eligible, count, wide, size, scoring, grade, found, salt, counts
    )


def _usable(exchange: TwinExchange) -> bool:
    """Whether the candidates differ and none is empty; equal answers carry nothing of their coin."""
    return len(set(exchange.candidates)) == len(exchange.candidates) and all(exchange.candidates)
