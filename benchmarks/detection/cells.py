"""Cells: one answer of one method on one range, kept as JSON, so that a run that was stopped goes on."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.detection.methods import code_of, range_code

__all__ = ["Cells", "Place"]

_TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Place:
    """A range: its scenario and its seed."""

    scenario: str
    seed: int


class Cells:
    """The folder of cells, ``<exchanges>/<scenario>/<seed>/<method>.json``.

    A cell is stale, and as good as absent, when the code of its method or of the range has changed since.

    Args:
        folder: where they are.
        exchanges: size of the ranges.
        code: digests of code by method, worked out once; the range's is under ``truth``.

    Attributes:
        stale: cells that were asked for and found stale.
    """

    def __init__(self, folder: Path, exchanges: int, code: Mapping[str, str]) -> None:
        self._folder = folder / str(exchanges)
        self._code = dict(code)
        self.stale: set[tuple[Place, str]] = set()

    @classmethod
    def of(cls, folder: Path, exchanges: int, methods: list[str]) -> "Cells":
        """The cells of methods as their code is now."""
        return cls(folder, exchanges, {m: code_of(m) for m in methods} | {_TRUTH: range_code()})

    def truth(self, place: Place) -> dict[str, Any] | None:
        """The range's labels; None where they are not there."""
        return self._read(place, _TRUTH)

    def answer(self, place: Place, method: str) -> dict[str, Any] | None:
        """The method's answer; None where it is not there."""
        return self._read(place, method)

    def keep(self, place: Place, name: str, content: Mapping[str, Any]) -> None:
        """Write a cell (or, under ``truth``, the labels), beside and renamed."""
        path = self._path(place, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(json.dumps({"code": self._stamp(name)} | dict(content)), encoding="utf-8")
        beside.replace(path)

    def _read(self, place: Place, name: str) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = json.loads(self._path(place, name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if content.get("code") != self._stamp(name):
            self.stale.add((place, name))
            return None
        return content

    def _stamp(self, name: str) -> str:
        return self._code[_TRUTH] if name == _TRUTH else f"{self._code[name]} {self._code[_TRUTH]}"

    def _path(self, place: Place, name: str) -> Path:
        return self._folder / place.scenario / str(place.seed) / f"{name}.json"
