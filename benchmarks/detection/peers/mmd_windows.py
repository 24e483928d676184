"""Maximum mean discrepancy between windows of an account's prompts and the population's.

The idea of arXiv 2606.05725, written anew: what an extraction asks is distributed otherwise than what customers ask, so
a window of queries is tested against a reference. Here the windows are the accounts' own, of up to fifty prompts; the
reference is a sample of one prompt in ten of everybody; the kernel is Gaussian with the median distance for its width
(Gretton et al., JMLR 13, 2012), in 512 random Fourier features (Rahimi and Recht, NIPS 2007).
"""

from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.detection.answers import Group
from benchmarks.detection.wordings import account_numbers
from iolaus.text import embed_texts

__all__ = ["suspects"]

_WINDOW: Final = 50
_LEAST: Final = 8
_FEATURES: Final = 512
_REFERENCE: Final = 10_000
_SEED: Final = 11


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Every account by the largest discrepancy of its windows, scaled by the window's size."""
    account, names = account_numbers(exchanges)
    rng = np.random.default_rng(_SEED)
    vectors = embed_texts(exchanges.column("prompt").combine_chunks()).astype(np.float64)
    sample = rng.permutation(len(vectors))[: min(_REFERENCE, max(len(vectors) // 10, 2))]
    features = _fourier(rng, vectors, vectors[sample])
    reference = features[sample].mean(axis=0)
    order = np.argsort(account, kind="stable")
    found = []
    for rows in np.split(order, np.flatnonzero(np.diff(account[order])) + 1):
        windows = [rows[i : i + _WINDOW] for i in range(0, rows.size, _WINDOW)]
        values = [_discrepancy(features[w], reference) for w in windows if w.size >= _LEAST]
        found.append(Group((names[int(account[rows[0]])],), max(values, default=0.0)))
    return found


def _fourier(rng: np.random.Generator, vectors: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Random features whose inner products are the kernel's values; (n, _FEATURES)."""
    some = sample[:1000]
    distance = np.sqrt(np.maximum(2 - 2 * some @ some.T, 0))
    width = float(np.median(distance[np.triu_indices(len(some), 1)])) or 1.0
    turn = rng.normal(0, 1 / width, (vectors.shape[1], _FEATURES))
    phase = rng.uniform(0, 2 * np.pi, _FEATURES)
    waves: np.ndarray = np.sqrt(2 / _FEATURES) * np.cos(vectors @ turn + phase)
    return waves.astype(np.float32)


def _discrepancy(window: np.ndarray, reference: np.ndarray) -> float:
    """The unbiased estimate of the squared discrepancy, times the window's size."""
    n, total = len(window), window.sum(axis=0)
    inside = float((total @ total - (window * window).sum()) / (n * (n - 1)))
    return n * (inside - 2 * float(total @ reference) / n + float(reference @ reference))
