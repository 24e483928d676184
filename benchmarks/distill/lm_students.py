"""What a 1M student keeps of the 10M teacher, by kind of target.

``python -m benchmarks.distill.lm_students WORK run VARIANT`` for sampled, full, systematic and hidden; then ``WORK
compare``.
The teacher (`benchmarks.distill.lm_teacher`) has read more text than the students will: these get a transfer set of
250 of its training documents, read about four times. Same first weights, same rows in the same order, same steps for:
hard labels, full KL from the live teacher, and three kinds of targets from a cache of about the same size. Held out:
answers to prompts that neither teacher nor students saw.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from benchmarks.distill.lm_corpus import prepare
from benchmarks.record import machine
from iolaus.distill import carry_out
from iolaus.distill.measure import Measure, judge_measure, predict_documents
from iolaus.distill.plan import Plan
from iolaus.distill.reading import check_plan
from iolaus.distill.texts import encode_document, read_documents
from iolaus.distill.train import load_tokenizer
from iolaus.distill.writing import write_whole

RESULTS = Path(__file__).parent / "results"
TRANSFER, STEPS = 250, 250
CACHES: dict[str, dict[str, Any] | None] = {
    "sampled": {"kind": "sampled", "tokens": 14},
    "full": None,
    "systematic": {"kind": "systematic", "tokens": 15},
    "hidden": {"kind": "hidden", "nats": 0.004},
}


def plan_of(work: Path, variant: str, steps: int = STEPS, seed: int = 0) -> Plan:
    """The plan of one variant; all but the targets is the same."""
    cache = CACHES[variant]
    found = {
        "teacher": {"kind": "causal", "path": str(work / "teacher")},
        "student": {"hidden": 128, "layers": 3, "heads": 4, "inner": 344},
        "corpus": {
            "path": str(work / "transfer.jsonl"),
            "valid_path": str(work / "valid.jsonl"),
            "block": 256,
            "learn": "all",
        },
        "objective": {"name": "forward_kl"},
        "budget": {
            "steps": steps,
            "rows": 8,
            "learning_rate": 3e-3,
            "precision": "bf16",
            "checkpoint_every": 100,
            "device": "cpu",
            "threads": 1,
        },
        "cache": None if cache is None else cache | {"path": str(work / f"cache-{variant}-{seed}")},
        "report": {"documents": 300, "hard_label_student": variant == "sampled"},
        "out": str(work / f"student-{variant}-{seed}"),
        "seed": seed,
    }
    return check_plan(found, "the benchmark")


def run(work: Path, variant: str) -> None:
    """Train one variant; with the sampled one also the hard-label student. A run that was stopped goes on."""
    prepare(work)
    if not (work / "transfer.jsonl").exists():
        lines = (work / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        write_whole(work / "transfer.jsonl", "".join(lines[:TRANSFER]))
    result = carry_out(plan_of(work, variant))
    print(variant, *result.report.sentences(), sep="\n")


def compare(work: Path) -> None:
    """All students that are done, on the same held-out documents: values, and differences with paired intervals."""
    folders = {name: work / f"student-{name}-0" / "student" for name in CACHES}
    folders |= {"hard": work / "student-sampled-0" / "hard_label", "teacher": work / "teacher"}
    networks = {name: AutoModelForCausalLM.from_pretrained(path) for name, path in folders.items() if path.exists()}
    plan, tokenizer = plan_of(work, "full"), load_tokenizer(str(work / "teacher"))
    documents = read_documents(work / "valid.jsonl", plan.corpus)[: plan.report.documents]
    encoded = [encode_document(tokenizer, one, plan.corpus) for one in documents]
    found, tokens = predict_documents(networks, encoded, 256, len(tokenizer))

    def gain(first: str, second: str) -> dict[str, float]:
        """How much less the first costs than the second, nats a token."""
        sums = {"distilled": found[first].nll, "hard_label": found[second].nll}
        measure = Measure("nll", "lower", sums, {name: tokens for name in sums}, compared=False)
        judged = judge_measure(measure, 0.95, 0.95, 4000, 0)
        return judged.over_hard.to_json() if judged.over_hard else {}

    students = [name for name in networks if name not in ("hard", "teacher")]
    reports = {name: json.loads((work / f"student-{name}-0" / "report.json").read_text()) for name in students}
    summary = {
        "machine": machine(),
        "torch": torch.__version__,
        "teacher": json.loads((work / "teacher.json").read_text()),
        "nll": {name: float(one.nll.sum() / tokens.sum()) for name, one in found.items()},
        "agreement": {name: float(one.agreement.sum() / tokens.sum()) for name, one in found.items()},
        "gain_over_hard": {name: gain(name, "hard") for name in students},
        "gain_over_full": {name: gain(name, "full") for name in students if name != "full" and "full" in networks},
        "documents": len(documents),
        "tokens": int(tokens.sum()),
        "runs": {
            name: {
                key: report[key] for key in ("training", "cache", "metrics", "costs", "calibration_error", "preflight")
            }
            for name, report in reports.items()
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "lm_students.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps({key: summary[key] for key in ("nll", "agreement", "gain_over_hard", "gain_over_full")}, indent=2))


if __name__ == "__main__":
    if sys.argv[2:3] == ["run"]:
        run(Path(sys.argv[1]), sys.argv[3])
    else:
        compare(Path(sys.argv[1]))
