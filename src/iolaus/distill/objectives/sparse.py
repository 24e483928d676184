"""Objectives on sparse teacher targets: what a cache keeps of a distribution over V tokens.

Three readings of a target, each (n, K) token ids with weights:
- *tail*: top-k probabilities, and the rest of the mass as one more outcome; a lower bound of the full divergence.
- *naive*: top-k probabilities renormalised to one, as many caches do; biased: its optimum forgets the tail.
- *sampled*: importance weights of tokens drawn from the teacher; the gradient's expectation is that of the full
  cross-entropy (Anshumann et al., "Sparse logit sampling", arXiv 2503.16870, section 4).
"""

import torch
from torch import Tensor

from iolaus.distill.objectives.chunked import Judge

__all__ = ["naive_top_k", "sampled_targets", "tail_targets"]

_LEAST = 1e-12


def sampled_targets(ids: Tensor, weights: Tensor) -> Judge:
    """Σ w (log w' - log q) over drawn tokens; unbiased in gradient for KL(p || q) at temperature 1.

    The value is the weighted cross-entropy -Σ w log q; it is KL(p || q) plus the teacher's entropy in expectation.

    Args:
        ids: (n, K) token ids; padding has weight 0.
        weights: (n, K) importance weights, whose expectation is the teacher's probability of the token.
    """

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        chosen, share = ids[block], weights[block].to(logits.dtype)
        log_q = torch.log_softmax(logits, -1)
        values = -torch.linalg.vecdot(share, log_q.gather(-1, chosen))
        by_logits = log_q.exp_().mul_(share.sum(-1, keepdim=True))
        return values, by_logits.scatter_add_(-1, chosen, -share)

    return judge


def tail_targets(ids: Tensor, log_p: Tensor, direction: str = "forward") -> Judge:
    """KL over K + 1 outcomes: the top-k tokens, and all other tokens as one.

    forward: Σ_k p_k log(p_k / q_k) + p_tail log(p_tail / q_tail); reverse the same with p and q exchanged. The
    student cannot put mass outside the top-k without paying for it. (The bucket is the "ghost token" of Anshumann et
    al., arXiv 2503.16870, section 3.)

    Args:
        ids: (n, K) token ids, distinct within a row; padding has log-probability -inf.
        log_p: (n, K) the teacher's log-probabilities.
        direction: ``forward`` or ``reverse``.
    """
    if direction not in ("forward", "reverse"):
        raise ValueError(f"a direction is forward or reverse, not {direction!r}")

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        chosen = ids[block]
        p = log_p[block].to(logits.dtype).exp()
        filled = p > 0
        q_all = torch.softmax(logits, -1)
        q = torch.where(filled, q_all.gather(-1, chosen), 0.0)
        p_tail = (1 - p.sum(-1)).clamp_min(_LEAST)
        q_tail = (1 - q.sum(-1)).clamp_min(_LEAST)
        if direction == "forward":
            by_head = torch.where(filled, -p / q.clamp_min(_LEAST), 0.0)
            by_tail = -p_tail / q_tail
            values = _kl(p, q) + p_tail * (p_tail.log() - q_tail.log())
        else:
            ratio = torch.where(filled, q.clamp_min(_LEAST).log() - p.clamp_min(_LEAST).log(), 0.0)
            by_head = torch.where(filled, ratio + 1, 0.0)
            by_tail = q_tail.log() - p_tail.log() + 1
            values = _kl(q, p) + q_tail * (q_tail.log() - p_tail.log())
        # D' is by_head on the kept tokens and by_tail elsewhere; through the softmax it is q (D' - Σ q D').
        mean = (q * by_head).sum(-1) + q_tail * by_tail
        lift = torch.where(filled, q * (by_head - by_tail.unsqueeze(-1)), 0.0)
        by_logits = q_all.mul_((by_tail - mean).unsqueeze(-1))
        return values, by_logits.scatter_add_(-1, chosen, lift)

    return judge


def naive_top_k(ids: Tensor, log_p: Tensor, direction: str = "forward") -> Judge:
    """KL against the top-k probabilities renormalised to one, all other tokens forgotten. Kept to show its bias.

    Reverse KL is taken over the kept tokens alone, Σ_k q_k log(q_k / p_k): it falls below zero as the student moves
    its mass out of the top-k, so its minimum is a collapse.
    """

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        chosen = ids[block]
        p = torch.softmax(log_p[block].to(logits.dtype), -1)
        log_q_all = torch.log_softmax(logits, -1)
        log_q = log_q_all.gather(-1, chosen)
        q_all = log_q_all.exp()
        if direction == "forward":
            values = (p * (p.clamp_min(_LEAST).log() - log_q)).sum(-1)
            return values, q_all.scatter_add_(-1, chosen, -p)
        q = log_q.exp()
        by_head = log_q - p.clamp_min(_LEAST).log() + 1
        values = (q * (by_head - 1)).sum(-1)
        by_logits = q_all.mul_(-(q * by_head).sum(-1, keepdim=True))
        return values, by_logits.scatter_add_(-1, chosen, q * by_head)

    return judge


def _kl(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p.clamp_min(_LEAST).log() - q.clamp_min(_LEAST).log())).sum(-1)
