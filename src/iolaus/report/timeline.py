"""A campaign's timeline as shapes to be drawn: bars of exchanges, and a line of active accounts."""

import math
from dataclasses import dataclass
from typing import Final

from iolaus.campaign import Timeline
from iolaus.report.printable import count, instant_us, plural, span_of

__all__ = ["Bar", "Tick", "TimelineView", "timeline_view"]

# The drawing's own units; it is stretched to the width of the page.
WIDTH: Final = 1000.0
HEIGHT: Final = 100.0
_MOST_BINS: Final = 180
_HOUR: Final = 3_600_000_000
# Widths between labels, in hours.
_STEPS: Final = (1, 2, 3, 6, 12, 24, 48, 72, 168, 336)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin: where it lies, how high its parts are, and what it says."""

    x: float
    width: float
    harvested: float
    cover: float
    title: str

    @property
    def harvested_y(self) -> float:
        """Top of the harvested part."""
        return round(HEIGHT - self.harvested, 2)

    @property
    def cover_y(self) -> float:
        """Top of the cover part, which stands on the harvested part."""
        return round(HEIGHT - self.harvested - self.cover, 2)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place in percent of its axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class TimelineView:
    """Everything that the drawing of a timeline needs."""

    bars: tuple[Bar, ...]
    active_path: str
    exchange_ticks: tuple[Tick, ...]
    account_ticks: tuple[Tick, ...]
    time_ticks: tuple[Tick, ...]
    bin_width: str
    summary: str
    has_cover: bool


def _merged(timeline: Timeline) -> tuple[int, list[int], list[int], list[int]]:
    """Neighbouring bins joined until few enough are left to draw; active accounts keep their peak."""
    bins = min(len(timeline.harvested), len(timeline.cover), len(timeline.active_accounts))
    factor = max(1, math.ceil(bins / _MOST_BINS))
    starts = range(0, bins, factor)
    harvested = [sum(timeline.harvested[i : min(i + factor, bins)]) for i in starts]
    cover = [sum(timeline.cover[i : min(i + factor, bins)]) for i in starts]
    active = [max(timeline.active_accounts[i : min(i + factor, bins)]) for i in starts]
    return timeline.bin_us * factor, harvested, cover, active


def _ceiling(peak: int) -> int:
    """The least round number that is not below the peak: 1, 2, 4, 5, 6, 8 times a power of ten."""
    if peak <= 1:
        return 1
    size = int(10 ** int(math.log10(peak)))
    return next(step * size for step in (1, 2, 4, 5, 6, 8, 10) if step * size >= peak)


def _value_ticks(top: int) -> tuple[Tick, ...]:
    middle = (Tick(50.0, count(top // 2)),) if top % 2 == 0 else ()
    return (Tick(0.0, count(top)), *middle, Tick(100.0, "0"))


def _time_ticks(start: int, width: int, bins: int) -> tuple[Tick, ...]:
    """Labels at round hours or midnights, at most seven; the start alone where none falls inside."""
    span = width * bins
    if not span:
        return ()
    step = next((h * _HOUR for h in _STEPS if span <= 7 * h * _HOUR), -(-span // (7 * 24 * _HOUR)) * 24 * _HOUR)
    form = "%d %b" if step >= 24 * _HOUR else "%d %b %H:%M"
    first = -(-start // step) * step
    # A label further right would leave the drawing.
    places = [at for at in range(first, start + span, step) if at - start < 0.94 * span] or [start]
    return tuple(Tick(round(100 * (at - start) / span, 2), instant_us(at, form)) for at in places)


def _steps(active: list[int], top: int) -> str:
    """An SVG path that holds each bin's value over the bin's whole width."""
    width = WIDTH / max(len(active), 1)
    parts = []
    for i, value in enumerate(active):
        y = HEIGHT - HEIGHT * value / top
        parts.append(f"{'M' if i == 0 else 'L'}{i * width:.1f} {y:.1f}H{(i + 1) * width:.1f}")
    return "".join(parts)


def _summary(start: int, width: int, harvested: list[int], cover: list[int], active: list[int]) -> str:
    if not any(harvested) and not any(cover):
        return "No exchange falls into the time shown."
    peak = max(range(len(harvested)), key=lambda i: (harvested[i], -i))
    span = span_of(width)
    text = (
        f"At its height {plural(harvested[peak], 'exchange')} "
        f"{'was' if harvested[peak] == 1 else 'were'} harvested in the {span} from "
        f"{instant_us(start + peak * width)} UTC; at most {plural(max(active), 'account')} active in one "
        f"{span if span[0].isalpha() else 'span of ' + span}."
    )
    idle = sum(1 for h, c in zip(harvested, cover, strict=True) if h + c == 0)
    return f"{text} {idle} of {len(harvested)} bins are empty." if idle else text


def timeline_view(timeline: Timeline) -> TimelineView:
    """Lay a timeline out.

    Args:
        timeline: bins of equal width; more than 180 are joined by sums, active accounts by their peak.
    """
    width, harvested, cover, active = _merged(timeline)
    bins = len(harvested)
    top = _ceiling(max((h + c for h, c in zip(harvested, cover, strict=True)), default=0))
    most_active = _ceiling(max(active, default=0))
    step = WIDTH / max(bins, 1)
    gap = min(2.0, step * 0.18)
    bars = tuple(
        Bar(
            x=round(i * step + gap / 2, 2),
            width=round(step - gap, 2),
            harvested=round(HEIGHT * harvested[i] / top, 2),
            cover=round(HEIGHT * cover[i] / top, 2),
            title=f"{instant_us(timeline.start_us + i * width)} UTC: {count(harvested[i])} harvested, "
            f"{count(cover[i])} other, {plural(active[i], 'active account')}",
        )
        for i in range(bins)
    )
    return TimelineView(
        bars=bars,
        active_path=_steps(active, most_active),
        exchange_ticks=_value_ticks(top),
        account_ticks=_value_ticks(most_active),
        time_ticks=_time_ticks(timeline.start_us, width, bins),
        bin_width=span_of(width),
        summary=_summary(timeline.start_us, width, harvested, cover, active),
        has_cover=any(cover),
    )
