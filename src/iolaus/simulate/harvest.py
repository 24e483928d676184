"""An operator at work: one queue of items, dealt out over its accounts and over time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.deal import Slots, deal, threads
from iolaus.simulate.grammar import Ints
from iolaus.simulate.operators import CAPABILITIES, Operator
from iolaus.simulate.people import Account, PersonaMaker
from iolaus.simulate.queue import work_queue
from iolaus.simulate.rhythm import DAY, HOUR, Floats, Session, arrivals
from iolaus.simulate.traffic import DOMAIN, Traffic

__all__ = ["campaign"]


def campaign(traffic: Traffic, maker: PersonaMaker, operator: Operator, accounts: list[Account]) -> None:
    """Add an operator's accounts with their harvest and their cover traffic."""
    numbers = [traffic.enrol(account) for account in accounts]
    shares = _shares(traffic.rng, operator, accounts)
    total = traffic.rng.multinomial(operator.rows, shares) if operator.level != 2 else _equal(operator, len(numbers))
    cover = traffic.rng.binomial(total, operator.cover)
    for number, n in zip(numbers, cover, strict=True):
        traffic.ordinary(number, int(n))
    instant, who = _dispatch(traffic, operator, accounts, total - cover)
    goes_on = [operator.continues * (a.habits.continues if operator.level >= 3 else 1.0) for a in accounts]
    slots = deal(traffic.rng, instant, who, goes_on, operator.hands_off, operator.copies)
    _write(traffic, maker, operator, np.array(numbers), slots)


def _shares(rng: np.random.Generator, operator: Operator, accounts: list[Account]) -> Floats:
    """Each account's share of the work: its time on duty, spread unevenly except where load is balanced."""
    span = np.array([max(a.ends - a.begins, 0.05) for a in accounts])
    share = span * np.exp(rng.normal(0, operator.uneven, len(accounts)))
    return np.asarray(share / share.sum(), dtype=np.float64)


def _equal(operator: Operator, n: int) -> Ints:
    return np.full(n, operator.rows // n, dtype=np.int64) + (np.arange(n) < operator.rows % n)


def _plan(traffic: Traffic, operator: Operator) -> Floats:
    """The operator's own activity by hour: start, end, pauses, changes of rate; shape (24 * days,)."""
    hour = (np.arange(24 * traffic.days) + 0.5) / 24
    plan = ((hour >= operator.begins - 0.05) & (hour <= operator.ends + 0.05)).astype(np.float64)
    for at, factor in operator.changes:
        plan[hour >= at] *= factor
    for begins, ends in operator.pauses:
        plan[(hour >= begins) & (hour < ends)] = 0.0
    if operator.pivots:
        plan[(hour * DAY >= traffic.release) & (hour * DAY < traffic.release + 2 * DAY)] *= 1.8
    return plan


def _dispatch(traffic: Traffic, operator: Operator, accounts: list[Account], counts: Ints) -> tuple[Ints, Ints]:
    """When each account sends its harvest requests; two arrays of shape (n,) in time order."""
    rng, plan = traffic.rng, _plan(traffic, operator)
    if operator.level < 3:
        style = "flat" if operator.level < 2 else "machine"
        weights = plan * traffic.rhythm(style, operator.zone)
        instant = arrivals(rng, int(counts.sum()), weights, operator.begins, operator.ends, Session(1.0))
        who = np.repeat(np.arange(len(accounts)), counts)
        # A balancer goes round the accounts in turn; a naive dispatcher takes whichever is free.
        who = _rounds(rng, counts) if operator.level == 2 else rng.permutation(who)
        return instant, who
    parts = []
    for account, n in zip(accounts, counts, strict=True):
        zone = operator.zone if operator.aligned else account.zone
        weights = plan * traffic.rhythm(account.habits.style, zone)
        parts.append(
            arrivals(rng, int(n), weights, max(account.begins, account.harvests), account.ends, account.habits.session)
        )
    instant = np.concatenate(parts)
    who = np.repeat(np.arange(len(accounts)), counts)
    order = np.argsort(instant, kind="stable")
    return instant[order], who[order]


def _rounds(rng: np.random.Generator, counts: Ints) -> Ints:
    """Account numbers so that each round has every account that still has work once, in jittered order."""
    turn = np.concatenate([np.arange(c) for c in counts])
    who = np.repeat(np.arange(len(counts)), counts)
    return who[np.argsort(turn + rng.random(len(turn)) * 1.5, kind="stable")]


def _write(traffic: Traffic, maker: PersonaMaker, operator: Operator, numbers: Ints, slots: Slots) -> None:
    n = len(slots.instant)
    if n == 0:
        return
    opening = slots.item >= 0
    _, first = np.unique(slots.item[opening], return_index=True)
    queue = work_queue(traffic, operator, slots.account[opening][first])
    domain = np.zeros(n, dtype=np.int16)
    code, wrap = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for name, values in (("domain", domain), ("code", code)):
        values[opening] = queue[name][slots.item[opening]]
    wraps, systems = _templates(traffic, maker, operator, numbers)
    style = np.array([wraps[s] for s in queue["style"].tolist()], dtype=np.int64)
    wrap[opening] = style[slots.item[opening]]
    if operator.wording == "paraphrased":
        # Some requests go bare, since a wording around every one would itself be a mark.
        bare = traffic.rng.beta(1.5, 1.5, len(numbers))
        wrap[traffic.rng.random(n) < bare[slots.account]] = 0
    said = threads(traffic, slots)
    for i in np.flatnonzero(~opening).tolist():
        domain[i] = domain[slots.parent[i]]
    domain[~opening], code[~opening] = traffic.followups(domain[~opening])
    again = slots.repeats >= 0
    code[again] = code[slots.repeats[again]]
    passages = np.zeros(n, dtype=np.int64)
    passages[opening] = queue["passages"][slots.item[opening]]
    account = numbers[slots.account]
    if operator.dresses:
        # Each account pastes as much beside its items as the customer it passes for.
        most = _habit(traffic, account, "pastes")
        pasted = np.where(opening, -traffic.rng.integers(0, most + 1), 0)
        # A raw prompt has no template that would make it as long as a customer's.
        passages = np.where((most == 0) & (operator.wording == "raw"), passages, pasted)
    keeps = np.array([a.habits.conversations for a in traffic.accounts], dtype=np.bool_)[account]
    traffic.add(
        instant=slots.instant, account=account, domain=domain, code=code,
        wrap=wrap, wording=traffic.reword(wrap), thread=said.thread, turn=said.turn,
        conversation=np.where(keeps, said.conversation, -1), saves=said.saves, resumes=said.resumes,
        system=systems[slots.account],
        model=_models(traffic, operator, account, slots.instant), harvested=True, passages=passages,
        tools=_tools(traffic, operator, account, domain),
    )  # fmt: skip
    _refused(traffic, operator, numbers, systems)


def _templates(
    traffic: Traffic, maker: PersonaMaker, operator: Operator, numbers: Ints
) -> tuple[dict[str, int], NDArray[np.int32]]:
    """The template of each style, and the system instruction of each account."""
    styles = sorted({CAPABILITIES[c][1] for c in operator.capabilities})
    own = _habit(traffic, numbers, "system").astype(np.int32)
    if operator.wording == "raw":
        return dict.fromkeys(styles, 0), own
    add = traffic.wrappings.fixed if operator.wording == "fixed" else traffic.wrappings.paraphrased
    if not operator.in_system:
        return {s: add(traffic.rng, s) for s in styles}, own
    # The elicitation stands in the system instructions, and prompts are bare items; the careful word it anew
    # for each account, and leave it out on accounts that pass for plain ones.
    wrap = add(traffic.rng, styles[0])
    if operator.wording == "fixed":
        return dict.fromkeys(styles, 0), np.full(len(numbers), maker.elicitation(wrap), dtype=np.int32)
    told = traffic.rng.random(len(numbers)) < 0.55
    texts = [maker.elicitation(wrap) if t else int(s) for t, s in zip(told, own, strict=True)]
    return dict.fromkeys(styles, 0), np.array(texts, dtype=np.int32)


def _models(traffic: Traffic, operator: Operator, account: Ints, instant: Ints) -> NDArray[np.int8]:
    mini = traffic.rng.random(len(instant)) < _habit(traffic, account, "mini") * (operator.level >= 3)
    moves = _habit(traffic, account, "adopts")
    if operator.pivots:
        # About half of the traffic turns to the new model within a day of its release.
        turned = traffic.rng.random(len(instant)) < 0.55
        moves = np.where(turned, traffic.release + int(traffic.rng.uniform(1, 20) * HOUR), moves)
    return (mini + 2 * (instant >= moves)).astype(np.int8)


def _tools(traffic: Traffic, operator: Operator, account: Ints, domain: NDArray[np.int16]) -> Ints:
    """How many tools each request declares; the careful write them into the prompt instead."""
    own = _habit(traffic, account, "tools")
    return np.where((domain == DOMAIN["tool"]) & (operator.level < 3), 3, own)


def _habit(traffic: Traffic, account: Ints, name: str) -> NDArray[Any]:
    return np.array([getattr(a.habits, name) for a in traffic.accounts])[account]


def _refused(traffic: Traffic, operator: Operator, numbers: Ints, systems: NDArray[np.int32]) -> None:
    """Requests of banned accounts that came back 403: items that other accounts then took up."""
    rows = traffic.last_block()
    rng = traffic.rng
    for place, number in enumerate(numbers.tolist()):
        account = traffic.accounts[number]
        if account.closed is None:
            continue
        end = int(account.closed * DAY)
        later = np.flatnonzero((rows["instant"] > end) & (rows["turn"] == 1) & (rows["account"] != number))
        later = later[: account.refusals]
        if len(later):
            instant = end - np.sort(rng.integers(0, 3 * HOUR, len(later)))[::-1] - 1_000_000
            traffic.add(
                instant=instant, account=number, domain=rows["domain"][later], code=rows["code"][later],
                wrap=rows["wrap"][later], wording=traffic.reword(rows["wrap"][later].astype(np.int64)),
                thread=-1, conversation=-1, system=systems[place], model=rows["model"][later],
                tools=rows["tools"][later], passages=rows["passages"][later], status=403,
            )  # fmt: skip
        account.refusals = 0
