"""Iolaus as the benchmark runs it: whole, with a signal taken away, and with columns missing."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow.parquet as pq

from benchmarks.detection.answers import Answer, Group
from iolaus.detect import Settings, detect
from iolaus.signals import SIGNALS

__all__ = ["CONVICTED", "MISSING", "find", "without_signal"]

CONVICTED: Final = "distillation_campaign"
# What a client can spoof and a log may lack; the account table goes with them.
MISSING: Final = ("ip", "user_agent", "ja4")


def find(folder: Path, without: str | None = None, bare: bool = False) -> Answer:
    """Run ``iolaus detect --fdr 0.05`` on a range.

    Args:
        folder: of the range.
        without: a signal to take away; None for all of them.
        bare: leave out addresses, clients and the account table.

    Returns:
        Its campaigns of every verdict; the exchanges attributed to those that are called distillation campaigns.
    """
    with TemporaryDirectory() as name, without_signal(without):
        work = Path(name)
        log, accounts = folder / "exchanges.parquet", folder / "accounts.parquet"
        if bare:
            kept = [c for c in pq.read_schema(log).names if c not in MISSING]
            pq.write_table(pq.read_table(log, columns=kept), work / "bare.parquet", compression="zstd")
            log = work / "bare.parquet"
        detect(log, None if bare else accounts, work / "found", Settings(fdr=0.05))
        return _read(work / "found")


def _read(found: Path) -> Answer:
    document = json.loads((found / "campaigns.json").read_text(encoding="utf-8"))
    groups = tuple(Group(tuple(c["accounts"]), float(c["score"]), c["verdict"]) for c in document["campaigns"])
    convicted = {c["campaign_id"] for c in document["campaigns"] if c["verdict"] == CONVICTED}
    table = pq.read_table(found / "exchanges.parquet")
    rows = zip(table.column("exchange_id").to_pylist(), table.column("campaign_id").to_pylist(), strict=True)
    return Answer(groups, frozenset(e for e, c in rows if c in convicted))


@contextmanager
def without_signal(name: str | None) -> Iterator[None]:
    """Take a signal out of the table of signals wherever the detector holds it, for this process and this while.

    The detector has no such switch, since nobody should run it so; the benchmark replaces the tuple in its modules.

    Raises:
        ValueError: where no signal is called so.
    """
    if name is not None and name not in {s.name for s in SIGNALS}:
        raise ValueError(f"no signal is called {name!r}")
    kept = tuple(s for s in SIGNALS if s.name != name)
    holders = [
        module
        for key, module in list(sys.modules.items())
        if key.startswith("iolaus.detect") and getattr(module, "SIGNALS", None) is SIGNALS
    ]
    try:
        for module in holders:
            vars(module)["SIGNALS"] = kept
        yield
    finally:
        for module in holders:
            vars(module)["SIGNALS"] = SIGNALS
