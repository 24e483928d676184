"""``iolaus detect`` and ``score``: from a log to findings, and how good they are."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iolaus.cli.common import AsJson, Quiet, console, progress
from iolaus.errors import InputError

__all__ = ["detect", "score"]


class Engine(StrEnum):
    """What runs the SQL steps of a detection."""

    duckdb = "duckdb"
    spark = "spark"


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
    debug: Annotated[
        bool, typer.Option("--debug", help="Keep the answer of every SQL step as a table (steps.duckdb).")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Folder that keeps what is read, so that the next run reads only what is new."),
    ] = None,
    engine: Annotated[Engine, typer.Option("--engine", help="What runs the SQL steps.")] = Engine.duckdb,
    master: Annotated[str, typer.Option("--master", help="Spark's master URL, with --engine spark.")] = "local[*]",
    scratch: Annotated[
        str | None,
        typer.Option("--scratch", help="Folder or URL for Spark's tables that every executor reaches."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the campaigns in a log: campaigns.json, accounts.parquet, exchanges.parquet, report.html."""
    from iolaus.detect import Settings, Spark
    from iolaus.detect import detect as run
    from iolaus.report import closing_table, write_html

    if not 0 < fdr < 1:
        raise InputError(f"--fdr must lie between 0 and 1, not {fdr}")
    if not 0 <= max_rejects <= 1:
        raise InputError(f"--max-rejects must lie between 0 and 1, not {max_rejects}")
    spark = Spark(master, scratch) if engine is Engine.spark else None
    settings = Settings(_instant(until), fdr, max_rejects, _bytes(memory), debug, state, spark)
    with progress(quiet or as_json) as listen:
        book = run(
            exchanges,
            accounts,
            out,
            settings,
            listen,
            lambda book: {"report.html": lambda path: write_html(book, path, redact=redact)},
            (lambda sentence: None) if quiet else (lambda sentence: typer.echo(sentence, err=True)),
        )
    if as_json:
        typer.echo(json.dumps(book.detection.to_json()))
    elif not quiet:
        terminal = console()
        terminal.print(closing_table(book.detection))
        for note in book.notes:
            terminal.print(note, style="dim", markup=False)
        if book.rejected:
            rows = "1 row" if book.rejected == 1 else f"{book.rejected:,} rows"
            terminal.print(f"{rows} could not be used; see {out / 'rejects.jsonl'}", style="yellow", markup=False)
        terminal.print(f"Report: {out / 'report.html'}", markup=False, soft_wrap=True)


def score(
    found: Annotated[Path, typer.Argument(help="Folder that detect wrote.")],
    truth: Annotated[Path, typer.Argument(help="Folder with truth_accounts.parquet and truth_exchanges.parquet.")],
    series: Annotated[
        Path | None,
        typer.Option(
            "--series", help="Folder of runs with several --until, one folder each: what leaked before a flag."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare findings with the truth of a range."""
    from iolaus.score import runs_below
    from iolaus.score import score as run

    result = run(found, truth, runs_below(series) if series else ())
    if as_json:
        typer.echo(json.dumps(result.to_json()))
    else:
        console().print(result.table())


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"--until is no ISO 8601 instant: {text!r}") from error
    if not 1990 <= found.year < 2100:
        raise InputError(f"--until must lie between 1990 and 2100, as the times of a log do, not {text!r}")
    return found


def _bytes(text: str | None) -> int | None:
    """A size such as 4GB or 512MB in bytes."""
    if text is None:
        return None
    units = {"GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1, "": 1}
    number = text.rstrip("GMKBgmkb")
    unit = text[len(number) :].upper()
    try:
        size = int(float(number) * units[unit])
    except (KeyError, ValueError, OverflowError) as error:
        raise InputError(f"--memory is no size: {text!r}; write 4GB or 512MB") from error
    if not 128 * 10**6 <= size < 10**15:
        raise InputError(f"--memory must be at least 128MB and below 1,000,000GB, not {text}")
    return size
