"""What each kind of access costs, and what it can decide: the planning behind ``iolaus prove plan``."""

from dataclasses import dataclass
from typing import Final

from iolaus.provenance.power import pairs_needed
from iolaus.provenance.scoring import Scoring, Way, queries_each

__all__ = ["Need", "needs"]

# Bonferroni's price in pairs depends on the level alone, so planning needs no more than the corrected level.
_ORDER: Final = (Way.LIKELIHOOD, Way.WALK, Way.FIRST_TOKEN, Way.PREFILL, Way.TEXT)


@dataclass(frozen=True)
class Need:
    """What one kind of access needs.

    Args:
        way: how candidates are scored.
        win_rate: how often the suspect prefers the served answer, seen in this way.
        pairs: exchanges with twins, or None where no number up to the ceiling suffices.
        queries: queries to the suspect, or None.
        decidable: enough exchanges and queries are at hand, as far as that is known.
    """

    way: Way
    win_rate: float
    pairs: int | None
    queries: int | None
    decidable: bool


def needs(
    win_rate: float,
    *,
    alpha: float = 1e-6,
    power: float = 0.95,
    accounts: int = 1,
    at_hand: int | None = None,
    budget: int | None = None,
    scoring: Scoring | None = None,
) -> list[Need]:
    """Pairs and queries by kind of access.

    The win rate is what a kind of access shows, so the pairs are the same for each; what differs is the queries, and
    that poorer access shows lower win rates: docs/provenance.md has measured ones.

    Args:
        win_rate: share of the pairs in which the suspect prefers the served answer.
        alpha: level.
        power: chance of a conviction.
        accounts: accounts or suspects that are tested at once, by Bonferroni.
        at_hand: exchanges with twins that there are.
        budget: queries that there are.
        scoring: steps and draws.
    """
    plain = scoring or Scoring(Way.LIKELIHOOD)
    pairs = pairs_needed(win_rate, alpha / accounts, power)
    found = []
    for way in _ORDER:
        each = queries_each(Scoring(way, plain.length_power, plain.steps, plain.draws), 2)
        queries = None if pairs is None else pairs * each
        enough = pairs is not None and (at_hand is None or pairs <= at_hand)
        affordable = queries is not None and (budget is None or queries <= budget)
        found.append(Need(way, win_rate, pairs, queries, enough and affordable))
    return found
