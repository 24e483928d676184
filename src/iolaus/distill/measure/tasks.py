"""Tasks from files: JSON Lines of questions whose answers can be scored.

One item a line, of three kinds:
- ``{"kind": "choice", "prompt": ..., "choices": [...], "answer": 0}``: the choice with the highest log-probability a
  character is taken (length-normalised, so that short choices have no advantage).
- ``{"kind": "exact", "prompt": ..., "answer": "..."}``: the first line of the answer, blanks and case aside.
- ``{"kind": "generate", "prompt": ..., "answer": "...", "scorer": "contains" | "number" | "f1" | "regex"}``.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import InputError
from iolaus.lm import Access, LanguageModel, Sampling

__all__ = ["SCORERS", "Item", "Task", "read_task", "score_task"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    Args:
        kind: choice, exact or generate.
        prompt: what the model is given.
        answer: the right answer; for a choice its place as text.
        choices: of a choice.
        scorer: of a generation.
        max_tokens: most tokens of an answer.
    """

    kind: str
    prompt: str
    answer: str
    choices: tuple[str, ...] = ()
    scorer: str = "contains"
    max_tokens: int = 64


@dataclass(frozen=True, slots=True)
class Task:
    """Items under one name."""

    name: str
    items: tuple[Item, ...]

    @property
    def chance(self) -> float | None:
        """What guessing gives, where all items are choices."""
        if any(item.kind != "choice" for item in self.items):
            return None
        return float(np.mean([1 / len(item.choices) for item in self.items]))


def _contains(answer: str, wanted: str) -> float:
    return float(_plain(wanted) in _plain(answer))


def _number(answer: str, wanted: str) -> float:
    """The last number of the answer, as math problems are scored."""
    found = re.findall(r"-?\d[\d,]*\.?\d*", answer)
    try:
        return float(bool(found) and float(found[-1].replace(",", "")) == float(wanted.replace(",", "")))
    except ValueError:
        return 0.0


def _f1(answer: str, wanted: str) -> float:
    """Overlap of words, as in SQuAD (Rajpurkar et al., arXiv 1606.05250, section 6.1)."""
    ours, theirs = Counter(_plain(answer).split()), Counter(_plain(wanted).split())
    common = sum((ours & theirs).values())
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _regex(answer: str, wanted: str) -> float:
    return float(re.search(wanted, answer) is not None)


def _exact(answer: str, wanted: str) -> float:
    lines = answer.strip().splitlines()
    return float(bool(lines) and _plain(lines[0]) == _plain(wanted))


SCORERS: dict[str, Callable[[str, str], float]] = {
    "contains": _contains,
    "exact": _exact,
    "f1": _f1,
    "number": _number,
    "regex": _regex,
}


def read_task(path: Path) -> Task:
    """Items of a task file.

    Raises:
        InputError: names file and row of what is no item.
    """
    items: list[Item] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"task {path} cannot be read: {error}") from error
    for number, line in enumerate(lines):
        if line.strip():
            items.append(_item(line, f"{path}, row {number + 1}"))
    if not items:
        raise InputError(f"task {path} holds no item")
    return Task(path.stem, tuple(items))


def score_task(task: Task, language_model: LanguageModel) -> NDArray[np.float64] | None:
    """Score of each item in [0, 1]; None where the model does not let its caller see what the task needs."""
    if any(item.kind == "choice" for item in task.items) and Access.ECHO not in language_model.access:
        return None
    scores = np.zeros(len(task.items))
    choosing = [index for index, item in enumerate(task.items) if item.kind == "choice"]
    writing = [index for index, item in enumerate(task.items) if item.kind != "choice"]
    if choosing:
        scores[choosing] = _choose([task.items[index] for index in choosing], language_model)
    for length in sorted({task.items[index].max_tokens for index in writing}):
        same = [index for index in writing if task.items[index].max_tokens == length]
        sampling = Sampling(max_tokens=length, temperature=0.0)
        answers = language_model.generate([task.items[index].prompt for index in same], sampling)
        for index, answer in zip(same, answers, strict=True):
            item = task.items[index]
            scores[index] = SCORERS[item.scorer](answer.text, item.answer)
    return scores


def _choose(items: Sequence[Item], language_model: LanguageModel) -> list[float]:
    pairs = [(item.prompt, choice) for item in items for choice in item.choices]
    totals = iter(scored.total for scored in language_model.score(pairs))
    right = []
    for item in items:
        each = [next(totals) / max(1, len(choice)) for choice in item.choices]
        right.append(float(int(np.argmax(each)) == int(item.answer)))
    return right


def _item(line: str, where: str) -> Item:
    try:
        found: Any = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: is no JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("prompt"), str):
        raise InputError(f"{where}: has no prompt")
    kind, answer = found.get("kind", "choice" if "choices" in found else "exact"), found.get("answer")
    length = found.get("max_tokens", 64)
    if not isinstance(length, int) or length < 1:
        raise InputError(f"{where}: max_tokens must be a whole number above 0")
    if kind == "choice":
        choices = found.get("choices")
        if not (isinstance(choices, list) and len(choices) > 1 and all(isinstance(c, str) and c for c in choices)):
            raise InputError(f"{where}: choices must be two texts or more")
        if not isinstance(answer, int) or not 0 <= answer < len(choices):
            raise InputError(f"{where}: answer must be the place of a choice, from 0 to {len(choices) - 1}")
        return Item("choice", found["prompt"], str(answer), tuple(choices))
    if not isinstance(answer, str):
        raise InputError(f"{where}: answer must be a text")
    scorer = "exact" if kind == "exact" else found.get("scorer", "contains")
    if kind not in ("exact", "generate") or scorer not in SCORERS:
        raise InputError(f"{where}: kind is choice, exact or generate, and scorer one of {', '.join(SCORERS)}")
    return Item(kind, found["prompt"], answer, (), scorer, length)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
