"""The student's side of an update, as one module, so that accelerate may wrap it."""

import torch
from torch import Tensor, nn

from iolaus.distill.objectives import chunked_loss, hidden_mse, relation_kl
from iolaus.distill.objectives.chunked import Judge, judged_loss
from iolaus.distill.plan import Objective
from iolaus.distill.train.networks import plain_head
from iolaus.distill.train.sources import Batch
from iolaus.distill.untyped import Network

__all__ = ["StudentStep"]


class StudentStep(nn.Module):
    """Predictions of the student, judged; and its hidden states, compared with the teacher's where that is asked for.

    Args:
        network: the student, with low-rank additions where it has them.
        objective: weights of the parts.
        wide: rows of the vocabulary that count; predictions beyond are cut off.
        teacher_width: width of the teacher's hidden states, where they are compared.
    """

    def __init__(self, network: Network, objective: Objective, wide: int, teacher_width: int | None = None) -> None:
        super().__init__()
        self.network, self._objective, self._wide = network, objective, wide
        self._head = plain_head(network)
        self.projection: nn.Parameter | None = None
        if objective.hidden_weight > 0 and teacher_width is not None:
            ours = network.config.hidden_size
            start = torch.eye(ours, teacher_width) if ours == teacher_width else torch.randn(ours, teacher_width)
            self.projection = nn.Parameter(start / (1 if ours == teacher_width else ours**0.5))

    @property
    def chunked(self) -> bool:
        """Logits are never there as a whole."""
        return self._head is not None

    def forward(self, batch: Batch, judge: Judge, above: Tensor | None = None) -> Tensor:
        """The loss of a batch.

        Args:
            batch: token ids and which predictions count.
            judge: from a source.
            above: (b, t, d) the teacher's last hidden states, where they are compared.
        """
        if self._head is None:
            output = self.network(input_ids=batch.ids, use_cache=False, output_hidden_states=above is not None)
            loss = judged_loss(output.logits[:, :-1][batch.counts][:, : self._wide], judge)
            hidden = output.hidden_states[-1] if above is not None else None
        else:
            hidden = self._head.hidden(batch.ids)
            weight = self._head.weight[: self._wide]
            loss = chunked_loss(hidden[:, :-1][batch.counts], weight, judge)
        if above is not None and hidden is not None:
            loss = loss + self._matching(hidden, above)
        return loss

    def _matching(self, hidden: Tensor, above: Tensor) -> Tensor:
        loss = hidden.new_zeros(())
        if self._objective.hidden_weight > 0:
            apart = hidden_mse(hidden, above, self.projection)
            loss = loss + self._objective.hidden_weight * apart
        if self._objective.relation_weight > 0:
            apart = relation_kl(hidden, above, self._objective.relation_heads, causal=True)
            loss = loss + self._objective.relation_weight * apart
        return loss
