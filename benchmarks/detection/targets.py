"""What detection is held to, and what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.detection.measure import Outcome
from benchmarks.detection.methods import BARE, OURS
from benchmarks.detection.rivalry import losses
from benchmarks.detection.scenarios import grid_row
from benchmarks.detection.summary import Results, mean_of, paired, upper_bound

__all__ = ["Target", "targets"]

_LADDER = {"L0": 0.99, "L1": 0.99, "L2": 0.99, "L3": 0.95, "L5": 0.9}
_GRID = {(46.0, 0.9): 0.85, (2.0, 0.9): 0.5}
_FALSE = 0.05
_PRECISION, _RECALL, _JOINED = 0.95, 0.85, 0.9
_HARMED = 10_000
_LOST = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that was asked for."""

    what: str
    wanted: str
    measured: str
    reached: bool


def targets(results: Results) -> list[Target]:
    """Every target that the run has figures for."""
    ladder = results.outcomes.get("ladder", {}).get(OURS, {})
    out = []
    if ladder:
        out += [*_false(list(ladder.values())), *_recalls(results)]
        out += [*_joined(list(ladder.values())), *_exchanges(list(ladder.values()))]
    benign = list(results.outcomes.get("benign", {}).get(OURS, {}).values())
    return [*out, *_alarms(benign), *_harmed(results), *_missing(results), *_best(results)]


def _false(outcomes: list[Outcome]) -> Iterator[Target]:
    mean = mean_of([o.false_share for o in outcomes])
    if mean:
        text = f"{mean.mean:.3f}" + ("" if mean.high is None else f" (up to {mean.high:.3f})")
        yield Target("false discoveries on the ladder, mean", f"≤ {_FALSE}", text, mean.mean <= _FALSE)


def _alarms(outcomes: list[Outcome]) -> Iterator[Target]:
    """Without any operator every discovery is false, and the rate is the chance of one."""
    if outcomes:
        hits = sum(o.campaigns > 0 for o in outcomes)
        what = "logs without an operator in which a distillation campaign is called"
        yield Target(what, f"≤ {_FALSE:.0%}", f"{hits} of {len(outcomes)}", hits <= _FALSE * len(outcomes))


def _recalls(results: Results) -> Iterator[Target]:
    wanted = [("ladder", level, f"account recall, {level}", least) for level, least in _LADDER.items()]
    for (rate, cover), least in _GRID.items():
        row = grid_row(4, rate, cover)
        wanted.append(("grid-l4", row, f"account recall, {row}", least))
    for scenario, row, what, least in wanted:
        mean = mean_of(list(results.recalls(scenario, OURS, row).values()))
        if mean:
            text = f"{mean.mean:.3f}" + ("" if mean.low is None else f" ({mean.low:.3f} to {mean.high:.3f})")
            yield Target(what, f"≥ {least}", text, mean.mean >= least)


def _joined(outcomes: list[Outcome]) -> Iterator[Target]:
    shares = [o.joined["L5"] for o in outcomes if "L5" in o.joined]
    what = "L5: an operator's flagged accounts in its largest campaign"
    measured = f"{np.mean(shares):.3f}" if shares else "no operator found"
    yield Target(what, f"≥ {_JOINED}", measured, bool(shares) and float(np.mean(shares)) >= _JOINED)


def _exchanges(outcomes: list[Outcome]) -> Iterator[Target]:
    right, given, there = (sum(o.mixed[i] for o in outcomes) for i in range(3))
    if given and there:
        precision, recall = right / given, right / there
        where = "harvested exchanges in flagged mixed accounts"
        yield Target(f"{where}, precision", f"≥ {_PRECISION}", f"{precision:.3f}", precision >= _PRECISION)
        yield Target(f"{where}, recall", f"≥ {_RECALL}", f"{recall:.3f}", recall >= _RECALL)


def _harmed(results: Results) -> Iterator[Target]:
    pairs = [k for by in results.outcomes.values() for o in by.get(OURS, {}).values() for k in o.kinds.values()]
    of, hits = sum(p[0] for p in pairs), sum(p[1] for p in pairs)
    if of:
        text = f"{hits} of {of:,} (at most {upper_bound(hits, of) * _HARMED:.1f} in {_HARMED:,})"
        yield Target("benign accounts in a distillation campaign", f"< 1 in {_HARMED:,}", text, hits * _HARMED < of)


def _missing(results: Results) -> Iterator[Target]:
    for level in ("L2", "L3", "L4", "L5"):
        lost = paired(results.recalls("ladder", OURS, level), results.recalls("ladder", BARE, level))
        if lost:
            what = f"recall lost without addresses, clients and accounts, {level}"
            yield Target(what, f"≤ {_LOST}", f"{lost.mean:.3f}", lost.mean <= _LOST)


def _best(results: Results) -> Iterator[Target]:
    rows = sum(bool(results.recalls(s, OURS, row)) for s in results.outcomes for row in results.rows(s))
    if rows:
        worse = len(losses(results))
        yield Target(
            "rows in which a peer has the higher recall", "0, or named below", f"{worse} of {rows}", worse == 0
        )
