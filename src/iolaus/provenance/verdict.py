"""What a test found, and what it cannot say."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iolaus.provenance.plan import Plan
from iolaus.provenance.vault import Seal, TwinExchange, Vault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Finding", "Registered", "Tried", "Verdict"]


@dataclass(frozen=True)
class Finding:
    """What the coins of some exchanges say.

    Args:
        exchanges: how many.
        wins: exchanges of these in which the served answer has the most points.
        decided: exchanges in which one answer has the most points.
        total: points of the served answers.
        p_value: chance of such a total or more if the suspect learnt nothing. Exact; for a test that may stop early
            1 / e-value.
        bound: a bound on it that can be checked by hand.
        log_e_value: natural logarithm of the e-value.
        learnt_from: convicted by the plan's rule at its level.
        likely: among the discoveries of e-BH at a false-discovery rate of alpha.
        level: its share of alpha among all accounts, or all campaigns.
    """

    exchanges: int
    wins: int
    decided: int
    total: int
    p_value: float
    bound: float
    log_e_value: float
    learnt_from: bool
    likely: bool
    level: float

    @property
    def e_value(self) -> float:
        """The e-value; infinity where a float cannot hold it."""
        return float(np.exp(min(self.log_e_value, 709.0)))


@dataclass(frozen=True)
class Registered:
    """Where a plan stands.

    Args:
        vault: holds the exchanges and the plan.
        final: the seal that has the plan under it.
        line: number of the plan's line.
        earlier: how many plans the vault held before this one.
    """

    vault: Vault
    final: Seal
    line: int
    earlier: int


@dataclass(frozen=True)
class Tried:
    """What the models said of the exchanges, and what the coins were.

    Args:
        exchanges: n exchanges that were scored, in the order of the test.
        scores: (n, k) by name: ``suspect`` and the references.
        points: (n, k) whole numbers, fixed before the coins were opened.
        served: (n,) positions of the served answers.
        left_out: reasons, by number of the line; none of them knows a coin.
        weights: what of each reference was subtracted from the suspect's scores, in the last batch.
        never_served: two-sided p-values by model on answers that were never served, for grade B.
        queries: to the suspect, about exchanges.
    """

    exchanges: tuple[TwinExchange, ...]
    scores: dict[str, np.ndarray]
    points: np.ndarray
    served: np.ndarray
    left_out: dict[int, str]
    weights: dict[str, float]
    never_served: dict[str, float]
    queries: int


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test on a suspect.

    Args:
        plan: what was registered before the test.
        accused: the suspect learnt from what was served, at the plan's chance of error.
        overall: over all exchanges.
        by_account: by account.
        by_campaign: by campaign of `detect`, where accounts belong to one.
        controls: two-sided p-values of the references put in the suspect's place; they cannot know the coins.
        refused: why nobody is accused whatever the numbers say; empty where there is no reason.
        cannot_conclude: what this test leaves open, in sentences.
        access: what there was to see of the suspect.
        registered, tried: what it was worked out from.
    """

    plan: Plan
    accused: bool
    overall: Finding
    by_account: dict[str, Finding]
    by_campaign: dict[str, Finding]
    controls: dict[str, float]
    refused: tuple[str, ...]
    cannot_conclude: tuple[str, ...]
    access: str
    registered: Registered = field(repr=False)
    tried: Tried = field(repr=False)

    @property
    def p_value(self) -> float:
        """Chance of this or more, if the suspect learnt nothing."""
        return self.overall.p_value

    @property
    def e_value(self) -> float:
        """The e-value over all exchanges."""
        return self.overall.e_value

    def to_json(self) -> dict[str, Any]:
        """The verdict without its working."""
        from iolaus.provenance.casefile import summary

        return summary(self)

    def write(self, path: str | Path, *, signer: "Ed25519PrivateKey | None" = None, redact: bool = False) -> Path:
        """Write the signed case file, and beside it the page and the program that verifies it.

        Args:
            path: such as ``case.json``; the page is ``case.html``, the program ``verify.py``.
            signer: the author's key; without it a fresh one is made, which proves only that the file is whole.
            redact: leave out all prompts, answers and account names.

        Returns:
            The case file's path.
        """
        from iolaus.provenance.casefile import write_case

        return write_case(self, Path(path), signer=signer, redact=redact)
