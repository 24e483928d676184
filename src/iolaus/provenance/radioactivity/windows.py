"""Windows of tokens, and what a suspect gives more than its reference for what follows them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mark", "Windows", "first_of_each", "merged"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Tokens that may follow contexts, each with a weight that was fixed without looking at the mark's key.

    Args:
        contexts: (n, width) the tokens before, newest last.
        tokens: (n,) the token that may follow.
        weights: (n,) how much more the suspect gives it than the reference does; 1 for a token that was written.
    """

    contexts: Ints
    tokens: Ints
    weights: Floats

    def __len__(self) -> int:
        """How many."""
        return int(self.tokens.size)

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "Windows":
        """Some of them."""
        return Windows(self.contexts[chosen], self.tokens[chosen], self.weights[chosen])


class Mark(Protocol):
    """A watermark that a server writes: for each context and token a value G, decided by a key.

    Null model of everything here: the key was drawn at random, and the weights do not depend on it.
    """

    @property
    def words(self) -> str:
        """What reports call it; the key is no part of it."""

    @property
    def width(self) -> int:
        """Tokens of context that G depends on."""

    @property
    def mean(self) -> float:
        """Mean of G over keys."""

    @property
    def key_is_public(self) -> bool:
        """The key is one that a library brings along, so anybody's text may carry this mark."""

    @property
    def fresh_windows_are_independent(self) -> bool:
        """G of a context that was never used tells nothing that G of used contexts told before."""

    def usable(self, contexts: Ints) -> NDArray[np.bool_]:
        """(n,) whether G varies with the key for each context."""

    def seeds(self, contexts: Ints) -> Ints:
        """(n,) equal numbers for contexts that share their values of G under every key."""

    def cells(self, windows: Windows) -> Ints:
        """(n,) equal numbers for windows that share one G under every key."""

    def values(self, windows: Windows) -> Floats:
        """(n,) G under the mark's own key."""

    def decoy(self, chance: np.random.Generator) -> "Mark":
        """The same mark under another key, drawn at random."""

    def variance(self, windows: Windows) -> float:
        """Exact variance over keys of the weighted sum of G; no two windows share a cell."""

    def log_moment(self, windows: Windows, at: float) -> float:
        """At least log E exp(at · (weighted sum of G less its mean)) over keys, ``at`` > 0; inf where none holds."""


def merged(mark: Mark, windows: Windows) -> Windows:
    """One window a cell, with the sum of the weights: the same weighted sum of G under every key."""
    _, first, inverse = np.unique(mark.cells(windows), return_index=True, return_inverse=True)
    found = windows.take(first)
    weights: Floats = np.bincount(inverse, windows.weights, first.size).astype(np.float64)
    return Windows(found.contexts, found.tokens, weights)


def first_of_each(numbers: Ints) -> NDArray[np.intp]:
    """Where each number comes for the first time, in order."""
    return np.sort(np.unique(numbers, return_index=True)[1])
