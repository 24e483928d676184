"""The range: a labelled log of a benign population and of operators on the evasion ladder."""

from iolaus.simulate.run import SimulationSummary, simulate
from iolaus.simulate.scenario import LEVELS, SCENARIOS, Scenario

__all__ = ["LEVELS", "SCENARIOS", "Scenario", "SimulationSummary", "simulate"]
