"""``iolaus explain``: what is behind a campaign."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from iolaus.cli.common import console
from iolaus.errors import InputError

if TYPE_CHECKING:
    from iolaus.campaign import Campaign, Detection
    from iolaus.detect.observe import Observed
    from iolaus.distill.surrogates.accounts import AccountRows
    from iolaus.distill.surrogates.membership import Membership

__all__ = ["explain"]


def explain(
    found: Annotated[Path, typer.Argument(help="Folder that detect wrote.")],
    campaign: Annotated[str, typer.Argument(help="Id of the campaign, such as C001.")],
    surrogate: Annotated[
        bool, typer.Option("--surrogate", help="Also a small tree that tells the campaign's accounts from others.")
    ] = False,
    log: Annotated[
        str | None, typer.Option("--log", help="The exchange log that detect read; the tree is made of it.")
    ] = None,
    draw: Annotated[Path | None, typer.Option("--draw", help="SVG file to draw the tree into.")] = None,
) -> None:
    """Print a campaign's evidence as a waterfall of log-odds, and what sets its accounts apart."""
    from iolaus.campaign import read_detection
    from iolaus.report import waterfall

    detection = read_detection(found / "campaigns.json")
    chosen = next((c for c in detection.campaigns if c.campaign_id == campaign), None)
    if chosen is None:
        known = ", ".join(c.campaign_id for c in detection.campaigns) or "none"
        raise InputError(f"{found / 'campaigns.json'} has no campaign {campaign!r}; it has {known}")
    if not surrogate and (log or draw):
        raise InputError("--log and --draw are for the tree of --surrogate")
    if surrogate and not log:
        raise InputError("--surrogate describes accounts by what they did: give --log, the log that detect read")
    made = _surrogate(detection, chosen, log) if log else None
    if made and draw:
        _draw(made[0], campaign, draw)
    terminal = console()
    terminal.print(waterfall(chosen))
    if made:
        from iolaus.distill.surrogates.wording import outline

        tree, rows = made
        for line in outline(tree, campaign):
            terminal.print(line, markup=False, highlight=False)
        terminal.print(tree.sentence(campaign), markup=False, highlight=False)
        if rows.without:
            terminal.print(f"Known of too few accounts: {', '.join(rows.without)}.", style="dim", markup=False)
        if draw:
            terminal.print(f"Tree: {draw}", markup=False, soft_wrap=True)


def _surrogate(detection: "Detection", campaign: "Campaign", log: str) -> "tuple[Membership, AccountRows]":
    """The tree over the campaign's accounts and those of no campaign."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise InputError("--surrogate needs scikit-learn: pip install 'iolaus[distill]'") from error
    import numpy as np

    from iolaus.distill.surrogates.accounts import describe_accounts
    from iolaus.distill.surrogates.membership import explain_membership

    observed = _observed(detection, log)
    described = describe_accounts(observed.log)
    ids = [str(one) for one in observed.account_ids.take(described.index).to_pylist()]
    members = set(campaign.accounts)
    elsewhere = {account for other in detection.campaigns for account in other.accounts} - members
    asked = np.array([one not in elsewhere for one in ids])
    inside = np.array([one in members for one in ids])
    return explain_membership(described.rows[asked], described.names, inside[asked]), described


def _observed(detection: "Detection", log: str) -> "Observed":
    """The log as detection saw it.

    Raises:
        InputError: it is another log.
    """
    from datetime import datetime

    from iolaus.detect.observe import observe
    from iolaus.ingest import Rejects, read_exchanges
    from iolaus.schema import ACCOUNTS
    from iolaus.store import DuckEngine

    with TemporaryDirectory(prefix="iolaus-") as work, Rejects(Path(work) / "rejects.jsonl") as rejects:
        stream = read_exchanges(log, rejects, until=datetime.fromisoformat(detection.until))
        with DuckEngine(Path(work) / "steps.duckdb") as engine:
            observed = observe(engine, iter(stream), ACCOUNTS.empty_table())
    if observed.log.exchanges != detection.exchanges or not observed.log.exchanges:
        raise InputError(
            f"{log} holds {observed.log.exchanges:,} usable exchanges up to {detection.until}, and the campaigns were "
            f"found in {detection.exchanges:,}: give the log that detect read"
        )
    return observed


def _draw(found: "Membership", campaign: str, path: Path) -> None:
    from iolaus.distill.surrogates.drawing import draw_tree
    from iolaus.distill.writing import write_whole

    write_whole(path, draw_tree(found.tree, found.names, ("other", campaign)))
