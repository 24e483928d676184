"""From cells to results: operating points, outcomes by method and row, means with intervals, and paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from scipy import stats

from benchmarks.detection.cells import Cells, Place
from benchmarks.detection.measure import Labels, Outcome, Suspicion, judge, suspicion
from benchmarks.detection.methods import METHODS, PEERS
from benchmarks.detection.operating import threshold
from benchmarks.detection.scenarios import TUNED_ON

__all__ = ["Mean", "Results", "mean_of", "paired", "summarise", "upper_bound"]

_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds with its 95% interval (Student's t); the interval is None of one seed."""

    mean: float
    low: float | None
    high: float | None
    seeds: int


@dataclass(slots=True)
class Results:
    """Everything measured.

    Attributes:
        outcomes: by scenario, method and seed.
        thresholds: by scenario and peer; None where no threshold keeps the rate.
        cpu: CPU seconds of each cell on a test seed, by method.
    """

    outcomes: dict[str, dict[str, dict[int, Outcome]]] = field(default_factory=dict)
    thresholds: dict[str, dict[str, float | None]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def recalls(self, scenario: str, method: str, row: str) -> dict[int, float]:
        """Recall of a row by seed."""
        seeds = self.outcomes.get(scenario, {}).get(method, {})
        return {s: o.recall[row] for s, o in sorted(seeds.items()) if row in o.recall}

    def rows(self, scenario: str) -> list[str]:
        """The scenario's rows, in order."""
        names = {r: None for by in self.outcomes.get(scenario, {}).values() for o in by.values() for r in o.recall}
        return sorted(names, key=_in_order)

    def to_json(self) -> dict[str, Any]:
        """Thresholds, what was measured seed by seed (counts summed over seeds), and what the cells cost."""
        return {
            "thresholds": self.thresholds,
            "cpu_s_median": {m: round(float(np.median(v)), 2) for m, v in self.cpu.items()},
            "outcomes": {
                scenario: {m: _by_seed(by) for m, by in methods.items()} for scenario, methods in self.outcomes.items()
            },
        }


def summarise(cells: Cells, scenarios: Sequence[str], test: Sequence[int], tuning: Sequence[int]) -> Results:
    """Read all cells, set the peers' thresholds on the tuning seeds, and judge every method on the test seeds."""
    results = Results()
    for scenario in scenarios:
        limits = {m: _tuned(cells, TUNED_ON.get(scenario, scenario), m, tuning) for m in PEERS}
        results.thresholds[scenario] = limits
        for seed in test:
            place = Place(scenario, seed)
            truth = cells.truth(place)
            if truth is None:
                continue
            labels = Labels(truth, scenario)
            for method in METHODS:
                cell = cells.answer(place, method)
                if cell is None:
                    continue
                found = suspicion(labels, cell["groups"])
                # Iolaus has its own error control and no threshold to set.
                limit = limits[method] if method in PEERS else -np.inf
                outcome = judge(labels, found, limit, cell["attributed"])
                results.outcomes.setdefault(scenario, {}).setdefault(method, {})[seed] = outcome
                results.cpu.setdefault(method, []).append(cell["cpu_s"])
    return results


def _tuned(cells: Cells, scenario: str, method: str, tuning: Sequence[int]) -> float | None:
    runs: list[tuple[Labels, Suspicion]] = []
    for seed in tuning:
        place = Place(scenario, seed)
        truth, cell = cells.truth(place), cells.answer(place, method)
        if truth is not None and cell is not None:
            labels = Labels(truth, scenario)
            runs.append((labels, suspicion(labels, cell["groups"])))
    return threshold(runs)


def mean_of(values: Sequence[float]) -> Mean | None:
    """Mean and interval over seeds; None of nothing."""
    if not values:
        return None
    middle = float(np.mean(values))
    if len(values) < 2:
        return Mean(middle, None, None, len(values))
    half = float(stats.t.ppf((1 + _LEVEL) / 2, len(values) - 1) * stats.sem(values))
    return Mean(middle, middle - half, middle + half, len(values))


def paired(ours: dict[int, float], theirs: dict[int, float]) -> Mean | None:
    """Mean difference over the seeds that both have."""
    return mean_of([ours[s] - theirs[s] for s in sorted(set(ours) & set(theirs))])


def upper_bound(hits: int, of: int) -> float:
    """The upper end of the 95% interval of Clopper and Pearson (Biometrika 26, 1934) on a share; 1 of nothing."""
    return 1.0 if hits >= of else float(stats.beta.ppf((1 + _LEVEL) / 2, hits + 1, of - hits))


def _in_order(row: str) -> tuple[float, ...]:
    """Rows by the numbers in them."""
    return tuple(float(word.strip("L,%")) for word in row.split() if word.strip("L,%").replace(".", "").isdigit())


def _by_seed(outcomes: dict[int, Outcome]) -> dict[str, Any]:
    """One method in one scenario: lists by seed, and counts over all seeds."""
    seen = list(outcomes.values())

    def series(values: Sequence[dict[str, float]]) -> dict[str, list[float | None]]:
        rows = sorted({row for v in values for row in v}, key=_in_order)
        return {row: [None if row not in v else round(v[row], 6) for v in values] for row in rows}

    return {
        "seeds": list(outcomes),
        "false_share": [round(o.false_share, 6) for o in seen],
        "campaigns": [o.campaigns for o in seen],
        "false_campaigns": [o.false_campaigns for o in seen],
        "recall": series([o.recall for o in seen]),
        "joined": series([o.joined for o in seen]),
        "benign_accounts_and_flagged": {
            kind: [sum(o.kinds[kind][i] for o in seen if kind in o.kinds) for i in range(2)]
            for kind in sorted({k for o in seen for k in o.kinds})
        },
        "benign_in_other_verdicts": sum(o.other_verdicts for o in seen),
        "mixed_right_attributed_harvested": [sum(o.mixed[i] for o in seen) for i in range(3)],
        "harvest_attributed_of": [sum(o.harvest[i] for o in seen) for i in range(2)],
    }
