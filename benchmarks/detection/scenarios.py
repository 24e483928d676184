"""The grid: which ranges are made, and which row of the results each operator belongs to."""

from typing import Any, Final

from iolaus.simulate import SCENARIOS, Scenario

__all__ = ["COVERS", "GRID_LEVELS", "RATES", "TUNED_ON", "grid_row", "row_of", "scenarios"]

# The slow campaigns and the middling ones of those reported; faster ones are in the scenario of rates.
RATES: Final = (2.0, 46.0)
COVERS: Final = (0.0, 0.5, 0.9, 0.95)
# L3 differs from L4 in its cover alone, so L4's grid holds L3's at no cover.
GRID_LEVELS: Final = (0, 1, 2, 4, 5, 6)
# A log without operators has nothing to tune on.
TUNED_ON: Final = {"benign": "ladder"}


def scenarios() -> dict[str, Scenario]:
    """The ranges by name: the ladder, no operator at all, published rates, and rates x dilution on each rung."""
    grid = [
        Scenario(
            f"grid-l{level}",
            f"L{level} operators at every rate and every share of cover of the grid",
            (level,),
            operators_per_level=len(RATES) * len(COVERS),
            rates=tuple(rate for rate in RATES for _ in COVERS),
            covers=COVERS * len(RATES),
        )
        for level in GRID_LEVELS
    ]
    named = [SCENARIOS[name] for name in ("ladder", "benign", "rates")]
    return {s.name: s for s in [*named, *grid]}


def row_of(scenario: str, operator: dict[str, Any]) -> str:
    """The row of the results that an operator's accounts belong to.

    Args:
        scenario: name of the range's scenario.
        operator: its design, as scenario.json keeps it.
    """
    if scenario == "ladder":
        return f"L{operator['level']}"
    if scenario == "rates":
        return f"{operator['rate']:g} a day"
    return grid_row(operator["level"], operator["rate"], operator["cover"])


def grid_row(level: int, rate: float, cover: float) -> str:
    """The name of a grid's row."""
    return f"L{level}, {rate:g} a day, {cover:.0%} cover"
