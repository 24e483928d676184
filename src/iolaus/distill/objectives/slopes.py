"""Values of the divergences with their gradients for the student's logits, in closed form.

With D' = ∂D/∂q, the gradient for logits z, q = softmax(z), is q (D' - Σ q D'). The functions here overwrite what they
are given: they are the inner part of `iolaus.distill.objectives.chunked`, and the tests hold them to automatic
differentiation of `iolaus.distill.objectives.divergences`.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

__all__ = ["NAMES", "Slope", "slope"]

Slope = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes log p and log q, each (n, V), overwrites both; gives values (n,) and gradients for logits (n, V)."""


def slope(name: str, beta: float = 0.5, skew: float = 0.1) -> Slope:
    """The divergence of that name with its parameter bound.

    Raises:
        ValueError: no divergence has this name.
    """
    if name not in _SLOPES:
        raise ValueError(f"no divergence is called {name!r}; there are {', '.join(NAMES)}")
    made = _SLOPES[name]
    if name == "jensen_shannon":
        return partial(made, beta)
    return partial(made, skew) if name.startswith("skew") else made


def _forward_kl(log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    p = log_p.exp()
    value = torch.linalg.vecdot(p, log_p.sub_(log_q))
    return value, log_q.exp_().sub_(p)


def _reverse_kl(log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    ratio = torch.sub(log_q, log_p, out=log_p)
    q = log_q.exp_()
    value = torch.linalg.vecdot(q, ratio)
    return value, q.mul_(ratio.sub_(value.unsqueeze(-1)))


def _jensen_shannon(beta: float, log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    # D' = (1 - β)(log q - log m), whose mean under q is (1 - β) KL(q || m).
    log_m = _log_mix(log_p, log_q, beta)
    first = torch.linalg.vecdot(log_p.exp(), log_p.sub_(log_m))
    ratio = torch.sub(log_q, log_m, out=log_m)
    q = log_q.exp_()
    second = torch.linalg.vecdot(q, ratio)
    value = beta * first + (1 - beta) * second
    return value, q.mul_(ratio.sub_(second.unsqueeze(-1)).mul_(1 - beta))


def _skew_kl(skew: float, log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    # D' = -(1 - α) p / m.
    log_m = _log_mix(log_p, log_q, skew)
    ratio = log_p.sub_(log_m)
    share = ratio.exp().mul_(skew - 1)
    value = torch.linalg.vecdot(torch.exp(ratio + log_m), ratio)
    return value, _through_softmax(log_q.exp_(), share)


def _skew_reverse_kl(skew: float, log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    # D' = log q - log m - α q / m, but for a constant.
    log_m = _log_mix(log_q, log_p, skew)
    ratio = torch.sub(log_q, log_m, out=log_m)
    q = log_q.exp_()
    value = torch.linalg.vecdot(q, ratio)
    return value, _through_softmax(q, ratio.sub_(ratio.exp().mul_(skew)))


def _total_variation(log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    q = log_q.exp_()
    apart = torch.sub(q, log_p.exp_(), out=log_p)
    value = 0.5 * apart.abs().sum(-1)
    return value, _through_softmax(q, apart.sign_().mul_(0.5))


def _through_softmax(q: Tensor, by_q: Tensor) -> Tensor:
    mean = torch.linalg.vecdot(q, by_q).unsqueeze(-1)
    return q.mul_(by_q.sub_(mean))


def _log_mix(log_a: Tensor, log_b: Tensor, share: float) -> Tensor:
    """log(share · a + (1 - share) · b), with one buffer of its own."""
    mixed = torch.add(log_a, math.log(share) - math.log1p(-share))
    return torch.logaddexp(mixed, log_b, out=mixed).add_(math.log1p(-share))


_SLOPES: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "forward_kl": _forward_kl,
    "reverse_kl": _reverse_kl,
    "jensen_shannon": _jensen_shannon,
    "skew_kl": _skew_kl,
    "skew_reverse_kl": _skew_reverse_kl,
    "total_variation": _total_variation,
}
NAMES = tuple(_SLOPES)
