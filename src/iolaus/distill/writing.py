"""Writing a file whole or not at all."""

import os
from pathlib import Path

from iolaus.errors import OutputError

__all__ = ["put_bytes", "write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write a file beside itself, then put it in place.

    Raises:
        OutputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}") from error


def put_bytes(path: Path, content: bytes) -> None:
    """Write a file of bytes beside itself, see it on the disk, then put it in place.

    Raises:
        OutputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error}") from error
