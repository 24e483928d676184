"""The arms race: an operator that adapts, against a policy."""

from iolaus.race.operator import Habits
from iolaus.race.run import RaceResult, race

__all__ = ["Habits", "RaceResult", "race"]
