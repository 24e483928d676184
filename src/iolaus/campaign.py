"""The nouns a run hands on: evidence, campaigns, and the dossier that a report draws from.

Everything here is plain, frozen and ordered, so that the same findings always print the same bytes.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iolaus.errors import InputError
from iolaus.schema import CAMPAIGNS_SCHEMA

__all__ = [
    "Axis",
    "Campaign",
    "Casebook",
    "Detection",
    "Dossier",
    "Evidence",
    "GraphEdge",
    "Member",
    "Sample",
    "Template",
    "TemplatePart",
    "Timeline",
    "read_detection",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding that speaks for (or against) a campaign.

    Attributes:
        kind: name of the signal that found it, such as ``families``.
        statement: one plain sentence for an analyst; it holds counts, never prompt text.
        p_value: under the null that the signal's documentation states, in (0, 1].
        exchange_ids: a few exchanges that show it, sorted.
        account_ids: a few accounts that show it, sorted.
    """

    kind: str
    statement: str
    p_value: float
    exchange_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """How a cluster stands on one axis: a score in [0, 1] and the p-value of the axis's null."""

    score: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Campaign:
    """A cluster judged coordinated, as the contract writes it."""

    campaign_id: str
    verdict: str
    q_value: float
    score: float
    accounts: tuple[str, ...]
    exchange_count: int
    input_tokens: int | None
    output_tokens: int | None
    first_seen: str
    last_seen: str
    axes: dict[str, Axis]
    capabilities: dict[str, float]
    evidence: tuple[Evidence, ...]

    def to_json(self) -> dict[str, Any]:
        """The campaign as the contract's JSON object, floats rounded to 9 significant digits."""
        return {
            "campaign_id": self.campaign_id,
            "verdict": self.verdict,
            "q_value": _round(self.q_value),
            "score": _round(self.score),
            "accounts": list(self.accounts),
            "exchange_count": self.exchange_count,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "axes": {
                name: {"score": _round(axis.score), "p_value": _round(axis.p_value)}
                for name, axis in sorted(self.axes.items())
            },
            "capabilities": {name: _round(share) for name, share in sorted(self.capabilities.items())},
            "evidence": [
                {
                    "kind": e.kind,
                    "statement": e.statement,
                    "p_value": _round(e.p_value),
                    "exchange_ids": list(e.exchange_ids),
                    "account_ids": list(e.account_ids),
                }
                for e in self.evidence
            ],
        }


@dataclass(frozen=True, slots=True)
class Detection:
    """What one run found: the whole of campaigns.json."""

    until: str
    exchanges: int
    accounts: int
    signals_missing: tuple[str, ...]
    campaigns: tuple[Campaign, ...]

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON document."""
        return {
            "schema": CAMPAIGNS_SCHEMA,
            "until": self.until,
            "exchanges": self.exchanges,
            "accounts": self.accounts,
            "signals_missing": list(self.signals_missing),
            "campaigns": [c.to_json() for c in self.campaigns],
        }


def read_detection(path: Path) -> Detection:
    """Read a campaigns.json back.

    Raises:
        InputError: the file is not there or is not what ``detect`` writes.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != CAMPAIGNS_SCHEMA:
            raise InputError(f"{path} follows schema {document['schema']!r}, not {CAMPAIGNS_SCHEMA!r}")
        return Detection(
            until=document["until"],
            exchanges=document["exchanges"],
            accounts=document["accounts"],
            signals_missing=tuple(document["signals_missing"]),
            campaigns=tuple(_campaign(item) for item in document["campaigns"]),
        )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a campaigns.json of this version") from error


def _campaign(item: dict[str, Any]) -> Campaign:
    plain = {k: v for k, v in item.items() if k not in ("accounts", "axes", "evidence")}
    evidence = tuple(
        Evidence(e["kind"], e["statement"], e["p_value"], tuple(e["exchange_ids"]), tuple(e["account_ids"]))
        for e in item["evidence"]
    )
    axes = {name: Axis(**axis) for name, axis in item["axes"].items()}
    return Campaign(**plain, accounts=tuple(item["accounts"]), axes=axes, evidence=evidence)


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """A run of words that stay (``slot`` false) or a place where the filling changes.

    For a slot, ``text`` is empty and ``examples`` holds up to three fillings, each cut to 80 characters.
    """

    slot: bool
    text: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt family of a campaign: its words that stay, its slots, and its use."""

    family: str
    parts: tuple[TemplatePart, ...]
    exchange_count: int
    account_count: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One harvested exchange shown as an example; texts are cut to 600 characters."""

    exchange_id: str
    account_id: str
    timestamp: str
    prompt: str
    response: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A campaign over time, in bins of equal width; every tuple has one value a bin."""

    start_us: int
    bin_us: int
    harvested: tuple[int, ...]
    cover: tuple[int, ...]
    active_accounts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One account of a campaign; instants are ISO 8601 UTC, None where unknown."""

    account_id: str
    exchange_count: int
    harvested_count: int
    first_seen: str
    last_seen: str
    created_at: str | None = None
    closed_at: str | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A link between two accounts of a campaign: weight in log-odds, and the signal it came from."""

    source: str
    target: str
    weight: float
    kind: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a report shows of one campaign beyond the contract's fields."""

    campaign: Campaign
    templates: tuple[Template, ...]
    samples: tuple[Sample, ...]
    timeline: Timeline
    members: tuple[Member, ...]
    edges: tuple[GraphEdge, ...]
    clearing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Casebook:
    """A detection with its dossiers, in the campaigns' order."""

    detection: Detection
    dossiers: tuple[Dossier, ...]
    rejected: int = 0
    notes: tuple[str, ...] = field(default=())


def _round(value: float) -> float:
    return float(f"{value:.9g}")
