"""How a cost grows with the rows: the exponent of a power law, by least squares between logarithms."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["exponent", "growth"]

# Below this many seconds at the smallest size a stage is mostly starting up.
_LEAST_S = 0.2


def exponent(rows: Sequence[float], cost: Sequence[float]) -> float | None:
    """Slope of log(cost) on log(rows); None where there are fewer than two sizes or a cost is zero.

    Args:
        rows: sizes, shape (n,).
        cost: what each took, shape (n,).
    """
    if len(set(rows)) < 2 or min(cost) <= 0:
        return None
    x, y = [math.log(r) for r in rows], [math.log(c) for c in cost]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    top = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return round(top / sum((a - mean_x) ** 2 for a in x), 3)


def growth(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Exponents of the whole programs' wall clock and CPU, and of each stage's CPU.

    Args:
        results: one a size, as the benchmark writes them.
    """
    rows = [float(r["rows"]) for r in results]
    out: dict[str, Any] = {"rows": [int(r) for r in rows]}
    for program in ("simulate", "scan_floor", "detect"):
        for cost in ("wall_s", "cpu_s"):
            out[f"{program}_{cost}"] = exponent(rows, [r[program][cost] for r in results])
    smallest = min(results, key=lambda r: int(r["rows"]))
    out["stage_cpu_s"] = {
        stage: exponent(rows, [r["stages"][stage]["cpu_s"] for r in results])
        for stage, took in smallest["stages"].items()
        if took["cpu_s"] >= _LEAST_S and all(stage in r["stages"] for r in results)
    }
    return out
