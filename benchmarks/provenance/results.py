"""Where the experiments' results are written."""

import json
from pathlib import Path
from typing import Any

from benchmarks.record import machine

__all__ = ["RESULTS", "write"]

RESULTS = Path(__file__).parent / "results"


def write(name: str, result: dict[str, Any]) -> Path:
    """Write ``results/<name>.json`` here, with the machine that gave it, and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result | {"machine": machine()}, indent=2) + "\n", encoding="utf-8")
    return path
