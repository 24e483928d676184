"""An operator's work queue: distinct items over its capabilities, each with its style and the account it goes to."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.grammar import Ints
from iolaus.simulate.operators import CAPABILITIES, Operator
from iolaus.simulate.traffic import DOMAIN, Traffic

__all__ = ["work_queue"]

# What is asked for where the items of a domain run out.
_SPARE = "extract"


def work_queue(traffic: Traffic, operator: Operator, takers: Ints) -> dict[str, NDArray[Any]]:
    """Draw the items of a queue, none of them twice.

    Args:
        traffic: source of chance and items.
        operator: gives the capabilities; an operator that specialises sends each account mostly some of them.
        takers: place, among the operator's accounts, of the account that takes each item first; shape (n,).

    Returns:
        Columns domain, code, style and passages, shape (n,) each.
    """
    rng, n = traffic.rng, len(takers)
    # Two capabilities may draw on one domain, which then belongs to the first: its items are drawn once.
    parts: dict[str, tuple[str, str]] = {}
    for capability in operator.capabilities:
        domains, style = CAPABILITIES[capability]
        for domain in domains:
            parts.setdefault(domain, (style, capability))
    # Who cares how an account looks keeps Chinese items, which few customers of the range send, to a small part.
    careful = operator.level >= 3
    pull = np.array([1.2 if c == "chinese" and careful else 4.0 for _, c in parts.values()])
    part = _parts(rng, operator, rng.dirichlet(pull), takers)
    topic = np.zeros(n, dtype=np.int16)
    code = np.zeros(n, dtype=np.int64)
    style_of = np.empty(n, dtype=object)
    for i, (name, (style, _)) in enumerate(parts.items()):
        mine = np.flatnonzero(part == i)
        items = rng.permutation(traffic.corpus.draw_distinct(name, len(mine), templated=not careful))
        full, rest = mine[: len(items)], mine[len(items) :]
        topic[full], code[full] = DOMAIN[name], items
        style_of[mine] = style
        topic[rest] = -1
    rest = np.flatnonzero(topic < 0)
    topic[rest] = DOMAIN[_SPARE]
    code[rest] = traffic.corpus.draw_distinct(_SPARE, len(rest))
    passages = np.where(rng.random(n) < operator.passages, -rng.integers(1, 5, n), 0)
    return {"domain": topic, "code": code, "style": style_of, "passages": passages}


def _parts(rng: np.random.Generator, operator: Operator, shares: NDArray[np.float64], takers: Ints) -> Ints:
    """Which part of the work each item comes from; shape (n,)."""
    if not operator.specialises:
        return rng.choice(len(shares), len(takers), p=shares)
    part = np.zeros(len(takers), dtype=np.int64)
    for account in np.unique(takers):
        mine = takers == account
        part[mine] = rng.choice(len(shares), int(mine.sum()), p=rng.dirichlet(shares * 2 + 0.05))
    return part
