"""Progress on the terminal, for anything that takes longer than two seconds."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

__all__ = ["progress"]

_PATIENCE = 2.0


@contextmanager
def progress(silent: bool) -> Iterator[Callable[[str, int], None]]:
    """Show the stage under way and rows a second, on standard error, once two seconds have passed.

    Args:
        silent: show nothing.

    Yields:
        A listener that takes a stage's name and the rows that it has done.
    """
    console = Console(stderr=True)
    if silent or not sys.stderr.isatty():
        yield lambda stage, rows: None
        return
    started = time.monotonic()
    status = Status("", console=console)
    shown = False

    def listen(stage: str, rows: int) -> None:
        nonlocal shown
        spent = time.monotonic() - started
        if spent < _PATIENCE:
            return
        if not shown:
            status.start()
            shown = True
        status.update(f"{stage}: {rows:,} rows, {rows / spent:,.0f} a second")

    try:
        yield listen
    finally:
        if shown:
            status.stop()
