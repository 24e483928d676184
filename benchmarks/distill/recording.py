"""Writing down results of this room's benchmarks, with the machine and the versions that gave them."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.record import machine

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("torch", "transformers", "tokenizers", "scikit-learn", "numpy", "scipy", "numba")


def write(name: str, result: dict[str, Any]) -> Path:
    """Write ``benchmarks/distill/results/<name>.json`` and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    where = machine()
    where["versions"] = {package: version(package) for package in _PACKAGES}
    path.write_text(json.dumps({"machine": where} | result, indent=2) + "\n", encoding="utf-8")
    return path
