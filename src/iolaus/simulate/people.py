"""Accounts and their habits: the same personas serve customers and the operators who pass for them."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from iolaus.simulate.rhythm import DAY, Session
from iolaus.simulate.styles import ITEM
from iolaus.simulate.templates import Wrappings
from iolaus.simulate.world import CHINESE, World

__all__ = ["Account", "Habits", "Persona", "PersonaMaker"]

_MIXES: Final[dict[str, dict[str, float]]] = {
    "developer": {
        "code": 0.28, "extract": 0.12, "math": 0.09, "logic": 0.07, "instruct": 0.16, "write": 0.07,
        "chat": 0.05, "tool": 0.06, "grade": 0.05, "rewrite": 0.02, "roleplay": 0.03, "zh_instruct": 0.03,
    },
    "app_user": {
        "chat": 0.3, "ask": 0.15, "write": 0.14, "translate": 0.07, "instruct": 0.12, "roleplay": 0.06,
        "math": 0.07, "code": 0.05, "logic": 0.03, "greet": 0.01, "zh_chat": 0.02,
    },
    "chinese": {"zh_chat": 0.4, "zh_instruct": 0.3, "zh_reason": 0.18, "code": 0.06, "translate": 0.06},
}  # fmt: skip
_TRADES: Final = (
    ("support", "write"),
    ("extract", "instruct"),
    ("write", "translate"),
    ("code", "instruct"),
    ("tool", "support"),
    ("grade", "instruct"),
    ("math", "logic"),
    ("roleplay", "chat"),
    ("instruct", "extract"),
    ("logic", "ask"),
)
_STYLES: Final = ("reasoning", "reasoning", "code", "rubric", "tool", "product", "product")


@dataclass(slots=True)
class Habits:
    """How an account uses the model.

    Attributes:
        domains: what it asks about, with the shares alongside.
        wrappings: numbers of its templates, and the share of first turns that use one.
        continues: chance that the next request goes on with the conversation.
        system: number of its system instruction, -1 for none.
        other_system, other_share: a second instruction (or none), and how often it takes the first one's
            place.
        style: daily rhythm; client is the number of a real client whose rhythm it follows, -1 for none.
        temperature: fixed value, None where left out; spread is added at random.
        pastes: how many passages it pastes below a request at most.
        verbosity: factor on the length of written answers, as its instructions ask for.
        adopts: when it moves to the new model, µs after the log's start.
    """

    domains: tuple[str, ...]
    shares: tuple[float, ...]
    wrappings: list[int] = field(default_factory=list)
    wrapped: float = 0.0
    continues: float = 0.1
    conversations: bool = True
    system: int = -1
    other_system: int = -1
    other_share: float = 0.0
    style: str = "office"
    client: int = -1
    session: Session = field(default_factory=Session)
    temperature: float | None = None
    spread: float = 0.0
    max_tokens: int | None = None
    stream: bool | None = None
    keys: int = 1
    mini: float = 0.2
    adopts: int = 0
    tools: int = 0
    pastes: int = 0
    verbosity: float = 1.0
    rotates: bool = False


@dataclass(slots=True)
class Account:
    """One account: its row in the account table, its networks, clients and habits. Instants are in days.

    ``harvests`` is when an operator begins to harvest with it; until then it has cover traffic only.
    """

    account_id: str
    kind: str
    country: str
    zone: float
    created: float
    begins: float
    ends: float
    habits: Habits
    rate: float
    ips: list[int]
    agents: list[int]
    channel: str = "api"
    closed: float | None = None
    refusals: int = 0
    org: str | None = None
    plan: str | None = "payg"
    referrer: str | None = None
    email: str | None = None
    signup_ip: int | None = None
    payment: str | None = None
    operator: int = -1
    failing: float = 1.0
    harvests: float = 0.0


@dataclass(frozen=True, slots=True)
class Persona:
    """A sort of customer: the rate's median (a day) and spread, and how it reaches the provider."""

    name: str
    rate: float
    sigma: float
    channel: str
    plans: tuple[str, ...]


PERSONAS: Final = {
    "developer": Persona("developer", 3.6, 1.15, "api", ("payg", "payg", "pro", "free")),
    "app_user": Persona("app_user", 3.0, 1.0, "app", ("free", "free", "plus", "plus")),
    "startup": Persona("startup", 7.0, 1.2, "api", ("payg", "team", "pro")),
}


class PersonaMaker:
    """Makes accounts of a persona.

    Args:
        world: networks, clients and names.
        wrappings: table that personal templates are added to.
        clients: how many real clients there are to follow (0 for none), with their relative rates and
            burstiness.
    """

    def __init__(
        self, world: World, wrappings: Wrappings, clients: tuple[list[float], list[float]] | None = None
    ) -> None:
        """Keep what accounts are made from."""
        self.world, self.wrappings, self._clients = world, wrappings, clients
        self.system_texts: list[str] = []

    def system(self) -> int:
        """Add a system instruction and return its number."""
        return self.elicitation(self.wrappings.fixed(self.world.rng, "system"))

    def elicitation(self, wrap: int) -> int:
        """Add a system instruction that says what a template does, without item, and return its number."""
        text = self.wrappings.wording(self.world.rng, wrap).replace(ITEM, "").strip(" \n:")
        self.system_texts.append(text)
        return len(self.system_texts) - 1

    def make(self, persona: str, kind: str) -> Account:
        """An account with an identity, a lifetime and habits of its own."""
        world, rng, p = self.world, self.world.rng, PERSONAS[persona]
        country, zone = world.region()
        habits = self._habits(persona, country)
        rate = float(np.clip(p.rate * np.exp(rng.normal(0, p.sigma)), 0.15, 900))
        if persona != "app_user" and self._clients is not None and rng.random() < 0.7:
            rates, cvs = self._clients
            habits.client = int(rng.integers(len(rates)))
            rate = float(np.clip(rate * np.sqrt(rates[habits.client]), 0.15, 900))
            habits.session = Session(float(np.clip(cvs[habits.client] ** 2, 1.0, 20.0)), 60.0)
        ips = world.server_addresses(country) if persona == "startup" else world.personal_addresses(country)
        created, begins, ends, closed = self.lifetime()
        account = Account(
            account_id=world.token("acct"), kind=kind, country=country, zone=zone, created=created,
            begins=begins, ends=ends, habits=habits, rate=rate, ips=ips, channel=p.channel, closed=closed,
            agents=[world.agent(browser=persona == "app_user") for _ in range(1 + int(rng.random() < 0.25))],
            plan=p.plans[int(rng.integers(len(p.plans)))], referrer=world.referrer(),
            refusals=int(rng.integers(1, 7)),
            failing=float(np.exp(rng.normal(0, 0.8))),
        )  # fmt: skip
        account.email = world.domain() if persona == "startup" or rng.random() < 0.1 else world.free_mail()
        account.org = world.token("org") if persona == "startup" and rng.random() < 0.7 else None
        account.payment = world.token("pay") if account.plan != "free" else None
        account.signup_ip = ips[0] if rng.random() < 0.8 else world.address(country)
        if persona == "developer" and rng.random() < 0.12:
            account.channel = str(rng.choice(["nimbus-cloud", "stratus-cloud"]))
        return account

    def lifetime(self) -> tuple[float, float, float, float | None]:
        """Creation, first and last activity, and closing, in days; a third of all accounts span the log."""
        rng, days = self.world.rng, float(self.world.days)
        begins = rng.uniform(0, 0.85 * days) if rng.random() < 0.5 else 0.0
        ends = begins + rng.uniform(0.15, 0.95) * (days - begins) if rng.random() < 0.38 else days
        aged = begins == 0.0 or rng.random() < 0.45
        created = -rng.exponential(150.0) - 0.05 if aged else max(begins - rng.exponential(0.3), -3.0) - 0.01
        closed = None
        if ends < days and rng.random() < 0.35:
            closed = min(ends + rng.uniform(0.1, 0.5), days)
        return created, begins, ends, closed

    def adoption(self) -> int:
        """When a customer moves to the new model: a few at once, most over days, some not within the log."""
        rng = self.world.rng
        delay = rng.uniform(0.02, 1.0) if rng.random() < 0.2 else np.exp(rng.normal(1.2, 1.0))
        return self.world.release + int(delay * DAY)

    def _habits(self, persona: str, country: str) -> Habits:
        rng = self.world.rng
        if country in CHINESE and rng.random() < 0.75:
            mix = _MIXES["chinese"]
        elif persona == "startup":
            main, other = _TRADES[int(rng.integers(len(_TRADES)))]
            mix = {main: 0.75, other: 0.25}
        else:
            mix = _MIXES[persona]
        shares = rng.dirichlet(np.array(list(mix.values())) * 8 + 0.1)
        habits = Habits(tuple(mix), tuple(float(s) for s in shares), adopts=self.adoption())
        app = persona == "app_user"
        # Many programs never hold a conversation.
        habits.continues = float(rng.beta(3, 4) if app else rng.beta(0.8, 4) if rng.random() < 0.55 else 0.0)
        habits.conversations = app or rng.random() < 0.6
        habits.style = "evening" if app else str(rng.choice(["office", "machine", "evening"], p=[0.6, 0.2, 0.2]))
        habits.session = Session(float(rng.uniform(2, 9)), float(rng.uniform(30, 150)))
        if rng.random() < (0.35 if app else 0.7):
            styles = ["chinese"] if mix is _MIXES["chinese"] else list(rng.choice(_STYLES, int(rng.integers(1, 4))))
            habits.wrappings = [self.wrapping(str(style)) for style in styles]
            habits.wrapped = float(rng.beta(2, 1.2) if not app else rng.beta(1, 1.5))
        if not app:
            habits.system = self.system() if rng.random() < (0.7 if persona == "startup" else 0.5) else -1
            habits.other_system = self.system() if rng.random() < 0.5 else -1
            habits.other_share = float(rng.beta(1, 3)) if rng.random() < 0.5 else 0.0
            habits.keys = 1 + int(rng.random() < 0.3)
            habits.temperature = [None, 0.0, 0.2, 0.7, 1.0][int(rng.choice(5, p=[0.35, 0.2, 0.1, 0.2, 0.15]))]
            habits.spread = 0.15 if habits.temperature and rng.random() < 0.2 else 0.0
            habits.max_tokens = [None, 512, 1024, 2048, 4096][int(rng.choice(5, p=[0.4, 0.1, 0.2, 0.2, 0.1]))]
            habits.tools = int(rng.integers(1, 6)) if rng.random() < 0.15 else 0
        habits.stream = True if app else bool(rng.random() < 0.4)
        habits.pastes = int(rng.integers(1, 6)) if rng.random() < (0.4 if app else 0.55) else 0
        habits.verbosity = float(np.exp(rng.normal(0, 0.45)))
        habits.mini = float(rng.beta(0.6, 1.6))
        return habits

    def wrapping(self, style: str) -> int:
        """A template of one's own: most people keep one wording, some reword as they go."""
        if self.world.rng.random() < 0.2:
            return self.wrappings.paraphrased(self.world.rng, style)
        return self.wrappings.fixed(self.world.rng, style)
