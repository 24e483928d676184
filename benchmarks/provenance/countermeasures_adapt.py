"""Countermeasures against students that adapt, and what they cost honest users.

Reasoning. The teacher folds a string of digits into one: state <- (3 state + digit) mod 10, and its reasoning is the
list of states. A tiny transformer learns from what is shown. One that adapts asks about the beginnings of each
question: their answers are the states that were withheld. All students get the same number of queries. An honest user
checks a teacher that slips once: share of slips that are found by redoing one step, or two, from a shown state.

Log-probabilities. The teacher is a table of next-word probabilities of real text. A student that adapts asks again and
again and counts. An honest user wants the probability of the likeliest word.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from benchmarks.provenance.results import write

DIGITS, START, STOP, PAD = 6, 10, 11, 12
QUERIES, TESTED, STEPS, BATCH = 6000, 1000, 1200, 64
TEXT = Path(__file__).parents[3] / "shared" / "data" / "text" / "wikitext2_valid.txt.gz"
Ints = NDArray[np.int64]


def states(digits: Ints) -> Ints:
    """(n, length) the teacher's reasoning; its last column is the answer."""
    found, state = np.empty_like(digits), np.zeros(len(digits), np.int64)
    for at in range(digits.shape[1]):
        state = (3 * state + digits[:, at]) % 10
        found[:, at] = state
    return found


def shown(digits: Ints, keep_every: int | None) -> list[list[int]]:
    """What a served exchange holds: question, kept states, answer."""
    steps = states(digits)
    kept = [] if keep_every is None else [at for at in range(digits.shape[1] - 1) if (at + 1) % keep_every == 0]
    return [[*q, START, *r[kept], r[-1], STOP] for q, r in zip(digits.tolist(), steps, strict=True)]


def gathered(digits: Ints) -> list[list[int]]:
    """What a student that adapts puts together: the answers to all beginnings of a question, in their order."""
    return shown(digits, 1)


class Student(nn.Module):
    """A causal transformer of two layers, 64 wide."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(13, 64), nn.Embedding(24, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, 0.0, "gelu", batch_first=True, norm_first=True)
        self.body, self.out = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(64, 13)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(batch, length) ids to (batch, length, 13) scores."""
        width = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(width)
        scores: torch.Tensor = self.out(self.body(self.token(ids) + self.place.weight[:width], mask, is_causal=True))
        return scores


def learnt(rows: list[list[int]], seed: int) -> Student:
    """Train on served exchanges; the question itself is not learnt."""
    torch.manual_seed(seed)
    student, width = Student(), max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    optimiser = torch.optim.AdamW(student.parameters(), lr=2e-3)
    chance = np.random.default_rng(seed)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 50) * (1 - step / STEPS)
        batch = ids[chance.integers(0, len(ids), BATCH)]
        wanted = batch[:, 1:].clone()
        wanted[torch.arange(width - 1)[None] < (batch == START).long().argmax(1)[:, None]] = PAD
        loss = F.cross_entropy(student(batch[:, :-1]).flatten(0, 1), wanted.flatten(), ignore_index=PAD)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return student.eval()


@torch.no_grad()
def accuracy(student: Student, digits: Ints) -> float:
    """Share of right answers to new questions, written greedily."""
    ids = torch.from_numpy(np.column_stack([digits, np.full(len(digits), START)]))
    answer = torch.full((len(ids),), -1)
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(DIGITS + 1):
        written = student(ids)[:, -1].argmax(-1)
        answer = torch.where(done | (written == STOP), answer, written)
        done |= written == STOP
        ids = torch.cat([ids, written[:, None]], 1)
    return float((answer.numpy() == states(digits)[:, -1]).mean())


def caught(keep_every: int | None, redone: int) -> float:
    """Share of slips that a reader finds who redoes at most so many steps from one shown state to the next."""
    kept = [] if keep_every is None else [at for at in range(DIGITS - 1) if (at + 1) % keep_every == 0]
    shown_at = [-1, *kept, DIGITS - 1]
    gaps = np.diff(shown_at)
    return float(gaps[gaps <= redone].sum() / DIGITS)


def reasoning() -> dict[str, Any]:
    """Every policy against a student that takes what it gets, and one that adapts, at equal queries."""
    chance = np.random.default_rng(0)
    asked, fresh = chance.integers(0, 10, (QUERIES, DIGITS)), chance.integers(0, 10, (TESTED, DIGITS))
    adapted = gathered(asked[: QUERIES // DIGITS])
    found: dict[str, Any] = {"queries": QUERIES, "chance": 0.1}
    for policy, keep in {"shown": 1, "every second step": 2, "withheld": None}.items():
        plain = [accuracy(learnt(shown(asked, keep), seed), fresh) for seed in (1, 2)]
        adapts = plain if keep == 1 else [accuracy(learnt(adapted, seed), fresh) for seed in (1, 2)]
        found[policy] = {
            "student": round(float(np.mean(plain)), 3),
            "student_that_adapts": round(float(np.mean(adapts)), 3),
            "slips_found_redoing_one_step": round(caught(keep, 1), 3),
            "slips_found_redoing_two_steps": round(caught(keep, 2), 3),
        }
        print(policy, json.dumps(found[policy]), flush=True)
    return found


def table(words: int = 400, contexts: int = 200) -> NDArray[np.float64]:
    """(contexts, words) next-word probabilities of real text, smoothed."""
    import gzip

    text = gzip.open(TEXT, "rt", encoding="utf-8").read().split()
    names, counts = np.unique(text, return_counts=True)
    known = {word: at for at, word in enumerate(names[np.argsort(-counts)][:words])}
    ids = np.array([known.get(word, -1) for word in text])
    pairs = np.full((words, words), 0.01)
    both = (ids[:-1] >= 0) & (ids[1:] >= 0)
    np.add.at(pairs, (ids[:-1][both], ids[1:][both]), 1.0)
    found: NDArray[np.float64] = (pairs / pairs.sum(1, keepdims=True))[:contexts]
    return found


def divergence(teacher: NDArray[np.float64], student: NDArray[np.float64]) -> float:
    """Mean KL divergence in nats a context."""
    return float((teacher * np.log(teacher / student)).sum(1).mean())


def from_top(teacher: NDArray[np.float64], top: int, step: float) -> NDArray[np.float64]:
    """One query a context: the top probabilities, rounded down in nats; the rest is spread evenly."""
    student = np.empty_like(teacher)
    for row, out in zip(teacher, student, strict=True):
        best = np.argsort(-row)[:top]
        told = np.exp(np.floor(np.log(row[best]) / step) * step) if step else row[best]
        out[:] = max(1 - told.sum(), 1e-3) / (len(row) - top)
        out[best] = told
        out /= out.sum()
    return student


def from_samples(teacher: NDArray[np.float64], queries: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """So many sampled words a context, counted with a little smoothing."""
    counts = np.array([chance.multinomial(queries, row) for row in teacher]) + 0.05
    found: NDArray[np.float64] = counts / counts.sum(1, keepdims=True)
    return found


def logprobs() -> dict[str, Any]:
    """Divergence of students, and the honest user's error in the likeliest word's probability."""
    if not TEXT.is_file():
        return {"skipped": f"the real text is not there: {TEXT}"}
    teacher, chance = table(), np.random.default_rng(0)
    rows = np.arange(len(teacher))
    best = teacher.argmax(1)
    found: dict[str, Any] = {"words": teacher.shape[1], "contexts": len(teacher), "students": {}, "sampling": {}}
    for name, (top, step) in {
        "all": (399, 0.0),
        "top 20": (20, 0.0),
        "top 5": (5, 0.0),
        "top 5, half nats": (5, 0.5),
    }.items():
        student = from_top(teacher, top, step)
        told = np.floor(np.log(teacher[rows, best]) / step) * step if step else np.log(teacher[rows, best])
        error = float(np.abs(np.exp(told) - teacher[rows, best]).mean())
        found["students"][name] = {"kl": round(divergence(teacher, student), 4), "honest_error": round(error, 4)}
    for queries in (1, 3, 10, 30, 100, 300, 1000):
        student = from_samples(teacher, queries, chance)
        error = float(np.abs(student[rows, best] - teacher[rows, best]).mean())
        found["sampling"][queries] = {"kl": round(divergence(teacher, student), 4), "honest_error": round(error, 4)}
    print(json.dumps(found), flush=True)
    return found


def main() -> None:
    """Both families of countermeasures."""
    torch.set_num_threads(1)
    started = time.time()
    result = {"logprobs": logprobs(), "reasoning": reasoning()}
    print(write("countermeasures_adapt", result | {"seconds": round(time.time() - started)}))


if __name__ == "__main__":
    main()
