"""SynthID text: Dathathri et al., Nature 634 (2024), as transformers writes it."""

import dataclasses
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from iolaus.errors import InputError
from iolaus.provenance.radioactivity.windows import Floats, Ints, Law, Windows

if TYPE_CHECKING:
    from transformers import SynthIDTextWatermarkLogitsProcessor

__all__ = ["SynthId"]

# The keys of the example in transformers' own documentation.
_LIBRARY_KEYS: Final = (654, 400, 836, 123, 340, 443, 597, 160, 57)


@cache
def _processor(ngram: int, table_size: int, table_seed: int) -> "SynthIDTextWatermarkLogitsProcessor":
    import torch
    from transformers import SynthIDTextWatermarkLogitsProcessor

    return SynthIDTextWatermarkLogitsProcessor(ngram, [0], table_size, table_seed, 1, torch.device("cpu"))


@dataclasses.dataclass(frozen=True)
class SynthId:
    """The mark of transformers' `SynthIDTextWatermarkingConfig`; G is the mean of one bit for each key.

    Its hash is linear and its table holds a power of two of bits, so only the hash's lowest digits count: a key moves
    all windows' places in the table by one step, the same for all. A key drawn at random is thus a random one of
    ``table_size`` shifts, and the null law of a weighted sum is had by trying every shift: exact, with no
    assumption that bits are independent. Windows that fall on one place share their bits under every key.

    Args:
        keys: one for each depth.
        ngram: ``ngram_len``, tokens of a window, the following one included.
        table_size: ``sampling_table_size``, a power of two.
        table_seed: ``sampling_table_seed``.

    Raises:
        InputError: no keys, a window under two tokens, or a table whose size is no power of two.
    """

    keys: tuple[int, ...]
    ngram: int = 5
    table_size: int = 2**16
    table_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what the method does not hold for."""
        if not self.keys or self.ngram < 2:
            raise InputError("a SynthID mark needs at least one key and an ngram_len of at least 2")
        if self.table_size < 2 or self.table_size & (self.table_size - 1):
            raise InputError(f"sampling_table_size must be a power of two, not {self.table_size}")

    @property
    def words(self) -> str:
        """What reports call it."""
        return f"SynthID over {self.ngram} tokens at depth {len(self.keys)}"

    @property
    def width(self) -> int:
        """Tokens before the following one."""
        return self.ngram - 1

    @property
    def mean(self) -> float:
        """Share of ones in the table."""
        return float(self._table.mean())

    @property
    def key_is_public(self) -> bool:
        """The keys are those of transformers' documentation."""
        return self.keys == _LIBRARY_KEYS

    @property
    def fresh_windows_are_independent(self) -> bool:
        """All windows share one table."""
        return False

    def usable(self, contexts: Ints) -> NDArray[np.bool_]:
        """All are."""
        return np.ones(len(contexts), dtype=bool)

    def seeds(self, contexts: Ints) -> Ints:
        """A number for each distinct context."""
        found: Ints = np.unique(contexts, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return found

    def cells(self, windows: Windows) -> Ints:
        """Place in the table under key 0."""
        found: Ints = self._hashes(windows, (0,))[:, 0] % self.table_size
        return found

    def values(self, windows: Windows) -> Floats:
        """Mean of the bits under the mark's keys, by transformers' own functions."""
        import torch

        hashes: Any = torch.from_numpy(self._hashes(windows, self.keys))[None]
        bits = _processor(self.ngram, self.table_size, self.table_seed).sample_g_values(hashes)
        found: Floats = bits[0].double().mean(-1).numpy()
        return found

    def decoy(self, chance: np.random.Generator) -> "SynthId":
        """As many other keys."""
        drawn = chance.integers(0, max(self.table_size, 2**31), len(self.keys))
        return dataclasses.replace(self, keys=tuple(int(key) for key in drawn))

    def law(self, windows: Windows) -> Law:
        """Exact: the sum under every shift of the table, for keys of different depths are independent."""
        depth, every = len(self.keys), self._shifted(windows) / len(self.keys)

        def log_moment(at: float) -> float:
            highest = at * every.max()
            return depth * float(highest + np.log(np.exp(at * every - highest).mean()))

        return Law(depth * float((every**2).mean()), log_moment)

    @cached_property
    def _table(self) -> Floats:
        found: Floats = _processor(self.ngram, self.table_size, self.table_seed).sampling_table.double().numpy()
        return found

    @cached_property
    def _spectrum(self) -> NDArray[np.complex128]:
        found: NDArray[np.complex128] = np.fft.rfft(self._table - self._table.mean())
        return found

    def _shifted(self, windows: Windows) -> Floats:
        """(table_size,) the weighted sum less its mean, under each shift of the table."""
        places = np.bincount(self.cells(windows), windows.weights, self.table_size)
        found: Floats = np.fft.irfft(self._spectrum * np.conj(np.fft.rfft(places)), self.table_size)
        return found

    def _hashes(self, windows: Windows, keys: tuple[int, ...]) -> Ints:
        import torch

        processor = _processor(self.ngram, self.table_size, self.table_seed)
        processor.keys = torch.tensor(keys)
        ngrams: Any = torch.from_numpy(np.column_stack([windows.contexts, windows.tokens]))[None]
        found: Ints = processor.compute_ngram_keys(ngrams)[0].numpy()
        return found
