"""Where the targets of a batch come from: a live teacher, or nothing but the text."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iolaus.distill.objectives import by_teacher, hard_labels, mixture, slope
from iolaus.distill.objectives.chunked import Judge, lowered
from iolaus.distill.plan import Objective
from iolaus.distill.train.networks import Head, plain_head
from iolaus.distill.untyped import Network

__all__ = ["Batch", "HardLabels", "LiveTeacher", "Source"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of an update.

    Args:
        ids: (b, t) token ids.
        counts: (b, t - 1) bool: the prediction at this place counts.
        rows: (b,) places of the rows in the corpus; None for text that the student wrote.
    """

    ids: Tensor
    counts: Tensor
    rows: NDArray[np.int64] | None

    @property
    def labels(self) -> Tensor:
        """(n,) ids to be predicted where predictions count."""
        return self.ids[:, 1:][self.counts]


class Source(Protocol):
    """Judges a batch's predictions."""

    def judge(self, batch: Batch) -> Judge:
        """Value and gradient for the predictions that count, in their order."""


class HardLabels:
    """The text alone: cross-entropy, which on the teacher's own text is sequence-level distillation.

    Kim and Rush, "Sequence-level knowledge distillation" (arXiv 1606.07947).
    """

    def judge(self, batch: Batch) -> Judge:
        """See `Source`."""
        return hard_labels(batch.labels)


class LiveTeacher:
    """A teacher network run on each batch.

    Args:
        network: frozen, in evaluation mode.
        objective: names the divergence.
        wide: rows of the vocabulary that teacher and student share; what either pads beyond is cut off.
    """

    def __init__(self, network: Network, objective: Objective, wide: int) -> None:
        self.network, self._objective, self._wide = network, objective, wide
        self._head: Head | None = plain_head(network)
        self._slope = slope(objective.name, objective.beta, objective.skew)

    def judge(self, batch: Batch) -> Judge:
        """See `Source`."""
        hard, soft = self._objective.hard_weight, self._soft(batch)
        return mixture([(1 - hard, soft), (hard, hard_labels(batch.labels))] if hard > 0 else [(1.0, soft)])

    @torch.no_grad()
    def _soft(self, batch: Batch) -> Judge:
        temperature, wide = self._objective.temperature, self._wide
        if self._head is None:
            logits = self.network(input_ids=batch.ids, use_cache=False).logits[:, :-1][batch.counts][:, :wide]
            return by_teacher(self._slope, temperature, lambda block: logits[block])
        hidden = lowered(self._head.hidden(batch.ids)[:, :-1][batch.counts])
        weight = self._head.weight[:wide].to(hidden.dtype)
        return by_teacher(self._slope, temperature, lambda block: hidden[block] @ weight.T)
