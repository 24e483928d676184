"""Writing down a result with the machine and the versions that gave it."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("duckdb", "numpy", "numba", "pyarrow", "scipy", "graspologic-native")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, Python and package versions."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        # Others at work on the machine lengthen wall clocks, and CPU times a little.
        "load_average": round(os.getloadavg()[0], 1),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def write(name: str, result: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``<name>.json`` into a folder of results and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"machine": machine()} | result, indent=2) + "\n", encoding="utf-8")
    return path
