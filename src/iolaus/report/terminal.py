"""The closing table that a run prints."""

from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from iolaus.campaign import Campaign, Detection
from iolaus.report.printable import clean, count, instant, plural, power, short
from iolaus.report.words import verdict_words

__all__ = ["closing_table"]

_STYLES: Final = {
    "distillation_campaign": "bold red",
    "coordinated_open": "blue",
    "coordinated_other": "yellow",
    "inconclusive": "dim",
}


def _tokens(campaign: Campaign) -> str:
    if campaign.input_tokens is None and campaign.output_tokens is None:
        return "–"
    return f"{short(campaign.input_tokens)}/{short(campaign.output_tokens)}"


def _days(campaign: Campaign) -> str:
    first, last = (instant(text)[5:10] for text in (campaign.first_seen, campaign.last_seen))
    return first if first == last else f"{first} – {last}"


def _read(detection: Detection) -> str:
    return (
        f"{plural(detection.exchanges, 'exchange')} of {plural(detection.accounts, 'account')} "
        f"up to {instant(detection.until)} UTC"
    )


def closing_table(detection: Detection) -> RenderableType:
    """Ranked campaigns for the terminal; one plain line where there are none.

    Args:
        detection: what a run found; its campaigns' order is kept.
    """
    if not detection.campaigns:
        return Text(clean(f"No campaign found in {_read(detection)}."))
    title = Text(clean(f"{plural(len(detection.campaigns), 'campaign')} in {_read(detection)}"), "bold")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    # One line a campaign in 80 columns: verdicts in a word, tokens in thousands, days without their year.
    table.add_column("campaign", overflow="fold")
    for heading in ("verdict", "accounts", "exchanges", "tokens", "q"):
        table.add_column(heading, justify="left" if heading == "verdict" else "right", no_wrap=True)
    table.add_column("seen (UTC)", no_wrap=True)
    for campaign in detection.campaigns:
        words = verdict_words(campaign.verdict)
        # Text, not str: an id in square brackets would be read as markup.
        table.add_row(
            Text(clean(campaign.campaign_id)),
            Text(f"{words.mark} {clean(words.short)}", _STYLES.get(campaign.verdict, "")),
            Text(count(len(campaign.accounts))),
            Text(count(campaign.exchange_count)),
            Text(_tokens(campaign)),
            Text(power(campaign.q_value)),
            Text(clean(_days(campaign))),
        )
    return Group(title, table)
