"""What a language model is to the rest of the project, and what access there is to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import AccessError

__all__ = ["Access", "Generation", "LanguageModel", "Sampling", "Scored", "TopTokens", "require"]

TopTokens = tuple[tuple[str, float], ...]
"""The likeliest next tokens, most likely first: text and natural-log probability."""


class Access(Flag):
    """What a model lets its caller see; the flags are combined with ``|``."""

    TEXT = auto()
    """Answers as text."""
    TOP_K = auto()
    """Log-probabilities of the likeliest tokens, for tokens that the model itself writes."""
    PREFILL = auto()
    """The model continues an answer that the caller began."""
    ECHO = auto()
    """Log-probabilities of a text that the caller gives."""
    WEIGHTS = auto()
    """The weights themselves; everything else follows."""

    @property
    def words(self) -> str:
        """The flags in words, for messages and reports."""
        return ", ".join(_WORDS[flag] for flag in self) or "nothing"


_WORDS = {
    Access.TEXT: "text",
    Access.TOP_K: "top-k logprobs",
    Access.PREFILL: "prefill",
    Access.ECHO: "echo",
    Access.WEIGHTS: "open weights",
}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn.

    Args:
        max_tokens: most tokens of the answer.
        temperature: 0 takes the likeliest token at each step.
        top_p: share of the probability that is drawn from.
        seed: passed to the model; None leaves chance free.
        top: how many of the likeliest tokens to report at each step; 0 for none.
    """

    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    top: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer that a model wrote.

    Args:
        text: the answer.
        truncated: it ended because ``max_tokens`` or the context window was full, not because the model stopped.
        tokens: its tokens as text, where the model tells them.
        logprobs: (n,) natural-log probabilities of the tokens under the model's own distribution at temperature 1
            for open weights; an endpoint says what it says. None where it does not.
        top: the likeliest tokens at each step, where they were asked for.
    """

    text: str
    truncated: bool
    tokens: tuple[str, ...] = ()
    logprobs: NDArray[np.float64] | None = None
    top: tuple[TopTokens, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """How likely a model holds a given answer to be.

    Args:
        tokens: the answer's tokens as text.
        logprobs: (n,) natural-log probability of each token, given the prompt and the tokens before it.
        truncated: the end of the answer did not fit into the context window and has no score.
        straddles: the first token begins inside the prompt, for the tokenizer joined the two.
        top: the likeliest tokens at each step, where they were asked for.
    """

    tokens: tuple[str, ...]
    logprobs: NDArray[np.float64]
    truncated: bool = False
    straddles: bool = False
    top: tuple[TopTokens, ...] = ()

    @property
    def total(self) -> float:
        """Natural-log probability of the whole answer."""
        return float(self.logprobs.sum())


@runtime_checkable
class LanguageModel(Protocol):
    """Anything that answers prompts. What it cannot do raises `AccessError` and is missing from ``access``."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def access(self) -> Access:
        """What it lets its caller see."""

    def sample(self, prompt: str) -> str:
        """One fresh answer at the model's own settings; two calls are two independent draws."""

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[Generation]:
        """One answer to each prompt."""

    def resume(self, begun: Sequence[tuple[str, str]], sampling: Sampling) -> list[Generation]:
        """Go on from answers that the caller began: (prompt, beginning) pairs; a text is what comes behind."""

    def logprobs(self, prompt: str, answer: str) -> NDArray[np.float64]:
        """(n,) log-probabilities of the answer's tokens."""

    def score(self, pairs: Sequence[tuple[str, str]], *, top: int = 0) -> list[Scored]:
        """Score (prompt, answer) pairs, in their order."""

    def next_token(self, prompt: str, begun: str, top: int) -> TopTokens:
        """The likeliest tokens after an answer that begins with ``begun``."""

    def uncached(self) -> "LanguageModel":
        """The same model, asked anew each time."""


def require(name: str, has: Access, wanted: Access) -> None:
    """Refuse what a model does not give.

    Raises:
        AccessError: names the model, what is wanted and what there is.
    """
    if wanted not in has:
        raise AccessError(f"{name} does not give {wanted.words}; it gives {has.words}")
