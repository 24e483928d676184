"""The results as Markdown: one table a question."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from benchmarks.detection.measure import Outcome
from benchmarks.detection.methods import ABLATIONS, BARE, METHODS, OURS, PEERS
from benchmarks.detection.rivalry import best_peer, losses
from benchmarks.detection.scenarios import COVERS, GRID_LEVELS, RATES, grid_row
from benchmarks.detection.summary import Mean, Results, mean_of, paired, upper_bound
from benchmarks.detection.targets import targets

__all__ = ["markdown"]

_NONE: Final = "–"
_PER: Final = 10_000
_GRID: Final = tuple(f"grid-l{level}" for level in GRID_LEVELS)


def markdown(results: Results, setting: str) -> str:
    """All tables, each under its heading; what was not run has none."""
    parts: list[tuple[str, Callable[[Results], list[str]]]] = [
        ("Targets", _targets),
        ("The ladder", _ladder),
        ("Rates and dilution", _grid),
        ("Published rates (L2)", _rates),
        ("Hard negatives", _negatives),
        ("Where Iolaus is not the best", _losses),
        ("Without a signal", _ablation),
        ("Without addresses, clients and the account table", _bare),
        ("Cost", _cost),
    ]
    out = [setting, ""]
    for title, write in parts:
        lines = write(results)
        if lines:
            out += [f"### {title}", "", *lines, ""]
    return "\n".join(out)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _spread(mean: Mean | None, digits: int = 2) -> str:
    """A mean with half the width of its interval."""
    if mean is None:
        return _NONE
    text = f"{mean.mean:.{digits}f}"
    return text if mean.high is None else f"{text} ± {mean.high - mean.mean:.{digits}f}"


def _signed(mean: Mean | None) -> str:
    if mean is None:
        return _NONE
    return f"{mean.mean:+.2f}" if mean.low is None else f"{mean.mean:+.2f} ({mean.low:+.2f} to {mean.high:+.2f})"


def _targets(results: Results) -> list[str]:
    rows = [[t.what, t.wanted, t.measured, "reached" if t.reached else "**not reached**"] for t in targets(results)]
    return _table(["", "wanted", "measured", ""], rows)


def _ladder(results: Results) -> list[str]:
    methods = results.outcomes.get("ladder", {})
    levels = results.rows("ladder")
    rows = []
    for method in (m for m in METHODS if m in methods and m not in ABLATIONS):
        outcomes = methods[method].values()
        recalls = [_spread(mean_of(list(results.recalls("ladder", method, level).values()))) for level in levels]
        false = _spread(mean_of([o.false_share for o in outcomes]), 3)
        rows.append([METHODS[method], *recalls, false, *_exchanges(list(outcomes))])
    note = [
        "",
        "Account recall by level; the benign share of the flagged accounts; harvested exchanges in mixed accounts "
        "(at least a tenth of what they send is cover), precision and recall. A peer's threshold was set for 5% on the "
        "tuning seeds; a dash stands where no mixed account was flagged.",
    ]
    table = _table(["method", *levels, "false discoveries", "exchanges: precision", "recall"], rows)
    return [*table, *note] if table else []


def _exchanges(outcomes: list[Outcome]) -> list[str]:
    right, given, there = (sum(o.mixed[i] for o in outcomes) for i in range(3))
    return [f"{right / given:.3f}" if given else _NONE, f"{right / there:.3f}" if there else _NONE]


def _grid(results: Results) -> list[str]:
    rows = []
    for level, scenario in zip(GRID_LEVELS, _GRID, strict=True):
        for rate in RATES if scenario in results.outcomes else ():
            cells = []
            for cover in COVERS:
                row = grid_row(level, rate, cover)
                ours = mean_of(list(results.recalls(scenario, OURS, row).values()))
                peer = best_peer(results, scenario, row)
                beside = _NONE if peer is None else f"{peer.mean:.2f} {METHODS[peer.method]}"
                cells.append(f"{_spread(ours)} / {beside}")
            false = mean_of([o.false_share for o in results.outcomes[scenario].get(OURS, {}).values()])
            rows.append([f"L{level}, {rate:g} a day", *cells, _spread(false, 3)])
    head = ["operators", *(f"{cover:.0%} cover" for cover in COVERS), "false discoveries"]
    table = _table(head, rows)
    return [*table, "", "Account recall of Iolaus / of the best peer in that cell."] if table else []


def _rates(results: Results) -> list[str]:
    methods = results.outcomes.get("rates", {})
    names = results.rows("rates")
    rows = [
        [METHODS[m], *(_spread(mean_of(list(results.recalls("rates", m, row).values()))) for row in names)]
        for m in (OURS, *PEERS)
        if m in methods
    ]
    return _table(["method", *names], rows)


def _negatives(results: Results) -> list[str]:
    methods = [m for m in (OURS, *PEERS) if any(m in by for by in results.outcomes.values())]
    counts: dict[str, dict[str, np.ndarray]] = {}
    for by_method in results.outcomes.values():
        for method in methods:
            for outcome in by_method.get(method, {}).values():
                for kind, pair in outcome.kinds.items():
                    entry = counts.setdefault(kind, {}).setdefault(method, np.zeros(2, np.int64))
                    entry += pair
    rows = [_negative(kind, [counts[kind].get(m) for m in methods]) for kind in sorted(counts)]
    totals = [sum((c[m] for c in counts.values() if m in c), np.zeros(2, np.int64)) for m in methods]
    rows.append(_negative("**all**", totals))
    note = [
        "",
        f"Benign accounts flagged of {_PER:,}, over all ranges; for Iolaus those called a distillation campaign, with "
        "the upper end of the 95% interval (Clopper and Pearson, as if accounts were independent).",
    ]
    return [*_table(["kind", "accounts", *(METHODS[m] for m in methods)], rows), *note] if counts else []


def _negative(kind: str, pairs: Sequence[np.ndarray | None]) -> list[str]:
    of = max((int(p[0]) for p in pairs if p is not None), default=0)
    cells = []
    for place, pair in enumerate(pairs):
        if pair is None or not pair[0]:
            cells.append(_NONE)
            continue
        share = f"{_PER * int(pair[1]) / int(pair[0]):.1f}"
        bound = f" (≤ {_PER * upper_bound(int(pair[1]), int(pair[0])):.1f})" if place == 0 else ""
        cells.append(share + bound)
    return [kind, f"{of:,}", *cells]


def _losses(results: Results) -> list[str]:
    rows = [
        [loss.scenario, loss.row, f"{loss.ours:.2f}", METHODS[loss.method], f"{loss.theirs:.2f}",
         f"{loss.false_share:.3f}", _signed(loss.difference)]
        for loss in losses(results)
    ]  # fmt: skip
    head = ["scenario", "row", "Iolaus", "peer", "its recall", "its false discoveries", "difference, paired"]
    if not any(OURS in by for by in results.outcomes.values()):
        return []
    return _table(head, rows) or ["In no row of any scenario does a peer have the higher mean recall."]


def _ablation(results: Results) -> list[str]:
    methods = results.outcomes.get("ladder", {})
    levels = results.rows("ladder")
    rows = []
    for method, signal in ABLATIONS.items():
        if method not in methods or OURS not in methods:
            continue
        full, part = methods[OURS], methods[method]
        changes = [
            _signed(paired(results.recalls("ladder", method, lv), results.recalls("ladder", OURS, lv))) for lv in levels
        ]
        false = paired({s: o.false_share for s, o in part.items()}, {s: o.false_share for s, o in full.items()})
        rows.append([signal, *changes, _signed(false), str(len(part))])
    table = _table(["taken away", *levels, "false discoveries", "seeds"], rows)
    return [*table, "", "Change of account recall against the whole detector on the same seeds."] if table else []


def _bare(results: Results) -> list[str]:
    rows = []
    for level in results.rows("ladder"):
        full, bare = (results.recalls("ladder", m, level) for m in (OURS, BARE))
        if bare and full:
            means = [_spread(mean_of(list(x.values()))) for x in (full, bare)]
            rows.append([level, *means, _signed(paired(bare, full))])
    return _table(["level", "all columns", "without", "change"], rows)


def _cost(results: Results) -> list[str]:
    rows = [
        [METHODS[m], f"{np.median(results.cpu[m]):.1f}"] for m in METHODS if m in results.cpu and m not in ABLATIONS
    ]
    return _table(["method", "CPU s a range, median"], rows)
