"""Comparison without logs: which teacher does a suspect resemble more than its peers do? Triage, never proof."""

from iolaus.provenance.comparison.compare import TRIAGE, Comparison, Resemblance, compare
from iolaus.provenance.comparison.outputs import Outputs, read_outputs
from iolaus.provenance.comparison.page import render_comparison

__all__ = ["TRIAGE", "Comparison", "Outputs", "Resemblance", "compare", "read_outputs", "render_comparison"]
