"""Divergences between the teacher's next-token distribution p and the student's q, as pure functions.

Each takes log-probabilities of shape (..., V), which must be finite, and gives one value a token of shape (...), in
nats (total variation in [0, 1]). `distillation_loss` puts temperature and averaging on top, once for all of them.
"""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "Divergence",
    "distillation_loss",
    "forward_kl",
    "jensen_shannon",
    "reverse_kl",
    "skew_kl",
    "skew_reverse_kl",
    "total_variation",
]

Divergence = Callable[[Tensor, Tensor], Tensor]
"""Takes log p and log q, each (..., V); gives (...)."""


def forward_kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p || q) = Σ p (log p - log q): the student covers all that the teacher says.

    Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (arXiv 1503.02531), section 2.
    """
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def reverse_kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(q || p) = Σ q (log q - log p): the student stays where the teacher has mass.

    Gu et al., "MiniLLM" (arXiv 2306.08543), section 2.
    """
    return forward_kl(log_q, log_p)


def jensen_shannon(log_p: Tensor, log_q: Tensor, beta: float = 0.5) -> Tensor:
    """Generalized JSD(β) = β KL(p || m) + (1 - β) KL(q || m), m = β p + (1 - β) q, for β strictly between 0 and 1.

    Divided by β it tends to KL(p || q) for β to 0, and divided by 1 - β to KL(q || p) for β to 1; at the ends
    themselves it is 0. Agarwal et al., "On-policy distillation of language models" (GKD, arXiv 2306.13649), section 2.
    """
    log_m = _log_mix(log_p, log_q, beta)
    return beta * forward_kl(log_p, log_m) + (1 - beta) * forward_kl(log_q, log_m)


def skew_kl(log_p: Tensor, log_q: Tensor, skew: float = 0.1) -> Tensor:
    """KL(p || α p + (1 - α) q), α the skew: bounded by -log α where the student misses mass.

    Ko et al., "DistiLLM" (arXiv 2402.03898), section 3.1.
    """
    return forward_kl(log_p, _log_mix(log_p, log_q, skew))


def skew_reverse_kl(log_p: Tensor, log_q: Tensor, skew: float = 0.1) -> Tensor:
    """KL(q || α q + (1 - α) p), α the skew. Ko et al., "DistiLLM" (arXiv 2402.03898), section 3.1."""
    return forward_kl(log_q, _log_mix(log_q, log_p, skew))


def total_variation(log_p: Tensor, log_q: Tensor) -> Tensor:
    """½ Σ |p - q|. Wen et al., "f-divergence minimization for sequence-level distillation" (arXiv 2307.15190)."""
    return 0.5 * (log_p.exp() - log_q.exp()).abs().sum(-1)


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    divergence: Divergence = forward_kl,
    temperature: float = 1.0,
    mask: Tensor | None = None,
) -> Tensor:
    """T² times the mean divergence of softmax(teacher / T) and softmax(student / T).

    Dividing logits by T makes gradients shrink as 1 / T²; the factor T² undoes that, so that a weight beside a
    cross-entropy means the same at every temperature (Hinton et al., arXiv 1503.02531, section 2). The average is over
    the tokens that the mask keeps, not over batch rows: a short answer's token counts as much as a long one's.

    Args:
        student_logits: (..., V).
        teacher_logits: (..., V); no gradient flows into them.
        divergence: one of this module, its parameter bound.
        temperature: T > 0, the same for both.
        mask: (...) bool, True for the tokens that count; all of them by default.

    Raises:
        ValueError: the vocabularies differ in width, or the mask keeps nothing.
    """
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(f"logits differ in shape: {tuple(student_logits.shape)}, {tuple(teacher_logits.shape)}")
    log_p = torch.log_softmax(teacher_logits.detach() / temperature, -1)
    log_q = torch.log_softmax(student_logits / temperature, -1)
    value = divergence(log_p, log_q)
    if mask is not None:
        value = value[mask]
    if value.numel() == 0:
        raise ValueError("no token counts: the mask leaves nothing")
    return value.mean() * temperature**2


def _log_mix(log_a: Tensor, log_b: Tensor, share: float) -> Tensor:
    """log(share · a + (1 - share) · b)."""
    if not 0 < share < 1:
        raise ValueError(f"a mixture's share lies strictly between 0 and 1, not {share}")
    share_a = torch.as_tensor(share, dtype=log_a.dtype, device=log_a.device).log()
    share_b = torch.as_tensor(1 - share, dtype=log_a.dtype, device=log_a.device).log()
    return torch.logaddexp(log_a + share_a, log_b + share_b)
