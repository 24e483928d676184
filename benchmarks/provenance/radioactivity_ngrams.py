"""Radioactivity of word-pair students: power over tokens and share, and the null over random keys. A minute of CPU.

The teacher is the table of next tokens of real answers (512 byte-level BPE tokens). It is marked by transformers' own
green lists and by its own SynthID functions, over one token of context. A student is the table of what it was served; a
share of that carries the mark. The reference is a student of other unmarked text. Needs the real texts beside the
checkout (``../shared/data``).
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from benchmarks.provenance.results import write
from iolaus.provenance.radioactivity import GreenList, Mark, SynthId, Windows
from iolaus.provenance.radioactivity.synthid import _processor

DATA = Path(__file__).parents[3] / "shared" / "data" / "campaign_text.parquet"
VOCABULARY, LENGTH, BIAS = 512, 64, 2.0
TOKENS, SHARES, SEEDS = (10_000, 30_000, 100_000, 300_000), (1.0, 0.25, 0.1, 0.01), (1, 2, 3)
KEYS = 600
MARKS: dict[str, Mark] = {
    "green lists": GreenList(2_038_074_743, VOCABULARY),
    "synthid": SynthId((40_503, 9_973, 60_013, 1_299_709, 523, 77_777, 31_337, 8), ngram=2),
}
Table = NDArray[np.float64]


def teacher_table() -> Table:
    """(V, V) next-token probabilities of real answers."""
    rows = pq.read_table(DATA, columns=["source", "response"]).to_pylist()
    texts = [row["response"] for row in rows if "stanford" in row["source"] and row["response"]][:12_000]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts[:3000], trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    )
    counts = np.full((VOCABULARY, VOCABULARY), 0.01)
    for encoded in made.encode_batch(texts):
        ids = np.array(encoded.ids)
        np.add.at(counts, (ids[:-1], ids[1:]), 1.0)
    return np.asarray(counts / counts.sum(1, keepdims=True))


def grid(weights: Table) -> Windows:
    """Every pair of tokens with its weight."""
    places = np.arange(VOCABULARY**2)
    return Windows(places[:, None] // VOCABULARY, places % VOCABULARY, weights.ravel())


def marked_table(mark: Mark, table: Table) -> Table:
    """The teacher's probabilities with the mark, as transformers would sample them."""
    if isinstance(mark, SynthId):
        processor = _processor(mark.ngram, mark.table_size, mark.table_seed)
        bits: Any = torch.from_numpy(mark._hashes(grid(table), mark.keys))[None]
        bits = processor.sample_g_values(bits)[0].reshape(VOCABULARY, VOCABULARY, len(mark.keys))
        scores: Any = torch.from_numpy(np.log(table))
        found = processor.update_scores(scores, bits.double()).exp().numpy()
    else:
        found = table * np.exp(BIAS * mark.values(grid(table)).reshape(table.shape))
    return np.asarray(found / found.sum(1, keepdims=True))


def written(table: Table, tokens: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """(texts, LENGTH) token ids that a table writes."""
    steps, count = table.cumsum(1), -(-tokens // LENGTH)
    texts = np.empty((count, LENGTH), np.int64)
    texts[:, 0] = chance.integers(1, VOCABULARY, count)
    for at in range(1, LENGTH):
        texts[:, at] = (chance.random(count)[:, None] > steps[texts[:, at - 1]]).sum(1).clip(max=VOCABULARY - 1)
    return texts


def student_of(*parts: NDArray[np.int64]) -> Table:
    """Next-token probabilities of a student of some texts."""
    counts = np.full((VOCABULARY, VOCABULARY), 0.05)
    for texts in parts:
        np.add.at(counts, (texts[:, :-1].ravel(), texts[:, 1:].ravel()), 1.0)
    return np.asarray(counts / counts.sum(1, keepdims=True))


def tested(mark: Mark, student: Table, reference: Table) -> tuple[float, float]:
    """Bound on the p-value, and z."""
    windows = grid(student - reference)
    windows = windows.take(mark.usable(windows.contexts))
    law = mark.law(windows)
    statistic = float(windows.weights @ mark.values(windows)) - mark.mean * float(windows.weights.sum())
    return law.tail(statistic), statistic / law.deviation


def null(mark: Mark, innocent: Table, reference: Table) -> dict[str, Any]:
    """Random keys against an innocent of the same teacher: all that reaches a level is false accusation."""
    chance = np.random.default_rng(7)
    found = [tested(mark.decoy(chance), innocent, reference) for _ in range(KEYS)]
    bounds, z = np.array(found).T
    shares = {f"share_at_{level:g}": round(float((bounds <= level).mean()), 4) for level in (0.1, 0.01, 0.001)}
    return {"keys": KEYS, "mean_z": round(float(z.mean()), 3), "variance_z": round(float(z.var()), 3), **shares}


def main() -> None:
    """Both marks."""
    if not DATA.is_file():
        sys.exit(f"the real texts are not there: {DATA}")
    started, teacher = time.process_time(), teacher_table()
    stranger = student_of(written(teacher, 20_000, np.random.default_rng(100)))
    result: dict[str, Any] = {"vocabulary": VOCABULARY, "bias_of_green_lists": BIAS, "seeds": SEEDS}
    for name, mark in MARKS.items():
        served, rows = marked_table(mark, teacher), []
        for tokens in TOKENS:
            for share in SHARES:
                found = []
                for seed in SEEDS:
                    chance = np.random.default_rng(seed)
                    marked = written(served, round(tokens * share), chance)
                    plain = written(teacher, round(tokens * (1 - share)), chance)
                    found.append(tested(mark, student_of(marked, plain), stranger))
                p, z = np.median(np.array(found), axis=0)
                rows.append({"tokens": tokens, "share": share, "median_p": float(p), "median_z": round(float(z), 2)})
                print(name, json.dumps(rows[-1]), flush=True)
        innocent = student_of(written(teacher, 100_000, np.random.default_rng(5)))
        result[name] = {"students": rows, "null_same_teacher_unmarked": null(mark, innocent, stranger)}
        print(name, json.dumps(result[name]["null_same_teacher_unmarked"]), flush=True)
    print(write("radioactivity_ngrams", result | {"cpu_seconds": round(time.process_time() - started)}))


if __name__ == "__main__":
    main()
