"""Progress: nothing for the quick, a line for the slow, and never in a file."""

import io
import time

from rich.console import Console

from iolaus.report import progress


def console(terminal=True):
    return Console(file=io.StringIO(), force_terminal=terminal, width=80)


def worked(console, seconds, **options):
    with progress(options.pop("silent", False), console, **options) as listen:
        listen("reading", 1_000)
        time.sleep(seconds)
        listen("reading", 250_000)
    return console.file.getvalue()


def test_what_is_quick_shows_nothing():
    assert "reading" not in worked(console(), 0.0)


def test_what_is_slow_shows_rows_and_rows_a_second():
    text = worked(console(), 0.3, patience=0.05)
    assert "reading: 250,000 rows" in text and "a second" in text


def test_a_stage_that_says_nothing_is_shown_all_the_same():
    screen = console()
    with progress(False, screen, patience=0.05):
        time.sleep(0.3)
    assert "starting" in screen.file.getvalue()


def test_silence_and_files_get_nothing():
    assert worked(console(), 0.2, patience=0.05, silent=True) == ""
    assert worked(console(terminal=False), 0.2, patience=0.05) == ""
