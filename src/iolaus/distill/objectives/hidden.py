"""Objectives on what lies under the logits: hidden states, relations among tokens, similarities within a batch."""

import torch
from torch import Tensor

__all__ = ["hidden_cosine", "hidden_mse", "in_batch_similarity", "relation_kl", "relational_distance"]


def hidden_mse(student: Tensor, teacher: Tensor, projection: Tensor | None = None) -> Tensor:
    """Mean of (student · P - teacher)², each hidden state (..., d).

    Jiao et al., "TinyBERT" (arXiv 1909.10351), equation 8.

    Args:
        student: (n, d_s).
        teacher: (n, d_t).
        projection: (d_s, d_t), learned along with the student where the widths differ.
    """
    moved = student if projection is None else student @ projection
    return torch.mean((moved - teacher.detach()) ** 2)


def hidden_cosine(student: Tensor, teacher: Tensor, projection: Tensor | None = None) -> Tensor:
    """Mean of 1 - cos(student · P, teacher) over (n, d). Sanh et al., "DistilBERT" (arXiv 1910.01108), section 3."""
    moved = student if projection is None else student @ projection
    return (1 - torch.nn.functional.cosine_similarity(moved, teacher.detach(), dim=-1)).mean()


def relation_kl(student: Tensor, teacher: Tensor, heads: int, causal: bool = False) -> Tensor:
    """Mean KL between the rows of softmax(A Aᵀ / √d_h) of teacher and student, A being states cut into heads.

    Wang et al., "MiniLMv2" (arXiv 2012.15828), equations 4 to 6. Widths may differ, for only token-to-token relations
    are compared.

    Args:
        student: (b, t, d_s) queries, keys, values or hidden states.
        teacher: (b, t, d_t) the same of the teacher.
        heads: relation heads; must divide both widths.
        causal: a token relates only to itself and those before it.

    Raises:
        ValueError: the heads do not divide a width.
    """
    log_p = _relations(teacher.detach(), heads, causal)
    log_q = _relations(student, heads, causal)
    return (log_p.exp() * (log_p - log_q)).sum(-1).mean()


def _relations(state: Tensor, heads: int, causal: bool) -> Tensor:
    batch, tokens, width = state.shape
    if width % heads:
        raise ValueError(f"{heads} relation heads do not divide a width of {width}")
    parts = state.view(batch, tokens, heads, width // heads).transpose(1, 2)
    score = parts @ parts.transpose(-1, -2) / (width // heads) ** 0.5
    if causal:
        ahead = torch.ones(tokens, tokens, dtype=torch.bool, device=state.device).triu(1)
        # Finite, so that zero probability times its logarithm is zero and no NaN.
        score = score.masked_fill(ahead, torch.finfo(score.dtype).min / 4)
    return torch.log_softmax(score, -1)


def in_batch_similarity(student: Tensor, teacher: Tensor, temperature: float | None = None) -> Tensor:
    """How far the student's cosine similarities within a batch are from the teacher's; for encoders.

    Without a temperature: mean (S - T)² over the n (n - 1) pairs (Tung and Mori, "Similarity-preserving knowledge
    distillation", arXiv 1907.09682, equation 4, with cosines). With one: mean KL between rows softmax(T / τ) and
    softmax(S / τ), a text's likeness to itself left out (SEED, Fang et al., arXiv 2101.04731, equation 4).

    Args:
        student: (n, d_s) embeddings.
        teacher: (n, d_t) embeddings of the same texts.
        temperature: τ > 0 or None.

    Raises:
        ValueError: fewer than two texts.
    """
    count = student.shape[0]
    if count < 2:
        raise ValueError("similarity within a batch needs two texts or more")
    ours, theirs = _cosines(student), _cosines(teacher.detach())
    if temperature is None:
        return torch.mean((ours - theirs) ** 2)
    log_p = torch.log_softmax(theirs / temperature, -1)
    log_q = torch.log_softmax(ours / temperature, -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1).mean()


def _cosines(embeddings: Tensor) -> Tensor:
    """Cosines of each text with the others, (n, n - 1)."""
    unit = torch.nn.functional.normalize(embeddings, dim=-1)
    count = unit.shape[0]
    others = ~torch.eye(count, dtype=torch.bool, device=unit.device)
    return (unit @ unit.T)[others].view(count, count - 1)


def relational_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss between pairwise distances, each divided by its batch's mean.

    Park et al., "Relational knowledge distillation" (arXiv 1904.05068), equations 5 and 6; embeddings (n, d).
    """

    def distances(embeddings: Tensor) -> Tensor:
        found = torch.pdist(embeddings)
        return found / found.mean().clamp_min(1e-12)

    return torch.nn.functional.smooth_l1_loss(distances(student), distances(teacher.detach()))
