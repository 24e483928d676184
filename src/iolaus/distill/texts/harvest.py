"""Asking a teacher for its answers, one file of answers that a killed run goes on from."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from iolaus.errors import OutputError, StaleCache
from iolaus.lm import Generation, LanguageModel, Sampling

__all__ = ["Answer", "harvest"]

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What the teacher answered to a prompt.

    Args:
        prompt: the prompt.
        response: its answer.
        tokens: the answer's tokens as text, where it tells them.
        top: for each token the likeliest ones with their natural-log probabilities, where it tells them.
    """

    prompt: str
    response: str
    tokens: tuple[str, ...] = ()
    top: tuple[tuple[tuple[str, float], ...], ...] = ()


def harvest(
    language_model: LanguageModel,
    prompts: Sequence[str],
    sampling: Sampling,
    path: Path,
    listen: Callable[[int, int], None] = lambda done, of: None,
) -> list[Answer]:
    """One answer to each prompt; those in the file already are not asked for again.

    Args:
        language_model: the teacher.
        prompts: asked once each, in this order.
        sampling: how answers are drawn.
        path: JSON Lines, appended to; its first line says what was asked of whom.
        listen: told how many answers there are, and of how many.

    Raises:
        StaleCache: the file is of another teacher or other settings.
        OutputError: the file cannot be written.
        ModelError: the teacher does not answer; what it answered before is kept.
    """
    header: dict[str, object] = {"teacher": language_model.name, "sampling": asdict(sampling)}
    kept = {_key(answer.prompt): answer for answer in _kept(path, header)}
    wanted = list(dict.fromkeys(prompt for prompt in prompts if _key(prompt) not in kept))
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        answered = language_model.generate(part, sampling)
        fresh = [_answer(prompt, generation) for prompt, generation in zip(part, answered, strict=True)]
        _append(path, [asdict(answer) for answer in fresh])
        kept |= {_key(answer.prompt): answer for answer in fresh}
        listen(len(kept), len(kept) + len(wanted) - start - len(part))
    return [kept[_key(prompt)] for prompt in prompts]


def _answer(prompt: str, generation: Generation) -> Answer:
    return Answer(prompt, generation.text, generation.tokens, generation.top)


def _key(prompt: str) -> bytes:
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()


def _kept(path: Path, header: dict[str, object]) -> Iterator[Answer]:
    """Answers of the file; the line that a killed run left half-written is cut off."""
    if not path.exists():
        _append(path, [header])
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    lines = whole.decode("utf-8").splitlines()
    if not lines:
        _append(path, [header])
        return
    if json.loads(lines[0]) != json.loads(json.dumps(header)):
        raise StaleCache(f"{path} holds answers of another teacher or other settings; use another folder")
    for number, line in enumerate(lines[1:], 2):
        try:
            found = json.loads(line)
            top = tuple(tuple((str(text), float(value)) for text, value in step) for step in found["top"])
            yield Answer(found["prompt"], found["response"], tuple(found["tokens"]), top)
        except (ValueError, KeyError, TypeError) as error:
            raise StaleCache(f"{path}, row {number}: is no answer; the file is damaged") from error


def _append(path: Path, records: Sequence[object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=True) + "\n" for record in records)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}") from error
