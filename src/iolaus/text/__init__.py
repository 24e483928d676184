"""Prompt families: normalising, sketching, banding, and the templates behind them."""

from iolaus.text.audience import Audience, Shingles, everyday, find_audiences, held_shingles, recurring_shingles
from iolaus.text.embed import embed_texts
from iolaus.text.families import Families, find_families
from iolaus.text.filling import without_habits
from iolaus.text.lexicon import CAPABILITIES
from iolaus.text.sketch import BINS, REGION, TextSketch, sketch_prompts
from iolaus.text.template import template_of
from iolaus.text.words import SCRIPTS, Words, read_words

__all__ = [
    "BINS",
    "CAPABILITIES",
    "REGION",
    "SCRIPTS",
    "Audience",
    "Families",
    "Shingles",
    "TextSketch",
    "Words",
    "embed_texts",
    "everyday",
    "find_audiences",
    "find_families",
    "held_shingles",
    "read_words",
    "recurring_shingles",
    "sketch_prompts",
    "template_of",
    "without_habits",
]
