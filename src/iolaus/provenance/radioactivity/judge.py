"""Does a suspect prefer what a key prefers?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import stats as sps

from iolaus.errors import InputError
from iolaus.provenance.radioactivity.windows import Mark, Windows, excess, merged

__all__ = ["DECOYS", "DEFAULT", "Radioactivity", "Trial", "judge"]

DECOYS: Final = 1000


@dataclass(frozen=True, slots=True)
class Trial:
    """How a test is run.

    Args:
        alpha: accepted chance of accusing an innocent.
        decoys: random keys that are tried as well; their rank checks the law on the same windows.
        seed: of the decoys and of other choices that chance makes.
        progress: is told how many keys are done.
    """

    alpha: float = 1e-6
    decoys: int = DECOYS
    seed: int = 0
    progress: Callable[[int], None] = lambda _: None


DEFAULT: Final = Trial()


@dataclass(frozen=True, slots=True)
class Radioactivity:
    """What a test of one suspect against one mark found.

    Args:
        mark: what the mark is.
        form: ``distribution`` (all of the suspect's probabilities were seen), ``top-k`` or ``text``.
        positions: places in the probing text that were used.
        windows: distinct windows, each with one G.
        statistic: weighted sum of G less its mean.
        deviation: its exact standard deviation over keys.
        p_value: bound on the chance of so large a statistic, over the draw of the key; holds at any size of sample.
        p_normal: what a normal law with the exact variance would say; an approximation, never decided upon.
        rank: place of the true key among itself and the decoys, 1 for the largest statistic.
        decoys: keys drawn at random that were tried as well.
        alpha: level of the decision.
        caveats: sentences that limit what was found.
    """

    mark: str
    form: str
    positions: int
    windows: int
    statistic: float
    deviation: float
    p_value: float
    p_normal: float
    rank: int
    decoys: int
    alpha: float
    caveats: tuple[str, ...] = ()

    @property
    def z(self) -> float:
        """Statistic in standard deviations."""
        return self.statistic / self.deviation if self.deviation else 0.0

    @property
    def radioactive(self) -> bool:
        """Whether the null is rejected at ``alpha``."""
        return self.p_value <= self.alpha

    @property
    def sentence(self) -> str:
        """The finding in words."""
        place = f"the true key ranks {self.rank} among itself and {self.decoys} random keys"
        if self.radioactive:
            return (
                f"The suspect prefers what the key prefers: a key without influence on it would do so with a chance of "
                f"at most {self.p_value:.2g}, and {place}. It was trained on text that carries this mark, directly or "
                "at second hand."
            )
        return (
            f"No influence of the key is shown at {self.alpha:g}: the chance bound is {self.p_value:.2g}, and {place}. "
            "That does not show that there was none."
        )

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"z": self.z, "radioactive": self.radioactive, "sentence": self.sentence}


def judge(
    mark: Mark,
    windows: Windows,
    *,
    form: str,
    positions: int,
    trial: Trial = DEFAULT,
    caveats: tuple[str, ...] = (),
) -> Radioactivity:
    """Test whether weights lean towards the mark's key.

    T = Σ w (G - γ) over distinct windows, after Sander et al., "Watermarking Makes Language Models Radioactive"
    (NeurIPS 2024), with the suspect's surplus over a reference as weights. Null: the key was drawn at random
    and the weights do not depend on it. Windows that share their G are merged, so that the variance is exact.

    Args:
        mark: the mark, with its true key.
        windows: windows and weights.
        form: ``distribution``, ``top-k`` or ``text``.
        positions: places that were used.
        trial: level and decoys.
        caveats: sentences to carry along.

    Raises:
        InputError: there are no windows.
    """
    windows = windows.take(mark.usable(windows.contexts))
    if not len(windows):
        raise InputError(f"no window of {mark.width} tokens is left to test: the texts are too short")
    windows = merged(mark, windows)
    true, law = excess(mark, windows), mark.law(windows)
    deviation = law.deviation
    chance, reached = np.random.default_rng(trial.seed), 0
    for done in range(trial.decoys):
        # A decoy that ties with the true key counts against it.
        reached += excess(mark.decoy(chance), windows) >= true - 1e-9 * deviation
        trial.progress(done + 1)
    if mark.key_is_public:
        caveats = (*caveats, "The key is one that a library brings along: anybody's text may carry this mark.")
    return Radioactivity(
        mark.words,
        form,
        positions,
        len(windows),
        true,
        deviation,
        law.tail(true),
        float(sps.norm.sf(true / deviation)) if deviation else 1.0,
        1 + reached,
        trial.decoys,
        trial.alpha,
        caveats,
    )
