"""From a method's groups to measures: who is flagged at a threshold, and how that compares with the truth.

The same for every method. A peer's group whose members mostly belong to one openly declared organisation is left out,
as Iolaus leaves such out; no peer knows of organisations by itself, so this is in their favour.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.detection.answers import from_json
from benchmarks.detection.ours import CONVICTED
from benchmarks.detection.scenarios import row_of

__all__ = ["Labels", "Outcome", "Suspicion", "judge", "suspicion"]

_OPEN: Final = 0.5
# An account is mixed when at least this share of what it sends is not harvested.
_COVER: Final = 0.1


class Labels:
    """A range's truth as arrays, by account number.

    Args:
        truth: as ``truth_of`` gives it.
        scenario: name of the range's scenario.
    """

    def __init__(self, truth: dict[str, Any], scenario: str) -> None:
        self.operator = np.array(truth["operator"], np.int64)
        self.kind = np.array(truth["kind"])
        self.org = np.array(truth["org"], np.int64)
        self.sent = np.array(truth["sent"], np.int64)
        self.harvested = np.array(truth["harvested"], np.int64)
        self.rows = [row_of(scenario, design) for design in truth["operators"]]
        self.hydra = self.operator >= 0
        self.mixed = self.hydra & (self.harvested > 0) & (self.sent - self.harvested >= _COVER * self.sent)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a method holds of each account.

    Attributes:
        score: of the most suspect group that holds the account, -inf where none does; shape (accounts,).
        groups: score, account numbers and verdict, those of open organisations left out.
    """

    score: np.ndarray
    groups: list[tuple[float, np.ndarray, str | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One method on one range at its operating point.

    Attributes:
        false_share: benign share of the flagged accounts, 0 where none is flagged.
        campaigns, false_campaigns: groups flagged, and those most of whose accounts are benign.
        recall: share of the accounts flagged, by row.
        joined: share of an operator's flagged accounts in its largest group, mean over operators found, by row.
        kinds: accounts and flagged accounts of each benign kind.
        other_verdicts: benign accounts in campaigns of another verdict.
        mixed: attributed harvested, attributed, and harvested exchanges of flagged mixed accounts.
        harvest: harvested exchanges that are attributed, and all harvested ones.
    """

    false_share: float
    campaigns: int
    false_campaigns: int
    recall: dict[str, float]
    joined: dict[str, float]
    kinds: dict[str, tuple[int, int]]
    other_verdicts: int
    mixed: tuple[int, int, int]
    harvest: tuple[int, int]


def suspicion(labels: Labels, groups: list[dict[str, Any]]) -> Suspicion:
    """The accounts' scores from a cell's groups."""
    score = np.full(labels.operator.size, -np.inf)
    kept = []
    for value, accounts, verdict in from_json(groups):
        members = np.array(accounts, np.int64)
        if members.size == 0 or (verdict is None and _is_open(labels, members)):
            continue
        kept.append((value, members, verdict))
        if verdict in (None, CONVICTED):
            score[members] = np.maximum(score[members], value)
    return Suspicion(score, kept)


def judge(labels: Labels, found: Suspicion, threshold: float | None, attributed: list[list[int]] | None) -> Outcome:
    """Measure one method on one range.

    Args:
        labels: the truth.
        found: what the method holds.
        threshold: groups of this score and above are flagged; None flags nothing.
        attributed: the cell's attributed exchanges by account; None counts all that a flagged account sent.
    """
    limit = np.inf if threshold is None else threshold
    flagged = np.isfinite(found.score) & (found.score >= limit)
    chosen = [m for value, m, verdict in found.groups if verdict in (None, CONVICTED) and value >= limit]
    elsewhere = [m for _, m, verdict in found.groups if verdict not in (None, CONVICTED)]
    others = np.zeros(flagged.size, bool)
    others[np.concatenate([np.zeros(0, np.int64), *elsewhere])] = True
    right, rest = _attribution(labels, flagged, attributed)
    mixed = labels.mixed & flagged
    return Outcome(
        false_share=float((flagged & ~labels.hydra).sum() / max(flagged.sum(), 1)),
        campaigns=len(chosen),
        false_campaigns=sum(bool(labels.hydra[m].mean() < _OPEN) for m in chosen),
        recall=_by_row(labels, flagged),
        joined=_joined(labels, flagged, chosen),
        kinds={
            str(kind): (int((labels.kind == kind).sum()), int((flagged & (labels.kind == kind)).sum()))
            for kind in np.unique(labels.kind[~labels.hydra])
        },
        other_verdicts=int((others & ~labels.hydra & ~flagged).sum()),
        mixed=(int(right[mixed].sum()), int((right + rest)[mixed].sum()), int(labels.harvested[mixed].sum())),
        harvest=(int(right.sum()), int(labels.harvested.sum())),
    )


def _is_open(labels: Labels, members: np.ndarray) -> bool:
    known = labels.org[members]
    known = known[known >= 0]
    return members.size > 1 and known.size > 0 and int(np.bincount(known).max()) > _OPEN * members.size


def _attribution(
    labels: Labels, flagged: np.ndarray, attributed: list[list[int]] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Attributed exchanges of each account: harvested ones and others."""
    if attributed is None:
        return labels.harvested * flagged, (labels.sent - labels.harvested) * flagged
    table = np.array(attributed, np.int64).reshape(-1, 3)
    right, rest = np.zeros_like(labels.sent), np.zeros_like(labels.sent)
    right[table[:, 0]], rest[table[:, 0]] = table[:, 1], table[:, 2]
    return right, rest


def _by_row(labels: Labels, flagged: np.ndarray) -> dict[str, float]:
    """Share of each row's accounts that are flagged; every operator's accounts together."""
    size, hits = Counter[str](), Counter[str]()
    for number, row in enumerate(labels.rows):
        mine = labels.operator == number
        size[row] += int(mine.sum())
        hits[row] += int((mine & flagged).sum())
    return {row: hits[row] / n for row, n in size.items() if n}


def _joined(labels: Labels, flagged: np.ndarray, chosen: list[np.ndarray]) -> dict[str, float]:
    shares: dict[str, list[float]] = {}
    for number, row in enumerate(labels.rows):
        caught = int(((labels.operator == number) & flagged).sum())
        if caught:
            largest = max((int((labels.operator[m] == number).sum()) for m in chosen), default=0)
            shares.setdefault(row, []).append(largest / caught)
    return {row: float(np.mean(values)) for row, values in shares.items()}
