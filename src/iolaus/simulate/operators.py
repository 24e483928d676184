"""Operators on the evasion ladder: what each one is, drawn so that not every one shows every trait."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from iolaus.simulate.people import Account, PersonaMaker
from iolaus.simulate.rhythm import Session
from iolaus.simulate.scenario import Scenario
from iolaus.simulate.world import World

__all__ = ["CAPABILITIES", "Operator", "design", "recruit"]

# What is harvested: the domains its items come from, and the style of its template.
CAPABILITIES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "reasoning": (("math", "logic", "instruct"), "reasoning"),
    "rubric": (("grade",), "rubric"),
    "code": (("code",), "code"),
    "tool": (("tool",), "tool"),
    "rewrite": (("rewrite",), "rewrite"),
    "general": (("instruct", "roleplay", "write"), "reasoning"),
    "chinese": (("zh_reason", "zh_instruct"), "chinese"),
}
_CAPABILITY_SHARE: Final = (0.28, 0.12, 0.17, 0.1, 0.08, 0.15, 0.1)
_RATES: Final = {0: (46.0, 469.0, 733.0, 857.0), 1: (13.0, 26.0, 46.0, 469.0), 2: (13.0, 26.0, 46.0)}
# Shares of an L5 operator's accounts in its pools, by how many pools there are.
_POOLS: Final = {2: (0.55, 0.45), 3: (0.45, 0.3, 0.25)}
_MOST_ACCOUNTS: Final = 5_000
_COVERS: Final = {4: (0.5, 0.95), 5: (0.3, 0.8), 6: (0.5, 0.9)}


@dataclass(slots=True)
class Operator:
    """One operator's design.

    Attributes:
        operator_id: as in the truth tables.
        level: rung of the ladder.
        rate: exchanges an account a day, cover included.
        cover: share of the accounts' traffic that is cover.
        accounts: how many it runs.
        begins, ends: its time, in days after the log's start.
        capabilities: what it harvests.
        copies: how many accounts get each item (n-best sampling); 1 for none.
        wording: fixed (one template), paraphrased (anew each time) or raw (none).
        in_system: the fixed wording goes to the system instructions instead of the prompt.
        pauses: times without a request, in days.
        changes: (instant in days, factor) of its rate.
        pivots: it moves to a new model within a day of the release.
        continues, hands_off: chance that a request goes on with a conversation, on the same account (from L3
            on a factor on what its habits are) or on another one.
        stages: pools of accounts that follow each other.
        uneven: spread of the accounts' shares (logarithm's standard deviation).
        passages: share of items that hold a passage to work on.
        dresses: its accounts paste text beside their items as their habits are.
        specialises: its accounts each get mostly some of its kinds of work.
        aligned: all accounts keep the operator's working hours instead of each its own country's.
    """

    operator_id: str
    level: int
    rate: float
    cover: float
    accounts: int
    begins: float
    ends: float
    rows: int
    capabilities: tuple[str, ...]
    copies: int
    wording: str
    in_system: bool
    pauses: tuple[tuple[float, float], ...]
    changes: tuple[tuple[float, float], ...]
    pivots: bool
    continues: float
    hands_off: float
    stages: int
    uneven: float
    aligned: bool
    zone: float
    passages: float
    specialises: bool
    dresses: bool

    def to_json(self) -> dict[str, Any]:
        """The design as scenario.json keeps it."""
        return {
            "level": self.level,
            "accounts": self.accounts,
            "rate": round(self.rate, 3),
            "cover": round(self.cover, 4),
            "begins_day": round(self.begins, 3),
            "ends_day": round(self.ends, 3),
            "capabilities": list(self.capabilities),
            "copies": self.copies,
            "wording": self.wording,
            "in_system": self.in_system,
            "pauses": len(self.pauses),
            "rate_changes": len(self.changes),
            "pivots": self.pivots,
            "hands_off": round(self.hands_off, 3),
            "stages": self.stages,
        }


def design(
    world: World, scenario: Scenario, level: int, place: tuple[int, int], rows: int, menu: list[str]
) -> Operator:
    """Draw an operator.

    Args:
        world: source of chance and names.
        scenario: gives rates, covers and sizes where it fixes them.
        level: rung of the ladder.
        place: the operator's number among its level's, and how many those are; it picks from ``rates`` and
            ``covers``.
        rows: exchanges it may spend, cover included.
        menu: capabilities that the level's operators have not taken yet; filled again when it runs out.
    """
    rng = world.rng
    turn, of = place
    rate = (
        scenario.rates[turn % len(scenario.rates)] if scenario.rates else _rate(rng, level, (turn + rng.random()) / of)
    )
    cover = scenario.covers[turn % len(scenario.covers)] if scenario.covers else _cover(rng, level)
    # The careful work long and slowly; the others come and go.
    length = scenario.days * (rng.uniform(0.5, 0.9) if level < 3 else rng.uniform(0.82, 0.98))
    least = 8 if level >= 3 else 5
    accounts = scenario.accounts_per_operator or int(np.clip(round(rows / (rate * length)), least, _MOST_ACCOUNTS))
    length = min(rows / (rate * accounts), scenario.days * 0.98)
    rows = min(rows, max(accounts, round(rate * accounts * length)))
    begins = rng.uniform(0, scenario.days - length)
    ends = begins + length
    capabilities = _choose(rng, level, menu)
    wording = "raw" if level == 6 else "paraphrased" if level >= 3 else "fixed"
    calm = rng.random() < 0.3
    copies = int(rng.integers(2, 5)) if rng.random() < 0.2 else 1
    return Operator(
        operator_id=world.token("op"), level=level, rate=rate, cover=cover, accounts=accounts, begins=begins,
        ends=ends, rows=rows, capabilities=capabilities,
        copies=copies, wording=wording,
        in_system=wording != "raw" and rng.random() < (0.3 if level < 3 else 0.18),
        pauses=() if calm else _pauses(rng, begins, ends),
        changes=() if calm else _changes(rng, begins, ends), pivots=bool(rng.random() < 0.7),
        continues=float(rng.uniform(0, 0.05) if level < 3 else rng.uniform(0.5, 1.0)),
        hands_off=float(rng.uniform(0.02, 0.1)) if copies == 1 and rng.random() < 0.5 else 0.0,
        stages=int(rng.integers(2, 4)) if level == 5 else 1,
        uneven=0.0 if level == 2 else float(rng.uniform(0.15, 0.9)),
        aligned=bool(level >= 3 and rng.random() < 0.5),
        zone=world.region()[1],
        passages=float(rng.uniform(0.15, 0.5)) if level == 6 or rng.random() < 0.75 else 0.0,
        dresses=bool(level >= 3 and rng.random() < 0.85),
        specialises=bool(level >= 3 and rng.random() < 0.7),
    )  # fmt: skip


def recruit(maker: PersonaMaker, operator: Operator, number: int) -> list[Account]:
    """The operator's accounts, with the identities its level affords."""
    accounts = [_disguised(maker, operator, i) for i in range(operator.accounts)]
    if operator.level < 3:
        _share_infrastructure(maker.world, operator, accounts)
    for account in accounts:
        account.kind, account.operator, account.rate = "hydra", number, operator.rate
    return accounts


def _choose(rng: np.random.Generator, level: int, menu: list[str]) -> tuple[str, ...]:
    """One to three capabilities from the menu, so that a level's operators differ in what they harvest."""
    taken: list[str] = []
    wanted = 1 + int(rng.choice(3, p=[0.35, 0.4, 0.25]))
    while len(taken) < wanted:
        if not menu:
            menu += [
                str(c) for c in rng.choice(list(CAPABILITIES), len(CAPABILITIES), replace=False, p=_CAPABILITY_SHARE)
            ]
        name = menu.pop(0)
        # A rubric or a tool list is a template: who sends raw prompts has none.
        if name not in taken and not (level == 6 and name in ("rubric", "tool")):
            taken.append(name)
            wanted += name == "chinese" and wanted == 1
    return tuple(taken)


def _rate(rng: np.random.Generator, level: int, quantile: float) -> float:
    if level in _RATES:
        return float(rng.choice(_RATES[level]))
    # Low and slow: the published 2 a day is common, 46 is the rare upper end.
    # Drawn by quantile (of a Beta(1, 3) between the logarithms), so that a level has slow and fast operators.
    return float(2 * 23 ** (1 - (1 - quantile) ** (1 / 3)))


def _cover(rng: np.random.Generator, level: int) -> float:
    return float(rng.uniform(*_COVERS[level])) if level in _COVERS else 0.0


def _pauses(rng: np.random.Generator, begins: float, ends: float) -> tuple[tuple[float, float], ...]:
    out = []
    for _ in range(int(rng.integers(0, 4))):
        at = rng.uniform(begins, ends)
        out.append((float(at), float(min(at + rng.uniform(0.2, 1.8) * min(1.0, (ends - begins) / 6), ends))))
    return tuple(out)


def _changes(rng: np.random.Generator, begins: float, ends: float) -> tuple[tuple[float, float], ...]:
    n = int(rng.integers(0, 4))
    return tuple((float(rng.uniform(begins, ends)), float(np.exp(rng.normal(0, 0.8)))) for _ in range(n))


def _disguised(maker: PersonaMaker, operator: Operator, place: int) -> Account:
    """An account that passes for a customer; later levels keep all of it."""
    rng = maker.world.rng
    persona = str(rng.choice(["developer", "startup", "app_user"], p=[0.5, 0.2, 0.3]))
    account = maker.make(persona, "hydra")
    account.closed, account.refusals = None, 0
    stage = (
        int(np.searchsorted(np.cumsum(_POOLS[operator.stages])[:-1], (place + 0.5) / operator.accounts))
        if operator.stages > 1
        else 0
    )
    length = (operator.ends - operator.begins) / operator.stages
    # A pool is warmed up by cover traffic long before it is needed.
    warm, ahead = (rng.uniform(0, 1.0), rng.uniform(0, 0.3)) if stage else (0.0, 0.0)
    account.begins, account.ends = operator.begins + (stage - warm) * length, operator.ends
    account.harvests = operator.begins + (stage - min(warm, ahead)) * length
    if operator.level >= 3:
        # Accounts join and drop out one by one, as customers do.
        if rng.random() < 0.5:
            account.begins += rng.uniform(0, 0.8) * (operator.ends - account.begins)
        if rng.random() < (0.35 if operator.stages == 1 else 0.1):
            account.ends -= rng.uniform(0.05, 0.8) * (account.ends - account.begins)
    # Aged accounts are bought or kept in store; the others are opened shortly before use.
    aged = rng.random() < 0.7
    account.created = -rng.exponential(150.0) - 0.05 if aged else account.begins - rng.exponential(0.4) - 0.01
    if stage < operator.stages - 1 and rng.random() < 0.5:
        # The provider bans most of a pool in one sweep, a few accounts sooner.
        account.closed = _next_pool(operator, stage) + rng.uniform(-0.5, 0.2)
        account.closed = min(max(account.closed, account.begins + 0.2), maker.world.days - 0.01)
        account.ends, account.refusals = account.closed, int(rng.integers(2, 9))
    return account


def _next_pool(operator: Operator, stage: int) -> float:
    """When the pool after ``stage`` takes over, in days."""
    return operator.begins + (stage + 1) * (operator.ends - operator.begins) / operator.stages


def _share_infrastructure(world: World, operator: Operator, accounts: list[Account]) -> None:
    """What L0 to L2 leave in common."""
    rng, level = world.rng, operator.level
    country, zone = world.region()
    agent = world.agent()
    few = [world.address(country, "cloud") for _ in range(3)]
    pool = [world.address(country, "vpn" if rng.random() < 0.5 else "cloud") for _ in range(max(4, len(accounts) * 2))]
    payment, mail = world.token("pay"), world.domain()
    opened = operator.begins - rng.uniform(0.2, 3.0)
    temperature = [None, 0.0, 0.7, 1.0][int(rng.integers(4))]
    longest = [None, 2048, 4096][int(rng.integers(3))]
    for account in accounts:
        account.country, account.zone, account.channel, account.plan = country, zone, "api", "payg"
        account.agents, account.org, account.failing = [agent], None, 3.0
        account.referrer = "direct"
        habits = account.habits
        habits.temperature, habits.spread, habits.max_tokens, habits.stream = temperature, 0.0, longest, False
        habits.style, habits.session, habits.system, habits.keys = "flat", Session(1.0), -1, 1
        habits.conversations, habits.rotates = bool(operator.accounts % 2), level == 2
        account.ips = few if level == 0 else pool if level == 2 else [world.address(country, "cloud")]
        account.signup_ip = few[0] if level == 0 else world.address(country)
        account.payment = payment if level == 0 else world.token("pay")
        account.email = mail if level == 0 else world.throwaway_mail() if level == 1 else world.free_mail()
        spread = {0: 0.1, 1: 3.0, 2: 25.0}[level]
        account.created = opened - rng.uniform(0, spread)
