"""A teacher behind an endpoint, opened as the plan says."""

from iolaus.distill.plan import EndpointTeacher
from iolaus.lm import Access, Budget, Endpoint, LanguageModel, Patience

__all__ = ["open_endpoint"]


def open_endpoint(plan: EndpointTeacher) -> LanguageModel:
    """The endpoint, with its budget of queries and its patience."""
    access = Access.TEXT | Access.TOP_K if plan.top_logprobs else None
    return Endpoint(
        plan.base_url,
        plan.served_name,
        style=plan.style,
        access=access,
        system=plan.system,
        patience=Patience(attempts=plan.attempts, timeout=plan.timeout, first_wait=plan.first_wait),
        budget=Budget(plan.queries),
        concurrency=plan.concurrency,
    )
