"""What each kind of access shows of one and the same student: effect, win rate, pairs and queries for a conviction.

    python -m benchmarks.provenance.access [WORLD_FOLDER]

Needs the students that ``benchmarks.provenance.power`` keeps in the folder.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from benchmarks.provenance.cases import ALPHA, answer_lengths, test_scores
from benchmarks.provenance.corpus import ANSWER, END, PAD, read_roles
from benchmarks.provenance.results import write
from benchmarks.provenance.tiny import TinyLM, sample_answers, sequences
from benchmarks.provenance.world import asked_folder, load_world
from iolaus.provenance.likeness import Likeness
from iolaus.provenance.scoring import Scoring, Way, queries_each

PAIRS, TOP, DRAWS = 1000, 20, 4
STEPS = (1, 4, 8, 16, 32, 64)


@torch.no_grad()
def told_logprobs(model: TinyLM, prompts: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Log-probability of each token where it is among the TOP likeliest, else that of the least of them; or 0."""
    out = np.zeros(answers.shape)
    for low in range(0, len(prompts), 128):
        ids, mask = sequences(prompts[low : low + 128], answers[low : low + 128])
        width = answers.shape[1]
        law = model.logits(model(ids[:, :-1])[:, -width:]).log_softmax(2)
        least = law.topk(TOP, dim=2).values[..., -1]
        told = torch.maximum(law.gather(2, ids[:, -width:, None])[..., 0], least)
        out[low : low + 128] = torch.where(mask[:, -width:], told, 0.0).numpy()
    return out


def walked(model: TinyLM, prompts: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """Sums over the first tokens, as walks through prefill and top-k logprobs would see them: (n, 2, tokens)."""
    return np.stack([told_logprobs(model, prompts, twins[:, i]).cumsum(axis=1) for i in (0, 1)], axis=1)


def texts_of(rows: np.ndarray, tokenizer: Tokenizer) -> list[str]:
    """Answers as text."""
    plain = [[int(t) for t in row if t not in (PAD, END)] for row in rows]
    decoded: list[str] = tokenizer.decode_batch(plain)
    return decoded


def resembled(model: TinyLM, prompts: np.ndarray, candidates: list[list[str]], tokenizer: Tokenizer) -> np.ndarray:
    """Mean likeness of each candidate to fresh answers: (n, 2)."""
    likeness = Likeness(text for both in candidates for text in both)
    scores = np.zeros((len(prompts), 2))
    for draw in range(DRAWS):
        told = texts_of(sample_answers(model, prompts, ANSWER, 500 + draw), tokenizer)
        scores += [[likeness.of(text, one) for one in both] for text, both in zip(told, candidates, strict=True)]
    return scores / DRAWS


def main(folder: Path) -> None:
    """One student, seen in several ways (prefill without logprobs is left to the tests)."""
    torch.set_num_threads(1)
    world, tokenizer = load_world(folder), read_roles().tokenizer
    kept = dict(np.load(folder / "headline0.npz"))
    rows, served = kept["rows"][:PAIRS], kept["served"][:PAIRS]
    student, teacher = world.model("base"), world.model("teacher")
    student.load_state_dict(torch.load(folder / "headline0.pt"))
    prompts, twins = world.prompts[rows], world.twins[rows]
    full = {"teacher": world.logprobs["teacher"][rows], "length": answer_lengths(twins)}
    walks = [walked(model, prompts, twins) for model in (student, teacher)]
    found = {"whole answer": _seen(Way.LIKELIHOOD, kept["scores"][:PAIRS], served, full)}
    for steps in STEPS:
        scores, known = (walk[..., steps - 1] for walk in walks)
        way = Way.FIRST_TOKEN if steps == 1 else Way.WALK
        found[f"first {steps} tokens"] = _seen(way, scores, served, full | {"teacher's walk": known}, steps)
    texts = [texts_of(twins[:, i], tokenizer) for i in (0, 1)]
    candidates = [list(both) for both in zip(*texts, strict=True)]
    scores, known = (resembled(model, prompts, candidates, tokenizer) for model in (student, teacher))
    found["text"] = _seen(Way.TEXT, scores, served, full | {"teacher's texts": known})
    for name, one in found.items():
        print(name, one)
    print(write("access", {"alpha": ALPHA, "top": TOP, "draws": DRAWS, "ways": found}))


def _seen(
    way: Way, scores: np.ndarray, served: np.ndarray, known: dict[str, np.ndarray], steps: int = 1
) -> dict[str, float | int | None]:
    test = test_scores(scores, served, known).to_json()
    each = queries_each(Scoring(way, steps=steps, draws=DRAWS), 2)
    pairs = test["pairs_for_95_percent"]
    return test | {"queries_each": each, "queries_for_95_percent": pairs and each * pairs}


if __name__ == "__main__":
    main(asked_folder(sys.argv[1:])[0])
