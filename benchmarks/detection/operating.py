"""Each peer's operating point: the threshold with the most recall at 5% false discoveries on the tuning seeds."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.detection.measure import Labels, Suspicion

__all__ = ["FALSE_DISCOVERIES", "threshold"]

FALSE_DISCOVERIES: Final = 0.05
_CANDIDATES: Final = 600


def threshold(runs: Sequence[tuple[Labels, Suspicion]]) -> float | None:
    """The threshold with the highest mean recall whose mean benign share of flagged accounts is at most 5%.

    Of several with that recall the highest is taken.

    Args:
        runs: the method on the scenario's tuning seeds.

    Returns:
        None where no threshold flags any operator's account at that rate: the method then flags nothing.
    """
    scores = np.unique(np.concatenate([np.zeros(0), *(found.score for _, found in runs)]))[::-1]
    scores = scores[np.isfinite(scores)]
    if scores.size == 0:
        return None
    # Dense at the top, where the answer lies.
    at = np.unique(np.geomspace(1, scores.size, min(_CANDIDATES, scores.size)).astype(np.int64)) - 1
    candidates = scores[at]
    curves = [_curves(labels, found, candidates) for labels, found in runs]
    false = np.mean([c[0] for c in curves], axis=0)
    recall = np.mean([c[1] for c in curves], axis=0)
    usable = (false <= FALSE_DISCOVERIES) & (recall > 0)
    return float(candidates[int(np.argmax(np.where(usable, recall, -1.0)))]) if usable.any() else None


def _curves(labels: Labels, found: Suspicion, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False share and recall at each candidate."""
    known = np.isfinite(found.score)
    order = np.argsort(-found.score[known], kind="stable")
    ranked, hydra = found.score[known][order], labels.hydra[known][order]
    count = np.searchsorted(-ranked, -candidates, side="right")
    hits = np.concatenate([[0], np.cumsum(hydra)])[count]
    false: np.ndarray = (count - hits) / np.maximum(count, 1)
    return false, hits / max(int(labels.hydra.sum()), 1)
