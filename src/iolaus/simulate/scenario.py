"""Scenarios: what a range holds, as plain frozen values that a benchmark can vary."""

from dataclasses import dataclass
from typing import Final

from iolaus.errors import InputError

__all__ = ["LEVELS", "SCENARIOS", "Scenario", "scenario_named"]

# The evasion ladder, in words.
LEVELS: Final = (
    "naive: shared payment, addresses, sign-up day and one fixed template, around the clock",
    "disjoint payment and addresses",
    "rotation, jitter and load balancing",
    "no shared infrastructure, paraphrased templates, human hours",
    "50 to 95% cover traffic at low rates",
    "staged pools of accounts, replaced after bans, with cover",
    "raw prompts without a template, diluted",
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a range holds.

    Attributes:
        name: what it is called in scenario.json.
        description: one line for the command's help.
        levels: rungs of the ladder (0 to 6) at which operators work; empty for none.
        operators_per_level: None lets it grow with the size of the log, from 2 to 6.
        accounts_per_operator: None derives it from the rate and the operator's share of the log.
        rates: exchanges an account a day, taken in turn by the operators; empty for the level's own range.
        covers: share of cover traffic, taken in turn by the operators; empty for the level's own range.
        days: length of the log.
        start: first day, ISO 8601, UTC.
        hydra_share: share of the exchanges that belong to operators' accounts, cover included.
        hard_negatives: whether the benign kinds that look coordinated are there.
        passages: factor on how many passages prompts paste, which makes them longer.
    """

    name: str
    description: str
    levels: tuple[int, ...] = ()
    operators_per_level: int | None = None
    accounts_per_operator: int | None = None
    rates: tuple[float, ...] = ()
    covers: tuple[float, ...] = ()
    days: int = 14
    start: str = "2026-03-02"
    hydra_share: float = 0.3
    hard_negatives: bool = True
    passages: int = 1

    def __post_init__(self) -> None:
        """Refuse values that make no log.

        Raises:
            InputError: names the value that is out of range.
        """
        if any(not 0 <= level < len(LEVELS) for level in self.levels):
            raise InputError(f"levels must lie between 0 and {len(LEVELS) - 1}, not {list(self.levels)}")
        if not 1 <= self.days <= 366:
            raise InputError(f"days must lie between 1 and 366, not {self.days}")
        if not 0 <= self.hydra_share <= 0.9:
            raise InputError(f"hydra_share must lie between 0 and 0.9, not {self.hydra_share}")
        if any(not 0 <= cover <= 0.99 for cover in self.covers):
            raise InputError(f"covers must lie between 0 and 0.99, not {list(self.covers)}")
        if any(not 0 < rate <= 10_000 for rate in self.rates):
            raise InputError(f"rates must lie between 0 and 10000 a day, not {list(self.rates)}")
        if not 1 <= self.passages <= 50:
            raise InputError(f"passages must lie between 1 and 50, not {self.passages}")
        if (self.operators_per_level or 1) < 1 or (self.accounts_per_operator or 2) < 2:
            raise InputError("operators_per_level must be at least 1 and accounts_per_operator at least 2")


def _registry() -> dict[str, Scenario]:
    own = [
        Scenario(
            "ladder",
            "operators at L0 to L6 inside the benign population, every hard negative present",
            tuple(range(7)),
        ),
        Scenario(
            "scale",
            "the ladder in the proportions of reported campaigns, one account in ten an operator's, with prompts of "
            "700 bytes: 24,000 of 250,000 accounts at 16,000,000 exchanges",
            tuple(range(7)),
            hydra_share=0.12,
            passages=4,
        ),
        Scenario("benign", "the same population without any operator", hydra_share=0.0),
        Scenario(
            "rates",
            "L2 operators at the published rates, 2 to 857 exchanges an account a day",
            (2,),
            operators_per_level=7,
            rates=(2, 13, 26, 46, 469, 733, 857),
            hydra_share=0.4,
        ),
        Scenario(
            "dilution",
            "L4 operators with cover shares 0, 0.5, 0.9 and 0.95",
            (4,),
            operators_per_level=8,
            covers=(0.0, 0.5, 0.9, 0.95),
        ),
    ]
    own += [Scenario(f"l{i}", f"several operators at L{i} ({text})", (i,), 4) for i, text in enumerate(LEVELS)]
    return {s.name: s for s in own}


SCENARIOS: Final = _registry()


def scenario_named(name: str) -> Scenario:
    """The scenario of a name.

    Raises:
        InputError: where there is none, with the names there are.
    """
    if name not in SCENARIOS:
        raise InputError(f"no scenario is called {name!r}; there are {', '.join(sorted(SCENARIOS))}")
    return SCENARIOS[name]
