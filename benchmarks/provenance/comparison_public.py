"""The comparison on the outputs of 154 public models: known pairs, controls, and its false positives, counted.

A third of the 805 prompts. The kinds of likeness and the rule were fixed beforehand, with one change: likeness is now
centred over the teachers before it is ranked, not after. That was made after a first look at ten students on another
third of the prompts, which is not used here. A pair is known where the student's authors say whose answers they trained
on; a control where they name human-written data only. Needs the real outputs beside the checkout (``../shared/data``).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.provenance.results import write
from iolaus.provenance.comparison import Outputs, compare
from iolaus.provenance.comparison.compare import leading, paired_ranks
from iolaus.stats import benjamini_hochberg

DATA = Path(__file__).parents[3] / "shared" / "data" / "model_outputs.parquet"
TEACHERS = (
    "text_davinci_003",
    "gpt-3.5-turbo-0301",
    "gpt4_0314",
    "gpt4_1106_preview",
    "claude-2",
    "Meta-Llama-3-70B-Instruct",
    "mistral-medium",
)
STUDENTS = {
    "text_davinci_003": ("alpaca-7b", "alpaca-7b-neft", "alpaca-farm-ppo-human", "alpaca-farm-ppo-sim-gpt4-20k"),
    "gpt-3.5-turbo-0301": (
        "vicuna-7b",
        "vicuna-13b",
        "vicuna-7b-v1.3",
        "vicuna-13b-v1.3",
        "vicuna-33b-v1.3",
        "vicuna-7b-v1.5",
        "vicuna-13b-v1.5",
        "baize-v2-7b",
        "baize-v2-13b",
        "wizardlm-13b",
        "recycled-wizardlm-7b-v1.0",
        "recycled-wizardlm-7b-v2.0",
        "zephyr-7b-alpha",
        "zephyr-7b-beta",
        "llama-2-chat-7b-evol70k-neft",
    ),
    "claude-2": ("claude2-alpaca-13b",),
}
HUMAN = (
    "oasst-sft-llama-33b",
    "oasst-sft-pythia-12b",
    "oasst-rlhf-llama-33b",
    "guanaco-7b",
    "guanaco-13b",
    "guanaco-33b",
    "guanaco-65b",
    "humpback-llama-65b",
    "humpback-llama2-70b",
    "llama-2-7b-chat-hf",
    "llama-2-13b-chat-hf",
    "llama-2-70b-chat-hf",
    "text_davinci_001",
)
FDR = 0.05


def read() -> dict[str, dict[str, str]]:
    """Outputs by model and prompt, on a third of the prompts."""
    columns = ["source", "model", "prompt_id", "output"]
    rows = [r for r in pq.read_table(DATA, columns=columns).to_pylist() if r["source"] == "tatsu-lab/alpaca_eval"]
    chosen = set(sorted({row["prompt_id"] for row in rows})[1::3])
    table: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["prompt_id"] in chosen:
            table.setdefault(row["model"], {})[row["prompt_id"]] = row["output"] or ""
    return table


def outputs(table: dict[str, dict[str, str]], names: list[str]) -> Outputs:
    """The answers of some models to the prompts that all of them answered."""
    shared = sorted(set.intersection(*(set(table[name]) for name in names)))
    return Outputs(tuple(names), tuple(shared), tuple(tuple(table[n][p] for n in names) for p in shared))


def against_humans(table: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Each student, and each control among the others, with the human-tuned models as peers."""
    found = []
    pairs = [(student, teacher) for teacher, students in STUDENTS.items() for student in students]
    for suspect, teacher in [*pairs, *((name, None) for name in HUMAN)]:
        peers = [name for name in HUMAN if name != suspect]
        result = compare(outputs(table, [suspect, *peers, *TEACHERS]), len(TEACHERS), fdr=FDR)
        leaning = [one.teacher for one in result.teachers if one.leans]
        own = next((one for one in result.teachers if one.teacher == teacher), None)
        place = None if own is None else {"score": round(own.score, 3), "rank": own.rank, "q": own.q_value}
        found.append({"suspect": suspect, "taught_by": teacher, "leans_to": leaning, "own_teacher": place})
        print(found[-1], flush=True)
    return found


def against_all(table: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Every model as the suspect, with all others as peers; one pass, for the panel is always the same."""
    least = max(map(len, table.values())) - 3
    peers = sorted(name for name in table if name not in TEACHERS and len(table[name]) >= least)
    whole = outputs(table, [*peers, *TEACHERS])
    ranks = np.stack([paired_ranks(answers, len(TEACHERS)) for answers in whole.answers])
    scores, taught = ranks.mean(axis=0), {s: t for t, students in STUDENTS.items() for s in students}
    found = []
    for at, suspect in enumerate(peers):
        others = np.delete(scores, at, axis=0)
        near = [int(np.argmax(np.where(np.arange(len(peers)) == at, -9, scores[:, t]))) for t in range(len(TEACHERS))]
        chance = np.random.default_rng(0)
        p_values = [leading(ranks[:, at, t] - ranks[:, near[t], t], chance) for t in range(len(TEACHERS))]
        q_values = benjamini_hochberg(p_values)
        order = 1 + (others >= scores[at]).sum(axis=0)
        leaning = [TEACHERS[t] for t in range(len(TEACHERS)) if order[t] == 1 and q_values[t] <= FDR]
        teacher = taught.get(suspect)
        place = None if teacher is None else int(order[TEACHERS.index(teacher)])
        entry = {"suspect": suspect, "taught_by": teacher, "human": suspect in HUMAN, "leans_to": leaning}
        found.append(entry | {"rank_for_own_teacher": place, "best_rank": int(order.min())})
    return found


def counted(found: list[dict[str, Any]]) -> dict[str, Any]:
    """How many students are told, and how many controls are accused."""
    students = [one for one in found if one["taught_by"]]
    controls = [one for one in found if one["suspect"] in HUMAN]
    return {
        "students": len(students),
        "students_leaning_to_their_teacher": sum(one["taught_by"] in one["leans_to"] for one in students),
        "students_leaning_to_another": sum(bool(set(one["leans_to"]) - {one["taught_by"]}) for one in students),
        "controls": len(controls),
        "controls_leaning_to_any": sum(bool(one["leans_to"]) for one in controls),
        "control_and_teacher_pairs": len(controls) * len(TEACHERS),
        "false_leanings": sum(len(one["leans_to"]) for one in controls),
    }


def main() -> None:
    """Both panels."""
    if not DATA.is_file():
        sys.exit(f"the real outputs are not there: {DATA}")
    table = read()
    humans, everyone = against_humans(table), against_all(table)
    result = {
        "note": "triage only",
        "prompts": max(map(len, table.values())),
        "teachers": TEACHERS,
        "fdr": FDR,
        "peers_tuned_on_human_text": {"counts": counted(humans), "rows": humans},
        "all_other_models_as_peers": {"counts": counted(everyone), "rows": everyone},
    }
    print(write("comparison_public", result))


if __name__ == "__main__":
    main()
