"""Hidden states in a few dozen bytes: a rotation into which logits care about, few bits each, and a head to match.

A teacher's V logits are its head times d hidden numbers, so what has to be kept of a prediction is those, and of these
only what moves probabilities. To second order the divergence between the teacher and what is read back is half of
e' F e for an error e of the hidden state, F the Fisher information of the softmax seen through the head (Martens, "New
insights and perspectives on the natural gradient method", JMLR 21, 2020, section 9). So states are measured by the mean
F, turned to the axes along which they vary (Karhunen and Loève), and every axis is cut into steps of about one width:
the error that is cheapest for a number of bits (reverse water-filling: Cover and Thomas, Elements of Information
Theory, section 10.3.3). Axes that vary by less than half a step are not kept. The width is the largest at which the
mean divergence on hidden states that were not fitted stays within what is allowed.

Nothing is drawn, so unlike with sampled tokens there is no noise for a student to learn; and the whole distribution is
read back, for every divergence and temperature.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Transform", "fit_transform", "mean_divergence"]

# Codes reach this much further than what was seen on an axis.
_BEYOND: Final = 1.15
_HALVINGS: Final = 12
_MOST_BITS: Final = 12
_BLOCK_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Transform:
    """How hidden states of d numbers become codes, and codes logits.

    Attributes:
        turn: float32 (d, r), from hidden states to the axes that are kept.
        centre: float32 (r,), the axes' means.
        width: float32 (r,), of an axis's steps.
        bits: uint8 (r,), of an axis's code.
        head: float32 (V, r), from the axes to logits; its values are half-precision ones.
        offset: float32 (V,), the mean hidden state's logits.
    """

    turn: Tensor
    centre: Tensor
    width: Tensor
    bits: NDArray[np.uint8]
    head: Tensor
    offset: Tensor

    def on(self, device: torch.device) -> "Transform":
        """The same on a device."""
        if self.head.device == device:
            return self
        tensors = ("turn", "centre", "width", "head", "offset")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})

    @property
    def record(self) -> int:
        """Bytes of a code."""
        return -(-int(self.bits.sum()) // 8)

    def encode(self, hidden: Tensor) -> NDArray[np.uint8]:
        """Codes of (n, d) hidden states; uint8 (n, record)."""
        states = ((hidden.float() @ self.turn - self.centre) / self.width).cpu().numpy()
        levels = 2.0 ** self.bits.astype(float)
        # A step's number is counted from the lowest; what lies beyond the ends is taken for the last step.
        steps = np.clip(np.floor(states + levels / 2), 0, levels - 1).astype(np.int64)
        bits = [steps[:, [i]] >> np.arange(count) & 1 for i, count in enumerate(self.bits)]
        return np.packbits(np.concatenate(bits, axis=1).astype(bool), axis=1)

    def decode(self, codes: NDArray[np.uint8]) -> Tensor:
        """How far from the mean codes say that states lie, along the axes; float32 (n, r)."""
        flat = np.unpackbits(codes, axis=1, count=int(self.bits.sum()))
        starts = np.concatenate([[0], np.cumsum(self.bits.astype(int))])
        weights = np.concatenate([1 << np.arange(count) for count in self.bits]).astype(np.float32)
        steps = np.add.reduceat(flat * weights, starts[:-1], axis=1)
        middles = steps + 0.5 - 2.0 ** (self.bits.astype(float) - 1)
        return torch.from_numpy(middles.astype(np.float32)) * self.width.cpu()

    def logits(self, axes: Tensor) -> Tensor:
        """(n, V) logits of what `decode` gives, up to rounding and what was not kept."""
        return axes @ self.head.T + self.offset


def fit_transform(hidden: Tensor, weight: Tensor, nats: float) -> Transform:
    """Fit a transform on a sample of hidden states.

    Args:
        hidden: (n, d), of many rows; every fourth is kept aside to choose the width by.
        weight: (V, d), the head's.
        nats: mean divergence that is allowed between the teacher and what is read back.
    """
    hidden, weight = hidden.float(), weight.float()
    aside = torch.arange(len(hidden), device=hidden.device) % 4 == 3
    fitted, held = hidden[~aside], hidden[aside]
    values, axes = torch.linalg.eigh(_fisher(fitted, weight))
    root = values.clamp_min(values[-1] * 1e-10).sqrt()
    measured = (fitted.double() @ axes) * root
    _, turned = torch.linalg.eigh(torch.cov(measured.T))
    # By falling variance; the inverse leads from the turned axes back to hidden states.
    turned = turned.flip(-1)
    turn, back = (axes * root) @ turned, (axes / root) @ turned
    spread = (fitted.double() @ turn).std(0)
    middle = fitted.double().mean(0)
    reach = _BEYOND * ((fitted.double() - middle) @ turn).abs().amax(0)

    def at(width: float) -> Transform:
        wanted = torch.log2(2 * reach / width).ceil().clamp(1, _MOST_BITS)
        kept = spread >= width / 2
        kept[0] = True
        bits = wanted[kept]
        return Transform(
            turn[:, kept].float(),
            (middle @ turn[:, kept]).float(),
            (2 * reach[kept] / 2**bits).float(),
            bits.cpu().numpy().astype(np.uint8),
            (weight @ back[:, kept].float()).half().float(),
            weight @ middle.float(),
        )

    low, high = math.log(1e-4), math.log(max(2 * float(spread[0]), 1e-3))
    for _ in range(_HALVINGS):
        between = (low + high) / 2
        if mean_divergence(held, weight, at(math.exp(between))) <= nats:
            low = between
        else:
            high = between
    return at(math.exp(low))


def mean_divergence(hidden: Tensor, weight: Tensor, transform: Transform) -> float:
    """Mean KL, in nats, between what (n, d) hidden states say and what is read back of them."""
    transform = transform.on(hidden.device)
    axes = transform.decode(transform.encode(hidden)).to(hidden.device)
    total = 0.0
    for block in _blocks(len(hidden), len(weight)):
        p = torch.log_softmax(hidden[block].float() @ weight.float().T, -1)
        q = torch.log_softmax(transform.logits(axes[block]), -1)
        total += float((p.exp() * (p - q)).sum())
    return total / len(hidden)


def _fisher(hidden: Tensor, weight: Tensor) -> Tensor:
    """Mean over hidden states of W' (diag p - p p') W; float64 (d, d)."""
    mean = torch.zeros(len(weight), device=weight.device)
    outer = torch.zeros(weight.shape[1], weight.shape[1], dtype=torch.float64, device=weight.device)
    for block in _blocks(len(hidden), len(weight)):
        p = torch.softmax(hidden[block] @ weight.T, -1)
        expected = (p @ weight).double()
        mean += p.sum(0) / len(hidden)
        outer += expected.T @ expected / len(hidden)
    return (weight.T * mean @ weight).double() - outer


def _blocks(count: int, wide: int) -> list[slice]:
    size = max(1, _BLOCK_BYTES // (4 * wide))
    return [slice(start, start + size) for start in range(0, count, size)]
