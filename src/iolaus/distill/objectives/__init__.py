"""What a student is trained to match: pure functions, each with its formula and source."""

from iolaus.distill.objectives.chunked import at_temperature, by_teacher, chunked_loss, hard_labels, mixture
from iolaus.distill.objectives.crossing import (
    aligned_spans,
    shared_vocabulary,
    shared_vocabulary_kl,
    span_likelihood,
    uld,
)
from iolaus.distill.objectives.divergences import (
    distillation_loss,
    forward_kl,
    jensen_shannon,
    reverse_kl,
    skew_kl,
    skew_reverse_kl,
    total_variation,
)
from iolaus.distill.objectives.hidden import (
    hidden_cosine,
    hidden_mse,
    in_batch_similarity,
    relation_kl,
    relational_distance,
)
from iolaus.distill.objectives.slopes import slope
from iolaus.distill.objectives.sparse import naive_top_k, sampled_targets, tail_targets

__all__ = [
    "aligned_spans",
    "at_temperature",
    "by_teacher",
    "chunked_loss",
    "distillation_loss",
    "forward_kl",
    "hard_labels",
    "hidden_cosine",
    "hidden_mse",
    "in_batch_similarity",
    "jensen_shannon",
    "mixture",
    "naive_top_k",
    "relation_kl",
    "relational_distance",
    "reverse_kl",
    "sampled_targets",
    "shared_vocabulary",
    "shared_vocabulary_kl",
    "skew_kl",
    "skew_reverse_kl",
    "slope",
    "span_likelihood",
    "tail_targets",
    "total_variation",
    "uld",
]
