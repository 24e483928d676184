"""What earlier runs have read of a log, kept so that the next run reads only what is new."""

from iolaus.detect.state.folder import State, opened_state
from iolaus.detect.state.load import KeptStream

__all__ = ["KeptStream", "State", "opened_state"]
