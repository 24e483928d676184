"""A score as a table for the terminal."""

from typing import Any

from rich.table import Table

__all__ = ["draw"]


def draw(document: dict[str, Any]) -> Table:
    """The levels, then the benign kinds, then what holds overall.

    Args:
        document: as ``Score.to_json`` gives it.
    """
    table = Table(title="Score", caption=_caption(document), show_lines=False)
    table.add_column("")
    for heading in ("accounts", "flagged", "convicted", "recall", "campaigns", "exchanges"):
        table.add_column(heading, justify="right")
    rows = list(document["levels"].items())
    if len(rows) != 1:
        rows.append(("all levels", document["overall"]))
    for name, level in rows:
        table.add_row(
            name,
            f"{level['accounts']:,}",
            f"{level['accounts_flagged']:,}",
            f"{level['accounts_convicted']:,}",
            _share(level["account_recall"]),
            f"{level['operators_found']}/{level['operators']}",
            _share(level["exchange_recall"]),
        )
    table.add_section()
    for name, kind in [*document["benign_kinds"].items(), ("all benign", document["benign"])]:
        table.add_row(name, f"{kind['accounts']:,}", f"{kind['flagged']:,}", f"{kind['harmed']:,}", "", "", "")
    return table


def _caption(document: dict[str, Any]) -> str:
    false, cubed, exchanges = document["false_discovery"], document["b_cubed"], document["exchanges"]
    return (
        f"False discovery: {_share(false['account_proportion'])} of convicted accounts, "
        f"{_share(false['campaign_proportion'])} of campaigns · B-cubed F1 {_share(cubed['f1'])} · "
        f"harvest precision {_share(exchanges['precision'])}, recall {_share(exchanges['recall'])} · "
        f"account score: average precision {_share(document['account_score']['average_precision'])}, "
        f"AUC {_share(document['account_score']['auc'])}"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
