"""``iolaus simulate``: a labelled log to try the detector on."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iolaus.cli.common import AsJson, Quiet, console, progress

__all__ = ["simulate"]


def simulate(
    scenario: Annotated[str, typer.Argument(help="Name of the scenario, such as ladder, benign, l3 or scale.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the range.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of all chance: the same seed, the same bytes.")] = 0,
    exchanges: Annotated[int, typer.Option("--exchanges", help="Rows of the exchange log.")] = 100_000,
    text: Annotated[Path | None, typer.Option("--text", help="Parquet of real prompts that campaigns harvest.")] = None,
    organic: Annotated[
        Path | None, typer.Option("--organic", help="Parquet of real prompts of ordinary callers.")
    ] = None,
    arrivals: Annotated[
        Path | None, typer.Option("--arrivals", help="Parquet of real clients' request rates and burstiness.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, help="Programs that write texts; by default one a core from 1M on."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a labelled log of a benign population and of operators on the evasion ladder."""
    from iolaus.simulate import simulate as run

    with progress(quiet or as_json) as listen:
        summary = run(
            scenario,
            out,
            seed=seed,
            exchanges=exchanges,
            text=text,
            organic=organic,
            arrivals=arrivals,
            workers=workers,
            progress=lambda stage, done, _: listen(stage, done),
        )
    if as_json:
        document = {"scenario": scenario, "exchanges": summary.exchanges, "accounts": summary.accounts}
        typer.echo(json.dumps(document | {"operators": summary.operators, "harvested": summary.harvested}))
    elif not quiet:
        console().print(
            f"{summary.exchanges:,} exchanges of {summary.accounts:,} accounts; {len(summary.operators)} operators run "
            f"{summary.hydra_accounts:,} of them and harvest {summary.harvested:,} exchanges. Written to {out}."
        )
