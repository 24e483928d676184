"""Talking to language models: open weights here, OpenAI-compatible endpoints elsewhere; nobody else does it.

Importing this room loads neither torch nor httpx; `LocalModel.load` and `Endpoint` do, when they are used.
"""

from iolaus.lm.access import Access, Generation, LanguageModel, Sampling, Scored, TopTokens
from iolaus.lm.budget import Budget
from iolaus.lm.cache import AnswerCache
from iolaus.lm.endpoint import Endpoint
from iolaus.lm.local import LocalModel, load_tokenizer
from iolaus.lm.pace import Patience, TokenBucket
from iolaus.lm.repeat import Repeatability, check_repeatability
from iolaus.lm.walk import Walked, walk_answer

__all__ = [
    "Access",
    "AnswerCache",
    "Budget",
    "Endpoint",
    "Generation",
    "LanguageModel",
    "LocalModel",
    "Patience",
    "Repeatability",
    "Sampling",
    "Scored",
    "TokenBucket",
    "TopTokens",
    "Walked",
    "check_repeatability",
    "load_tokenizer",
    "walk_answer",
]
