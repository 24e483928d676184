"""Targets that an endpoint told, as the source of a batch."""

import torch

from iolaus.distill.objectives import hard_labels, mixture, tail_targets
from iolaus.distill.objectives.chunked import Judge
from iolaus.distill.plan import Objective
from iolaus.distill.texts import Rows
from iolaus.distill.texts.told import Told
from iolaus.distill.train.sources import Batch

__all__ = ["ToldTeacher"]


class ToldTeacher:
    """Judges predictions by an endpoint's likeliest tokens and one outcome for all others.

    Args:
        told: targets of the corpus' tokens.
        rows: training rows that know where their tokens come from.
        objective: forward_kl or reverse_kl.
    """

    def __init__(self, told: Told, rows: Rows, objective: Objective) -> None:
        self._told, self._rows, self._objective = told, rows, objective

    def judge(self, batch: Batch) -> Judge:
        """See `Source`."""
        if batch.rows is None:
            raise ValueError("an endpoint told nothing about text that the student wrote")
        places = self._rows.origins[batch.rows][:, 1:][self._rows.learned[batch.rows, 1:]]
        ids = torch.from_numpy(self._told.ids[places]).to(batch.ids.device)
        log_p = torch.from_numpy(self._told.log_p[places]).to(batch.ids.device)
        soft, hard = tail_targets(ids, log_p, self._objective.name.removesuffix("_kl")), self._objective.hard_weight
        return mixture([(1 - hard, soft), (hard, hard_labels(batch.labels))] if hard > 0 else [(1.0, soft)])
