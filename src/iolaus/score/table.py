"""A score as tables for the terminal."""

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["draw"]


def draw(document: dict[str, Any]) -> RenderableType:
    """The levels, then the benign kinds, then what holds overall; 80 columns suffice.

    Args:
        document: as ``Score.to_json`` gives it.
    """
    return Group(_levels(document), "", _kinds(document), "", *(Text(line) for line in _overall(document)))


def _table(first: str, *headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _levels(document: dict[str, Any]) -> Table:
    leak = document["leak"]
    headings = ("accounts", "flagged", "convicted", "recall", "operators\nfound", "harvest\nfound")
    table = _table("level", *headings, *(("leaked\nbefore flag",) if leak else ()))
    rows = [(name, level, leak and leak["levels"].get(name)) for name, level in document["levels"].items()]
    if len(rows) != 1:
        rows.append(("all", document["overall"], leak))
    for name, level, leaked in rows:
        table.add_row(
            name,
            f"{level['accounts']:,}",
            f"{level['accounts_flagged']:,}",
            f"{level['accounts_convicted']:,}",
            _share(level["account_recall"]),
            f"{level['operators_found']}/{level['operators']}",
            _share(level["exchange_recall"]),
            *((_share(leaked["share"]) if leaked else "–",) if leak else ()),
        )
    return table


def _kinds(document: dict[str, Any]) -> Table:
    table = _table("benign kind", "accounts", "flagged", "per million", "harmed", "per million")
    for name, kind in [*document["benign_kinds"].items(), ("all", document["benign"])]:
        table.add_row(
            name,
            f"{kind['accounts']:,}",
            f"{kind['flagged']:,}",
            _million(kind["flagged_per_million"]),
            f"{kind['harmed']:,}",
            _million(kind["harmed_per_million"]),
        )
    return table


def _overall(document: dict[str, Any]) -> list[str]:
    false, cubed, exchanges = document["false_discovery"], document["b_cubed"], document["exchanges"]
    ranking = document["account_score"]
    lines = [
        f"False discoveries: {_share(false['account_proportion'])} of {false['accounts_convicted']:,} convicted "
        f"accounts, {false['campaigns_false']} of {false['campaigns']} campaigns",
        f"Clusters: B-cubed precision {_share(cubed['precision'])}, recall {_share(cubed['recall'])}, "
        f"F1 {_share(cubed['f1'])}",
        f"Harvested exchanges: precision {_share(exchanges['precision'])}, recall {_share(exchanges['recall'])}",
        f"Account score: average precision {_share(ranking['average_precision'])}, AUC {_share(ranking['auc'])}",
    ]
    if document["leak"]:
        leak = document["leak"]
        lines.append(
            f"Leaked before the first flag (in {len(leak['until'])} runs): {leak['leaked']:,} of "
            f"{leak['harvested']:,} harvested exchanges"
        )
    return lines


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _million(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
