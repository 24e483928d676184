"""From a teacher's logits to the few numbers that a cache keeps of them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Kind", "SparseTargets", "keep_sampled", "keep_systematic", "keep_top_k", "systematic_weights"]

Kind = Literal["sampled", "systematic", "top_k", "hidden"]


@dataclass(frozen=True, slots=True)
class SparseTargets:
    """What is kept of n distributions over V tokens.

    Args:
        lengths: (n,) uint8 how many tokens are kept of each.
        ids: (Σ lengths,) their ids.
        values: (Σ lengths,) float16 log-probabilities (top_k) or importance weights (sampled, systematic); uint8 counts
            of the draws where the proposal is the teacher itself.
        log_z: (n,) float16 log of the sum of the exponentiated logits, which gives raw logits back.
        tail: (n,) float16 mass on the tokens that are not kept.
        certain: (n,) uint8 how many of a position's tokens, its first ones, are there by their own probability; the
            others share one weight (systematic).
    """

    lengths: NDArray[np.uint8]
    ids: NDArray[np.int64]
    values: NDArray[np.float16] | NDArray[np.uint8]
    log_z: NDArray[np.float16]
    tail: NDArray[np.float16]
    certain: NDArray[np.uint8] | None = None


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


def keep_systematic(logits: Tensor, count: int, chance: torch.Generator) -> SparseTargets:
    """Exactly ``count`` tokens: the likely ones with their own probability, the rest drawn with one common weight.

    With the threshold t that solves Σ min(1, p / t) = count, a token of p >= t is kept with weight p, and the others
    are drawn by systematic sampling with probability p / t and weight t. Every token's expected weight is its p, as
    for independent draws, but likely tokens have no noise, no token is drawn twice, and a position's weights add up to
    one. (Threshold sampling: Duffield, Lund and Thorup, "Learn more, sample less", IEEE Trans. Inf. Theory 51, 2005,
    section II; systematic draws: Madow, Annals of Mathematical Statistics 20, 1949.)

    Args:
        logits: (n, V).
        count: tokens a position, at most 255.
        chance: of the draws.
    """
    count = min(count, logits.shape[-1] - 1)
    log_z = torch.logsumexp(logits, -1)
    p = torch.softmax(logits.double(), -1)
    top = torch.topk(p, count, -1)
    left = 1 - torch.cumsum(top.values, -1) + top.values
    thresholds = left / torch.arange(count, 0, -1, device=p.device)
    # The last place always qualifies: what is left there is no less than the next probability.
    certain = (top.values <= thresholds).double().argmax(-1)
    threshold = thresholds.gather(-1, certain[:, None])
    place = torch.arange(count, device=p.device)
    fixed = place < certain[:, None]
    chances = (p / threshold).scatter(-1, top.indices, torch.where(fixed, 0.0, top.values / threshold))
    along = torch.cumsum(chances, -1)
    points = torch.rand(len(p), 1, generator=chance, device=p.device, dtype=p.dtype) + (place - certain[:, None])
    points = points.minimum(along[:, -1:] * (1 - 1e-12))
    drawn = torch.searchsorted(along, points.clamp_min(0.0), right=True).clamp_max(p.shape[-1] - 1)
    ids = torch.where(fixed, top.indices, drawn)
    own = certain.cpu().numpy().astype(np.uint8)
    exact = top.values.cpu().numpy().astype(np.float16)
    return SparseTargets(
        np.full(len(p), count, dtype=np.uint8),
        ids.cpu().numpy().reshape(-1),
        systematic_weights(exact[np.arange(count) < own[:, None]], own, count),
        log_z.cpu().numpy().astype(np.float16),
        _tail(p.gather(-1, ids).sum(-1)),
        own,
    )


def systematic_weights(exact: NDArray[np.float16], certain: NDArray[np.uint8], count: int) -> NDArray[np.float16]:
    """Weights of all kept tokens from those of the certain ones: what these leave is shared equally.

    Args:
        exact: (Σ certain,) weights of the certain tokens.
        certain: (n,) how many there are of each position.
        count: tokens a position.
    """
    weights = np.zeros((len(certain), count), dtype=np.float32)
    own = np.arange(count) < certain[:, None]
    weights[own] = exact
    shared = np.clip(1 - weights.sum(1), 0, None) / np.maximum(count - certain.astype(int), 1)
    return np.where(own, weights, shared[:, None]).astype(np.float16).reshape(-1)


def _tail(covered: Tensor | NDArray[Any]) -> NDArray[np.float16]:
    mass = covered.double().cpu().numpy() if isinstance(covered, Tensor) else covered
    return np.asarray(np.clip(1 - mass, 0, 1), dtype=np.float16)
