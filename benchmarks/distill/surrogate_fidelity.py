"""Surrogates of random forests: soft targets on queried points against hard labels of the data, and against imodels.

``python -m benchmarks.distill.surrogate_fidelity``. Five splits of each data set; the forest (200 trees) learns 70% of
the rows, the surrogate sees those rows without labels, and fidelity is agreement with the forest on the other 30%, that
neither saw, and on points queried around held-out rows. imodels is measured where it is installed.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from benchmarks.distill import recording
from iolaus.distill.surrogates.distil import SurrogatePlan, distil_surrogate

SETS: dict[str, Callable[..., Any]] = {
    "breast-cancer": load_breast_cancer, "digits": load_digits, "wine": load_wine, "iris": load_iris,
}  # fmt: skip
PLANS = {
    "tree": SurrogatePlan(),
    "tree_hard_labels_same_queries": SurrogatePlan(soft=False),
    "tree_hard_labels_of_the_data": SurrogatePlan(soft=False, queries=0, least=1),
    "rules": SurrogatePlan(kind="rules", rules=24, conditions=4),
    "linear": SurrogatePlan(kind="linear"),
}
SEEDS = 5


def peers(rows: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Surrogates of the same forest by imodels, where it is installed and takes as many classes."""
    found: dict[str, Any] = {}
    try:
        from imodels import GreedyRuleListClassifier  # type: ignore[import-not-found]
    except ImportError:
        return found
    if len(np.unique(labels)) == 2:
        found["imodels_greedy_rule_list"] = GreedyRuleListClassifier(max_depth=24).fit(rows, labels)
    return found


def main() -> None:
    """Measure, print, record."""
    result: dict[str, Any] = {"seeds": SEEDS, "leaves": 128}
    for name, load in SETS.items():
        rows, labels = load(return_X_y=True)
        seen: dict[str, list[float]] = {}
        for seed in range(SEEDS):
            known, unseen, learned, _ = train_test_split(
                rows, labels, test_size=0.3, random_state=seed, stratify=labels
            )
            forest = RandomForestClassifier(200, random_state=seed).fit(known, learned)
            theirs = forest.predict_proba(unseen).argmax(1)
            for kind, plan in PLANS.items():
                made = distil_surrogate(forest, known, plan)
                seen.setdefault(kind, []).append(float((made.scores(unseen).argmax(1) == theirs).mean()))
                seen.setdefault(f"{kind}, queried points", []).append(made.fidelity.value)
            for kind, peer in peers(known, forest.predict(known)).items():
                seen.setdefault(kind, []).append(float((peer.predict(unseen) == theirs).mean()))
        result[name] = {
            kind: {"mean": round(float(np.mean(values)), 4), "by_seed": [round(v, 4) for v in values]}
            for kind, values in seen.items()
        }
        print(name, json.dumps({kind: v["mean"] for kind, v in result[name].items()}, indent=2), flush=True)
    print(recording.write("surrogate_fidelity", result))


if __name__ == "__main__":
    main()
