"""Text that the student writes itself, for the teacher to judge (GKD).

Agarwal et al., "On-policy distillation of language models" (arXiv 2306.13649), algorithm 1: with a probability, a step
is taken on the student's own continuations; no gradient flows through the drawing.
"""

from typing import Any

import torch

from iolaus.distill.plan import Objective
from iolaus.distill.train.sources import Batch

__all__ = ["written_by_student"]


@torch.no_grad()
def written_by_student(network: Any, batch: Batch, objective: Objective) -> Batch:  # noqa: ANN401 - a network
    """The batch with the end of every row written by the student; only what it wrote counts.

    Draws come from torch's own random state, which checkpoints keep.
    """
    total = batch.ids.shape[1]
    kept = max(1, total - objective.on_policy_tokens)
    training = network.training
    network.eval()
    ids, past = batch.ids[:, :kept], None
    feed = ids
    for _ in range(total - kept):
        output = network(input_ids=feed, past_key_values=past, use_cache=True)
        past = output.past_key_values
        share = torch.softmax(output.logits[:, -1].float() / objective.on_policy_temperature, -1)
        feed = torch.multinomial(share, 1)
        ids = torch.cat([ids, feed], 1)
    network.train(training)
    counts = torch.zeros_like(batch.counts)
    counts[:, kept - 1 :] = True
    return Batch(ids, counts, None)
