"""What a report shows of a campaign: its contract record, and the templates, samples, times and members behind it."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from iolaus.campaign import (
    Axis,
    Campaign,
    Dossier,
    Evidence,
    GraphEdge,
    Member,
    Sample,
    Template,
    TemplatePart,
    Timeline,
)
from iolaus.detect.observe import Observed, Texts
from iolaus.detect.scores import campaign_score
from iolaus.detect.verdicts import Judged
from iolaus.signals import DAY, HOUR, UNKNOWN_TIME, Log, activity, rows_of
from iolaus.text import template_of

__all__ = ["campaign_of", "dossier_of", "iso"]

_TEMPLATES: Final = 4
_ALIGNED: Final = 12
_SAMPLES: Final = 8
_EXCERPT: Final = 600
_EXAMPLE: Final = 80
_EDGES: Final = 400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at: int) -> str:
    """An instant as ISO 8601 with microseconds, UTC."""
    return (_EPOCH + timedelta(microseconds=int(at))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def campaign_of(observed: Observed, judged: Judged, name: str) -> Campaign:
    """The contract's record of a judged cluster."""
    log, cluster = observed.log, judged.cluster
    evidence = [
        Evidence(
            kind=f.signal,
            statement=f.statement,
            p_value=f.p_value,
            exchange_ids=tuple(sorted(_names(observed.exchange_ids, f.exchanges))),
            account_ids=tuple(sorted(_names(observed.account_ids, f.accounts))),
        )
        for f in sorted(judged.findings, key=lambda f: (f.p_value, f.signal))
    ]
    concealed = judged.concealment
    evidence.append(Evidence("concealment", _concealment_sentence(log, judged), concealed.p_value, (), ()))
    evidence.append(Evidence("extraction", _extraction_sentence(judged), judged.extraction.axis.p_value, (), ()))
    axes: dict[str, Axis] = {
        "coordination": judged.coordination,
        "concealment": judged.concealment,
        "extraction": judged.extraction.axis,
    }
    return Campaign(
        campaign_id=name,
        verdict=str(judged.verdict),
        q_value=judged.q_value,
        score=campaign_score(judged),
        accounts=tuple(_names(observed.account_ids, cluster.accounts)),
        exchange_count=int(cluster.core.size),
        input_tokens=_total(log, "input_tokens", cluster.core),
        output_tokens=_total(log, "output_tokens", cluster.core),
        first_seen=iso(log.at[cluster.core[0]]),
        last_seen=iso(log.at[cluster.core[-1]]),
        axes=axes,
        capabilities=judged.extraction.capabilities,
        evidence=tuple(evidence),
    )


def dossier_of(observed: Observed, judged: Judged, campaign: Campaign, texts: Texts, scores: np.ndarray) -> Dossier:
    """Everything that a report shows of the campaign."""
    log, cluster = observed.log, judged.cluster
    chosen = cluster.core[np.unique(np.linspace(0, cluster.core.size - 1, _SAMPLES).astype(int))]
    own = _own_families(log, judged)
    aligned = {family: _spread(cluster.core[log.family[cluster.core] == family], _ALIGNED) for family in own}
    wanted = np.concatenate([chosen, *aligned.values()]) if aligned else chosen
    read = texts.of(wanted)
    return Dossier(
        campaign=campaign,
        templates=tuple(_template(log, family, rows, read, cluster.core) for family, rows in aligned.items()),
        samples=tuple(_sample(observed, int(x), read) for x in chosen),
        timeline=_timeline(log, judged),
        members=_members(observed, judged, scores),
        edges=_edges(observed, judged),
        clearing=_clearing(log, judged),
    )


def _names(ids: object, places: np.ndarray) -> list[str]:
    names: list[str] = ids.take(places).to_pylist()  # type: ignore[attr-defined]
    return names


def _total(log: Log, column: str, rows: np.ndarray) -> int | None:
    if column not in log.numbers:
        return None
    values = log.numbers[column][rows]
    return int(values[values >= 0].sum())


def _own_families(log: Log, judged: Judged) -> list[int]:
    own = log.family[judged.cluster.core]
    families, counts = np.unique(own[own >= 0], return_counts=True)
    order = np.lexsort((families, -counts))[:_TEMPLATES]
    return [int(family) for family in families[order] if counts.max() >= 3]


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    spread: np.ndarray = rows[np.unique(np.linspace(0, rows.size - 1, min(most, rows.size)).astype(int))]
    return spread


def _template(
    log: Log, family: int, rows: np.ndarray, read: dict[int, tuple[str, str | None]], core: np.ndarray
) -> Template:
    parts = template_of([read[int(x)][0] for x in rows])
    mine = core[log.family[core] == family]
    return Template(
        family=f"family-{family}",
        parts=tuple(
            TemplatePart(not text, text, tuple(example[:_EXAMPLE] for example in examples)) for text, examples in parts
        ),
        exchange_count=int(mine.size),
        account_count=int(np.unique(log.account[mine]).size),
    )


def _sample(observed: Observed, x: int, read: dict[int, tuple[str, str | None]]) -> Sample:
    prompt, response = read[x]
    return Sample(
        exchange_id=observed.exchange_ids[x].as_py(),
        account_id=observed.account_ids[int(observed.log.account[x])].as_py(),
        timestamp=iso(observed.log.at[x]),
        prompt=prompt[:_EXCERPT],
        response=None if response is None else response[:_EXCERPT],
    )


def _timeline(log: Log, judged: Judged) -> Timeline:
    """Bins of a day, or of an hour where all happened within three days."""
    rows = rows_of(log, judged.cluster.accounts)
    first, last = int(log.at[rows[0]]), int(log.at[rows[-1]])
    width = HOUR if last - first <= 3 * DAY else DAY
    start = first // width * width
    bins = (last - start) // width + 1
    harvested = np.bincount((log.at[judged.cluster.core] - start) // width, minlength=bins)
    everything = np.bincount((log.at[rows] - start) // width, minlength=bins)
    cells = np.unique((log.at[rows] - start) // width * log.accounts + log.account[rows])
    active = np.bincount(cells // log.accounts, minlength=bins)
    return Timeline(
        start_us=start,
        bin_us=width,
        harvested=tuple(int(n) for n in harvested),
        cover=tuple(int(n) for n in everything - harvested),
        active_accounts=tuple(int(n) for n in active),
    )


def _members(observed: Observed, judged: Judged, scores: np.ndarray) -> tuple[Member, ...]:
    log = observed.log
    did = activity(log)
    # An account that shares a payment may not have sent anything yet.
    accounts = judged.cluster.accounts[did.sent[judged.cluster.accounts] > 0]
    harvested = np.bincount(log.account[judged.cluster.core], minlength=log.accounts)
    names = _names(observed.account_ids, accounts)
    order = np.lexsort((accounts, -harvested[accounts]))
    return tuple(
        Member(
            account_id=names[i],
            exchange_count=int(did.sent[a]),
            harvested_count=int(harvested[a]),
            first_seen=iso(did.first[a]),
            last_seen=iso(did.last[a]),
            created_at=iso(log.created[a]) if log.created[a] != UNKNOWN_TIME else None,
            closed_at=iso(log.closed[a]) if log.closed[a] != UNKNOWN_TIME else None,
            score=float(scores[a]),
        )
        for i, a in zip(order, accounts[order], strict=True)
    )


def _edges(observed: Observed, judged: Judged) -> tuple[GraphEdge, ...]:
    """Account pairs with the most templates in common; where text formed nothing, pairs that share an identifier."""
    log, cluster = observed.log, judged.cluster
    busiest = np.bincount(log.account[cluster.core], minlength=log.accounts)[cluster.accounts]
    shown = np.sort(cluster.accounts[np.argsort(-busiest, kind="stable")[:150]])
    kind, things = "families", log.family
    if not cluster.families.size:
        kind = "infrastructure"
        things = log.codes.get("ip", np.full(log.exchanges, -1))
    rows = cluster.core[np.isin(log.account[cluster.core], shown) & (things[cluster.core] >= 0)]
    pairs = np.unique(np.stack([things[rows].astype(np.int64), log.account[rows].astype(np.int64)], axis=1), axis=0)
    table = np.zeros((shown.size, int(pairs[:, 0].max()) + 1 if pairs.size else 1), dtype=np.float32)
    if pairs.size:
        users = np.bincount(pairs[:, 0])
        rarity = np.log(log.accounts / np.maximum(users, 1))
        table[np.searchsorted(shown, pairs[:, 1]), pairs[:, 0]] = np.sqrt(np.maximum(rarity[pairs[:, 0]], 0.1))
    weight = np.triu(table @ table.T, k=1)
    left, right = np.nonzero(weight)
    order = np.lexsort((right, left, -weight[left, right].round(6)))[:_EDGES]
    names = _names(observed.account_ids, shown)
    return tuple(
        GraphEdge(names[left[i]], names[right[i]], round(float(weight[left[i], right[i]]), 4), kind) for i in order
    )


def _concealment_sentence(log: Log, judged: Judged) -> str:
    m = judged.cluster.accounts.size
    if not (log.has("org_id") or log.has("referrer")):
        return f"No organisation is recorded for the {m} accounts, so each stands for itself."
    apart = judged.concealment.score
    return f"{apart:.0%} of the {m} accounts stand outside the largest group that openly belongs together."


def _extraction_sentence(judged: Judged) -> str:
    taken = judged.extraction
    names = {"tool_use": "tool use", "safe_rewriting": "rewriting around refusals"}
    most = sorted(taken.capabilities.items(), key=lambda item: (-item[1], item[0]))[:3]
    told = ", ".join(f"{names.get(name, name)} {share:.0%}" for name, share in most)
    return (
        f"{taken.single:.0%} of its exchanges are single turns and {taken.fresh:.0%} of its prompts are never "
        f"repeated{'; words name ' + told if told else ''}."
    )


def _clearing(log: Log, judged: Judged) -> tuple[str, ...]:
    """What would show that the accounts are innocent."""
    reasons = [
        "One organisation that openly owns these accounts (a shared org_id) would make this a policy question.",
        "A public source of the template (a library, a course, a product) that explains why strangers use it.",
    ]
    if not log.has("org_id"):
        reasons.append("The account table names no organisations; with them, openly shared ownership could be seen.")
    if not judged.extraction.capabilities:
        reasons.append("No known elicitation phrase was found: read the samples for what the answers are good for.")
    return tuple(reasons)
