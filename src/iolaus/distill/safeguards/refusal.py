"""Does an answer refuse? A small learned detector, for English answers.

Logistic regression on ``refusal_features``. The weights come with the package; ``refusal_training`` makes them. A
partial refusal (the answer warns, corrects or withholds instead of answering) counts as a refusal.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from iolaus.distill.safeguards.refusal_features import PLACES, STRUCTURE, structure_of, word_runs
from iolaus.errors import InputError

__all__ = ["RefusalDetector", "packaged_detector", "read_detector"]

_PACKAGED: Final = Path(__file__).parent / "weights" / "refusal.npz"


@dataclass(frozen=True, slots=True)
class RefusalDetector:
    """Weights of the detector.

    Attributes:
        runs: float32 (PLACES,), weight of each hash place, 0 where training saw it less than three times.
        structure: float64 (10,), weights of the answer's build.
        bias: log-odds of an answer with nothing in it.
        about: what it was trained on, and what it reached there.
    """

    runs: np.ndarray
    structure: np.ndarray
    bias: float
    about: dict[str, Any]

    def probability(self, answers: Sequence[str]) -> np.ndarray:
        """Probability that each answer refuses; float64 (n,). An empty answer refuses nothing: 0."""
        found = np.zeros(len(answers))
        for row, answer in enumerate(answers):
            if answer.strip():
                # Runs that training hardly saw have no weight, and do not dilute those that have one.
                weights = self.runs[word_runs(answer)]
                logit = self.bias + float(weights.sum()) / float(np.sqrt(max(int(np.count_nonzero(weights)), 1)))
                found[row] = 1 / (1 + np.exp(-(logit + self.structure @ structure_of(answer))))
        return found

    def refuses(self, answers: Sequence[str]) -> np.ndarray:
        """Whether each answer refuses, at probability 1/2; bool (n,)."""
        decided: np.ndarray = self.probability(answers) > 0.5
        return decided


def read_detector(path: Path) -> RefusalDetector:
    """Read a detector's weights.

    Raises:
        InputError: the file is missing or holds no detector.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            runs, structure = held["runs"].astype(np.float32), held["structure"].astype(float)
            bias, about = float(held["bias"]), json.loads(held["about"].tobytes())
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} holds no refusal detector: {error}") from error
    if runs.shape != (PLACES,) or structure.shape != (len(STRUCTURE),):
        raise InputError(f"{path} holds no refusal detector of this version")
    return RefusalDetector(runs, structure, bias, about)


@cache
def packaged_detector() -> RefusalDetector:
    """The detector that comes with the package, read once."""
    return read_detector(_PACKAGED)
