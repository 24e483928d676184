"""From points and coins to a verdict."""

from collections.abc import Callable, Iterable, Mapping
from math import exp, log
from typing import Final

import numpy as np

from iolaus.lm import LanguageModel
from iolaus.provenance.betting import log_fortune
from iolaus.provenance.calibrate import FULL, calibrate
from iolaus.provenance.exact import hoeffding_bound, null_total, served_points, sign_test
from iolaus.provenance.levels import least_chance, share_out
from iolaus.provenance.many import e_bh
from iolaus.provenance.plan import Plan
from iolaus.provenance.power import sign_test_power
from iolaus.provenance.suspect import Suspect
from iolaus.provenance.trial import two_sided
from iolaus.provenance.verdict import Finding, Registered, Tried, Verdict

__all__ = ["findings", "judge"]

# A reference that seems to know the coins this surely shows that something is wrong with the coins or with it.
CONTROL_LEVEL: Final = 1e-3
# Grade B: answers that were never served must look like the fresh ones, in at least so many exchanges.
SELF_TEST_LEVEL: Final = 1e-2
SELF_TEST_LEAST: Final = 100
# A suspect that prefers the served answer this often learnt clearly from it.
_CLEAR: Final = 0.6


def judge(
    tried: Tried,
    registered: Registered,
    plan: Plan,
    suspect: Suspect,
    references: Mapping[str, LanguageModel],
) -> Verdict:
    """Apply the plan's rule.

    Args:
        tried: points and coins.
        registered: where the plan stands.
        plan: the rule.
        suspect: for what there was to see of it.
        references: by name.
    """
    accounts = [e.account for e in tried.exchanges]
    within, beside, families = plan.counts

    def found(groups: list[str], part_of: Callable[[str], int], counts: tuple[int, ...]) -> dict[str, Finding]:
        return findings(tried.points, tried.served, groups, plan, part_of, counts)

    overall = found(["all"] * len(accounts), lambda name: 0, (1,))["all"]
    by_account = found(accounts, lambda name: int(name not in plan.campaigns), (within, beside))
    by_campaign = found([plan.campaigns.get(name, "") for name in accounts], lambda name: 0, (families,))
    controls = {name: _control(tried, name, plan) for name in references}
    refused = tuple(_refusals(controls, tried.never_served, plan))
    accused = overall.learnt_from and not refused
    return Verdict(
        plan=plan,
        accused=accused,
        overall=overall,
        by_account=_held(by_account, refused),
        by_campaign=_held(by_campaign, refused),
        controls=controls,
        refused=refused,
        cannot_conclude=() if accused else tuple([*refused, *_open_questions(overall, plan)]),
        access=suspect.language_model.access.words,
        registered=registered,
        tried=tried,
    )


def findings(
    points: np.ndarray,
    served: np.ndarray,
    groups: Iterable[str],
    plan: Plan,
    part_of: Callable[[str], int],
    counts: tuple[int, ...],
) -> dict[str, Finding]:
    """What the coins of each group of exchanges say; an empty name is no group.

    Every group's null is about its own coins alone and holds whatever the suspect learnt from other groups.

    Args:
        points: (n, k).
        served: (n,).
        groups: n names.
        plan: level and rule.
        part_of: which part of the family a group belongs to; see `share_out`.
        counts: groups that the plan names, by part.
    """
    names, chosen = _grouped(groups)
    early = plan.decide == "e_value"
    parts: list[dict[str, float]] = [{} for _ in counts]
    for name, rows in zip(names, chosen, strict=True):
        parts[part_of(name)][name] = least_chance(points[rows])
    levels = share_out(plan.alpha, parts, counts if early else None)
    log_e = np.array([log_fortune(points[rows], served[rows], FULL) for rows in chosen])
    likely = e_bh(log_e, plan.alpha)
    result = {}
    for i, (name, rows) in enumerate(zip(names, chosen, strict=True)):
        wins, decided, _ = sign_test(points[rows], served[rows])
        total = int(served_points(points[rows], served[rows]).sum())
        p = min(1.0, exp(-log_e[i])) if early else float(null_total(points[rows]).p_value(total))
        result[name] = Finding(
            exchanges=len(rows),
            wins=wins,
            decided=decided,
            total=total,
            p_value=p,
            bound=p if early else hoeffding_bound(points[rows], total),
            log_e_value=float(log_e[i]),
            learnt_from=bool(log_e[i] >= -log(levels[name]) if early else p <= levels[name]),
            likely=bool(likely[i]),
            level=levels[name],
        )
    return result


def _grouped(groups: Iterable[str]) -> tuple[list[str], list[np.ndarray]]:
    """Names in order, and the rows of each."""
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(groups):
        if name:
            rows_of.setdefault(name, []).append(row)
    names = sorted(rows_of)
    return names, [np.array(rows_of[name]) for name in names]


def _held(groups: dict[str, Finding], refused: tuple[str, ...]) -> dict[str, Finding]:
    """Nobody is named where the verdict is refused."""
    if not refused:
        return groups
    return {name: Finding(**{**f.__dict__, "learnt_from": False, "likely": False}) for name, f in groups.items()}


def _control(tried: Tried, name: str, plan: Plan) -> float:
    """A reference in the suspect's place: its two-sided p-value."""
    others = {other: tried.scores[other] for other in plan.references if other != name}
    return two_sided(calibrate(tried.scores[name], others).points, tried.served)


def _refusals(controls: dict[str, float], never_served: dict[str, float], plan: Plan) -> Iterable[str]:
    for name, p in controls.items():
        if p * len(controls) < CONTROL_LEVEL:
            yield (
                f"The reference {name} seems to know the coins (p = {p:.2g}): it learnt from served answers, or the "
                "coins were not fair."
            )
    if plan.grade != "B":
        return
    count = int(never_served.get("exchanges", 0))
    if count < SELF_TEST_LEAST:
        yield (
            f"Twins that were drawn later need a self-test on at least {SELF_TEST_LEAST} answers that were never "
            f"served; there are {count}."
        )
        return
    tested = {name: p for name, p in never_served.items() if name != "exchanges"}
    for name, p in tested.items():
        if p * len(tested) < SELF_TEST_LEVEL:
            yield (
                f"Answers that were never served differ from those drawn later (seen through {name}, p = {p:.2g}): the "
                "weights or settings are not those of the log."
            )


def _open_questions(overall: Finding, plan: Plan) -> Iterable[str]:
    level = f"{plan.alpha:g}"
    n = overall.exchanges
    least = plan.candidates**-n if n < 500 else 0.0
    if least > plan.alpha:
        yield f"{n} exchanges cannot convict anybody at {level}: even if every coin agreed, the chance is {least:.2g}."
        return
    chance = sign_test_power(n, _CLEAR, plan.alpha) if plan.candidates == 2 else None
    words = (
        ""
        if chance is None
        else f" A suspect that prefers the served answer in {_CLEAR:.0%} of them would be convicted with a chance of "
        f"about {chance:.0%}."
    )
    yield f"{n} exchanges do not show at {level} that the suspect learnt from what was served.{words}"
    yield "This does not show that it did not learn from it."
