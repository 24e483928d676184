"""``iolaus watch``: the detector over a log that grows."""

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iolaus.cli.common import Quiet, console
from iolaus.errors import InputError

if TYPE_CHECKING:
    from iolaus.stream import Stream

__all__ = ["watch"]

_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def watch(
    source: Annotated[
        str, typer.Argument(help="JSON Lines: a file or folder that grows; or redis://HOST:PORT/STREAM.")
    ],
    state: Annotated[Path, typer.Option("--state", help="Folder for the findings and the checkpoints.")],
    accounts: Annotated[str | None, typer.Option("--accounts", help="Account table: a file, folder or glob.")] = None,
    memory: Annotated[str, typer.Option("--memory", help="Bound on memory, such as 1GB; at least 700MB.")] = "1GB",
    every: Annotated[
        str, typer.Option("--every", help="Judge so often: log time such as 30m, 6h, 1d, or a number of exchanges.")
    ] = "6h",
    window: Annotated[str, typer.Option("--window", help="Keep no exchange longer than this, such as 60d.")] = "60d",
    fdr: Annotated[float, typer.Option("--fdr", help="False-discovery rate of each judgement, in (0, 1).")] = 0.05,
    redact: Annotated[
        bool, typer.Option("--redact", help="Show no prompt, response or account id in the report.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Judge and stop when there is no more to read.")] = False,
    quiet: Quiet = False,
) -> None:
    """Follow a log and keep the findings up to date; Ctrl-C stops, and the next start goes on."""
    from iolaus.report import write_html
    from iolaus.stream import StreamSettings
    from iolaus.stream.watch import Watch, open_source

    if not 0 < fdr < 1:
        raise InputError(f"--fdr must lie between 0 and 1, not {fdr}")
    rows = int(every) if every.isdigit() else 0
    settings = StreamSettings(
        memory=_bytes(memory),
        every=0 if rows else _microseconds("--every", every),
        every_rows=rows,
        window=_microseconds("--window", window),
        fdr=fdr,
    )
    one = Watch(
        open_source(source),
        state,
        accounts,
        settings,
        lambda book: {"report.html": lambda path: write_html(book, path, redact=redact)},
    )
    stopped: list[int] = []
    before = {
        number: signal.signal(number, lambda n, _: stopped.append(n)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        one.run(lambda: bool(stopped), once, (lambda stream: None) if quiet else _Teller().tell)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not quiet:
        console().print(
            f"{one.stream.window.counts.read:,} exchanges read. Findings and checkpoint: {state}", markup=False
        )


class _Teller:
    """Says a line for every judgement."""

    def __init__(self) -> None:
        self._judged = 0

    def tell(self, stream: "Stream") -> None:
        """Say what the last judgement found, once."""
        if stream.judged == self._judged or stream.findings is None:
            return
        self._judged = stream.judged
        found = stream.findings.detection
        verdicts = sum(c.verdict == "distillation_campaign" for c in found.campaigns)
        console().print(
            f"{found.until[:16]}  {stream.window.counts.read:,} exchanges, {found.accounts:,} accounts: "
            f"{len(found.campaigns)} campaigns, {verdicts} of distillation",
            highlight=False,
            markup=False,
        )


def _microseconds(option: str, text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}[mhd]", text):
        raise InputError(f"{option} is no time: {text!r}; write 30m, 6h or 1d")
    return int(text[:-1]) * _UNITS[text[-1]] * 1_000_000


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(GB|MB|GIB|MIB)", text.upper())
    if not found:
        raise InputError(f"--memory is no size: {text!r}; write 1GB or 800MB")
    return int(float(found[1]) * {"GB": 10**9, "MB": 10**6, "GIB": 2**30, "MIB": 2**20}[found[2]])
