"""What the page shows, worked out before any markup is written."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from iolaus.campaign import Campaign, Casebook, Dossier, Evidence, Member, Sample, Template
from iolaus.report.graph import GraphView, graph_view
from iolaus.report.odds import METADATA
from iolaus.report.printable import plural, share
from iolaus.report.redact import by_harvest
from iolaus.report.timeline import TimelineView, timeline_view
from iolaus.report.words import (
    AXES,
    LOOKED_FOR,
    Strength,
    VerdictWords,
    capability_words,
    chance_words,
    missing_words,
    q_words,
    signal_words,
    strength_of,
    verdict_words,
)

__all__ = ["AxisView", "CampaignView", "EvidenceView", "PageView", "SlotView", "TemplateView", "page_view"]

# One campaign shows this much; many campaigns share out a page's worth.
_MOST_ROWS: Final = 500
_PAGE_ROWS: Final = 10_000
_MOST_DOTS: Final = 150
_PAGE_DOTS: Final = 3_000


@dataclass(frozen=True, slots=True)
class AxisView:
    """One axis: its name, the question it answers, the score, and the p-value in words."""

    key: str
    title: str
    question: str
    score: float
    p_value: float
    strength: Strength


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One piece of evidence with its p-value in words."""

    found: Evidence
    title: str
    gloss: str
    chance: str
    strength: Strength
    metadata: bool


@dataclass(frozen=True, slots=True)
class SlotView:
    """A run of a template: words that stay, or a lettered slot with fillings."""

    letter: str
    text: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A template and its lettered slots."""

    template: Template
    parts: tuple[SlotView, ...]


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign, ready to be written out. Without a dossier only the row in the ranking is shown."""

    rank: int
    anchor: str
    campaign: Campaign
    words: VerdictWords
    lede: str
    sureness: str
    axes: tuple[AxisView, ...]
    capabilities: tuple[tuple[str, float], ...]
    evidence: tuple[EvidenceView, ...]
    templates: tuple[TemplateView, ...]
    samples: tuple[Sample, ...]
    rows: tuple[Member, ...]
    timeline: TimelineView | None
    graph: GraphView | None
    clearing: tuple[str, ...]
    has_dossier: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page."""

    redacted: bool
    casebook: Casebook
    headline: str
    tally: tuple[tuple[str, str, str], ...]
    missing: tuple[tuple[str, str], ...]
    looked_for: tuple[tuple[str, str], ...]
    campaigns: tuple[CampaignView, ...]


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"S{number + 1}"


def _template(template: Template) -> TemplateView:
    parts, slots = [], 0
    for part in template.parts:
        parts.append(SlotView(_letter(slots) if part.slot else "", part.text, part.examples))
        slots += part.slot
    return TemplateView(template, tuple(parts))


def _evidence(found: Evidence) -> EvidenceView:
    title, gloss = signal_words(found.kind)
    strength = strength_of(found.p_value, found.kind)
    return EvidenceView(found, title, gloss, chance_words(found.p_value), strength, found.kind in METADATA)


def _axes(campaign: Campaign) -> tuple[AxisView, ...]:
    return tuple(
        AxisView(key, title, question, axis.score, axis.p_value, strength_of(axis.p_value, key))
        for key, title, question in AXES
        if (axis := campaign.axes.get(key)) is not None
    )


def _lede(campaign: Campaign, dossier: Dossier | None) -> str:
    """What the accounts sent besides; empty where nothing, or where it is not known of all of them."""
    if dossier is None or len(dossier.members) != len(campaign.accounts):
        return ""
    sent = sum(member.exchange_count for member in dossier.members)
    taken = sum(member.harvested_count for member in dossier.members)
    if not 0 < taken < sent:
        return ""
    return (
        f"The accounts sent {plural(sent, 'exchange')} in all; {share(taken / sent)} is attributed to the "
        "campaign, and the rest, unrelated or sent as cover, is left out."
    )


def _campaign(rank: int, campaign: Campaign, dossier: Dossier | None, rows: int, dots: int) -> CampaignView:
    members = dossier.members if dossier else ()
    return CampaignView(
        rank=rank,
        anchor=f"campaign-{rank}",
        campaign=campaign,
        words=verdict_words(campaign.verdict),
        lede=_lede(campaign, dossier),
        sureness=q_words(campaign.q_value),
        axes=_axes(campaign),
        capabilities=tuple(
            (capability_words(name), value)
            for name, value in sorted(campaign.capabilities.items(), key=lambda item: (-item[1], item[0]))
        ),
        evidence=tuple(_evidence(found) for found in campaign.evidence),
        templates=tuple(_template(template) for template in dossier.templates) if dossier else (),
        samples=dossier.samples if dossier else (),
        rows=tuple(by_harvest(members)[:rows]),
        timeline=timeline_view(dossier.timeline) if dossier else None,
        graph=graph_view(dossier, dots) if dossier and members else None,
        clearing=dossier.clearing if dossier else (),
        has_dossier=dossier is not None,
    )


def _tally(campaigns: tuple[Campaign, ...]) -> tuple[tuple[str, str, str], ...]:
    """Each verdict that was given: its name, its mark, and how often, in words."""
    given = Counter(campaign.verdict for campaign in campaigns)
    out = []
    for verdict, number in given.items():
        words = verdict_words(verdict)
        ending = "s" if number != 1 and words.label.endswith("campaign") else ""
        out.append((verdict, words.mark, f"{number:,} {words.label.lower()}{ending}"))
    return tuple(out)


def page_view(casebook: Casebook, redacted: bool) -> PageView:
    """Work out the whole page.

    Args:
        casebook: what to show; already without texts and ids where ``redacted``.
        redacted: whether to say so on the page.
    """
    found = casebook.detection.campaigns
    dossiers = {dossier.campaign.campaign_id: dossier for dossier in casebook.dossiers}
    rows = max(25, min(_MOST_ROWS, _PAGE_ROWS // max(len(found), 1)))
    dots = max(30, min(_MOST_DOTS, _PAGE_DOTS // max(len(found), 1)))
    return PageView(
        redacted=redacted,
        casebook=casebook,
        headline=f"{plural(len(found), 'campaign')} found" if found else "No campaign found",
        tally=_tally(found),
        missing=tuple(missing_words(name) for name in casebook.detection.signals_missing),
        looked_for=LOOKED_FOR,
        campaigns=tuple(
            _campaign(rank, campaign, dossiers.get(campaign.campaign_id), rows, dots)
            for rank, campaign in enumerate(found, start=1)
        ),
    )
