"""The closing table that a run prints."""

from typing import Final

from rich import box
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
    return f"{short(campaign.input_tokens)} / {short(campaign.output_tokens)}"


def _read(detection: Detection) -> str:
    return (
        f"{plural(detection.exchanges, 'exchange')} of {plural(detection.accounts, 'account')} "
        f"up to {instant(detection.until)} UTC"
    )


def closing_table(detection: Detection) -> Table:
    """Ranked campaigns for the terminal; one plain line where there are none.

    Args:
        detection: what a run found; its campaigns' order is kept.
    """
    if not detection.campaigns:
        calm = Table(box=None, show_header=False, pad_edge=False)
        calm.add_column(overflow="fold")
        calm.add_row(Text(clean(f"No campaign found in {_read(detection)}.")))
        return calm
    table = Table(
        title=Text(clean(f"{plural(len(detection.campaigns), 'campaign')} in {_read(detection)}")),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("campaign", min_width=10, overflow="fold")
    table.add_column("verdict", min_width=12)
    table.add_column("accounts", justify="right", min_width=8)
    table.add_column("exchanges", justify="right", min_width=9)
    table.add_column("tokens in, out", justify="right", width=8)
    table.add_column("q", justify="right", no_wrap=True)
    # Days only: with hours the table would not fit 80 columns.
    table.add_column("seen (UTC)", min_width=11)
    for campaign in detection.campaigns:
        words = verdict_words(campaign.verdict)
        # Text, not str: an id in square brackets would be read as markup.
        table.add_row(
            Text(clean(campaign.campaign_id)),
            Text(f"{words.mark} {clean(words.label)}", _STYLES.get(campaign.verdict, "")),
            Text(count(len(campaign.accounts))),
            Text(count(campaign.exchange_count)),
            Text(_tokens(campaign)),
            Text(power(campaign.q_value)),
            Text(clean(f"{instant(campaign.first_seen)[:10]} {instant(campaign.last_seen)[:10]}")),
        )
    return table
