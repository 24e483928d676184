"""Which parts of a plan go together."""

from iolaus.distill.plan import CausalStudent, CausalTeacher, EndpointTeacher, ExchangesTeacher, Plan
from iolaus.errors import PlanError

__all__ = ["CROSSING", "causal_student", "require_fit", "require_pair"]

CROSSING = ("uld", "byte_aligned")


def require_fit(plan: Plan) -> None:
    """Refuse plans whose parts do not go together.

    Raises:
        PlanError: names the key.
    """
    name = plan.objective.name
    if isinstance(plan.teacher, ExchangesTeacher) and name != "sequence":
        raise PlanError(
            f"objective.name: {name} needs the teacher's probabilities, and exchanges hold text; use sequence"
        )
    if isinstance(plan.teacher, EndpointTeacher) and name not in ("sequence", "forward_kl", "reverse_kl"):
        raise PlanError(f"objective.name: an endpoint gives text and its likeliest tokens, too little for {name}")
    if isinstance(plan.teacher, EndpointTeacher) and name != "sequence" and plan.teacher.top_logprobs == 0:
        raise PlanError(f"objective.name: {name} needs probabilities; set teacher.top_logprobs, or use sequence")
    if not isinstance(plan.teacher, CausalTeacher):
        for key in ("hidden_weight", "relation_weight", "on_policy"):
            if getattr(plan.objective, key) > 0:
                raise PlanError(f"objective.{key} needs a teacher whose weights are here (kind: causal)")
    if isinstance(plan.teacher, ExchangesTeacher) == (plan.corpus.path is not None):
        raise PlanError(
            "corpus.path: give the texts; with a teacher of exchanges the log is the corpus and there is none"
        )
    if name in CROSSING and plan.corpus.pack:
        raise PlanError(
            f"corpus.pack: {name} cuts each document by two tokenizers, so rows hold one document; set it to false"
        )
    if name in CROSSING and (
        plan.objective.on_policy > 0 or plan.objective.relation_weight + plan.objective.hidden_weight > 0
    ):
        raise PlanError(
            f"objective: {name} compares predictions only; leave on_policy, hidden_weight and relation_weight at 0"
        )
    if plan.cache is not None:
        _require_cacheable(plan)
    if plan.objective.on_policy > 0 and name == "sequence":
        raise PlanError("objective.on_policy needs a divergence: text that the student wrote is no label")


def _require_cacheable(plan: Plan) -> None:
    kind = plan.cache.kind if plan.cache is not None else "hidden"
    allowed = {"hidden": (), "top_k": ("forward_kl", "reverse_kl")}.get(kind, ("forward_kl",))
    if not isinstance(plan.teacher, CausalTeacher):
        raise PlanError("cache: only a teacher whose weights are here is cached; answers are kept in answers.jsonl")
    if allowed and plan.objective.name not in allowed:
        raise PlanError(f"cache.kind: these targets serve {' and '.join(allowed)}, not {plan.objective.name}")
    if plan.objective.on_policy > 0:
        raise PlanError(
            "cache: it holds nothing about text that the student writes; objective.on_policy needs a live teacher"
        )
    if plan.cache is not None and plan.cache.tokens > 255:
        raise PlanError("cache.tokens must be at most 255")


def require_pair(plan: Plan) -> None:
    """Language models teach language models, encoders static students, estimators surrogates.

    Raises:
        PlanError: they do not.
    """
    pairs = {"encoder": ("static", "layers"), "estimator": ("tree", "rules", "linear")}
    allowed = pairs.get(plan.teacher.kind, ("causal",))
    if plan.student.kind not in allowed:
        raise PlanError(
            f"student.kind: a teacher of kind {plan.teacher.kind} has a student of kind {' or '.join(allowed)}, "
            f"not {plan.student.kind}"
        )


def causal_student(plan: Plan) -> CausalStudent:
    """The plan's student, which is a causal language model.

    Raises:
        PlanError: it is not.
    """
    if not isinstance(plan.student, CausalStudent):
        raise PlanError(f"student.kind: {plan.student.kind} is no causal language model")
    return plan.student
