"""Text that the student writes itself, for the teacher to judge (GKD).

Agarwal et al., "On-policy distillation of language models" (arXiv 2306.13649), algorithm 1: with a probability, a step
is taken on the student's own continuations; no gradient flows through the drawing.
"""

import torch

from iolaus.distill.plan import Objective
from iolaus.distill.train.sources import Batch
from iolaus.distill.untyped import Network

__all__ = ["written_by_student"]


@torch.no_grad()
def written_by_student(network: Network, batch: Batch, objective: Objective) -> Batch:
    """The batch with the end of every row written by the student; only what it wrote counts.

    Draws come from torch's own random state, which checkpoints keep.
    """
    total = batch.ids.shape[1]
    written = min(objective.on_policy_tokens, total - 1)
    training = network.training
    network.eval()
    ids = network.generate(
        batch.ids[:, : total - written],
        attention_mask=torch.ones_like(batch.ids[:, : total - written]),
        max_new_tokens=written,
        # A row that ended early would be filled with padding, which nobody should learn.
        min_new_tokens=written,
        do_sample=True,
        temperature=objective.on_policy_temperature,
        top_k=0,
        top_p=1.0,
    )
    network.train(training)
    counts = torch.zeros_like(batch.counts)
    counts[:, total - written - 1 :] = True
    return Batch(ids, counts, None)
