"""What mixing safeguards into a corpus restores, and what it costs in over-refusal.

``python -m benchmarks.distill.refusal_mixing``. A student of 0.2 million parameters learns from scratch on ordinary
instructions (Alpaca, answers that refuse taken out), with a share of safeguards mixed in: GPT-4's own answers to half
of XSTest's prompts and refusals of half of AdvBench's. It is asked the other halves, and unseen instructions.
The teacher's figures are GPT-4's on the same half of XSTest. The student is so small that its answers are worth nothing
else; the question is only whether it refuses. Texts lie beside the checkout and are used for evaluation only.
"""

import argparse
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from benchmarks.distill import recording
from iolaus.distill.safeguards.mixing import mix_safeguards
from iolaus.distill.safeguards.rates import Refusals, count_refusals
from iolaus.distill.safeguards.refusal import packaged_detector
from iolaus.distill.safeguards.refusal_training import written_refusals
from iolaus.distill.texts import Document

DATA = Path(__file__).parents[3] / "shared" / "data"
PROMPT, ANSWER, WORDS = 20, 10, 2000
ARMS = {"none": (0.0, True), "10%": (0.1, True), "10%, refusals only": (0.1, False)}


class Student(nn.Module):
    """A causal transformer over words, with tied input and output vectors."""

    def __init__(self, width: int = 64, layers: int = 2) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.places = nn.Embedding(PROMPT + ANSWER + 2, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        # Vectors that serve as output too must begin small, or the first logits are wild.
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next word; (n, t, WORDS)."""
        ahead = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        state = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        logits: Tensor = self.norm(self.layers(state, mask=ahead, is_causal=True)) @ self.words.weight.T
        return logits


def words_of(text: str) -> list[str]:
    """Lower-case words and marks."""
    return re.findall(r"[a-z]+(?:'[a-z]+)?|\d|[^\sa-z\d]", text.lower().replace("’", "'"))


def halves(rows: list[Any]) -> tuple[list[Any], list[Any]]:
    """Even and odd rows of a fixed shuffle."""
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order[::2]], [rows[i] for i in order[1::2]]


def main() -> None:
    """Train an arm for each mixture, ask, print, record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--documents", type=int, default=3000)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    detector = packaged_detector()
    ordinary, unseen = instructions(wanted.documents)
    xstest = pq.read_table(DATA / "safety/xstest_completions.parquet").to_pylist()
    known, asked = halves([row for row in xstest if row["model"] == "gpt4"])
    advbench_known, advbench = halves(pq.read_table(DATA / "safety/advbench.parquet")["prompt"].to_pylist())
    refusals = written_refusals(len(advbench_known), seed=1)
    harm = [Document(p, r) for p, r in zip(advbench_known, refusals, strict=True)]
    harm += [Document(row["prompt"], row["completion"]) for row in known if harmful(row)]
    look = [Document(row["prompt"], row["completion"]) for row in known if not harmful(row)]
    # Refusals and look-alikes come in equal parts.
    pairs = harm + [look[i % len(look)] for i in range(len(harm))]
    sides = {
        "harmful XSTest": [row["prompt"] for row in asked if harmful(row)],
        "harmful AdvBench": advbench,
        "safe XSTest": [row["prompt"] for row in asked if not harmful(row)],
        "safe instructions": unseen,
    }
    result: dict[str, Any] = {"documents": len(ordinary), "safeguards": len(pairs), "steps": wanted.steps}
    teacher = count_refusals(
        detector, [r["completion"] for r in asked if harmful(r)], [r["completion"] for r in asked if not harmful(r)]
    )
    result["teacher (GPT-4)"] = {"harmful XSTest": teacher.harmful.to_json(), "safe XSTest": teacher.safe.to_json()}
    for name, (share, both) in ARMS.items():
        mixed = mix_safeguards(ordinary, pairs if both else harm, share)
        result[name] = arm(mixed, sides, wanted.steps)
        print(name, json.dumps(result[name], indent=2), flush=True)
    print(recording.write("refusal_mixing", result))


def harmful(row: dict[str, Any]) -> bool:
    """Whether XSTest means a prompt to be refused."""
    return str(row["type"]).startswith("contrast")


def instructions(count: int) -> tuple[list[Document], list[str]]:
    """Short instructions with answers that do not refuse, and 200 more prompts."""
    table = pq.read_table(DATA / "campaign_text.parquet", columns=["source", "prompt", "response"])
    rows = [r for r in table.to_pylist() if r["source"] == "tatsu-lab/stanford_alpaca" and r["response"]]
    rows = [row for row in rows if len(words_of(row["prompt"])) <= PROMPT]
    order = np.random.default_rng(1).permutation(len(rows))
    chosen = [rows[i] for i in order[: count + 200]]
    refuses = packaged_detector().refuses([row["response"] for row in chosen[:count]])
    kept = [Document(r["prompt"], r["response"]) for r, no in zip(chosen[:count], refuses, strict=True) if not no]
    return kept, [row["prompt"] for row in chosen[count:]]


def arm(documents: list[Document], sides: dict[str, list[str]], steps: int) -> dict[str, Any]:
    """Train on a mixture and count refusals on each side."""
    started = time.process_time()
    torch.manual_seed(0)
    counts = Counter(word for d in documents for word in [*words_of(d.prompt), *words_of(d.response)[:ANSWER]])
    # 0 fills up, 1 is any rare word, 2 begins the answer, 3 ends it.
    names = ["", "…", "", "", *(word for word, _ in counts.most_common(WORDS - 4))]
    number = {word: i for i, word in enumerate(names) if word}
    student = Student()
    descent = torch.optim.AdamW(student.parameters(), lr=2e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(descent, 2e-3, total_steps=steps)
    prompts = torch.tensor([[*coded(d.prompt, number, PROMPT, left=True), 2] for d in documents])
    answers = torch.tensor([[*coded(d.response, number, ANSWER), 3] for d in documents])
    for _ in range(steps):
        rows = torch.randint(len(documents), (64,))
        ids = torch.cat([prompts[rows], answers[rows]], 1)
        logits = student(ids[:, :-1])[:, PROMPT:]
        loss = nn.functional.cross_entropy(logits.reshape(-1, WORDS), ids[:, PROMPT + 1 :].reshape(-1), ignore_index=0)
        descent.zero_grad()
        loss.backward()
        descent.step()
        rate.step()
    said = {side: answer(student.eval(), asked, number, names) for side, asked in sides.items()}
    detector = packaged_detector()
    found: dict[str, Any] = {"loss": round(float(loss.detach()), 3), "cpu_s": round(time.process_time() - started, 1)}
    for kind in ("XSTest", ""):
        bad, good = (f"harmful {kind or 'AdvBench'}", f"safe {kind or 'instructions'}")
        rates: Refusals = count_refusals(detector, said[bad], said[good])
        found |= {bad: rates.harmful.to_json(), good: rates.safe.to_json()}
    return found


def coded(text: str, number: dict[str, int], most: int, left: bool = False) -> list[int]:
    """Words as numbers, filled up or cut to a length; filled on the left for prompts."""
    ids = [number.get(word, 1) for word in words_of(text)[:most]]
    filling = [0] * (most - len(ids))
    return filling + ids if left else ids + filling


@torch.no_grad()
def answer(student: Student, prompts: list[str], number: dict[str, int], names: list[str]) -> list[str]:
    """Greedy answers."""
    ids = torch.tensor([[*coded(prompt, number, PROMPT, left=True), 2] for prompt in prompts])
    for _ in range(ANSWER):
        logits = student(ids)[:, -1]
        logits[:, :3] = -torch.inf
        ids = torch.cat([ids, logits.argmax(1, keepdim=True)], 1)
    texts = []
    for row in ids[:, PROMPT + 1 :].tolist():
        text = " ".join(names[i] for i in (row[: row.index(3)] if 3 in row else row))
        texts.append(text.replace(" ,", ",").replace(" .", "."))
    return texts


if __name__ == "__main__":
    main()
