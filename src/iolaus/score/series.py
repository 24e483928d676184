"""How much leaked before a campaign was first flagged, from runs with growing ``--until``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iolaus.errors import InputError
from iolaus.score.read import CONVICTED, Found, Truth, read_found, read_truth
from iolaus.score.statistics import ratio

__all__ = ["leaked_before_flag", "runs_below"]


def runs_below(folder: Path) -> list[Path]:
    """The folders of findings directly below a folder.

    Raises:
        InputError: there is none.
    """
    runs = sorted(path.parent for path in folder.glob("*/campaigns.json"))
    if not runs:
        raise InputError(f"{folder} holds no folders with a campaigns.json, one for each --until")
    return runs


def leaked_before_flag(series: Sequence[Path], truth: Path) -> dict[str, Any]:
    """Count each operator's harvested exchanges up to the first run that convicts any of its accounts.

    The flag counts as raised at that run's ``until``: what was harvested up to and including then has
    leaked. An operator that no run convicts has leaked all.

    Args:
        series: the runs' folders, in any order; each one's campaigns.json holds its ``until``.
        truth: the range, with its exchanges.parquet for the instants.

    Returns:
        ``operators``: by operator its level, harvested, leaked, share, and flagged_at (µs since 1970, None
        for never); ``levels``: by level, and over all: ``harvested``, ``leaked`` and ``share``; ``until``: the
        runs' instants, sorted.

    Raises:
        InputError: where the series is empty, a folder cannot be used, or the range has no instants.
    """
    if not series:
        raise InputError("a series needs at least one run")
    labels = read_truth(truth)
    if labels.instants is None:
        raise InputError(f"{truth} has no exchanges.parquet, so nobody knows when an exchange leaked")
    runs = sorted((_dated(folder) for folder in series), key=lambda run: run[0])
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
    names = sorted({str(o["level"]) for o in operators.values()})
    levels = {name: _total([o for o in operators.values() if o["level"] == name]) for name in names}
    until = [until for until, _ in runs]
    return {"operators": operators, "levels": levels, **_total(list(operators.values())), "until": until}


def _total(operators: list[dict[str, Any]]) -> dict[str, Any]:
    harvested, leaked = (sum(int(o[name]) for o in operators) for name in ("harvested", "leaked"))
    return {"harvested": harvested, "leaked": leaked, "share": ratio(leaked, harvested)}


def _dated(folder: Path) -> tuple[int, Found]:
    found = read_found(folder)
    if found.until is None:
        raise InputError(f"{folder / 'campaigns.json'} has no until, so it has no place in a series")
    return found.until, found


def _first_flags(runs: list[tuple[int, Found]], labels: Truth) -> dict[str, int]:
    out: dict[str, int] = {}
    for until, found in runs:
        for account, verdict in found.verdict_of.items():
            operator = labels.operator_of.get(account)
            if operator is not None and verdict == CONVICTED:
                out.setdefault(operator, until)
    return out
