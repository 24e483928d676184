"""Two hundred innocent models and a thousand redraws of the coins for each: how many are accused?

Four kinds, fifty of each, every one trained on its own prompts from its own random start: *clean* (other texts
altogether), *others* (the same prompts, answered by another model), *same teacher* (the same prompts, the same
teacher's other answers) and *sibling* (the same prompts, answered by a teacher of the same recipe). The last three may
learn the teacher's ways as much as they like; they cannot learn the coins.

    python -m benchmarks.provenance.innocents [WORLD_FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.provenance.cases import answer_lengths
from benchmarks.provenance.corpus import read_roles
from benchmarks.provenance.results import write
from benchmarks.provenance.tiny import Shape, Training, fresh, train
from benchmarks.provenance.world import World, asked_folder, candidate_scores, load_world
from iolaus.provenance.betting import log_wealth
from iolaus.provenance.calibrate import FULL, calibrate
from iolaus.provenance.exact import hoeffding_bound, null_total, served_points

KINDS = ("clean", "others", "same teacher", "sibling")
EACH, REDRAWS, PAIRS = 50, 1000, 150
# Of each kind, so many are kept for the comparison with other methods.
KEPT = 10
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


def points_of(kind: str, number: int, world: World, base: tuple[np.ndarray, np.ndarray], folder: Path) -> np.ndarray:
    """Train one innocent and give the points of the pairs on trial, the very prompts that it learnt from."""
    seed = 1000 * KINDS.index(kind) + number
    rows = np.random.default_rng(seed).choice(len(world.prompts), PAIRS, replace=False)
    student = train(fresh(SMALL, seed), *diet(kind, world, base, rows), HOW, seed)
    if number < KEPT:
        torch.save({"rows": rows, "weights": student.state_dict()}, folder / f"innocent-{kind}-{number}.pt")
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
    """Train, redraw, count; the result is written again after every few innocents of each kind."""
    torch.set_num_threads(1)
    world, base = load_world(folder), read_roles().base
    kept = folder / "innocents.npz"
    points = dict(np.load(kept)) if kept.exists() else {}
    rng = np.random.default_rng(2026)
    counts: dict[str, dict[str, np.ndarray]] = {}
    for number in range(EACH):
        for kind in KINDS:
            name = f"{kind}-{number}"
            if name not in points:
                points[name] = points_of(kind, number, world, base, folder)
                np.savez(kept, **points)
            for test, hits in false_accusations(points[name], rng).items():
                mine = counts.setdefault(test, {})
                mine[kind] = mine.get(kind, np.zeros(len(LEVELS), dtype=int)) + hits
        if (number + 1) % 5 == 0:
            print(write("innocents", summary(counts, number + 1)), number + 1, flush=True)


def summary(counts: dict[str, dict[str, np.ndarray]], each: int) -> dict[str, object]:
    """Rates of false accusation by test and kind."""
    trials = each * REDRAWS
    rates = {
        test: {kind: (hits / trials).tolist() for kind, hits in by.items()}
        | {"all": (np.sum(list(by.values()), axis=0) / (trials * len(KINDS))).tolist()}
        for test, by in counts.items()
    }
    plain = {"innocents": each * len(KINDS), "redraws_each": REDRAWS, "pairs_each": PAIRS, "levels": LEVELS}
    return plain | {"false_accusation_rate": rates}


if __name__ == "__main__":
    main(asked_folder(sys.argv[1:])[0])
