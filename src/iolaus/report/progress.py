"""Progress on the terminal, for anything that takes longer than two seconds."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["progress"]

_PATIENCE: Final = 2.0


@contextmanager
def progress(
    silent: bool, console: Console | None = None, patience: float = _PATIENCE
) -> Iterator[Callable[[str, int], None]]:
    """Show the stage under way, its rows and rows a second, and the time spent.

    Args:
        silent: show nothing.
        console: where to; standard error where None. What is no terminal is shown nothing.
        patience: seconds before anything is shown.

    Yields:
        A listener that takes a stage's name and the rows that it has done.
    """
    console = console or Console(stderr=True)
    if silent or not console.is_terminal:
        yield lambda stage, rows: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    shown = Progress(*columns, console=console, transient=True)
    task = shown.add_task("starting")
    stage, began = "", time.monotonic()

    def listen(name: str, rows: int) -> None:
        nonlocal stage, began
        if name != stage:
            stage, began = name, time.monotonic()
        spent = time.monotonic() - began
        rate = f", {rows / spent:,.0f} a second" if spent > 0.1 else ""
        shown.update(task, description=f"{name}: {rows:,} rows{rate}")

    # A stage may say nothing for long, so that the clock and not the listener decides when to begin.
    clock = threading.Timer(patience, shown.start)
    clock.daemon = True
    clock.start()
    try:
        yield listen
    finally:
        clock.cancel()
        clock.join()
        shown.stop()
