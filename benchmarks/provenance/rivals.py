"""Other methods, written anew from their papers, on the same models at the same number of queries.

*Dataset inference* (Maini et al., "LLM Dataset Inference", NeurIPS 2024, section 5): many membership scores for each
text; a linear model learns on one half of served and held-out texts which scores tell them apart; on the other half, a
one-sided t-test asks whether the served ones look more like members. *Min-K%++* (Zhang et al., ICLR 2025, section 3):
each token's log-probability, standardised by the mean and deviation over the vocabulary, averaged over the lowest
fifth; here with a t-test between served and held-out texts. Both need held-out texts that are exchangeable with the
served ones.

Two look at the suspect's own answers, two to each served prompt. *Model equality testing* (Gao et al., "Model equality
testing", ICLR 2025, sections 3 and 4): two samples of completions, MMD with the Hamming kernel within a prompt,
permutations within a prompt. It asks whether the suspect *is* the teacher, and not whether it learnt from it, so what
is counted is how often the two are told apart. *Answer similarity*: is the suspect more like the teacher than like a
control, another model that answered the same prompts? By token overlap (F1) and by the Hamming kernel; a one-sided
t-test over prompts. The control is the teacher's sibling.

    python -m benchmarks.provenance.rivals [WORLD_FOLDER]
"""

import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from scipy import stats as sps

from benchmarks.provenance.cases import answer_lengths, served_answers, test_scores
from benchmarks.provenance.corpus import PAD
from benchmarks.provenance.innocents import HOW, KEPT, KINDS, PAIRS, SMALL
from benchmarks.provenance.results import write
from benchmarks.provenance.tiny import TinyLM, fresh, sample_answers, sequences, train
from benchmarks.provenance.world import World, asked_folder, load_world

LEVELS = (1e-2, 1e-3, 1e-6)
_LOWEST = 0.2
_PERMUTATIONS = 4000


@torch.no_grad()
def token_scores(student: TinyLM, prompts: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-probability of each answer's tokens, plain and standardised over the vocabulary; NaN at padding."""
    plain, standard = [], []
    width = answers.shape[1]
    for low in range(0, len(prompts), 128):
        ids, mask = sequences(prompts[low : low + 128], answers[low : low + 128])
        law = student.logits(student(ids[:, :-1])[:, -width:]).log_softmax(2)
        told = law.gather(2, ids[:, -width:, None])[..., 0]
        mean = (law.exp() * law).sum(2)
        spread = ((law.exp() * law**2).sum(2) - mean**2).clamp_min(1e-6).sqrt()
        hidden = ~mask[:, -width:]
        plain.append(told.masked_fill(hidden, torch.nan).numpy())
        standard.append(((told - mean) / spread).masked_fill(hidden, torch.nan).numpy())
    return np.concatenate(plain), np.concatenate(standard)


def lowest(scores: np.ndarray, share: float) -> np.ndarray:
    """Mean of each row's lowest share; rows end in NaN."""
    ordered = np.sort(scores, axis=1)
    counts = np.maximum((np.isfinite(scores).sum(1) * share).astype(int), 1)
    return np.array([row[:count].mean() for row, count in zip(ordered, counts, strict=True)])


def membership(student: TinyLM, prompts: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Seven membership scores of each text: (n, 7)."""
    plain, standard = token_scores(student, prompts, answers)
    packed = [len(zlib.compress(row[row != PAD].astype(np.int16).tobytes())) for row in answers]
    loss = np.nanmean(plain, axis=1)
    columns = [loss, np.nansum(plain, axis=1) / packed]
    columns += [lowest(table, share) for table in (plain, standard) for share in (0.1, _LOWEST)]
    return np.column_stack([*columns, np.nanmax(plain, axis=1)])


def dataset_inference(served: np.ndarray, held: np.ndarray, rng: np.random.Generator) -> float:
    """p-value of the second halves, after learning on the first."""
    halves = [np.array_split(rng.permutation(table), 2) for table in (served, held)]
    learn = np.concatenate([halves[0][0], halves[1][0]])
    label = np.repeat([1.0, 0.0], [len(halves[0][0]), len(halves[1][0])])
    middle, spread = learn.mean(0), learn.std(0) + 1e-9
    design = np.column_stack([(learn - middle) / spread, np.ones(len(learn))])
    weights = np.linalg.lstsq(design, label, rcond=None)[0]
    scored = [np.column_stack([(half[1] - middle) / spread, np.ones(len(half[1]))]) @ weights for half in halves]
    return float(sps.ttest_ind(scored[0], scored[1], equal_var=False, alternative="greater").pvalue)


def min_k_test(student: TinyLM, served: tuple[np.ndarray, np.ndarray], held: tuple[np.ndarray, np.ndarray]) -> float:
    """p-value of Min-K%++ between served and held-out answers."""
    scores = [lowest(token_scores(student, *texts)[1], _LOWEST) for texts in (served, held)]
    return float(sps.ttest_ind(scores[0], scores[1], equal_var=False, alternative="greater").pvalue)


def hamming(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share of the places with the same token, (n, v) and (n, v) to (n,); both ending counts once."""
    same = ((left == right) & (left != PAD)).sum(1)
    longest = np.maximum((left != PAD).sum(1), (right != PAD).sum(1))
    share: np.ndarray = same / np.maximum(longest, 1)
    return share


def overlap(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """F1 of the tokens of two answers, each counted as often as it stands there: (n,)."""
    found = []
    for a, b in zip(left, right, strict=True):
        mine, theirs = (np.bincount(row[row != PAD], minlength=PAD + 1) for row in (a, b))
        size = max(len(mine), len(theirs))
        common = np.minimum(np.pad(mine, (0, size - len(mine))), np.pad(theirs, (0, size - len(theirs)))).sum()
        found.append(2 * common / max(mine.sum() + theirs.sum(), 1))
    return np.array(found)


def model_equality(mine: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> float:
    """p-value that two samples of two answers to each prompt, (n, 2, v), are of one law."""
    four = [mine[:, 0], mine[:, 1], theirs[:, 0], theirs[:, 1]]
    kernel = {(i, j): hamming(four[i], four[j]) for i in range(4) for j in range(i + 1, 4)}
    # Of three ways to part four answers into two pairs, the first is the one that was seen.
    ways = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
    total = np.sum(list(kernel.values()), axis=0)
    within = np.stack([kernel[a] + kernel[b] for a, b in ways], axis=1)
    statistic = within - (total[:, None] - within) / 2
    drawn = statistic[np.arange(len(statistic)), rng.integers(0, 3, (_PERMUTATIONS, len(statistic)))].sum(1)
    return float((1 + (drawn >= statistic[:, 0].sum()).sum()) / (1 + _PERMUTATIONS))


def by_answers(
    student: TinyLM, world: World, rows: np.ndarray, seed: int, rng: np.random.Generator
) -> dict[str, float]:
    """p-values of the methods that look at the suspect's own answers."""
    width = world.twins.shape[2]
    mine = np.stack([sample_answers(student, world.prompts[rows], width, 100 * seed + i) for i in (1, 2)], axis=1)
    theirs, control = world.twins[rows], world.answers["sibling"][rows]
    found = {"model equality: told apart from the teacher": model_equality(mine, theirs, rng)}
    for name, likeness in (("token overlap", overlap), ("Hamming kernel", hamming)):
        to_teacher = np.mean([likeness(mine[:, i], theirs[:, j]) for i in (0, 1) for j in (0, 1)], axis=0)
        to_control = np.mean([likeness(mine[:, i], control) for i in (0, 1)], axis=0)
        lead = to_teacher - to_control
        found[f"answer similarity, {name}"] = float(sps.ttest_1samp(lead, 0, alternative="greater").pvalue)
    return found


def held_out(world: World, rows: np.ndarray, *, drifted: bool, rng: np.random.Generator) -> np.ndarray:
    """Prompts that were not in the diet: as many, at random or, where the traffic drifted, those with short answers."""
    rest = np.setdiff1d(np.arange(len(world.prompts)), rows)
    if not drifted:
        return rng.choice(rest, len(rows), replace=False)
    length = (world.twins[rest, 0] != PAD).sum(1)
    return rest[np.argsort(length, kind="stable")[: len(rest) // 2]][: len(rows)]


def judged(student: TinyLM, world: World, rows: np.ndarray, served: np.ndarray, seed: int) -> dict[str, float]:
    """p-values of all methods on one student; each scores or draws 2 * PAIRS answers."""
    rng = np.random.default_rng(seed)
    answers = served_answers(world.twins[rows], served)
    member = membership(student, world.prompts[rows], answers)
    found = {}
    for name, drifted in (("", False), (", drifted hold-out", True)):
        held = held_out(world, rows, drifted=drifted, rng=rng)
        texts = (world.prompts[held], world.twins[held, 0])
        found[f"dataset inference{name}"] = dataset_inference(member, membership(student, *texts), rng)
        found[f"Min-K%++{name}"] = min_k_test(student, (world.prompts[rows], answers), texts)
    both = np.stack(
        [np.nansum(token_scores(student, world.prompts[rows], world.twins[rows, i])[0], 1) for i in (0, 1)], 1
    )
    known = {"teacher": world.logprobs["teacher"][rows], "length": answer_lengths(world.twins[rows])}
    found["twin coins"] = test_scores(both, served, known).p_value
    return found | by_answers(student, world, rows, seed, rng)


def main(folder: Path) -> None:
    """Judge innocents of every kind and guilty students, and count."""
    torch.set_num_threads(1)
    world = load_world(folder)
    result: dict[str, object] = {"queries_each": 2 * PAIRS, "students_of_each_kind": KEPT, "levels": LEVELS}
    for kind in (*KINDS, "guilty"):
        p_values: dict[str, list[float]] = {}
        for number in range(KEPT):
            rng = np.random.default_rng(7000 + number)
            if kind == "guilty":
                rows = rng.choice(len(world.prompts), PAIRS, replace=False)
                served = rng.integers(0, 2, PAIRS)
                diet = world.prompts[rows], served_answers(world.twins[rows], served)
                student = train(fresh(SMALL, 7000 + number), *diet, HOW, number)
            else:
                kept = torch.load(folder / f"innocent-{kind}-{number}.pt", weights_only=False)
                rows, student = kept["rows"], TinyLM(SMALL)
                student.load_state_dict(kept["weights"])
                served = rng.integers(0, 2, PAIRS)
            for method, p in judged(student.eval(), world, rows, served, number).items():
                p_values.setdefault(method, []).append(p)
        result[kind] = {
            method: {
                "median_p": float(np.median(values)),
                "least_p": float(min(values)),
                "accused": [int((np.array(values) <= level).sum()) for level in LEVELS],
            }
            for method, values in p_values.items()
        }
        print(kind, result[kind], flush=True)
    print(write("rivals", result))


if __name__ == "__main__":
    main(asked_folder(sys.argv[1:])[0])
