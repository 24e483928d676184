"""What several models answered to the same prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iolaus.errors import InputError
from iolaus.provenance.texts import read_texts

__all__ = ["Outputs", "read_outputs"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Answers of models to prompts that all of them answered.

    Args:
        models: names.
        prompts: ids of the prompts.
        answers: one row a prompt, one text a model.
    """

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]


def read_outputs(
    path: Path, suspect: str, teachers: Sequence[str], controls: Sequence[str] | None = None, least: int = 30
) -> Outputs:
    """Read a table with the columns ``model``, ``prompt_id`` and ``output``.

    Args:
        path: Parquet or JSON Lines.
        suspect: its name.
        teachers: names of the candidate teachers.
        controls: names of the peers; None takes every other model that answered nine tenths of the suspect's prompts.
        least: prompts that there must be.

    Returns:
        Suspect first, then the controls, then the teachers.

    Raises:
        InputError: a name is not there or is named twice, or too few prompts were answered by all.
    """
    table: dict[str, dict[str, str]] = {}
    for row in read_texts(path, ["model", "prompt_id"], ["output"]):
        table.setdefault(row["model"], {})[row["prompt_id"]] = row["output"]
    asked = table.get(suspect, {})
    if controls is None:
        others = sorted(set(table) - {suspect, *teachers})
        controls = [name for name in others if len(asked.keys() & table[name].keys()) >= 0.9 * len(asked)]
    names = [suspect, *controls, *teachers]
    missing = [name for name in names if name not in table]
    if missing:
        raise InputError(f"{path} has no outputs of {', '.join(missing)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"suspect, teachers and controls must be different models; named twice: {', '.join(twice)}")
    shared = sorted(set.intersection(*(set(table[name]) for name in names)))
    if len(shared) < least:
        raise InputError(
            f"{path}: only {len(shared)} prompts were answered by all {len(names)} models; {least} are needed"
        )
    answers = tuple(tuple(table[name][prompt] for name in names) for prompt in shared)
    return Outputs(tuple(names), tuple(shared), answers)
