"""The manifest's schema: a number, and a step from each number to the next."""

from collections.abc import Callable
from typing import Any, Final

from iolaus.errors import StateError

__all__ = ["SCHEMA", "STEPS", "migrated"]

SCHEMA: Final = 1
# By the number it starts from, what turns a document of that schema into one of the next.
STEPS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}


def migrated(document: object, where: str) -> dict[str, Any]:
    """A manifest's document in today's schema.

    Args:
        document: what the file holds.
        where: how a user knows it.

    Raises:
        StateError: a later version of Iolaus has written it.
        ValueError: it is no manifest.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise ValueError("it has no schema")
    number = document["schema"]
    if number > SCHEMA:
        raise StateError(f"{where} was written by a later version of Iolaus (schema {number}, this one knows {SCHEMA})")
    for step in range(number, SCHEMA):
        if step not in STEPS:
            raise ValueError(f"nothing leads on from schema {step}")
        document = STEPS[step](document) | {"schema": step + 1}
    return document
