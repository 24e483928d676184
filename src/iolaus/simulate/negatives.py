"""Hard negatives: benign kinds that share words, work, addresses, payment or timing, as real customers do.

Each builder adds accounts of one kind until its budget of exchanges is spent, in groups (a company, a
campus, a course).
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from iolaus.simulate.people import Account, PersonaMaker
from iolaus.simulate.rhythm import DAY, HOUR, Session, arrivals
from iolaus.simulate.sharing import balance, follow_link, share_link
from iolaus.simulate.traffic import DOMAIN, Traffic

__all__ = ["NEGATIVES"]

Builder = Callable[[Traffic, PersonaMaker, str, int], None]


def _spend(traffic: Traffic, account: Account, end: int, most: int = 10**9) -> int:
    """Enrol an account and send its ordinary requests, within the budget; returns its number."""
    number = traffic.enrol(account)
    traffic.ordinary(number, min(traffic.count(account), most, max(0, end - traffic.rows)))
    return number


def _pass_on(traffic: Traffic, maker: PersonaMaker, owner: int, reader: int) -> None:
    """One of the owner's conversations, which the reader goes on with some minutes later."""
    rng = maker.world.rng
    first, second = traffic.accounts[owner], traffic.accounts[reader]
    begins, ends = max(first.begins, second.begins), min(first.ends, second.ends)
    if ends - begins > 0.1:
        topic = str(rng.choice(["chat", "write", "math"]))
        instant = int(rng.uniform(begins, ends - 0.05) * DAY)
        saved = share_link(traffic, owner, topic, int(traffic.corpus.draw(topic, 1)[0]), instant)
        follow_link(traffic, reader, topic, saved, np.array([instant + int(rng.integers(HOUR // 60, HOUR))]))


def _client(maker: PersonaMaker, name: str) -> int:
    """The client of a product: half of them name themselves, the others leave their library's name."""
    rng = maker.world.rng
    if rng.random() < 0.5:
        return maker.world.agent()
    return maker.world.named_agent(f"{name.split('.')[0]}/{rng.integers(1, 9)}.{rng.integers(9)}")


def _enterprises(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Service accounts of one company: one organisation, one payment, shared templates and machines.

    Half of the companies run theirs behind one gateway, which sends each turn of a conversation to any of them.
    """
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        org, pay, domain = world.token("org"), world.token("pay"), world.domain()
        country, zone = world.region()
        office = [world.address(country, "office") for _ in range(2)] + world.server_addresses(country)
        wraps = [maker.wrapping(s) for s in rng.choice(["product", "code", "reasoning"], 2)]
        system, agent = maker.system(), world.agent()
        size = int(rng.integers(4, 14))
        gateway, since, team = rng.random() < 0.5, len(traffic.blocks), list[int]()
        created, begins, ends, closed = maker.lifetime()
        for _ in range(size):
            account = maker.make("startup", kind)
            if gateway:
                account.created, account.begins, account.ends, account.closed = created, begins, ends, closed
                account.habits.conversations, account.habits.continues = True, float(rng.uniform(0.1, 0.5))
            account.org, account.payment, account.email = org, pay, domain
            account.country, account.zone, account.ips, account.agents = country, zone, office, [agent]
            account.signup_ip, account.plan = office[0], "enterprise" if size > 8 else account.plan
            account.habits.wrappings, account.habits.wrapped = wraps, 0.85
            account.habits.system = system if rng.random() < 0.6 else -1
            team.append(_spend(traffic, account, end, max(rows // 6, 30)))
        if gateway:
            balance(traffic, since, team, 0.7)


def _campuses(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Students and staff behind the few addresses of a campus network; friends pass conversations on by a link."""
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        country, zone = world.region()
        nat = [world.address(country, "campus") for _ in range(3)]
        domain = world.domain("edu")
        people = []
        for _ in range(int(rng.integers(20, 60))):
            account = maker.make("app_user" if rng.random() < 0.6 else "developer", kind)
            account.country, account.zone, account.email = country, zone, domain
            account.ips = [*nat, world.address(country)]
            account.signup_ip = nat[int(rng.integers(3))]
            people.append(_spend(traffic, account, end))
        for owner, reader in zip(people[::8], people[1::8], strict=False):
            if traffic.rows + 2 <= end:
                _pass_on(traffic, maker, owner, reader)


def _tenants(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Users of a popular application: one system instruction, scaffold and client, strangers all the same."""
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    apps = []
    for _ in range(2 + int(rng.random() < 0.5)):
        style = str(rng.choice(["product", "reasoning"]))
        wraps = [traffic.wrappings.fixed(rng, style)] if rng.random() < 0.7 else []
        topics = (("support", "write", "extract", "translate"), ("instruct", "math", "logic", "chat"))[
            int(rng.integers(2))
        ]
        apps.append((maker.system(), wraps, _client(maker, world.domain("app")),
                     topics, float(rng.uniform(0, 0.5))))  # fmt: skip
    shares = np.sort(rng.dirichlet(np.ones(len(apps))))[::-1]
    while traffic.rows < end:
        system, wraps, agent, topics, continues = apps[int(rng.choice(len(apps), p=shares))]
        account = maker.make("app_user", kind)
        account.channel, account.agents = "api", [agent]
        habits = account.habits
        habits.system, habits.wrappings, habits.wrapped, habits.continues = system, wraps, 1.0, continues
        habits.domains = topics
        habits.shares = tuple(rng.dirichlet(np.full(len(topics), 4.0)).tolist())
        _spend(traffic, account, end)


def _researchers(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """People who each run most of one public benchmark, at times of their own, eliciting reasoning."""
    rng, end = maker.world.rng, traffic.rows + rows
    size = int(np.clip(rows // 6, 30, 1200))
    domain = str(rng.choice(["math", "logic", "code"]))
    items = traffic.corpus.draw_distinct(domain, size, public=True)
    style = "code" if domain == "code" else "reasoning"
    harness = traffic.wrappings.fixed(rng, style)
    while traffic.rows < end:
        account = maker.make("developer", kind)
        number = traffic.enrol(account)
        wrap = harness if rng.random() < 0.6 else maker.wrapping(style)
        for _ in range(1 + int(rng.random() < 0.3)):
            part = items[rng.random(len(items)) < rng.uniform(0.55, 1.0)]
            part = (part if rng.random() < 0.5 else rng.permutation(part))[: max(0, end - traffic.rows)]
            start = rng.uniform(account.begins, max(account.ends - 0.3, account.begins + 0.01))
            length = min(np.exp(rng.normal(0.3, 0.9)), account.ends - start)
            session = Session(float(rng.uniform(15, 120)), float(rng.uniform(3, 25)), 0.5)
            instant = arrivals(rng, len(part), traffic.weights(account), start, start + max(length, 0.05), session)
            wraps = np.full(len(part), wrap, dtype=np.int64)
            traffic.add(
                instant=instant, account=number, domain=DOMAIN[domain], code=part, wrap=wraps,
                wording=traffic.reword(wraps), thread=-1, system=account.habits.system,
                model=traffic.models(account, instant),
            )  # fmt: skip
        traffic.ordinary(number, min(traffic.count(account) // 3, max(0, end - traffic.rows)))


def _resellers(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """A reseller's customers: one payment, one egress and one client, but each with wishes of its own.

    A third of the resellers have no account for each customer, but send all turns to any of their accounts.
    """
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        country, _ = world.region()
        egress = [world.address(country, "cloud") for _ in range(3)]
        pay, domain = world.token("pay"), world.domain()
        agent = _client(maker, domain)
        org = world.token("org") if rng.random() < 0.5 else None
        pooled, since, team = rng.random() < 1 / 3, len(traffic.blocks), list[int]()
        for _ in range(int(rng.integers(20, 50))):
            account = maker.make(str(rng.choice(["developer", "startup", "app_user"])), kind)
            account.ips, account.agents, account.payment, account.org = egress, [agent], pay, org
            account.channel, account.referrer = domain.split(".")[0], domain
            account.signup_ip = egress[0]
            team.append(_spend(traffic, account, end, max(rows // 8, 40)))
        if pooled:
            balance(traffic, since, team, 0.6)


def _synthetic(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Consented synthetic-data customers: training-shaped work over the accounts of one open organisation."""
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        org, pay, domain = world.token("org"), world.token("pay"), world.domain()
        country, zone = world.region()
        servers = world.server_addresses(country)
        begins = rng.uniform(0, 0.5 * traffic.days)
        ends = begins + rng.uniform(0.2, 0.9) * (traffic.days - begins)
        team = []
        for _ in range(int(rng.integers(3, 9))):
            account = maker.make("startup", kind)
            account.org, account.payment, account.email, account.plan = org, pay, domain, "enterprise"
            account.country, account.zone, account.ips, account.signup_ip = country, zone, servers, servers[0]
            account.begins, account.ends, account.closed = begins, ends, None
            account.created = min(account.created, begins - 0.5)
            team.append(traffic.enrol(account))
        topic = str(rng.choice(["instruct", "math", "code", "roleplay", "zh_instruct"]))
        style = {"code": "code", "zh_instruct": "chinese"}.get(topic, "reasoning")
        n = min(max(60, int(rows * rng.uniform(0.3, 0.6))), end - traffic.rows)
        items = traffic.corpus.draw_distinct(topic, n)
        instant = arrivals(rng, len(items), traffic.rhythm("machine", zone), begins, ends, Session(6.0, 20.0))
        account_of = np.array(team)[rng.integers(0, len(team), len(items))]
        wraps = np.full(len(items), traffic.wrappings.fixed(rng, style), dtype=np.int64)
        traffic.add(
            instant=instant, account=account_of, domain=DOMAIN[topic], code=items, wrap=wraps,
            wording=traffic.reword(wraps), thread=-1,
            model=traffic.models(traffic.accounts[team[0]], instant),
        )  # fmt: skip
        for number in team:
            if not (account_of == number).any():
                traffic.ordinary(number, 1)
        if len(items) == 0:
            break


def _virals(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Users who try what made the rounds within two days of each other, amid requests of their own.

    One fashion is a prompt, which each sends anew; the other is a link to a conversation, which each goes on with.
    """
    rng, end = maker.world.rng, traffic.rows + rows
    topics = [str(t) for t in rng.choice(["roleplay", "chat", "logic"], 2)]
    codes = [int(traffic.corpus.draw(topic, 1)[0]) for topic in topics]
    # Two days remain for readers, or half of a shorter log.
    peaks = rng.uniform(min(0.5, traffic.days / 4), max(traffic.days - 2.0, traffic.days / 2), 2).tolist()
    saved = -1
    while traffic.rows < end:
        link = int(rng.random() < 0.5)
        topic, code, peak = topics[link], codes[link], peaks[link]
        account = maker.make("app_user" if rng.random() < 0.8 else "developer", kind)
        account.begins, account.created = min(account.begins, peak), min(account.created, peak - 0.05)
        account.ends, account.closed = traffic.days, None
        number = _spend(traffic, account, end, 25)
        n = min(1 + int(rng.poisson(0.7)), max(0, end - traffic.rows))
        instant = np.sort((peak + np.minimum(rng.exponential(0.6, n), traffic.days - peak - 0.01)) * DAY).astype(
            np.int64
        )
        if link and saved < 0 and n:
            saved = share_link(traffic, number, topic, code, int(peak * DAY) - HOUR)
        elif link:
            follow_link(traffic, number, topic, saved, instant)
        else:
            traffic.add(
                instant=instant, account=number, domain=DOMAIN[topic], code=code, thread=traffic.threads(n),
                model=traffic.models(account, instant), system=account.habits.system,
            )  # fmt: skip


def _hackathons(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Sign-ups of one day at one venue, all from the same starter template, busy for a weekend."""
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        country, zone = world.region()
        venue = [world.address(country, "office") for _ in range(2)]
        day = float(rng.integers(0, max(1, traffic.days - 3))) + 0.3
        starter = [traffic.wrappings.fixed(rng, str(rng.choice(["product", "reasoning", "tool"])))]
        system, agent = maker.system(), world.agent()
        for _ in range(int(rng.integers(20, 45))):
            account = maker.make("developer", kind)
            account.country, account.zone, account.ips = country, zone, [*venue, *account.ips[:1]]
            account.signup_ip, account.referrer, account.plan = (
                venue[int(rng.integers(2))],
                "hackathon",
                "free",
            )
            account.payment, account.closed = None, None
            account.created = day + abs(rng.normal(0, 0.08))
            account.begins = account.created + 0.01
            account.ends = min(account.begins + rng.uniform(0.8, 2.2), traffic.days)
            account.agents = [agent] if rng.random() < 0.7 else account.agents
            account.rate = float(np.clip(account.rate * 4, 4, 200))
            account.habits.wrappings, account.habits.wrapped = starter, float(rng.uniform(0.3, 1.0))
            account.habits.system = system if rng.random() < 0.5 else account.habits.system
            _spend(traffic, account, end)


def _library(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """People who paste templates from public prompt libraries around wishes of their own.

    A third of them first put a template into their own words, once: strangers then demand the same in other words.
    """
    rng, end = maker.world.rng, traffic.rows + rows
    styles = ["reasoning", "product", "code", "rubric", "rewrite"]
    library = [traffic.wrappings.paraphrased(rng, str(rng.choice(styles))) for _ in range(24)]
    printed = {number: traffic.wrappings.retold(rng, number) for number in library}
    fame = 1.0 / np.arange(1, len(library) + 1)
    while traffic.rows < end:
        account = maker.make("developer" if rng.random() < 0.5 else "app_user", kind)
        picks = rng.choice(library, int(rng.integers(2, 6)), replace=False, p=fame / fame.sum())
        own = rng.random() < 1 / 3
        account.habits.wrappings = [traffic.wrappings.retold(rng, p) if own else printed[p] for p in picks.tolist()]
        account.habits.wrapped = float(rng.uniform(0.5, 1.0))
        _spend(traffic, account, end)


def _tools(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """A small tool whose few dozen customers each bring a key: one template and client, unrelated owners."""
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        name = world.domain("io")
        agent = _client(maker, name)
        wraps = [traffic.wrappings.fixed(rng, str(rng.choice(["product", "product", "reasoning", "code"])))]
        topics = (("support", "write"), ("extract", "instruct"), ("code", "instruct"), ("translate", "write"))
        topic = topics[int(rng.integers(len(topics)))]
        popular = traffic.corpus.draw(topic[0], 6)
        for _ in range(int(rng.integers(12, 40))):
            account = maker.make("developer", kind)
            account.agents, account.referrer = [agent], name
            habits = account.habits
            habits.wrappings, habits.wrapped, habits.domains, habits.shares = wraps, 1.0, topic, (0.7, 0.3)
            habits.continues, habits.system, habits.temperature = 0.05, -1, 0.7
            number = _spend(traffic, account, end)
            # Everyone tries the examples that the tool offers.
            n = min(int(rng.poisson(1.0)), max(0, end - traffic.rows))
            instant = arrivals(rng, n, traffic.weights(account), account.begins, account.ends, Session(2.0))
            traffic.add(
                instant=instant, account=number, domain=DOMAIN[topic[0]], code=popular[rng.integers(0, 6, n)],
                wrap=wraps[0], thread=traffic.threads(n), model=traffic.models(account, instant),
            )  # fmt: skip


def _courses(traffic: Traffic, maker: PersonaMaker, kind: str, rows: int) -> None:
    """Students of a course who paste the same assignments as their deadlines come near."""
    rng, world, end = maker.world.rng, maker.world, traffic.rows + rows
    while traffic.rows < end:
        country, zone = world.region()
        nat, school = [world.address(country, "campus") for _ in range(2)], world.domain("edu")
        topic = str(rng.choice(["math", "logic", "code", "write"]))
        items = traffic.corpus.draw(topic, 12)
        wrap = traffic.wrappings.fixed(rng, "course")
        due = np.sort(rng.uniform(min(1.0, traffic.days / 2), traffic.days, 4))
        for _ in range(int(rng.integers(20, 45))):
            account = maker.make("app_user", kind)
            account.country, account.zone, account.email = country, zone, school
            account.ips = [*nat, world.address(country)]
            account.begins, account.ends, account.closed = 0.0, float(traffic.days), None
            account.created = -float(rng.uniform(2, 90))
            number = _spend(traffic, account, end, 40)
            done = np.flatnonzero(rng.random(len(items)) < 0.7)[: max(0, end - traffic.rows)]
            at = due[done // 3] - np.minimum(rng.exponential(0.5, len(done)), due[done // 3] - 0.01)
            instant = (at * DAY).astype(np.int64) + rng.integers(0, HOUR // 60, len(done))
            order = np.argsort(instant, kind="stable")
            traffic.add(
                instant=instant[order], account=number, domain=DOMAIN[topic], code=items[done[order]],
                wrap=wrap, thread=traffic.threads(len(done)), model=traffic.models(account, instant[order]),
            )  # fmt: skip


# Kind: its share of the benign exchanges, and what builds it.
NEGATIVES: Final[dict[str, tuple[float, Builder]]] = {
    "enterprise": (0.07, _enterprises),
    "campus": (0.06, _campuses),
    "app_tenant": (0.1, _tenants),
    "researcher": (0.06, _researchers),
    "reseller": (0.05, _resellers),
    "synthetic_data": (0.04, _synthetic),
    "viral": (0.025, _virals),
    "hackathon": (0.03, _hackathons),
    "template_user": (0.04, _library),
    "small_saas": (0.04, _tools),
    "course": (0.03, _courses),
}
