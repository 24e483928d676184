"""Casebooks as a run would hand them on; every text here was written for these tests."""

import random
from datetime import UTC, datetime, timedelta

from iolaus.campaign import (
    Axis,
    Campaign,
    Casebook,
    Detection,
    Dossier,
    Evidence,
    GraphEdge,
    Member,
    Sample,
    Template,
    TemplatePart,
    Timeline,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR_US = 3_600_000_000
KINDS = ("families", "families", "families", "queue", "synchrony", "infrastructure", "handoff")

# Words found nowhere else on the page: a redacted page must hold none of them.
SECRET_FIXED = (
    "You are a patient marine engineer. Work through the ballast question about ",
    " in numbered stages, doubting yourself aloud before each stage, then close with one sealed verdict on ",
    ".",
)
SECRET_FILLINGS = (
    ("the barge Wendeltreppe in a quartering swell", "a tanker with flooded forepeak", "钻井平台的压载"),
    ("metacentric height", "trim by the stern", "free-surface loss"),
)
SECRET_RESPONSE = "Stage one: assume the forepeak holds brackish water. Wait, is salinity given? It is not, so…"


def iso(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def members_of(count: int, prefix: str, seed: int, cover: float) -> tuple[Member, ...]:
    rng = random.Random(seed)
    out = []
    for i in range(count):
        harvested = max(1, round(rng.lognormvariate(4.6, 0.7)))
        sent = round(harvested / (1 - cover * rng.random()))
        first = rng.random() * 90
        last = 200 + rng.random() * 130
        out.append(
            Member(
                account_id=f"{prefix}{i:05d}",
                exchange_count=sent,
                harvested_count=harvested,
                first_seen=iso(first),
                last_seen=iso(last),
                created_at=iso(first - 40),
                closed_at=iso(last + 5) if i % 9 == 0 else None,
                score=round(0.7 + 0.3 * rng.random(), 6),
            )
        )
    return tuple(out)


def edges_of(members: tuple[Member, ...], groups: int, seed: int) -> tuple[GraphEdge, ...]:
    rng = random.Random(seed)
    ids = [m.account_id for m in members]
    edges = []
    for i, account in enumerate(ids[1:], start=1):
        near = [j for j in range(i) if j % groups == i % groups]
        for j in rng.sample(near, min(len(near), 3)):
            edges.append(GraphEdge(ids[j], account, round(2 + 7 * rng.random(), 3), rng.choice(KINDS)))
        if i % 17 == 0:
            edges.append(GraphEdge(ids[rng.randrange(i)], account, 2.0, "succession"))
    return tuple(edges)


def timeline_of(bins: int, peak: int, accounts: int, cover: float, seed: int) -> Timeline:
    rng = random.Random(seed)
    harvested, others, active = [], [], []
    for i in range(bins):
        running = 0.15 if i < 30 else (0.0 if 150 <= i < 162 else 1.0)
        daily = 0.75 + 0.25 * ((i % 24) in range(8, 22))
        level = running * daily * (0.8 + 0.2 * rng.random())
        harvested.append(round(peak * level))
        others.append(round(peak * cover * level * rng.random()))
        active.append(round(accounts * min(1.0, level * 0.9)))
    start = round(START.timestamp() * 1_000_000)
    return Timeline(start, HOUR_US, tuple(harvested), tuple(others), tuple(active))


def hydra() -> Dossier:
    """1,000 accounts that harvest and hide."""
    members = members_of(1000, "acct_7f", 1, 0.6)
    evidence = (
        Evidence(
            "families",
            "1,000 accounts sent 412,310 prompts made from 2 shared templates, with 411,902 different "
            "fillings; 3 other accounts use them.",
            0.05,
            ("ex_000117", "ex_004410", "ex_090021"),
            tuple(m.account_id for m in members[:8]),
        ),
        Evidence(
            "queue",
            "Each of 411,902 tasks went to exactly one account; independent users of the template would have "
            "repeated about 38,000.",
            1e-12,
            ("ex_000117", "ex_004410"),
            (),
        ),
        Evidence(
            "synchrony",
            "The accounts pause and resume together in 14 of 14 pauses, beyond the day's rhythm.",
            3.2e-7,
            (),
            tuple(m.account_id for m in members[8:14]),
        ),
        Evidence(
            "infrastructure",
            "61 of 1,000 accounts have one payment instrument in common, which 61 of all 24,310 accounts have.",
            4.4e-11,
            (),
            tuple(m.account_id for m in members[:5]),
        ),
        Evidence("handoff", "No account continues a conversation that another began.", 1.0),
    )
    campaign = Campaign(
        campaign_id="c-5d1e90b2",
        verdict="distillation_campaign",
        q_value=2.1e-9,
        score=0.997,
        accounts=tuple(m.account_id for m in members),
        exchange_count=sum(m.harvested_count for m in members),
        input_tokens=61_204_411,
        output_tokens=318_993_020,
        first_seen=iso(1.2),
        last_seen=iso(330),
        axes={
            "coordination": Axis(0.98, 1e-12),
            "concealment": Axis(0.91, 3.0e-6),
            "extraction": Axis(0.84, 1.8e-4),
        },
        capabilities={"reasoning": 0.81, "grading": 0.22, "tool_use": 0.031, "code": 0.0004},
        evidence=evidence,
    )
    first, second, last = SECRET_FIXED
    templates = (
        Template(
            "f-18",
            (
                TemplatePart(False, first),
                TemplatePart(True, examples=SECRET_FILLINGS[0]),
                TemplatePart(False, second),
                TemplatePart(True, examples=SECRET_FILLINGS[1]),
                TemplatePart(False, last),
            ),
            88_120,
            1000,
        ),
        Template(
            "f-19",
            (
                TemplatePart(True, examples=("Grade",)),
                TemplatePart(False, " this seamanship essay, zero to nine."),
            ),
            21_004,
            730,
        ),
    )
    samples = tuple(
        Sample(
            f"ex_{i:06d}",
            members[i].account_id,
            iso(10 + i),
            first + SECRET_FILLINGS[0][i % 3] + second + SECRET_FILLINGS[1][i % 3] + last,
            SECRET_RESPONSE if i != 2 else None,
        )
        for i in range(4)
    )
    clearing = (
        "A contract under which one organisation runs these accounts and may train on the answers.",
        "Proof that the accounts have different owners, for example invoices to unrelated customers.",
        "A public tool or benchmark that sends exactly this template.",
    )
    timeline = timeline_of(336, 1800, 1000, 0.5, 3)
    return Dossier(campaign, templates, samples, timeline, members, edges_of(members, 9, 2), clearing)


def tool_users() -> Dossier:
    """12 accounts behind one shared tool."""
    members = members_of(12, "team-", 5, 0.0)
    campaign = Campaign(
        campaign_id="c-0a77e1f4",
        verdict="coordinated_other",
        q_value=0.031,
        score=0.62,
        accounts=tuple(m.account_id for m in members),
        exchange_count=sum(m.harvested_count for m in members),
        input_tokens=None,
        output_tokens=None,
        first_seen=iso(3),
        last_seen=iso(325),
        axes={
            "coordination": Axis(0.71, 0.0021),
            "concealment": Axis(0.33, 0.21),
            "extraction": Axis(0.08, 0.74),
        },
        capabilities={"code": 0.93},
        evidence=(
            Evidence("families", "12 accounts share one template for release notes.", 0.05, ("ex_1",), ()),
            Evidence("synchrony", "The accounts start within 4 minutes of each other on 9 of 10 days.", 0.0021),
        ),
    )
    template = Template(
        "f-2",
        (TemplatePart(False, "Draft release notes for "), TemplatePart(True, examples=("gangway 2.1",))),
        900,
        12,
    )
    sample = Sample("ex_1", "team-00001", iso(4), "Draft release notes for gangway 2.1", "Gangway 2.1 folds.")
    timeline = timeline_of(40, 90, 12, 0.0, 6)
    return Dossier(campaign, (template,), (sample,), timeline, members, edges_of(members, 1, 7), ())


def casebook() -> Casebook:
    """Two campaigns of different verdict, signals missing, rows rejected."""
    dossiers = (hydra(), tool_users())
    detection = Detection(
        until=iso(336),
        exchanges=1_204_118,
        accounts=24_310,
        signals_missing=("handoff", "infrastructure (ja4, signup_ip)"),
        campaigns=tuple(d.campaign for d in dossiers),
    )
    return Casebook(detection, dossiers, rejected=37, notes=("12 accounts of the account table sent nothing.",))


def calm() -> Casebook:
    """Nothing found."""
    return Casebook(Detection(iso(336), 88_000, 4_100, (), ()), ())


HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "abc\u202egnp.exe\u202c",
    "nul\x00byte\x1b[31m\u200b",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "lone\ud800surrogate",
    "x" * 5000,
    "&lt;b&gt; &amp; <!-- ]]> -->",
    "javascript:alert(1)",
    "[bold red]markup[/]",
)


def hostile() -> Casebook:
    """Every text and id an attack on the page."""
    dossiers = []
    for i, text in enumerate(HOSTILE):
        members = (
            Member(text + "1", 4, 2, text, iso(5)),
            Member(text + "2", 0, 0, iso(1), iso(5), text, text),
        )
        campaign = Campaign(
            text,
            ("distillation_campaign", text)[i % 2],
            0.01,
            0.5,
            tuple(m.account_id for m in members),
            2,
            0,
            None,
            iso(0),
            text,
            {name: Axis(0.5, 0.5) for name in ("coordination", "concealment", "extraction")},
            {text: 0.5},
            (Evidence(text, text, 0.2, (text,), (text + "1",)),),
        )
        dossiers.append(
            Dossier(
                campaign,
                (Template(text, (TemplatePart(False, text), TemplatePart(True, examples=(text, text))), 2, 2),),
                (Sample(text, text + "1", text, text, text),),
                Timeline(0, HOUR_US, (), (), ()),
                members,
                (GraphEdge(text + "1", text + "2", 1.0, text), GraphEdge(text + "1", "stranger", 1.0, text)),
                (text,),
            )
        )
    detection = Detection(iso(1), 24, 24, HOSTILE, tuple(d.campaign for d in dossiers))
    return Casebook(detection, tuple(dossiers), notes=HOSTILE)
