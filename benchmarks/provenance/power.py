"""How many pairs convict a student, by epochs, by share of the diet, and after it was altered.

    python -m benchmarks.provenance.power [WORLD_FOLDER] [STEP ...]

Steps: ``headline`` (one epoch on served answers alone), ``grid`` (epochs and shares), ``altered`` (tuned, quantised,
pruned, merged, paraphrased), ``length`` and ``size``. Scores are kept in the folder, so that a test can be run anew
without training.
"""

import copy
import json
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.provenance.cases import answer_lengths, power_curve, served_answers, stopping_pairs, test_scores
from benchmarks.provenance.corpus import PAD, read_roles
from benchmarks.provenance.results import RESULTS, write
from benchmarks.provenance.tiny import Shape, TinyLM, Training, fresh, train
from benchmarks.provenance.world import World, asked_folder, candidate_scores, load_world

ONE_EPOCH = Training(epochs=1, rate=1e-3, batch=16)
STUDENTS, DIET = 3, 1500
SIZES = [25, 50, 75, 100, 125, 150, 175, 200, 250, 300, 400, 500]


def references(world: World, rows: np.ndarray, *, base: bool) -> dict[str, np.ndarray]:
    """The teacher, the answers' lengths and, where it is known, the suspect's base."""
    names = ("teacher", "base") if base else ("teacher",)
    return {name: world.logprobs[name][rows] for name in names} | {"length": answer_lengths(world.twins[rows])}


def scores_of(student: TinyLM, world: World, rows: np.ndarray) -> np.ndarray:
    """The student's log-likelihood of both answers."""
    return candidate_scores(student, world.prompts[rows], world.twins[rows])


def both_tests(scores: np.ndarray, served: np.ndarray, world: World, rows: np.ndarray) -> dict[str, object]:
    """With the base known, and with the teacher as only reference."""
    return {
        "base known": test_scores(scores, served, references(world, rows, base=True)).to_json(),
        "teacher only": test_scores(scores, served, references(world, rows, base=False)).to_json(),
    }


def taught(world: World, seed: int, how: Training, share: float = 1.0) -> tuple[TinyLM, np.ndarray, np.ndarray]:
    """A student of the base on a diet of which a share was served; the rest are real answers to other prompts."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(world.prompts))[:DIET]
    rows = order[: round(share * len(order))]
    served = rng.integers(0, 2, len(rows))
    rest = order[len(rows) :]
    prompts = np.concatenate([world.prompts[rows], world.prompts[rest]])
    answers = np.concatenate([served_answers(world.twins[rows], served), world.answers["real"][rest]])
    return train(world.model("base"), prompts, answers, how, seed), rows, served


def headline(world: World, folder: Path) -> dict[str, object]:
    """One epoch, served answers alone, several students: power by number of pairs."""
    kept = []
    for seed in range(STUDENTS):
        path = folder / f"headline{seed}.npz"
        if not path.exists():
            student, rows, served = taught(world, seed, ONE_EPOCH)
            torch.save(student.state_dict(), folder / f"headline{seed}.pt")
            np.savez(path, scores=scores_of(student, world, rows), rows=rows, served=served)
        kept.append(dict(np.load(path)))
    result: dict[str, object] = {"students": STUDENTS, "diet": DIET, "epochs": 1}
    for name, base in (("base known", True), ("teacher only", False)):
        known = [references(world, one["rows"], base=base) for one in kept]
        tests = [test_scores(one["scores"], one["served"], k) for one, k in zip(kept, known, strict=True)]
        curve = power_curve([k["scores"] for k in kept], [k["served"] for k in kept], known, SIZES)
        enough = [size for size, power in curve.items() if power >= 0.95]
        result[name] = {
            "tests": [test.to_json() for test in tests],
            "power_by_pairs": curve,
            "pairs_for_95_percent": min(enough, default=None),
            "pairs_for_95_percent_any_time": stopping_pairs(tests, 1000),
        }
        print(name, result[name], flush=True)
    return result


def grid(world: World, folder: Path) -> list[dict[str, object]]:
    """Epochs and shares."""
    found = []
    for epochs in (1, 3):
        for share in (1.0, 0.25, 0.1, 0.01):
            how = Training(epochs=epochs, rate=ONE_EPOCH.rate, batch=ONE_EPOCH.batch)
            path = folder / f"grid-{epochs}-{share}.npz"
            if not path.exists():
                student, rows, served = taught(world, 100, how, share)
                np.savez(path, scores=scores_of(student, world, rows), rows=rows, served=served)
            one = dict(np.load(path))
            tests = both_tests(one["scores"], one["served"], world, one["rows"])
            found.append({"epochs": epochs, "share": share, **tests})
            print(found[-1], flush=True)
    return found


def _tried(
    base: TinyLM, world: World, twins: np.ndarray, seed: int, references_of: dict[str, TinyLM]
) -> dict[str, dict[str, float | int | None]]:
    """One epoch of a base on served answers, tested with the base known and with the teacher alone."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(world.prompts))[:DIET]
    served = rng.integers(0, 2, DIET)
    prompts, both = world.prompts[rows], twins[rows]
    student = train(copy.deepcopy(base), prompts, served_answers(both, served), ONE_EPOCH, seed)
    scores = candidate_scores(student, prompts, both)
    known = {name: candidate_scores(model, prompts, both) for name, model in references_of.items()}
    alone = {"teacher": known["teacher"], "length": answer_lengths(both)}
    return {
        "base known": test_scores(scores, served, known | alone).to_json(),
        "teacher only": test_scores(scores, served, alone).to_json(),
    }


def length(world: World, folder: Path) -> list[dict[str, object]]:
    """Answers cut off after some tokens, in the diet and in the test."""
    models = {name: world.model(name) for name in ("teacher", "base")}
    found: list[dict[str, object]] = []
    for tokens in (8, 16, 32):
        tests = _tried(models["base"], world, world.twins[:, :, :tokens], 300, models)
        found.append({"tokens": tokens, **tests})
        print(found[-1], flush=True)
    return found


def size(world: World, folder: Path) -> list[dict[str, object]]:
    """Students smaller and larger than the teacher, each with a base that read a quarter of the base's texts."""
    corpus = tuple(table[:4000] for table in read_roles().base)
    found: list[dict[str, object]] = []
    for shape in (Shape(width=64, layers=3), Shape(width=128, layers=4)):
        base = train(fresh(shape, 310), *corpus, Training(epochs=1, rate=3e-3, whole=True), 310)
        tests = _tried(base, world, world.twins, 311, {"teacher": world.model("teacher"), "base": base})
        parameters = sum(weight.numel() for weight in base.parameters())
        found.append({"parameters": parameters, **tests})
        print(found[-1], flush=True)
    return found


def quantised(student: TinyLM, bits: int) -> TinyLM:
    """Every matrix rounded to a symmetric grid of 2^bits - 1 steps, one scale a row."""
    altered = copy.deepcopy(student)
    with torch.no_grad():
        for weight in altered.parameters():
            if weight.dim() > 1:
                top = 2 ** (bits - 1) - 1
                scale = weight.abs().amax(1, keepdim=True).clamp_min(1e-9) / top
                weight.copy_((weight / scale).round().clamp(-top, top) * scale)
    return altered


def pruned(student: TinyLM, share: float) -> TinyLM:
    """The smallest weights of every matrix set to zero."""
    altered = copy.deepcopy(student)
    with torch.no_grad():
        for weight in altered.parameters():
            if weight.dim() > 1:
                weight[weight.abs() < weight.abs().flatten().quantile(share)] = 0
    return altered


def merged(student: TinyLM, other: TinyLM) -> TinyLM:
    """The mean of two models' weights."""
    altered = copy.deepcopy(student)
    with torch.no_grad():
        for weight, beside in zip(altered.parameters(), other.parameters(), strict=True):
            weight.copy_((weight + beside) / 2)
    return altered


def paraphrased(world: World, answers: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Answers with a share of their tokens exchanged for near ones, by the teacher's own embedding."""
    vectors = torch.nn.functional.normalize(world.weights["teacher"]["token.weight"], dim=1)
    near = (vectors @ vectors.T).fill_diagonal_(-2).topk(5, dim=1).indices.numpy()
    rng = np.random.default_rng(seed)
    swap = (rng.random(answers.shape) < share) & (answers > 2)
    picked = near[answers, rng.integers(0, 5, answers.shape)]
    return np.where(swap & (answers != PAD), picked, answers)


def altered(world: World, folder: Path) -> list[dict[str, object]]:
    """The first headline student after each treatment."""
    kept = dict(np.load(folder / "headline0.npz"))
    rows, served = kept["rows"], kept["served"]
    student = world.model("base")
    student.load_state_dict(torch.load(folder / "headline0.pt"))
    others = np.setdiff1d(np.arange(len(world.prompts)), rows)
    real = (world.prompts[others], world.answers["real"][others])
    clean = train(world.model("base"), *real, ONE_EPOCH, 200)
    variants = {
        "as it was": lambda: student,
        "tuned further on as many real answers": lambda: train(copy.deepcopy(student), *real, ONE_EPOCH, 201),
        "8-bit weights": lambda: quantised(student, 8),
        "4-bit weights": lambda: quantised(student, 4),
        "20% pruned": lambda: pruned(student, 0.2),
        "merged half and half with a clean model": lambda: merged(student, clean),
    }
    for share in (0.15, 0.3, 0.6):
        answers = paraphrased(world, served_answers(world.twins[rows], served), share, 202)
        name = f"made of answers with {share:.0%} of their tokens exchanged"
        variants[name] = lambda a=answers: train(world.model("base"), world.prompts[rows], a, ONE_EPOCH, 203)
    found = []
    for name, make in variants.items():
        scores = scores_of(make(), world, rows)
        found.append({"student": name, **both_tests(scores, served, world, rows)})
        print(found[-1], flush=True)
    return found


def main(folder: Path, steps: list[str]) -> None:
    """Run the steps and add them to the result."""
    torch.set_num_threads(1)
    world = load_world(folder)
    known = {"headline": headline, "grid": grid, "altered": altered, "length": length, "size": size}
    path = RESULTS / "power.json"
    for step in steps or list(known):
        found = known[step](world, folder)
        # Steps may run beside each other: read what is there just before it is written.
        result = json.loads(path.read_text()) if path.exists() else {}
        write("power", {**result, step: found})


if __name__ == "__main__":
    main(*asked_folder(sys.argv[1:]))
