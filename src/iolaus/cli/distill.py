"""``iolaus distill``: from a plan to a student, and what it keeps of the teacher."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iolaus.cli.common import AsJson, Quiet, console
from iolaus.errors import PlanError

if TYPE_CHECKING:
    from iolaus.distill.stages import Listener
    from iolaus.distill.train.loop import Told

__all__ = ["distill"]


def distill(
    context: typer.Context,
    plan: Annotated[Path | None, typer.Argument(help="YAML file; without it, flags say everything.")] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="List the plan's keys, each of which is a flag, and stop.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Distil a teacher into a student, and say what the student keeps.

    Every key of the plan is also a flag, such as --objective.temperature 2 or --out DIR; --keys lists them.
    """
    if keys:
        _list_keys()
        return
    flags = _flags(context.args)
    if plan is None and not flags:
        raise PlanError("give a plan, or its keys as flags; iolaus distill --keys lists them")
    try:
        from iolaus.distill import carry_out, read_plan
    except ImportError as error:
        raise PlanError(f"distilling needs {error.name}: pip install 'iolaus[distill]'") from error
    wanted = read_plan(plan, flags)
    _silence_bars()
    with _progress(quiet or as_json) as listen:
        result = carry_out(wanted, listen)
    if as_json:
        typer.echo(json.dumps(result.report.to_json(), ensure_ascii=False))
    elif not quiet:
        from rich.markdown import Markdown

        terminal = console()
        terminal.print(Markdown(result.report.markdown()))
        terminal.print(f"Student: {result.folder / 'student'}; report: {result.folder / 'report.json'}")


def _flags(words: list[str]) -> dict[str, str]:
    """Dotted keys and values from what stands behind the plan: ``--key value`` or ``--key=value``."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("--") or len(word) < 3:
            raise PlanError(f"{word!r} is neither a flag nor the value of one")
        key, equals, value = word[2:].partition("=")
        given = value if equals else next(rest, None)
        if given is None:
            raise PlanError(f"--{key} needs a value")
        found[key] = given
    return found


def _list_keys() -> None:
    from iolaus.distill.reading import plan_keys

    for key, default, meaning in plan_keys():
        typer.echo(f"--{key}  [{default}]  {meaning}")


def _silence_bars() -> None:
    """Transformers draws a bar for every model that it loads."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def _progress(silent: bool) -> Iterator["Listener"]:
    """Stage, step, loss, tokens a second and time left, on standard error."""
    from rich.console import Console
    from rich.status import Status

    if silent or not sys.stderr.isatty():
        yield lambda stage, told: None
        return
    status = Status("", console=Console(stderr=True))

    def listen(stage: str, told: "Told | None") -> None:
        if told is None:
            status.update(stage)
        else:
            left = f"{told.seconds_left // 60:.0f} min {told.seconds_left % 60:.0f} s left"
            status.update(
                f"{stage}: step {told.step:,} of {told.steps:,}, loss {told.loss:.3f}, "
                f"{told.tokens_per_second:,.0f} tokens a second, {left}"
            )

    with status:
        yield listen
