"""The picture: recall against dilution for each method at 5% false discoveries."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.detection.methods import METHODS, OURS, PEERS
from benchmarks.detection.scenarios import COVERS, GRID_LEVELS, RATES, grid_row
from benchmarks.detection.summary import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_SHOWN: Final = (2, 4, 5, 6)
_NAMES: Final = {
    0: "L0, naive",
    1: "L1, disjoint payment",
    2: "L2, one template, balanced",
    4: "L3/L4, reworded",
    5: "L5, pools",
    6: "L6, no template",
}


def draw(results: Results, path: Path) -> bool:
    """Write the picture; False where the grid was not run.

    Args:
        results: with the grid's scenarios.
        path: file to write; its ending (.svg or .png) says what.
    """
    levels = [x for x in _SHOWN if x in GRID_LEVELS and f"grid-l{x}" in results.outcomes]
    if not levels:
        return False
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "iolaus", "font.size": 9})
    from matplotlib import pyplot

    size = (2.9 * len(levels) + 0.6, 2.5 * len(RATES) + 1.4)
    figure, axes = pyplot.subplots(
        len(RATES), len(levels), squeeze=False, sharex=True, sharey=True, figsize=size, layout="constrained"
    )
    for column, level in enumerate(levels):
        for line, rate in enumerate(RATES):
            panel = axes[line][column]
            for method in (*PEERS, OURS):
                _line(panel, results, method, level, rate)
            panel.set_title(f"{_NAMES[level]}; {rate:g} a day", fontsize=9)
            panel.set_ylim(-0.03, 1.03)
            panel.set_xticks(range(len(COVERS)), [f"{c:.0%}" for c in COVERS])
            panel.grid(alpha=0.25)
        axes[-1][column].set_xlabel("share of cover traffic")
    for row in axes:
        row[0].set_ylabel("account recall")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=max(2, len(levels)), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return True


def _line(panel: "Axes", results: Results, method: str, level: int, rate: float) -> None:
    recalls = [results.recalls(f"grid-l{level}", method, grid_row(level, rate, cover)).values() for cover in COVERS]
    known = [(x, float(np.mean(list(r)))) for x, r in enumerate(recalls) if r]
    if not known:
        return
    places, heights = zip(*known, strict=True)
    (line,) = panel.plot(places, heights, label=METHODS[method], linewidth=1.1, marker=".")
    if method == OURS:
        line.set(color="black", linewidth=2.4, marker="o")
