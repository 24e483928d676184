"""Radioactivity: does a suspect carry a watermark that a server already writes into its answers?"""

from iolaus.provenance.radioactivity.gumbel import Gumbel
from iolaus.provenance.radioactivity.judge import Radioactivity, Trial, judge
from iolaus.provenance.radioactivity.kgw import GreenList
from iolaus.provenance.radioactivity.read import mark_from, read_mark
from iolaus.provenance.radioactivity.run import radioactivity_of_model, radioactivity_of_text, radioactivity_of_told
from iolaus.provenance.radioactivity.synthid import SynthId
from iolaus.provenance.radioactivity.windows import Mark, Windows

__all__ = [
    "GreenList",
    "Gumbel",
    "Mark",
    "Radioactivity",
    "SynthId",
    "Trial",
    "Windows",
    "judge",
    "mark_from",
    "radioactivity_of_model",
    "radioactivity_of_text",
    "radioactivity_of_told",
    "read_mark",
]
