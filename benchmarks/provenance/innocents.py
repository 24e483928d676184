"""Two hundred innocent models and a thousand redraws of the coins for each: how many are accused?

Four kinds, fifty of each, every one trained on its own prompts from its own random start: *clean* (other texts
altogether), *others* (the same prompts, answered by another model), *same teacher* (the same prompts, the same
teacher's other answers) and *sibling* (the same prompts, answered by a teacher of the same recipe). The last three may
learn the teacher's ways as much as they like; they cannot learn the coins.

    python -m benchmarks.provenance.innocents WORLD_FOLDER
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.provenance.cases import answer_lengths
from benchmarks.provenance.corpus import read_roles
from benchmarks.provenance.tiny import Shape, Training, fresh, train
from benchmarks.provenance.world import World, candidate_scores, load_world
from benchmarks.record import write
from iolaus.provenance.betting import log_wealth
from iolaus.provenance.calibrate import FULL, calibrate
from iolaus.provenance.exact import hoeffding_bound, null_total, served_points

KINDS = ("clean", "others", "same teacher", "sibling")
EACH, REDRAWS, PAIRS = 50, 1000, 300
LEVELS = (1e-2, 1e-3)
SMALL = Shape(width=64, layers=3, heads=4)
HOW = Training(epochs=2, rate=4e-3)


def diet(
    kind: str, world: World, base: tuple[np.ndarray, np.ndarray], rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Prompts and answers that an innocent of a kind is made of."""
    if kind == "clean":
        return base[0][rows], base[1][rows]
    answers = {"others": "real", "same teacher": "other", "sibling": "sibling"}[kind]
    return world.prompts[rows], world.answers[answers][rows]


def points_of(kind: str, number: int, world: World, base: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Train one innocent and give the points of the pairs on trial, the very prompts that it learnt from."""
    seed = 1000 * KINDS.index(kind) + number
    rows = np.random.default_rng(seed).choice(len(world.prompts), PAIRS, replace=False)
    student = train(fresh(SMALL, seed), *diet(kind, world, base, rows), HOW, seed)
    scores = candidate_scores(student, world.prompts[rows], world.twins[rows])
    references = {"teacher": world.logprobs["teacher"][rows], "length": answer_lengths(world.twins[rows])}
    return calibrate(scores, references).points


def false_accusations(points: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Accusations under redrawn coins, by test, at each of LEVELS: counts (levels,)."""
    served = rng.integers(0, 2, (REDRAWS, len(points)))
    totals = served_points(points, served).sum(axis=1)
    p = null_total(points).p_value(totals)
    bound = np.array([hoeffding_bound(points, total) for total in totals])
    wealth = log_wealth(points, served, FULL)
    levels = np.array(LEVELS)[:, None]
    return {
        "exact": (p[None] <= levels).sum(axis=1),
        "bound": (bound[None] <= levels).sum(axis=1),
        "e-value at the end": (wealth[None, :, -1] >= -np.log(levels)).sum(axis=1),
        "e-value, looking after every pair": (wealth.max(axis=1)[None] >= -np.log(levels)).sum(axis=1),
    }


def main(folder: Path) -> None:
    """Train, redraw, count, write."""
    torch.set_num_threads(1)
    started, world = time.process_time(), load_world(folder)
    base = read_roles().base
    rng = np.random.default_rng(2026)
    counts: dict[str, dict[str, np.ndarray]] = {}
    learnt = []
    for kind in KINDS:
        for number in range(EACH):
            found = false_accusations(points_of(kind, number, world, base), rng)
            for test, hits in found.items():
                mine = counts.setdefault(test, {})
                mine[kind] = mine.get(kind, np.zeros(len(LEVELS), dtype=int)) + hits
        learnt.append(kind)
        print(kind, {test: (by[kind] / (EACH * REDRAWS)).tolist() for test, by in counts.items()}, flush=True)
    trials = EACH * REDRAWS
    result = {
        "innocents": EACH * len(KINDS),
        "redraws_each": REDRAWS,
        "pairs_each": PAIRS,
        "levels": LEVELS,
        "false_accusation_rate": {
            test: {kind: (hits / trials).tolist() for kind, hits in by.items()}
            | {"all": (sum(by.values()) / (trials * len(KINDS))).tolist()}
            for test, by in counts.items()
        },
        "cpu_seconds": round(time.process_time() - started),
    }
    print(write("provenance_innocents", result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
