"""Students of two and three layers against their teacher of six, and against the same layers without training.

``python -m benchmarks.distill.encoder_layers WORDNET WORK``: WORDNET is a folder with WordNet's ``data.*`` files (see
``encoder_free_text``); WORK keeps the teacher's vectors between runs.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from benchmarks.distill import recording
from benchmarks.distill.encoder_data import CHOSEN_ON, REPORTED, remembered, similarity_tasks, thinned, training_set
from iolaus.distill.encoders.layers import LayerPlan, drop_layers, train_layers
from iolaus.distill.encoders.measure import correlations, sentences_per_second, share_of_teacher
from iolaus.distill.encoders.teacher import packaged_teacher

KINDS = ("examples", "glosses", "requests")
KEPT = ((0, 3, 5), (0, 5))
TARGETS = {3: {"share": 0.995, "speed": 1.7}, 2: {"share": 0.98, "speed": 2.5}}


def main() -> None:
    """Train, measure, print, record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wordnet", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--pairs", type=int, default=1000, help="most pairs of a task")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    teacher = packaged_teacher()
    sentences, tasks = similarity_tasks()
    texts, targets = training_set(teacher, wanted.wordnet, wanted.work, KINDS, sentences)
    chosen, rows, reported = thinned(sentences, [tasks[name] for name in REPORTED], wanted.pairs)
    theirs = remembered(teacher, sentences, wanted.work)[rows]
    timed = sentences[:: len(sentences) // 150]
    plan = LayerPlan(steps=wanted.steps, batch=wanted.batch)
    result: dict[str, object] = {
        "teacher": {
            "layers": teacher.layers,
            "spearman": correlations(reported, theirs),
        },
        "training_texts": len(texts),
        "most_pairs_a_task": wanted.pairs,
        "steps": plan.steps,
        "batch": plan.batch,
    }
    result["layers_chosen_on"] = CHOSEN_ON
    for kept in KEPT:
        student = drop_layers(teacher, kept)
        found = {}
        for name in ("untrained", "trained"):
            started = time.process_time()
            if name == "trained":
                train_layers(student, texts, targets, plan)
            spent = time.process_time() - started
            ours = student.encode(chosen, brief=True)
            share = share_of_teacher(reported, ours, theirs)
            found[name] = {
                "share": round(share.value, 4),
                "share_95": [round(share.low, 4), round(share.high, 4)],
                "spearman": {k: round(v, 4) for k, v in correlations(reported, ours).items()},
                "training_cpu_s": round(spent, 1),
            }
        speeds = sentences_per_second(student.encode, timed), sentences_per_second(teacher.encode, timed)
        found["speed_over_teacher"] = round(speeds[0] / speeds[1], 2)
        result[f"{len(kept)} layers"] = {"kept": kept, "target": TARGETS[len(kept)], **found}
        print(json.dumps(result[f"{len(kept)} layers"], indent=2), flush=True)
        print(recording.write("encoder_layers", result))


if __name__ == "__main__":
    main()
