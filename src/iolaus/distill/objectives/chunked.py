"""Loss and gradient from hidden states and the head's weight, block by block: logits are never there as a whole.

A block holds all V logits of a few tokens. Its value, its share of the gradient for the hidden states and its share of
the gradient for the weight are computed while it is in memory, and then it is gone; nothing is computed twice. The
idea of taking the gradient in the forward pass is Liger's (Hsu et al., arXiv 2410.10989, section 3.2).
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from iolaus.distill.objectives.slopes import Slope

__all__ = [
    "BLOCK_BYTES",
    "Judge",
    "at_temperature",
    "by_teacher",
    "chunked_loss",
    "hard_labels",
    "judged_loss",
    "mixture",
]

# One block's logits. Smaller blocks read the weight more often than they save memory.
BLOCK_BYTES: Final = 64 * 2**20

Judge = Callable[[slice, Tensor], tuple[Tensor, Tensor]]
"""Takes a block's place among the tokens and its logits (n, V); gives values (n,) and gradients for logits (n, V)."""


def chunked_loss(hidden: Tensor, weight: Tensor, judge: Judge, block_bytes: int = BLOCK_BYTES) -> Tensor:
    """The mean of a judge's values over tokens, differentiable once in hidden states and weight.

    Args:
        hidden: (n, d) last hidden states of the tokens that count.
        weight: (V, d) of the head; logits are ``hidden @ weight.T``, so heads with a bias or a cap need the plain form.
        judge: such as `hard_labels`, `by_teacher`, `sparse_targets`, or a `mixture`.
        block_bytes: bound on a block's logits; memory grows with it.

    Raises:
        ValueError: there is no token.
    """
    if hidden.shape[0] == 0:
        raise ValueError("no token counts: the mask leaves nothing")
    hidden = lowered(hidden)
    # Inside, only the products with the head are of lower precision: autocast would also lower the sums over tokens.
    with torch.autocast(hidden.device.type, enabled=False):
        loss: Tensor = _Chunked.apply(hidden, weight, judge, block_bytes, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
    return loss


def lowered(states: Tensor) -> Tensor:
    """States in the type that autocast multiplies in, where it is on."""
    kind = states.device.type
    return states.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else states


def judged_loss(logits: Tensor, judge: Judge) -> Tensor:
    """The mean of a judge's values for logits (n, V) that are there as a whole; for heads that are not plain.

    Raises:
        ValueError: there is no token.
    """
    if logits.shape[0] == 0:
        raise ValueError("no token counts: the mask leaves nothing")
    with torch.autocast(logits.device.type, enabled=False):
        loss: Tensor = _Judged.apply(logits, judge)  # type: ignore[no-untyped-call]
    return loss


class _Judged(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, judge: Judge) -> Tensor:  # noqa: ANN401
        exact = torch.float64 if logits.dtype == torch.float64 else torch.float32
        values, by_logits = judge(slice(0, logits.shape[0]), logits.to(exact))
        ctx.kept = by_logits.to(logits.dtype)
        return values.mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return ctx.kept * (upstream / ctx.kept.shape[0]).to(ctx.kept.dtype), None


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, judge: Judge, block_bytes: int, graded: bool) -> Tensor:  # noqa: ANN401
        count, wide = hidden.shape[0], weight.shape[0]
        exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        needs_hidden = graded and ctx.needs_input_grad[0]
        needs_weight = graded and ctx.needs_input_grad[1]
        head = weight.to(hidden.dtype)
        by_hidden = torch.empty_like(hidden) if needs_hidden else None
        by_weight = torch.zeros(weight.shape, dtype=exact, device=weight.device) if needs_weight else None
        total = torch.zeros((), dtype=exact, device=hidden.device)
        rows = max(1, block_bytes // (wide * exact.itemsize))
        for start in range(0, count, rows):
            block = slice(start, min(start + rows, count))
            values, by_logits = judge(block, (hidden[block] @ head.T).to(exact))
            total += values.sum()
            by_logits = by_logits.to(hidden.dtype)
            if by_hidden is not None:
                torch.matmul(by_logits, head, out=by_hidden[block])
            if by_weight is not None:
                _accumulate(by_weight, by_logits, hidden[block])
        ctx.kept = by_hidden, by_weight, count, weight.dtype
        return total / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:  # noqa: ANN401
        by_hidden, by_weight, count, weight_type = ctx.kept
        scale = upstream / count
        return (
            None if by_hidden is None else by_hidden * scale.to(by_hidden.dtype),
            None if by_weight is None else (by_weight * scale).to(weight_type),
            None,
            None,
            None,
        )


def _accumulate(by_weight: Tensor, by_logits: Tensor, hidden: Tensor) -> None:
    if by_logits.dtype == by_weight.dtype:
        by_weight.addmm_(by_logits.T, hidden)
    else:
        by_weight += by_logits.T @ hidden


def by_teacher(slope: Slope, temperature: float, teacher_logits: Callable[[slice], Tensor]) -> Judge:
    """T² times a divergence from the teacher, whose logits are asked for block by block.

    Args:
        slope: value and gradient of a divergence.
        temperature: T > 0, the same for both sides.
        teacher_logits: gives (n, V) for a block, such as ``lambda block: hidden[block] @ weight.T``.
    """

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        cold = teacher_logits(block).to(logits.dtype)
        cold = cold if temperature == 1.0 else cold / temperature
        return slope(torch.log_softmax(cold, -1), torch.log_softmax(logits, -1))

    return at_temperature(judge, temperature)


def at_temperature(judge: Judge, temperature: float) -> Judge:
    """T² times a judge's value for the student's logits divided by T; the judge's targets are at T already."""
    if temperature == 1.0:
        return judge

    def cold(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        values, by_logits = judge(block, logits / temperature)
        return values * temperature**2, by_logits.mul_(temperature)

    return cold


def hard_labels(labels: Tensor) -> Judge:
    """Cross-entropy against token ids of shape (n,): hard labels, and sequence-level distillation on teacher's text."""

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        wanted = labels[block].unsqueeze(-1)
        log_q = torch.log_softmax(logits, -1)
        values = -log_q.gather(-1, wanted).squeeze(-1)
        by_logits = log_q.exp_()
        by_logits.scatter_add_(-1, wanted, torch.full_like(wanted, -1, dtype=logits.dtype))
        return values, by_logits

    return judge


def mixture(parts: list[tuple[float, Judge]]) -> Judge:
    """A weighted sum of judges. A judge never overwrites the logits, for the next one needs them."""
    if len(parts) == 1 and parts[0][0] == 1.0:
        return parts[0][1]

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        values, by_logits = parts[0][1](block, logits)
        values, by_logits = values * parts[0][0], by_logits.mul_(parts[0][0])
        for share, part in parts[1:]:
            more, also = part(block, logits)
            values, by_logits = values + share * more, by_logits.add_(also, alpha=share)
        return values, by_logits

    return judge
