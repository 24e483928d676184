"""The words of instructions: demands with their wordings, and small words that mean the same."""

from iolaus.simulate.phrases.vocabulary import DEMANDS, NAMES, SYNONYMS

__all__ = ["DEMANDS", "NAMES", "SYNONYMS"]
