"""Windows of tokens, and what a suspect gives more than its reference for what follows them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

__all__ = ["Law", "Mark", "Windows", "excess", "first_of_each", "merged", "numbered"]

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

    def law(self, windows: Windows) -> "Law":
        """How the weighted sum of G varies over keys; no two windows share a cell."""


@dataclass(frozen=True, slots=True)
class Law:
    """How a weighted sum of G, less its mean, varies over keys.

    Args:
        variance: exact.
        log_moment: for a point t > 0 at least log E exp(t · sum); inf where no bound holds.
    """

    variance: float
    log_moment: Callable[[float], float]

    @property
    def deviation(self) -> float:
        """Exact standard deviation."""
        return math.sqrt(max(self.variance, 0.0))

    def tail(self, statistic: float) -> float:
        """The chance of at least this much is at most this, at any size of sample (Chernoff's bound)."""
        if statistic <= 0 or self.deviation == 0:
            return 1.0

        def exponent(log_at: float) -> float:
            at = math.exp(log_at)
            return min(self.log_moment(at) - at * statistic, 1e3)

        # For a normal law the best point is statistic / variance; bounded variables have theirs near it.
        centre = math.log(statistic / self.variance)
        best = optimize.minimize_scalar(exponent, bounds=(centre - 7, centre + 5), method="bounded")
        return math.exp(min(float(best.fun), 0.0))


def merged(mark: Mark, windows: Windows) -> Windows:
    """One window a cell, with the sum of the weights: the same weighted sum of G under every key."""
    _, first, inverse = np.unique(mark.cells(windows), return_index=True, return_inverse=True)
    found = windows.take(first)
    weights: Floats = np.bincount(inverse, windows.weights, first.size).astype(np.float64)
    return Windows(found.contexts, found.tokens, weights)


def numbered(windows: Windows) -> Ints:
    """(n,) equal numbers for equal contexts with equal tokens."""
    rows = np.column_stack([windows.contexts, windows.tokens])
    found: Ints = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return found


def excess(mark: Mark, windows: Windows) -> float:
    """The weighted sum of G, less its mean over keys."""
    return float(windows.weights @ mark.values(windows)) - mark.mean * float(windows.weights.sum())


def first_of_each(numbers: Ints) -> NDArray[np.intp]:
    """Where each number comes for the first time, in order."""
    return np.sort(np.unique(numbers, return_index=True)[1])
