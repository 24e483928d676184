"""``iolaus race``: an operator that adapts, against a policy."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iolaus.cli.common import AsJson, Quiet, console

__all__ = ["race"]


def race(
    level: Annotated[int, typer.Argument(help="Rung of the ladder that the operator begins on, 0 to 6.", min=0, max=6)],
    out: Annotated[Path, typer.Option("--out", help="Folder for race.json and race.html.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all chance.")] = 0,
    exchanges: Annotated[
        int, typer.Option("--exchanges", help="Rows of the range; a tenth are the operator's.")
    ] = 20_000,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="policy.yaml; one that blocks what is sure where none is given.")
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, max=240, help="Hours between two judgements.")] = 12,
    slows: Annotated[
        float, typer.Option("--slows", min=1, max=10, help="Slower by this factor a lost account.")
    ] = 1.05,
    dilutes: Annotated[float, typer.Option("--dilutes", min=0, max=10, help="More cover a lost account.")] = 0.1,
    pool_after: Annotated[int, typer.Option("--pool-after", min=0, help="A new pool after so many; 0 for never.")] = 0,
    rewords_after: Annotated[
        int, typer.Option("--rewords-after", min=0, help="Other words after so many pools; 0 for never.")
    ] = 0,
    text: Annotated[Path | None, typer.Option("--text", help="Parquet of real prompts that campaigns harvest.")] = None,
    organic: Annotated[
        Path | None, typer.Option("--organic", help="Parquet of real prompts of ordinary callers.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Race an operator that comes back under new names against a policy: what leaks, what it costs, whom it hurts."""
    from iolaus.enforce.policy import load_policy
    from iolaus.errors import OutputError
    from iolaus.race import Habits
    from iolaus.race import race as run
    from iolaus.race.picture import write_picture
    from iolaus.signals import HOUR
    from iolaus.stream import StreamSettings

    result = run(
        level,
        seed=seed,
        exchanges=exchanges,
        habits=Habits(slows=slows, dilutes=dilutes, pool_after=pool_after, rewords_after=rewords_after),
        policy=None if policy is None else load_policy(policy),
        settings=StreamSettings(every=every * HOUR),
        text=text,
        organic=organic,
    )
    document = json.dumps(result.to_json())
    try:
        out.mkdir(parents=True, exist_ok=True)
        beside = out / ".race.json.tmp"
        beside.write_text(document + "\n", encoding="utf-8")
        beside.replace(out / "race.json")
    except OSError as error:
        raise OutputError(f"cannot write to folder {out}: {error.strerror}") from error
    write_picture([result], out / "race.html")
    if as_json:
        typer.echo(document)
    elif not quiet:
        console().print(
            f"Answered: {result.leaked:,} of {result.planned:,} that the operator planned; it used {result.heads:,} "
            f"accounts, {result.opened:,} of them opened anew. Innocent accounts touched: {result.benign_touched:,} of "
            f"{result.benign:,}. Picture: {out / 'race.html'}",
            highlight=False,
            markup=False,
        )
