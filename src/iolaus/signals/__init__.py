"""Signals: one a file, each with what it measures, its null model, and its evidence."""

from iolaus.signals.base import Finding, Links, Signal
from iolaus.signals.idiom import Idiom, in_idiom, read_idiom
from iolaus.signals.log import DAY, HOUR, MINUTE, UNKNOWN_TIME, Cluster, Log, activity, distinct_pairs, rows_of
from iolaus.signals.mixture import sample_for_vectors
from iolaus.signals.queue import shared_list
from iolaus.signals.registry import SIGNALS

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "SIGNALS",
    "UNKNOWN_TIME",
    "Cluster",
    "Finding",
    "Idiom",
    "Links",
    "Log",
    "Signal",
    "activity",
    "distinct_pairs",
    "in_idiom",
    "read_idiom",
    "rows_of",
    "sample_for_vectors",
    "shared_list",
]
