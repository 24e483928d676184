"""The measures: recall, false discovery, clusters, attribution, ranking.

Conventions, the same in every number:

* Only accounts that the run saw are judged (those in its accounts.parquet); accounts of the truth that are
  absent from it are counted as ``unseen_accounts`` and are not missed. An account of the run that the truth
  does not know is benign.
* Exchanges after the run's ``until`` are left out, where the truth has timestamps beside it; otherwise all
  are judged.
* *Flagged*: in any campaign. *Convicted*: in a campaign whose verdict is ``distillation_campaign``.
* A share of nothing is None, never 0 or 1.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType

from iolaus.score.read import CONVICTED, Found, Truth, read_found, read_truth
from iolaus.score.series import leaked_before_flag
from iolaus.score.statistics import average_precision, b_cubed, ratio, roc_auc
from iolaus.score.table import draw

__all__ = ["Kind", "Level", "Score", "score"]

_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Level:
    """One rung of the ladder.

    Attributes:
        operators: with at least one account seen; found: of those, found by any campaign; convicted: by a
            convicted one.
            An operator is found when one campaign holds at least half of its seen accounts, and at least
            half of that campaign's accounts are the operator's.
        accounts, flagged, convicted_accounts: hydra accounts seen, flagged, convicted.
        harvested, attributed: harvested exchanges in the judged time, and those of them that were attributed.
    """

    operators: int
    found: int
    convicted: int
    accounts: int
    flagged: int
    convicted_accounts: int
    harvested: int
    attributed: int

    def to_json(self) -> dict[str, Any]:
        """The counts and their shares."""
        return {
            "operators": self.operators,
            "operators_found": self.found,
            "operators_convicted": self.convicted,
            "campaign_recall": ratio(self.found, self.operators),
            "accounts": self.accounts,
            "accounts_flagged": self.flagged,
            "accounts_convicted": self.convicted_accounts,
            "account_recall": ratio(self.convicted_accounts, self.accounts),
            "account_recall_any": ratio(self.flagged, self.accounts),
            "harvested": self.harvested,
            "harvested_attributed": self.attributed,
            "exchange_recall": ratio(self.attributed, self.harvested),
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """One benign kind: accounts seen, flagged (in any campaign), harmed (in a distillation campaign)."""

    accounts: int
    flagged: int
    harmed: int

    def to_json(self) -> dict[str, Any]:
        """The counts, and per million accounts of the kind."""
        return {
            "accounts": self.accounts,
            "flagged": self.flagged,
            "harmed": self.harmed,
            "flagged_per_million": _million(self.flagged, self.accounts),
            "harmed_per_million": _million(self.harmed, self.accounts),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """How a detector's folder compares with the truth.

    Attributes:
        levels: by name, sorted.
        kinds: benign kinds by name, sorted.
        convicted, convicted_benign: accounts in distillation campaigns, and the benign among them.
        campaigns, false_campaigns: distillation campaigns, and those most of whose accounts are benign.
        any_campaigns, any_false_campaigns: the same over campaigns of every verdict.
        clusters: B-cubed precision, recall and F1 over accounts that are hydra or flagged.
        attributed, attributed_harvested: exchanges attributed, and the harvested among them.
        ranking: average precision and ROC AUC of the account score.
        unseen_accounts: accounts of the truth that the run did not see.
        judged_until: last instant judged, µs since 1970; None for all.
        leak: what ``leaked_before_flag`` gives; None where no series of runs was scored.
    """

    levels: dict[str, Level]
    kinds: dict[str, Kind]
    convicted: int
    convicted_benign: int
    campaigns: int
    false_campaigns: int
    any_campaigns: int
    any_false_campaigns: int
    clusters: dict[str, float | None]
    attributed: int
    attributed_harvested: int
    ranking: dict[str, float | None]
    unseen_accounts: int
    judged_until: int | None
    leak: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """All measures as one JSON object."""
        levels = list(self.levels.values())
        kinds = list(self.kinds.values())
        total = Level(*(sum(getattr(x, f) for x in levels) for f in Level.__slots__)).to_json()
        benign = Kind(*(sum(getattr(x, f) for x in kinds) for f in Kind.__slots__)).to_json()
        return {
            "schema": "iolaus.score/1",
            "levels": {name: level.to_json() for name, level in self.levels.items()},
            "overall": total,
            "benign": benign,
            "benign_kinds": {name: kind.to_json() for name, kind in self.kinds.items()},
            "false_discovery": {
                "accounts_convicted": self.convicted,
                "accounts_convicted_benign": self.convicted_benign,
                "account_proportion": ratio(self.convicted_benign, self.convicted),
                "campaigns": self.campaigns,
                "campaigns_false": self.false_campaigns,
                "campaign_proportion": ratio(self.false_campaigns, self.campaigns),
                "campaigns_any_verdict": self.any_campaigns,
                "campaigns_any_verdict_false": self.any_false_campaigns,
            },
            "b_cubed": self.clusters,
            "exchanges": {
                "attributed": self.attributed,
                "attributed_harvested": self.attributed_harvested,
                "precision": ratio(self.attributed_harvested, self.attributed),
                "recall": total["exchange_recall"],
            },
            "account_score": self.ranking,
            "unseen_accounts": self.unseen_accounts,
            "judged_until_us": self.judged_until,
            "leak": self.leak,
        }

    def table(self) -> RenderableType:
        """The levels, the benign kinds and the overall measures for the terminal."""
        return draw(self.to_json())


def score(found: Path, truth: Path, series: Sequence[Path] = ()) -> Score:
    """Compare what a detector wrote with the labels of a range.

    Args:
        found: the detector's folder (accounts.parquet, exchanges.parquet, campaigns.json).
        truth: the range's folder (truth_accounts.parquet, truth_exchanges.parquet; scenario.json gives the
            levels and exchanges.parquet the instants, where they are there).
        series: folders of runs with several ``--until``, for what leaked before the first flag.

    Returns:
        Every measure; shares that are undefined are None.

    Raises:
        InputError: where a file is missing or cannot be used.
    """
    seen, labels = read_found(found), read_truth(truth)
    members = _members(seen)
    operator_of = {a: labels.operator_of.get(a) for a in seen.score_of}
    harvested = _judged(seen, labels)
    convicted = [a for a, v in seen.verdict_of.items() if v == CONVICTED]
    verdict = {str(c["campaign_id"]): c.get("verdict") for c in seen.campaigns}
    false = {c for c, accounts in members.items() if _mostly_benign(accounts, operator_of)}
    known = set(labels.exchanges)
    attributed = [e for e in seen.attributed if e in known]
    ranked = sorted(seen.score_of)
    return Score(
        levels=_levels(seen, labels, members, operator_of, harvested),
        kinds=_kinds(seen, labels),
        convicted=len(convicted),
        convicted_benign=sum(operator_of.get(a) is None for a in convicted),
        campaigns=sum(verdict.get(c) == CONVICTED for c in members),
        false_campaigns=sum(verdict.get(c) == CONVICTED for c in false),
        any_campaigns=len(members),
        any_false_campaigns=len(false),
        clusters=b_cubed(operator_of, seen.campaign_of),
        attributed=len(attributed),
        attributed_harvested=sum(e in harvested for e in attributed),
        ranking=_ranking([seen.score_of[a] for a in ranked], [operator_of[a] is not None for a in ranked]),
        unseen_accounts=sum(a not in seen.score_of for a in labels.operator_of),
        judged_until=seen.until,
        leak=leaked_before_flag(series, truth) if series else None,
    )


def _members(found: Found) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for account, campaign in sorted(found.campaign_of.items()):
        out.setdefault(campaign, []).append(account)
    return out


def _mostly_benign(accounts: list[str], operator_of: dict[str, str | None]) -> bool:
    return sum(operator_of.get(a) is None for a in accounts) > _HALF * len(accounts)


def _judged(found: Found, truth: Truth) -> dict[str, str]:
    """Harvested exchanges in the judged time, with their operators."""
    if truth.instants is None or found.until is None:
        return truth.harvested
    instants, until = truth.instants, found.until
    return {e: o for e, o in truth.harvested.items() if instants.get(e, until) <= until}


def _levels(
    found: Found,
    truth: Truth,
    members: dict[str, list[str]],
    operator_of: dict[str, str | None],
    harvested: dict[str, str],
) -> dict[str, Level]:
    verdict = {str(c["campaign_id"]): c.get("verdict") for c in found.campaigns}
    hydra = {a: o for a, o in operator_of.items() if o is not None}
    size = Counter(hydra.values())
    hits, sure = set(), set()
    for campaign, accounts in members.items():
        for operator, n in Counter(hydra[a] for a in accounts if a in hydra).items():
            if n >= _HALF * size[operator] and n >= _HALF * len(accounts):
                hits.add(operator)
                if verdict.get(campaign) == CONVICTED:
                    sure.add(operator)
    level = {o: truth.level_of.get(o, "all") for o in {*size, *harvested.values()}}
    return {
        name: Level(
            operators=sum(level[o] == name for o in size),
            found=sum(level[o] == name for o in hits),
            convicted=sum(level[o] == name for o in sure),
            accounts=sum(level[o] == name for o in hydra.values()),
            flagged=sum(level[o] == name for a, o in hydra.items() if a in found.campaign_of),
            convicted_accounts=sum(level[o] == name for a, o in hydra.items() if found.verdict_of.get(a) == CONVICTED),
            harvested=sum(level[o] == name for o in harvested.values()),
            attributed=sum(level[o] == name for e, o in harvested.items() if e in found.attributed),
        )
        for name in sorted(set(level.values()))
    }


def _kinds(found: Found, truth: Truth) -> dict[str, Kind]:
    benign = {a: truth.kind_of.get(a, "unlabelled") for a in found.score_of if truth.operator_of.get(a) is None}
    return {
        kind: Kind(
            accounts=sum(k == kind for k in benign.values()),
            flagged=sum(k == kind for a, k in benign.items() if a in found.campaign_of),
            harmed=sum(k == kind for a, k in benign.items() if found.verdict_of.get(a) == CONVICTED),
        )
        for kind in sorted(set(benign.values()))
    }


def _ranking(scores: list[float], hydra: list[bool]) -> dict[str, float | None]:
    return {"average_precision": average_precision(scores, hydra), "auc": roc_auc(scores, hydra)}


def _million(count: int, of: int) -> float | None:
    share = ratio(count, of)
    return None if share is None else round(share * 1e6, 3)
