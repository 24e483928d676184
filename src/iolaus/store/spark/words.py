"""What Spark says of a failure, cut to the sentence that helps."""

import re
from typing import Final

__all__ = ["first_words"]

_NOISE: Final = re.compile(r"\s*SQLSTATE: \w+.*$")
# Java's and Python's names of an error before its words.
_CLASS: Final = re.compile(r"^(?:: )?[\w.$]*(?:Exception|Error): ")
_LONGEST: Final = 400


def first_words(error: BaseException) -> str:
    """One line: the error's first, without Spark's codes for machines.

    Java's errors put the name of a call first and what happened after it; a kernel's error on an executor comes with
    the whole traceback, and its last line says what happened.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    told = lines[0]
    traced = next((i for i, line in enumerate(lines) if line.startswith("Traceback")), None)
    if traced is not None:
        told = next((line for line in lines[traced:] if _CLASS.match(line)), told)
    elif told.startswith("An error occurred while calling"):
        told = next((line for line in lines[1:] if _CLASS.match(line)), told)
    return _NOISE.sub("", _CLASS.sub("", told))[:_LONGEST]
