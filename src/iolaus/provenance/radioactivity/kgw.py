"""Green lists (Kirchenbauer et al., "A Watermark for Large Language Models", ICML 2023), as transformers has them."""

import dataclasses
import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import InputError
from iolaus.provenance.radioactivity.windows import Floats, Ints, Law, Windows

if TYPE_CHECKING:
    from transformers import WatermarkLogitsProcessor

__all__ = ["GreenList"]

_LIBRARY_KEY: Final = 15485863


@cache
def _processor(vocabulary: int, ratio: float, device: str) -> "WatermarkLogitsProcessor":
    from transformers import WatermarkLogitsProcessor

    return WatermarkLogitsProcessor(vocabulary, device, greenlist_ratio=ratio)


@dataclasses.dataclass(frozen=True)
class GreenList:
    """The mark of transformers' `WatermarkingConfig`, scheme ``lefthash``: the newest token seeds a green list.

    G is 1 on the list and 0 off it; the list is a simple random sample of the vocabulary. The lists are drawn by
    transformers' own processor. The newest token 0 gives the seed 0 under every key and is left out.

    Args:
        key: ``hashing_key``.
        vocabulary: rows of the teacher's output, from its configuration; not the tokenizer's length.
        ratio: ``greenlist_ratio``.
        device: where the teacher ran: torch draws other lists on a GPU than on a CPU.

    Raises:
        InputError: the ratio leaves nothing green or nothing red.
    """

    key: int
    vocabulary: int
    ratio: float = 0.25
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse lists that tell nothing."""
        if not 0 < self._green < self.vocabulary:
            raise InputError(f"a green list of {self._green} of {self.vocabulary} tokens tells nothing")

    @property
    def words(self) -> str:
        """What reports call it."""
        return f"green lists of {self.ratio:.0%} of {self.vocabulary} tokens"

    @property
    def width(self) -> int:
        """The newest token alone."""
        return 1

    @property
    def mean(self) -> float:
        """Share of the vocabulary that is green."""
        return self._green / self.vocabulary

    @property
    def key_is_public(self) -> bool:
        """The key is transformers' default."""
        return self.key == _LIBRARY_KEY

    @property
    def fresh_windows_are_independent(self) -> bool:
        """Each seed has a list of its own."""
        return True

    def usable(self, contexts: Ints) -> NDArray[np.bool_]:
        """Whether the newest token is not 0."""
        found: NDArray[np.bool_] = contexts[:, -1] != 0
        return found

    def seeds(self, contexts: Ints) -> Ints:
        """The newest token."""
        return contexts[:, -1]

    def cells(self, windows: Windows) -> Ints:
        """Newest token and token."""
        found: Ints = windows.contexts[:, -1] * self.vocabulary + windows.tokens
        return found

    def values(self, windows: Windows) -> Floats:
        """1 where the token is green."""
        import torch

        processor = _processor(self.vocabulary, self.ratio, self.device)
        processor.hash_key = self.key
        found = np.empty(len(windows))
        order, starts = self._groups(windows)
        for rows in np.split(order, starts[1:]):
            green = torch.zeros(self.vocabulary, dtype=torch.bool, device=self.device)
            seed: Any = torch.tensor(windows.contexts[rows[0]], device=self.device)
            green[processor._get_greenlist_ids(seed)] = True
            found[rows] = green.cpu().numpy()[windows.tokens[rows]]
        return found

    def decoy(self, chance: np.random.Generator) -> "GreenList":
        """Another key below 2^31."""
        return dataclasses.replace(self, key=int(chance.integers(1, 2**31)))

    def law(self, windows: Windows) -> Law:
        """Sampling without replacement within each list, independent between lists.

        Variance: γ(1-γ) V/(V-1) (Σw² - (Σw)²/V), summed over lists. Moments: a sample without replacement is below one
        with replacement in convex order (Hoeffding 1963, theorem 4). The red list is a sample too, and
        the smaller of the two gives the sharper bound.
        """
        order, starts = self._groups(windows)
        weights = windows.weights[order]
        squares = float((weights**2).sum() - (np.add.reduceat(weights, starts) ** 2).sum() / self.vocabulary)
        drawn, sign = (self._green, 1.0) if self.mean <= 0.5 else (self.vocabulary - self._green, -1.0)
        centre = sign * drawn / self.vocabulary * weights.sum()

        def log_moment(at: float) -> float:
            with np.errstate(over="ignore"):
                excess = np.add.reduceat(np.expm1(sign * at * weights), starts) / self.vocabulary
            total = float(drawn * np.log1p(excess).sum() - at * centre)
            return total if math.isfinite(total) else math.inf

        return Law(self.mean * (1 - self.mean) * self.vocabulary / (self.vocabulary - 1) * squares, log_moment)

    @property
    def _green(self) -> int:
        return int(self.vocabulary * self.ratio)

    def _groups(self, windows: Windows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """An order that puts windows of one list side by side, and where each list begins in it."""
        newest = windows.contexts[:, -1]
        order = np.argsort(newest, kind="stable")
        return order, np.flatnonzero(np.r_[True, np.diff(newest[order]) != 0])
