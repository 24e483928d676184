"""From judged clusters to campaigns: error control, verdicts, and joining what is one operator."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from iolaus.campaign import Axis
from iolaus.detect.axes import (
    DOUBT,
    Extraction,
    Harvest,
    concealment,
    coordination,
    gateway,
    harvest,
    open_group,
    profile_of,
)
from iolaus.signals import SIGNALS, Cluster, Finding, Log
from iolaus.stats import benjamini_hochberg

__all__ = ["Judged", "judge_clusters"]

# Even odds on an axis.
_EVEN: Final = 0.5
# Where no text is the cluster's own, all that its accounts send is judged, and that has to be plainer; so has a harvest
# for which only a common pool of wordings speaks.
_PLAIN: Final = 0.82
# What p-values are a sign of one hand: of signals that show dealing, and of mixture, which never falls below 0.05.
_DEALT_LEVEL: Final = 0.01
_MIXED_LEVEL: Final = 0.25
_ALL: Final = frozenset(signal.name for signal in SIGNALS)
# Signals that only one dispatcher behind the accounts explains.
_QUEUE: Final = frozenset({"handoff", "queue"})
# ... but a gateway that openly sends everything from one address explains conversations that change accounts.
_HANDED: Final = frozenset({"handoff"})
_DEALT: Final = frozenset({"balance", "handoff", "paraphrase", "pivot", "queue"})
_MIXED: Final = frozenset({"mixture"})
_WORDED: Final = frozenset({"paraphrase"})
_CERTAIN: Final = 0.001
# A cluster with less than this share of accounts of its own is another view of campaigns already named.
_OWN: Final = 0.3
# One that holds so much of a campaign may be the campaign seen whole: at least nearly as cohesive where what it adds is
# a campaign by itself, more so where it is not.
_WHOLE: Final = 0.8
_COHESIVE: Final = 0.7
_TIGHT: Final = 0.8
_LOOSE: Final = 0.6
_GROWTH: Final = 4.0
# So many accounts of one organisation, and such a share of a campaign, are a team and not a few colleagues.
_GROUP: Final = 4
_GROUP_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Judged:
    """A cluster with all that was found about it."""

    cluster: Cluster
    findings: tuple[Finding, ...]
    coordination: Axis
    concealment: Axis
    extraction: Extraction
    q_value: float
    verdict: str | None


def judge_clusters(log: Log, clusters: list[Cluster], fdr: float) -> list[Judged]:
    """Test every cluster with every signal, control the false-discovery rate, and name the verdicts.

    Args:
        log: the log.
        clusters: candidates.
        fdr: the rate at which clusters that act independently may be among those reported (Benjamini-Hochberg over the
            candidates that harvest by what they ask, and over those that do so only if their work is dealt out).

    Returns:
        The campaigns, then all candidates without a verdict: what is no campaign, and every view of a campaign.
    """
    population = _population(log, clusters)
    # What is asked is measured once: it chooses what to test, and weighs in the verdict.
    asked = [(cluster, harvest(log, cluster, population)) for cluster in clusters]
    harvesting = [item for item in asked if item[1].by_itself]
    doubtful = [item for item in asked if not item[1].by_itself and _if_dealt(*item)]
    judged = [
        *_tested(log, harvesting, fdr, lambda cluster: _findings(log, cluster)),
        *_tested(log, doubtful, fdr, lambda cluster: _findings_if_dealt(log, cluster)),
    ]
    return _joined(log, judged, population, fdr)


def _tested(
    log: Log, asked: list[tuple[Cluster, Harvest]], fdr: float, findings: Callable[[Cluster], list[Finding]]
) -> list[Judged]:
    """Test clusters, and weigh them with their error controlled over these."""
    # Clusters are tested side by side; each test draws from its own seed, so their order changes nothing.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        every = list(pool.map(lambda item: findings(item[0]), asked))
    axes = [coordination(found) for found in every]
    q_values = benjamini_hochberg([axis.p_value for axis in axes])
    return [
        _weighed(log, cluster, found, axis, float(q), taken, fdr)
        for (cluster, taken), found, axis, q in zip(asked, every, axes, q_values, strict=True)
    ]


def _weighed(
    log: Log,
    cluster: Cluster,
    found: list[Finding],
    axis: Axis,
    q: float,
    asked: Harvest,
    level: float,
) -> Judged:
    """The other axes, and the verdict where the cluster's coordination holds at the level."""
    tells = found
    if _p_of(found, _HANDED) <= _DEALT_LEVEL and gateway(log, cluster):
        tells = [f for f in found if f.signal not in _HANDED]
    dealt = _p_of(tells, _QUEUE) <= _CERTAIN
    hidden = concealment(log, cluster, dealt)
    taken = asked.extraction(dealt)
    verdict = _verdict(cluster, tells, hidden, taken) if q <= level else None
    return Judged(cluster, tuple(found), axis, hidden, taken, q, verdict)


def _judged(log: Log, cluster: Cluster, population: np.ndarray, level: float) -> Judged:
    """One cluster by itself; its p-value stands for the q-value."""
    found = _findings(log, cluster)
    axis = coordination(found)
    return _weighed(log, cluster, found, axis, axis.p_value, harvest(log, cluster, population), level)


def _if_dealt(cluster: Cluster, asked: Harvest) -> bool:
    """Whether a cluster that does not look like a harvest would be a campaign if its work were dealt out.

    What is certainly no harvest is not tested, unless conversations change hands in it. The choice, like that between
    the two families of tests, looks at what is asked alone, which says nothing of coordination under its null, so error
    control holds in each of them (Bourgon, Gentleman and Huber, "Independent filtering", PNAS 107, 2010).
    """
    return cluster.formed_by == "handoff" or asked.extraction(True).axis.score >= DOUBT


def _findings(log: Log, cluster: Cluster, names: frozenset[str] = _ALL) -> list[Finding]:
    found = [signal.judge(log, cluster) for signal in SIGNALS if signal.name in names]
    return [finding for finding in found if finding is not None]


def _findings_if_dealt(log: Log, cluster: Cluster) -> list[Finding]:
    """All findings where the work is certainly dealt out, none elsewhere.

    Without that no verdict can follow, and no findings count as a p-value of 1: never less than it would be.
    """
    certain = _p_of(_findings(log, cluster, _QUEUE), _QUEUE) <= _CERTAIN
    return _findings(log, cluster) if certain else []


def _population(log: Log, clusters: list[Cluster]) -> np.ndarray:
    """Extraction log-odds of the accounts that no text cluster holds; of all accounts where those are too few."""
    odds = profile_of(log, np.arange(log.exchanges)).score()
    outside = np.ones(log.accounts, dtype=bool)
    for cluster in clusters:
        if cluster.of_text:
            outside[cluster.accounts] = False
    known = np.isfinite(odds)
    chosen: np.ndarray = odds[outside & known] if (outside & known).sum() >= 50 else odds[known]
    return chosen


def _verdict(cluster: Cluster, found: list[Finding], hidden: Axis, taken: Extraction) -> str | None:
    """The contract's verdict on a coordinated cluster."""
    concealed = hidden.score > _EVEN
    by_hand = _p_of(found, _DEALT - _WORDED) <= _DEALT_LEVEL or _p_of(found, _MIXED) <= _MIXED_LEVEL
    extracting = taken.axis.score >= (_EVEN if cluster.of_text and by_hand else _PLAIN)
    # Crowds move together too (a hackathon, a course, a viral prompt, an outage), each member on his own subject and at
    # his own rate. Only work that is dealt out evenly has a dispatcher behind it.
    if not by_hand and _p_of(found, _WORDED) > _DEALT_LEVEL:
        return None
    if extracting:
        return "distillation_campaign" if concealed else "coordinated_open"
    if not concealed or _p_of(found, _QUEUE) > _CERTAIN:
        # One organisation's accounts acting together and harvesting nothing is how organisations work; and accounts
        # without a harvest are someone's campaign only where the dealing out itself is beyond doubt.
        return None
    return "inconclusive" if taken.axis.score >= DOUBT else "coordinated_other"


def _p_of(found: Sequence[Finding], names: frozenset[str]) -> float:
    """Least p-value of the named signals, 1 where none of them could be computed."""
    return min((f.p_value for f in found if f.signal in names), default=1.0)


def _joined(log: Log, judged: list[Judged], population: np.ndarray, fdr: float) -> list[Judged]:
    """Each account in one campaign: the most cohesive clusters first, and what overlaps them gives way.

    One that is mostly in accepted campaigns is another view of them; one that has some accounts in common with them is
    judged again by the others alone, at a level that is Bonferroni's over all candidates. A cluster that holds nearly
    all of one accepted campaign may be that campaign seen whole, and takes its place.
    """
    alone = [_without_open_group(log, j, population, fdr) for j in judged]
    order = sorted(
        (j for j in alone if j.verdict),
        key=lambda j: (-round(j.cluster.cohesion, 2), j.q_value, -j.cluster.core.size, int(j.cluster.accounts[0])),
    )
    home = np.full(log.accounts, -1)
    kept: list[Judged] = []
    for item in order:
        members = item.cluster.accounts
        homes, shared = np.unique(home[members][home[members] >= 0], return_counts=True)
        free = home[members] < 0
        whole = homes.size == 1 and shared[0] >= _WHOLE * kept[homes[0]].cluster.accounts.size
        rest = None if homes.size else item
        if homes.size and free.sum() >= max(3, _OWN * members.size):
            # What adds to a campaign is a single question; what would stand alone is one of all candidates.
            level = fdr if whole else fdr / len(judged)
            rest = _judged(log, _without(log, item.cluster, home >= 0), population, level)
        if whole and _is_whole_of(item, rest, kept[homes[0]]):
            kept[homes[0]] = item
            home[members] = homes[0]
        elif rest and rest.verdict and (not whole or rest.q_value <= fdr / len(judged)):
            kept.append(rest)
            home[members[free]] = len(kept) - 1
    others = [j if j.verdict is None else replace(j, verdict=None) for j in judged]
    return [*kept, *others]


def _without_open_group(log: Log, item: Judged, population: np.ndarray, fdr: float) -> Judged:
    """A concealed campaign is what is left without the accounts of an organisation in it, if that still is one.

    What a company's accounts do together says nothing of strangers who share a wording with them.
    """
    if item.verdict != "distillation_campaign":
        return item
    group = open_group(log, item.cluster)
    if group.size < max(_GROUP, _GROUP_SHARE * item.cluster.accounts.size):
        return item
    of_group = np.zeros(log.accounts, dtype=bool)
    of_group[group] = True
    rest = _judged(log, _without(log, item.cluster, of_group), population, fdr)
    return replace(rest, q_value=max(item.q_value, rest.q_value))


def _is_whole_of(item: Judged, rest: Judged | None, part: Judged) -> bool:
    """Whether a cluster that holds nearly all of a campaign is the same one seen whole.

    It is larger, but not by far, and as cohesive; or nearly so, where what it adds is a campaign by itself.
    """
    size, of = item.cluster.accounts.size, part.cluster.accounts.size
    if not of < size <= _GROWTH * of:
        return False
    cohesive = item.cluster.cohesion / max(part.cluster.cohesion, 1e-9)
    if size <= 2 * of and item.q_value <= part.q_value and cohesive >= _LOOSE:
        # Strangers would have weakened the evidence.
        return True
    if rest is None:
        return size - of < 3 and cohesive >= _TIGHT
    return cohesive >= (_COHESIVE if rest.verdict else _TIGHT)


def _without(log: Log, cluster: Cluster, taken: np.ndarray) -> Cluster:
    return replace(
        cluster,
        accounts=cluster.accounts[~taken[cluster.accounts]],
        core=cluster.core[~taken[log.account[cluster.core]]],
    )
