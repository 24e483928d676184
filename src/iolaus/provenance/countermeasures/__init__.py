"""Countermeasures: what a served answer need not show, and nothing that promises more than it holds."""

from iolaus.provenance.countermeasures.logprobs import restrict_logprobs, restrict_request
from iolaus.provenance.countermeasures.order import Restriction
from iolaus.provenance.countermeasures.reasoning import summarise_reasoning, withhold_reasoning

__all__ = ["Restriction", "restrict_logprobs", "restrict_request", "summarise_reasoning", "withhold_reasoning"]
