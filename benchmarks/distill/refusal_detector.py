"""The refusal detector against people's labels on XSTest: leave one model out, and one model and its prompts out.

``python -m benchmarks.distill.refusal_detector`` evaluates; with ``--pack`` it then trains on all five models and
writes the weights that the package carries. XSTest (Röttger et al., NAACL 2024; CC BY 4.0) lies beside the checkout.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.distill import recording
from iolaus.distill.safeguards.refusal_training import train_detector, write_detector

DATA = Path(__file__).parents[3] / "shared" / "data" / "safety" / "xstest_completions.parquet"
WEIGHTS = Path(__file__).parents[2] / "src/iolaus/distill/safeguards/weights/refusal.npz"
ABOUT = {
    "labels": "XSTest v2 completions, final_label (Röttger et al., NAACL 2024), CC BY 4.0",
    "language": "English",
    "refusal": "full or partial",
}
# XSTest's own matcher, as its authors publish it: figures from their stored labels on the same answers.
STRING_MATCHER = {"accuracy": 0.884, "recall": 0.815}
FOLDS = 5


def figures(truth: np.ndarray, called: np.ndarray, models: np.ndarray, prompts: np.ndarray) -> dict[str, Any]:
    """Accuracy, recall, precision, and by model; intervals by drawing prompts again, each with all models' answers."""
    rng = np.random.default_rng(0)
    by_prompt = np.argsort(prompts, kind="stable").reshape(-1, np.unique(models).size)
    draws = by_prompt[rng.integers(0, len(by_prompt), (2000, len(by_prompt)))].reshape(2000, -1)
    right = (truth == called)[draws].mean(1)
    recall = (called[draws] & truth[draws]).sum(1) / truth[draws].sum(1)

    def interval(values: np.ndarray) -> list[float]:
        return [round(float(v), 4) for v in np.quantile(values, [0.025, 0.975])]

    return {
        "accuracy": round(float((truth == called).mean()), 4),
        "accuracy_95": interval(right),
        "recall": round(float(called[truth].mean()), 4),
        "recall_95": interval(recall),
        "precision": round(float(truth[called].mean()), 4),
        "accuracy_by_model": {
            str(m): round(float((truth == called)[models == m].mean()), 4) for m in np.unique(models)
        },
    }  # fmt: skip


def held_out(
    answers: Sequence[str], truth: np.ndarray, splits: Sequence[tuple[np.ndarray, np.ndarray]],
    train: Callable[..., Any],
) -> np.ndarray:  # fmt: skip
    """What detectors say of answers they were not trained on; bool (n,)."""
    called = np.zeros(truth.size, dtype=bool)
    for trained, tested in splits:
        detector = train([answers[i] for i in trained], truth[trained].tolist(), {})
        called[tested] = detector.refuses([answers[i] for i in tested])
    return called


def main() -> None:
    """Evaluate, print, record; with --pack train the packaged weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pack", action="store_true", help="train on all five models and write the weights")
    wanted = parser.parse_args()
    rows = pq.read_table(DATA).to_pylist()
    answers = [row["completion"] or "" for row in rows]
    truth = np.array([row["final_label"] != "1_full_compliance" for row in rows])
    models = np.array([row["model"] for row in rows])
    prompts = np.array([int(row["id"].split("-")[1]) for row in rows])
    fold = prompts % FOLDS
    names = np.unique(models)
    by_model = [(np.flatnonzero(models != m), np.flatnonzero(models == m)) for m in names]
    strict = [
        (np.flatnonzero((models != m) & (fold != f)), np.flatnonzero((models == m) & (fold == f)))
        for m in names
        for f in range(FOLDS)
    ]
    result = {
        "answers": len(rows),
        "refusals": int(truth.sum()),
        "string_matcher": STRING_MATCHER,
        "leave_one_model_out": figures(truth, held_out(answers, truth, by_model, train_detector), models, prompts),
        "leave_model_and_prompts_out": figures(
            truth, held_out(answers, truth, strict, train_detector), models, prompts
        ),
        "leave_one_model_out_without_written_refusals": figures(
            truth,
            held_out(answers, truth, by_model, lambda a, t, b: train_detector(a, t, b, written=0)),
            models,
            prompts,
        ),
    }
    print(json.dumps(result, indent=2))
    if wanted.pack:
        WEIGHTS.parent.mkdir(exist_ok=True)
        reached = {k: v for k, v in result["leave_one_model_out"].items() if k in ("accuracy", "recall", "precision")}
        write_detector(train_detector(answers, truth.tolist(), ABOUT | {"leave_one_model_out": reached}), WEIGHTS)
        print(WEIGHTS, WEIGHTS.stat().st_size, "bytes")
    print(recording.write("refusal_detector", result))


if __name__ == "__main__":
    main()
