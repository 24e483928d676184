"""What a method answers: groups of accounts with a score, and which exchanges it attributes."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Group", "from_json", "to_json"]


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that a method holds to be one operator's; one account alone where it only scores accounts.

    Attributes:
        accounts: ids.
        score: higher is more suspect, on the method's own scale.
        verdict: what the method calls it; None where it names no verdicts.
    """

    accounts: tuple[str, ...]
    score: float
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """All groups of a method, whatever their score.

    Attributes:
        groups: they may overlap; an account is as suspect as the most suspect group that holds it.
        attributed: ids of the exchanges that the method attributes; None where it judges whole accounts.
    """

    groups: tuple[Group, ...]
    attributed: frozenset[str] | None = None


def to_json(groups: tuple[Group, ...], place: dict[str, int]) -> list[dict[str, Any]]:
    """Groups with accounts by number, as a cell keeps them."""
    return [
        {"score": round(g.score, 9), "accounts": sorted(place[a] for a in g.accounts if a in place)}
        | ({"verdict": g.verdict} if g.verdict else {})
        for g in groups
    ]


def from_json(groups: list[dict[str, Any]]) -> list[tuple[float, list[int], str | None]]:
    """Score, account numbers and verdict of each group."""
    return [(float(g["score"]), [int(a) for a in g["accounts"]], g.get("verdict")) for g in groups]
