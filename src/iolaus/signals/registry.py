"""All signals, in the order in which evidence is told."""

from typing import Final

from iolaus.signals.balance import BalanceSignal
from iolaus.signals.base import Signal
from iolaus.signals.families import FamilySignal
from iolaus.signals.handoff import HandoffSignal
from iolaus.signals.infrastructure import InfrastructureSignal
from iolaus.signals.mixture import MixtureSignal
from iolaus.signals.onset import OnsetSignal
from iolaus.signals.paraphrase import ParaphraseSignal
from iolaus.signals.pivot import PivotSignal
from iolaus.signals.profile import ProfileSignal
from iolaus.signals.queue import QueueSignal
from iolaus.signals.synchrony import SynchronySignal

__all__ = ["SIGNALS"]

SIGNALS: Final[tuple[Signal, ...]] = (
    FamilySignal(),
    ProfileSignal(),
    ParaphraseSignal(),
    HandoffSignal(),
    QueueSignal(),
    MixtureSignal(),
    SynchronySignal(),
    BalanceSignal(),
    OnsetSignal(),
    PivotSignal(),
    InfrastructureSignal(),
)
