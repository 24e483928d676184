"""The command line. Heavy rooms are imported by the command that needs them, so that ``--help`` stays light."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iolaus import __version__
from iolaus.errors import InputError, IolausError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["app", "main"]

app = typer.Typer(
    name="iolaus",
    help="Find model-distillation campaigns in the exchange log of a language-model API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines instead of tables.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iolaus {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Find model-distillation campaigns in the exchange log of a language-model API."""


@app.command()
def detect(
    exchanges: Annotated[str, typer.Argument(help="Exchange log: a file, folder or glob (Parquet, JSON Lines, CSV).")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the findings.")],
    accounts: Annotated[str | None, typer.Option("--accounts", help="Account table: a file, folder or glob.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Use only what had happened by then (ISO 8601).")] = None,
    fdr: Annotated[float, typer.Option("--fdr", help="False-discovery rate of the campaigns, in (0, 1).")] = 0.05,
    max_rejects: Annotated[
        float,
        typer.Option("--max-rejects", help="Stop when more than this share of the rows cannot be read."),
    ] = 0.05,
    memory: Annotated[str | None, typer.Option("--memory", help="Bound on the database's memory, such as 4GB.")] = None,
    redact: Annotated[
        bool, typer.Option("--redact", help="Show no prompt, response or account id in the report.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Keep the answer of every SQL step as a table.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the campaigns in a log: campaigns.json, accounts.parquet, exchanges.parquet, report.html."""
    from iolaus.detect import Settings
    from iolaus.detect import detect as run
    from iolaus.report import closing_table, write_html

    if not 0 < fdr < 1:
        raise InputError(f"--fdr must lie between 0 and 1, not {fdr}")
    if not 0 <= max_rejects <= 1:
        raise InputError(f"--max-rejects must lie between 0 and 1, not {max_rejects}")
    settings = Settings(_instant(until), fdr, max_rejects, _bytes(memory), debug)
    with _progress(quiet or as_json) as listen:
        book = run(exchanges, accounts, out, settings, listen)
    write_html(book, out / "report.html", redact=redact)
    if as_json:
        typer.echo(json.dumps(book.detection.to_json(), ensure_ascii=False))
    elif not quiet:
        console = _console()
        console.print(closing_table(book.detection))
        for note in book.notes:
            console.print(note, style="dim")
        if book.rejected:
            console.print(f"{book.rejected} rows could not be read; see {out / 'rejects.jsonl'}", style="yellow")
        console.print(f"Report: {out / 'report.html'}")


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="Name of the scenario, such as ladder, benign, l3 or rates.")],
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
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a labelled log of a benign population and of operators on the evasion ladder."""
    from iolaus.simulate import simulate as run

    with _progress(quiet or as_json) as listen:
        summary = run(
            scenario,
            out,
            seed=seed,
            exchanges=exchanges,
            text=text,
            organic=organic,
            arrivals=arrivals,
            progress=lambda stage, done, _: listen(stage, done),
        )
    if as_json:
        document = {"scenario": scenario, "exchanges": summary.exchanges, "accounts": summary.accounts}
        typer.echo(json.dumps(document | {"operators": summary.operators, "harvested": summary.harvested}))
    elif not quiet:
        _console().print(
            f"{summary.exchanges:,} exchanges of {summary.accounts:,} accounts; {len(summary.operators)} operators run "
            f"{summary.hydra_accounts:,} of them and harvest {summary.harvested:,} exchanges. Written to {out}."
        )


@app.command()
def score(
    found: Annotated[Path, typer.Argument(help="Folder that detect wrote.")],
    truth: Annotated[Path, typer.Argument(help="Folder with truth_accounts.parquet and truth_exchanges.parquet.")],
    as_json: AsJson = False,
) -> None:
    """Compare findings with the truth of a range."""
    from iolaus.score import score as run

    result = run(found, truth)
    if as_json:
        typer.echo(json.dumps(result.to_json()))
    else:
        _console().print(result.table())


@app.command()
def explain(
    found: Annotated[Path, typer.Argument(help="Folder that detect wrote.")],
    campaign: Annotated[str, typer.Argument(help="Id of the campaign, such as C001.")],
) -> None:
    """Print a campaign's evidence as a waterfall of log-odds."""
    from iolaus.campaign import read_detection
    from iolaus.report import waterfall

    detection = read_detection(found / "campaigns.json")
    chosen = next((c for c in detection.campaigns if c.campaign_id == campaign), None)
    if chosen is None:
        known = ", ".join(c.campaign_id for c in detection.campaigns) or "none"
        raise InputError(f"{found / 'campaigns.json'} has no campaign {campaign!r}; it has {known}")
    _console().print(waterfall(chosen))


def main() -> None:
    """Run the command line; errors that a user can mend are one line and exit status 2."""
    try:
        app()
    except IolausError as error:
        sys.stderr.write(f"iolaus: {error}\n")
        sys.exit(2)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--until is no ISO 8601 instant: {text!r}") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _bytes(text: str | None) -> int | None:
    """A size such as 4GB or 512MB in bytes."""
    if text is None:
        return None
    units = {"GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1, "": 1}
    number = text.rstrip("GMKBgmkb")
    unit = text[len(number) :].upper()
    try:
        size = int(float(number) * units[unit])
    except (KeyError, ValueError) as error:
        raise InputError(f"--memory is no size: {text!r}; write 4GB or 512MB") from error
    if size < 128 * 10**6:
        raise InputError(f"--memory must be at least 128MB, not {text}")
    return size


def _console() -> "Console":
    from rich.console import Console

    return Console()


def _progress(silent: bool) -> AbstractContextManager[Callable[[str, int], None]]:
    from iolaus.report import progress

    return progress(silent)


if __name__ == "__main__":
    main()
