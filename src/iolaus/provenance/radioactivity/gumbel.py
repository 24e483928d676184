"""Gumbel marks: Aaronson and Kirchner (2022); Fernandez et al., "Three Bricks" (2023), section 2."""

import dataclasses
import hashlib
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import InputError
from iolaus.provenance.radioactivity.windows import Floats, Ints, Law, Windows

__all__ = ["Gumbel", "keyed_uniforms"]

Uniforms = Callable[[int, tuple[int, ...], int], NDArray[np.float64]]


def keyed_uniforms(key: int, context: tuple[int, ...], vocabulary: int) -> NDArray[np.float64]:
    """(vocabulary,) numbers in [0, 1): NumPy's Philox generator, seeded by SHA-256 of ``"key:token,token"``."""
    digest = hashlib.sha256(f"{key}:{','.join(map(str, context))}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little"))).random(vocabulary)


@dataclasses.dataclass(frozen=True)
class Gumbel:
    """The server takes the token with the largest u^(1/p); u are uniform numbers decided by key and context.

    G is -log(1-u), which is exponential with mean 1 over keys.

    Args:
        key: the server's key.
        vocabulary: tokens.
        context_width: tokens that seed the numbers.
        uniforms: the server's own function of key, context and vocabulary size. There is no standard one.

    Raises:
        InputError: a width or vocabulary below 1.
    """

    key: int
    vocabulary: int
    context_width: int = 4
    uniforms: Uniforms = keyed_uniforms

    def __post_init__(self) -> None:
        """Refuse what has no window."""
        if self.context_width < 1 or self.vocabulary < 1:
            raise InputError("a Gumbel mark needs a context_width and a vocabulary of at least 1")

    @property
    def words(self) -> str:
        """What reports call it."""
        return f"Gumbel mark seeded by {self.context_width} tokens"

    @property
    def width(self) -> int:
        """Tokens that seed the numbers."""
        return self.context_width

    @property
    def mean(self) -> float:
        """Of an exponential variable."""
        return 1.0

    @property
    def key_is_public(self) -> bool:
        """No library brings a key along."""
        return False

    @property
    def fresh_windows_are_independent(self) -> bool:
        """Each context has numbers of its own."""
        return True

    def usable(self, contexts: Ints) -> NDArray[np.bool_]:
        """All are."""
        return np.ones(len(contexts), dtype=bool)

    def seeds(self, contexts: Ints) -> Ints:
        """A number for each distinct context."""
        found: Ints = np.unique(contexts, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return found

    def cells(self, windows: Windows) -> Ints:
        """Distinct context and token."""
        found: Ints = self.seeds(windows.contexts) * self.vocabulary + windows.tokens
        return found

    def values(self, windows: Windows) -> Floats:
        """-log(1-u) of each token."""
        found = np.empty(len(windows))
        seeds = self.seeds(windows.contexts)
        order = np.argsort(seeds, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(seeds[order])) + 1):
            context = tuple(int(token) for token in windows.contexts[rows[0]]) if rows.size else ()
            found[rows] = -np.log1p(-self.uniforms(self.key, context, self.vocabulary)[windows.tokens[rows]])
        return found

    def decoy(self, chance: np.random.Generator) -> "Gumbel":
        """Another key."""
        return dataclasses.replace(self, key=int(chance.integers(0, 2**62)))

    def law(self, windows: Windows) -> Law:
        """Exact, for independent exponential variables: Σw², and -Σ log(1 - tw) + tw while all tw are below 1."""

        def log_moment(at: float) -> float:
            scaled = at * windows.weights
            if scaled.size and scaled.max() >= 1:
                return math.inf
            return -float((np.log1p(-scaled) + scaled).sum())

        return Law(float((windows.weights**2).sum()), log_moment)
