"""What the commands share: how output is asked for, and where it goes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["AsJson", "Quiet", "console", "progress"]

Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines instead of tables.")]


def console() -> "Console":
    """The terminal."""
    from rich.console import Console

    return Console()


def progress(silent: bool) -> AbstractContextManager[Callable[[str, int], None]]:
    """A listener that draws progress, or one that says nothing."""
    from iolaus.report import progress as draw

    return draw(silent)
