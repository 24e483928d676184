"""A teacher with another tokenizer, as the source of a batch: predictions are compared after the same bytes."""

from collections.abc import Callable

import torch
from torch import Tensor

from iolaus.distill.objectives import hard_labels, mixture, shared_vocabulary_kl, uld
from iolaus.distill.objectives.chunked import Judge
from iolaus.distill.plan import Objective
from iolaus.distill.texts import Spelling
from iolaus.distill.train.sources import Batch
from iolaus.distill.untyped import Network, Tokenizer
from iolaus.errors import PlanError

__all__ = ["CrossingTeacher"]


class CrossingTeacher:
    """Judges predictions by a teacher that cuts text into other tokens.

    Each row is one document from its beginning. Its bytes are cut by the teacher's tokenizer too, and the two
    predictions made after the same bytes are compared: sorted probabilities (uld), or the tokens that both vocabularies
    spell alike and one outcome for all others (byte_aligned). Predictions without a counterpart cost nothing, hard
    labels aside.

    Args:
        network: frozen, in evaluation mode.
        tokenizer: the teacher's.
        ours: the student's tokenizer.
        objective: uld or byte_aligned.

    Raises:
        PlanError: a tokenizer's bytes are not known, or the vocabularies share nothing.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, ours: Tokenizer, objective: Objective) -> None:
        self._network, self._tokenizer, self._objective = network, tokenizer, objective
        self._theirs, self._ours = Spelling(tokenizer), Spelling(ours)
        pairs = [(index, self._theirs.ids[text]) for text, index in self._ours.ids.items() if text in self._theirs.ids]
        if objective.name == "byte_aligned" and not pairs:
            raise PlanError(
                "objective.name: byte_aligned needs tokens that both vocabularies spell alike; there are none"
            )
        self._shared = (torch.tensor([a for a, _ in pairs]), torch.tensor([b for _, b in pairs]))
        self._apart: Callable[[Tensor, Tensor], Tensor] = uld
        if objective.name == "byte_aligned":
            self._apart = lambda student, teacher: shared_vocabulary_kl(student, teacher, self._shared)

    def judge(self, batch: Batch) -> Judge:
        """See `Source`."""
        places, above = self._counterparts(batch)
        hard = self._objective.hard_weight
        soft = _compared(self._apart, places, above, self._objective.temperature)
        return mixture([(1 - hard, soft), (hard, hard_labels(batch.labels))] if hard > 0 else [(1.0, soft)])

    @torch.no_grad()
    def _counterparts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Which predictions that count have a counterpart, (m,), and the teacher's logits there, (m, V_t)."""
        places, logits, before = [], [], 0
        for ids, counts in zip(batch.ids.tolist(), batch.counts, strict=True):
            text = self._ours.spell(ids).decode("utf-8", "ignore")
            theirs = list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
            counted = counts.nonzero()[:, 0].tolist()
            if theirs:
                output = self._network(input_ids=torch.tensor([theirs], device=batch.ids.device), use_cache=False)
                after = {end: place for place, end in enumerate(self._theirs.ends(theirs))}
                for number, place in enumerate(counted):
                    found = after.get(self._ours.ends(ids[: place + 1])[-1])
                    if found is not None:
                        places.append(before + number)
                        logits.append(output.logits[0, found])
            before += len(counted)
        if not logits:
            return torch.zeros(0, dtype=torch.long), torch.zeros(0, 1)
        return torch.tensor(places), torch.stack(logits).float()


def _compared(apart: Callable[[Tensor, Tensor], Tensor], places: Tensor, above: Tensor, temperature: float) -> Judge:
    """Values at the places that have a counterpart, with gradients from automatic differentiation inside the block."""

    def judge(block: slice, logits: Tensor) -> tuple[Tensor, Tensor]:
        inside = (places >= block.start) & (places < block.stop)
        values, by_logits = logits.new_zeros(len(logits)), torch.zeros_like(logits)
        if inside.any():
            rows = (places[inside] - block.start).to(logits.device)
            with torch.enable_grad():
                ours = logits[rows].detach().requires_grad_()
                found = apart(ours / temperature, above[inside].to(logits) / temperature) * temperature**2
                (grad,) = torch.autograd.grad(found.sum(), ours)
            values[rows], by_logits[rows] = found.detach(), grad
        return values, by_logits

    return judge
