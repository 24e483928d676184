"""A cache as the source of a batch's targets."""

from iolaus.distill.cache.store import TeacherCache
from iolaus.distill.objectives import at_temperature, hard_labels, mixture, sampled_targets, tail_targets
from iolaus.distill.objectives.chunked import Judge
from iolaus.distill.plan import Objective
from iolaus.distill.train.sources import Batch

__all__ = ["CachedTeacher"]


class CachedTeacher:
    """Judges predictions by what a cache keeps of the teacher.

    Args:
        cache: sampled or systematic targets for forward_kl, or top_k with a tail for forward_kl and reverse_kl.
        objective: names the divergence and the share of hard labels.
    """

    def __init__(self, cache: TeacherCache, objective: Objective) -> None:
        self._cache, self._objective = cache, objective

    def judge(self, batch: Batch) -> Judge:
        """See `Source`."""
        if batch.rows is None:
            raise ValueError("a cache holds nothing about text that the student wrote")
        ids, values = (tensor.to(batch.ids.device) for tensor in self._cache.targets(batch.rows))
        if self._cache.manifest.kind != "top_k":
            soft = sampled_targets(ids, values)
        else:
            soft = tail_targets(ids, values, self._objective.name.removesuffix("_kl"))
        soft = at_temperature(soft, self._objective.temperature)
        hard = self._objective.hard_weight
        return mixture([(1 - hard, soft), (hard, hard_labels(batch.labels))] if hard > 0 else [(1.0, soft)])
