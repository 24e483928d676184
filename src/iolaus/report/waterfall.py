"""The evidence ledger of one campaign as a waterfall of log-odds."""

import math
from typing import Final

from rich.table import Table
from rich.text import Text

from iolaus.campaign import Campaign
from iolaus.report.odds import METADATA_CAP, PRIOR, Step, ledger
from iolaus.report.printable import clean, power

__all__ = ["waterfall"]

_WIDTH: Final = 36


def _probability(log_odds: float) -> str:
    odds_against = math.exp(-log_odds)
    if odds_against < 1e-3:
        return f"1 - {power(odds_against / (1 + odds_against))}"
    return power(1 / (1 + odds_against))


def _bar(step: Step, low: float, high: float) -> Text:
    def column(value: float) -> int:
        return round((value - low) / (high - low) * _WIDTH) if high > low else 0

    left, right = sorted((column(step.before), column(step.after)))
    lost = column(min(step.before + step.bound, high)) - right if step.bound > step.counted else 0
    bar = Text(" " * left)
    bar.append("█" * max(right - left, int(step.counted != 0)), "dim" if step.p_value is None else "cyan")
    # What the cap takes away stays visible.
    bar.append("░" * max(lost, 0), "yellow")
    return bar


def waterfall(campaign: Campaign, prior: float = PRIOR) -> Table:
    """The campaign's evidence as a waterfall for the terminal.

    Args:
        campaign: whose evidence to show.
        prior: log-odds in nats before any evidence; one in a thousand where not given.

    Returns:
        A table with one row a piece of evidence, a bar from the log-odds before it to those after it, and the
        sum.
    """
    steps = ledger(campaign, prior)
    low = min(0.0, *(step.after for step in steps))
    high = max(0.0, *(step.before + max(step.bound, 0.0) for step in steps))
    table = Table(
        title=Text(f"Evidence for {clean(campaign.campaign_id)}, in log-odds (nats)"),
        caption=Text(
            "Each p-value counts for the most it can say (Sellke, Bayarri and Berger 2001), as if "
            f"independent; the sum is an upper bound. ░ is cut off: infrastructure counts for "
            f"{METADATA_CAP:.1f} at most, since it can be forged or innocently shared."
        ),
        box=None,
        pad_edge=False,
        expand=False,
    )
    table.add_column("evidence", style="bold", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("adds", justify="right", no_wrap=True)
    table.add_column("", width=_WIDTH + 1, no_wrap=True)
    table.add_column("finding", ratio=1, min_width=24)
    for step in steps:
        capped = f" of {step.bound:.1f}" if step.bound > step.counted else ""
        table.add_row(
            Text(clean(step.kind)),
            Text("" if step.p_value is None else power(step.p_value)),
            Text(f"{step.counted:+.1f}{capped}"),
            _bar(step, low, high),
            Text(clean(step.statement)),
        )
    total = steps[-1].after
    table.add_section()
    table.add_row(
        Text("sum"),
        "",
        Text(f"{total:+.1f}"),
        "",
        Text(f"Probability that the accounts are coordinated: at most {_probability(total)}."),
    )
    return table
