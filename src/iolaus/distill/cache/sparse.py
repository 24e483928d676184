"""From a teacher's logits to the few numbers that a cache keeps of them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Kind", "SparseTargets", "keep_sampled", "keep_top_k"]

Kind = Literal["sampled", "top_k"]


@dataclass(frozen=True, slots=True)
class SparseTargets:
    """What is kept of n distributions over V tokens.

    Args:
        lengths: (n,) uint8 how many tokens are kept of each.
        ids: (Σ lengths,) their ids.
        values: (Σ lengths,) float16 log-probabilities (top_k) or importance weights (sampled); uint8 counts of the
            draws where the proposal is the teacher itself.
        log_z: (n,) float16 log of the sum of the exponentiated logits, which gives raw logits back.
        tail: (n,) float16 mass on the tokens that are not kept.
    """

    lengths: NDArray[np.uint8]
    ids: NDArray[np.int64]
    values: NDArray[np.float16] | NDArray[np.uint8]
    log_z: NDArray[np.float16]
    tail: NDArray[np.float16]


def keep_top_k(logits: Tensor, k: int) -> SparseTargets:
    """The k most likely tokens and their log-probabilities, (n, V) logits in."""
    k = min(k, logits.shape[-1])
    log_z = torch.logsumexp(logits, -1)
    top = torch.topk(logits, k, -1)
    log_p = top.values - log_z[:, None]
    count = len(logits)
    return SparseTargets(
        np.full(count, k, dtype=np.uint8),
        top.indices.cpu().numpy().reshape(-1),
        log_p.cpu().numpy().astype(np.float16).reshape(-1),
        log_z.cpu().numpy().astype(np.float16),
        _tail(log_p.exp().sum(-1)),
    )


def keep_sampled(logits: Tensor, draws: int, power: float, chance: torch.Generator) -> SparseTargets:
    """Tokens drawn from r = p^power / Σ p^power, with weights whose expectation is p.

    A token drawn c times out of N weighs c / N · p / r, so Σ w f(token) is an unbiased estimate of Σ p f(token) for
    every f, hence of the cross-entropy and of its gradient (Anshumann et al., "Sparse logit sampling", arXiv
    2503.16870, section 4.1). At power 1 the weight is c / N, and the count is kept in one byte.

    Args:
        logits: (n, V).
        draws: N, at most 255.
        power: 1 draws from the teacher; less than 1 looks into the tail more often.
        chance: of the draws.
    """
    log_z = torch.logsumexp(logits, -1)
    log_p = (logits - log_z[:, None]).float()
    log_r = log_p if power == 1.0 else torch.log_softmax(power * log_p, -1)
    drawn = torch.multinomial(log_r.exp(), draws, replacement=True, generator=chance).cpu().numpy()
    drawn.sort(axis=1)
    first = np.ones(drawn.shape, dtype=bool)
    first[:, 1:] = drawn[:, 1:] != drawn[:, :-1]
    starts = np.flatnonzero(first.reshape(-1))
    counts = np.diff(np.append(starts, drawn.size))
    row = starts // draws
    ids = drawn.reshape(-1)[starts].astype(np.int64)
    at = (torch.from_numpy(row).to(logits.device), torch.from_numpy(ids).to(logits.device))
    kept = log_p[at].double().cpu().numpy()
    covered = np.bincount(row, weights=np.exp(kept), minlength=len(drawn))
    values: NDArray[np.float16] | NDArray[np.uint8] = counts.astype(np.uint8)
    if power != 1.0:
        values = (counts / draws * np.exp(kept - log_r[at].double().cpu().numpy())).astype(np.float16)
    return SparseTargets(
        first.sum(1).astype(np.uint8), ids, values, log_z.cpu().numpy().astype(np.float16), _tail(covered)
    )


def _tail(covered: Tensor | NDArray[Any]) -> NDArray[np.float16]:
    mass = covered.double().cpu().numpy() if isinstance(covered, Tensor) else covered
    return np.asarray(np.clip(1 - mass, 0, 1), dtype=np.float16)
