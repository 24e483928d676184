"""The world of the experiments: a base, a teacher, its sibling, and answers that each of them gave.

Made once and kept in a folder, so that every experiment starts from the same models and the same answers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.provenance.corpus import ANSWER, PAD, Roles, read_roles
from benchmarks.provenance.tiny import Shape, TinyLM, Training, answer_logprob, fresh, sample_answers, train

__all__ = ["ASKED", "World", "asked_folder", "candidate_scores", "load_world"]

ASKED = 3000
SHAPE = Shape()
_BASE = Training(epochs=1, rate=3e-3, whole=True)
_TEACHER = Training(epochs=1, rate=3e-3, whole=True)


@dataclass(frozen=True)
class World:
    """What every experiment starts from.

    Args:
        prompts: (n, width) token ids of the prompts that were asked.
        twins: (n, 2, width) two independent answers of the teacher to each.
        answers: (n, width) by name: ``other`` (a third answer of the teacher), ``sibling``, ``real``.
        base, teacher, sibling: weights.
        logprobs: (n, 2) log-likelihood of the twins under each of the three.
    """

    prompts: np.ndarray
    twins: np.ndarray
    answers: dict[str, np.ndarray]
    weights: dict[str, dict[str, torch.Tensor]]
    logprobs: dict[str, np.ndarray]

    def model(self, name: str) -> TinyLM:
        """A fresh copy of the base, the teacher or its sibling."""
        model = TinyLM(SHAPE)
        model.load_state_dict(self.weights[name])
        return model.eval()


def candidate_scores(model: TinyLM, prompts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Log-likelihood of every candidate: prompts (n, w) and candidates (n, k, v) give (n, k)."""
    n, k, width = candidates.shape
    flat = answer_logprob(model, np.repeat(prompts, k, axis=0), candidates.reshape(n * k, width))
    total: np.ndarray = flat.sum(axis=1).reshape(n, k)
    return total


def asked_folder(arguments: list[str]) -> tuple[Path, list[str]]:
    """The folder of the world that a command line names first, or build/provenance; and what else it names."""
    if arguments and not arguments[0].isidentifier():
        return Path(arguments[0]), arguments[1:]
    return Path("build/provenance"), arguments


def load_world(folder: Path) -> World:
    """Read the world from a folder, or make it there first (some ten minutes of one core)."""
    path = folder / "world.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = _make(folder)
        torch.save(made.__dict__, folder / "world.tmp")
        (folder / "world.tmp").replace(path)
    return World(**torch.load(path, weights_only=False))


def _learnt(folder: Path, name: str, seed: int, corpus: tuple[np.ndarray, np.ndarray], how: Training) -> TinyLM:
    """A model from the folder, or trained and kept there."""
    path, model = folder / f"{name}.pt", fresh(SHAPE, seed)
    if path.exists():
        model.load_state_dict(torch.load(path))
        return model.eval()
    train(model, *corpus, how, seed)
    torch.save(model.state_dict(), path)
    return model


def _make(folder: Path) -> World:
    roles: Roles = read_roles()
    half = len(roles.teacher[0]) // 2
    models = {
        "base": _learnt(folder, "base", 1, roles.base, _BASE),
        "teacher": _learnt(folder, "teacher", 2, roles.teacher, _TEACHER),
        "sibling": _learnt(folder, "sibling", 3, (roles.teacher[0][:half], roles.teacher[1][:half]), _TEACHER),
    }
    usable = (roles.asked[1] != PAD).sum(1) >= 8
    prompts, real = roles.asked[0][usable][:ASKED], roles.asked[1][usable][:ASKED]
    draws = [sample_answers(models["teacher"], prompts, ANSWER, seed) for seed in (11, 12, 13)]
    twins = np.stack(draws[:2], axis=1)
    return World(
        prompts=prompts,
        twins=twins,
        answers={"other": draws[2], "sibling": sample_answers(models["sibling"], prompts, ANSWER, 14), "real": real},
        weights={name: model.state_dict() for name, model in models.items()},
        logprobs={name: candidate_scores(model, prompts, twins) for name, model in models.items()},
    )
