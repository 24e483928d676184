"""How much leaked before a campaign was first flagged, from runs with growing ``--until``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iolaus.errors import InputError
from iolaus.score.measure import CONVICTED
from iolaus.score.read import Found, Truth, read_found, read_truth
from iolaus.score.statistics import ratio

__all__ = ["leaked_before_flag"]


def leaked_before_flag(series: Sequence[tuple[datetime, Path]], truth: Path) -> dict[str, Any]:
    """Count each operator's harvested exchanges up to the first run that convicts any of its accounts.

    The flag counts as raised at that run's ``until``: what was harvested up to and including then has
    leaked. An operator that no run convicts has leaked all.

    Args:
        series: (until, folder of that run's output), in any order; a naive instant is taken as UTC.
        truth: the range, with its exchanges.parquet for the instants.

    Returns:
        ``operators``: by operator its level, harvested, leaked, share, and flagged_at (µs since 1970, None
        for never); ``harvested``, ``leaked`` and ``share`` over all; ``until``: the runs' instants, sorted.

    Raises:
        InputError: where the series is empty, a folder cannot be used, or the range has no instants.
    """
    if not series:
        raise InputError("a series needs at least one run")
    labels = read_truth(truth)
    if labels.instants is None:
        raise InputError(f"{truth} has no exchanges.parquet, so nobody knows when an exchange leaked")
    runs = sorted(((_micros(until), read_found(folder)) for until, folder in series), key=lambda run: run[0])
    flagged = _first_flags(runs, labels)
    harvested: dict[str, list[int]] = {o: [] for o in labels.level_of}
    for exchange, operator in labels.harvested.items():
        instant = labels.instants.get(exchange)
        if instant is not None:
            harvested.setdefault(operator, []).append(instant)
    operators: dict[str, dict[str, Any]] = {}
    for operator, instants in sorted(harvested.items()):
        at = flagged.get(operator)
        leaked = len(instants) if at is None else sum(i <= at for i in instants)
        operators[operator] = {
            "level": labels.level_of.get(operator, "all"),
            "harvested": len(instants),
            "leaked": leaked,
            "share": ratio(leaked, len(instants)),
            "flagged_at": at,
        }
    total, leaked = (sum(int(o[name]) for o in operators.values()) for name in ("harvested", "leaked"))
    return {
        "operators": operators,
        "harvested": total,
        "leaked": leaked,
        "share": ratio(leaked, total),
        "until": [until for until, _ in runs],
    }


def _first_flags(runs: list[tuple[int, Found]], labels: Truth) -> dict[str, int]:
    out: dict[str, int] = {}
    for until, found in runs:
        for account, verdict in found.verdict_of.items():
            operator = labels.operator_of.get(account)
            if operator is not None and verdict == CONVICTED:
                out.setdefault(operator, until)
    return out


def _micros(moment: datetime) -> int:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
