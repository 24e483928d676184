"""Similarity tasks, and the teacher's vectors of texts, kept between runs."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.distill.encoder_free_text import free_text
from iolaus.distill.encoders.measure import PairTask, bare, check_disjoint
from iolaus.distill.encoders.static import vocabulary_pass
from iolaus.distill.encoders.teacher import SentenceEncoder

DATA = Path(__file__).parents[3] / "shared" / "data"
REPORTED = ("STS13", "STS14", "STS15", "STS16", "SICK")
CHOSEN_ON = "STS12"
"""Settings were chosen on this task, which is not reported."""


def similarity_tasks() -> tuple[list[str], dict[str, PairTask]]:
    """Distinct sentences, and the tasks whose pairs are rows among them."""
    sts = pq.read_table(DATA / "similarity" / "sts.parquet").to_pylist()
    sick = pq.read_table(DATA / "similarity" / "sick.parquet").to_pylist()
    pairs: dict[str, list[tuple[str, str, float]]] = {}
    for row in sts:
        pairs.setdefault(f"STS{row['year'] % 100}", []).append((row["sentence1"], row["sentence2"], row["score"]))
    pairs["SICK"] = [(row["sentence_a"], row["sentence_b"], row["relatedness"]) for row in sick]
    sentences = sorted({text for rows in pairs.values() for a, b, _ in rows for text in (a, b)})
    place = {text: i for i, text in enumerate(sentences)}
    tasks = {
        name: PairTask(
            name,
            np.array([place[a] for a, _, _ in rows]),
            np.array([place[b] for _, b, _ in rows]),
            np.array([s for _, _, s in rows], dtype=float),
        )
        for name, rows in pairs.items()
    }
    return sentences, tasks


def training_set(
    teacher: SentenceEncoder, wordnet: Path, work: Path, kinds: Sequence[str], evaluation: Sequence[str]
) -> tuple[list[str], np.ndarray]:
    """Free texts of some kinds without those that the evaluation has, and the teacher's vectors of them."""
    free = free_text(wordnet)
    held = {bare(text) for text in evaluation}
    texts: list[str] = []
    parts = []
    for kind in kinds:
        kept = np.array([bare(text) not in held for text in free[kind]])
        texts += [text for text, keep in zip(free[kind], kept, strict=True) if keep]
        parts.append(remembered(teacher, free[kind], work)[kept])
    check_disjoint(texts, evaluation)
    return texts, np.concatenate(parts)


def remembered(teacher: SentenceEncoder, texts: Sequence[str], folder: Path) -> np.ndarray:
    """The teacher's vectors of texts, computed once and kept in ``folder`` as float16; float32 (n, d)."""
    digest = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:20]
    path = folder / f"{digest}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        with beside.open("wb") as file:
            np.save(file, teacher.encode(texts, brief=True).astype(np.float16))
        beside.rename(path)
    kept: np.ndarray = np.load(path).astype(np.float32)
    return kept


def remembered_vocabulary(teacher: SentenceEncoder, folder: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """The vocabulary pass, computed once and kept in ``folder``."""
    path = folder / "vocabulary.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        names, vectors = vocabulary_pass(teacher)
        np.savez(path, names=np.array(names), vectors=vectors)
    with np.load(path) as held:
        return tuple(held["names"].tolist()), held["vectors"]


def thinned(
    sentences: Sequence[str], tasks: Sequence[PairTask], most: int
) -> tuple[list[str], np.ndarray, list[PairTask]]:
    """At most so many pairs a task: the sentences of those, their rows among all, and the tasks on them."""
    rng = np.random.default_rng(0)
    kept = [np.sort(rng.permutation(len(task.left))[:most]) for task in tasks]
    rows = np.unique(
        np.concatenate([side[k] for task, k in zip(tasks, kept, strict=True) for side in (task.left, task.right)])
    )
    place = np.searchsorted
    thin = [
        PairTask(task.name, place(rows, task.left[k]), place(rows, task.right[k]), task.scores[k])
        for task, k in zip(tasks, kept, strict=True)
    ]
    return [sentences[row] for row in rows], rows, thin
