"""From judged clusters to campaigns: error control, verdicts, and joining what is one operator."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from iolaus.campaign import Axis
from iolaus.detect.axes import Extraction, concealment, coordination, extraction, profile_of
from iolaus.schema import VERDICTS
from iolaus.signals import SIGNALS, Cluster, Finding, Log
from iolaus.stats import benjamini_hochberg

__all__ = ["Judged", "judge_clusters"]

# Even odds on an axis.
_EVEN: Final = 0.5
# Below even odds, but not so far that harvesting can be ruled out.
_DOUBT: Final = 0.3
_LEVEL: Final = 0.05
# Signals that only one dispatcher behind the accounts explains.
_QUEUE: Final = frozenset({"queue"})
_DEALT: Final = frozenset({"balance", "mixture", "queue"})
_CERTAIN: Final = 0.001
# Campaigns with this share of the smaller one's accounts in common are one.
_SAME: Final = 0.25
# ... and with this share whatever their verdicts are; the graver one stands.
_WITHIN: Final = 0.6


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
        fdr: the rate at which clusters that act independently may be among those reported (Benjamini-Hochberg over all
            candidates).

    Returns:
        All candidates, in their order; ``verdict`` is None for what is no campaign. Campaigns that share accounts are
        joined: the joint one stands in place of the first, the others lose their verdict.
    """
    population = _population(log, clusters)
    findings = [_findings(log, cluster) for cluster in clusters]
    axes = [coordination(found) for found in findings]
    q_values = benjamini_hochberg([axis.p_value for axis in axes])
    judged = []
    for cluster, found, axis, q in zip(clusters, findings, axes, q_values, strict=True):
        hidden = concealment(log, cluster)
        taken = extraction(log, cluster, population, _p_of(found, _QUEUE) <= _CERTAIN)
        verdict = _verdict(found, hidden, taken) if q <= fdr else None
        judged.append(Judged(cluster, tuple(found), axis, hidden, taken, float(q), verdict))
    return _joined(log, judged, population)


def _findings(log: Log, cluster: Cluster) -> list[Finding]:
    found = [signal.judge(log, cluster) for signal in SIGNALS]
    return [finding for finding in found if finding is not None]


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


def _verdict(found: list[Finding], hidden: Axis, taken: Extraction) -> str | None:
    """The contract's verdict on a coordinated cluster."""
    concealed = hidden.score >= _EVEN
    extracting = taken.axis.score >= _EVEN
    # Crowds move together too (a hackathon, a course, a viral prompt, an outage), each member on his own subject and at
    # his own rate. Only work that is dealt out evenly has a dispatcher behind it.
    if _p_of(found, _DEALT) > _LEVEL:
        return None
    if extracting:
        return "distillation_campaign" if concealed else "coordinated_open"
    if not concealed or _p_of(found, _QUEUE) > _CERTAIN:
        # One organisation's accounts acting together and harvesting nothing is how organisations work; and accounts
        # without a harvest are someone's campaign only where the dealing out itself is beyond doubt.
        return None
    return "inconclusive" if taken.axis.score >= _DOUBT else "coordinated_other"


def _p_of(found: Sequence[Finding], names: frozenset[str]) -> float:
    """Least p-value of the named signals, 1 where none of them could be computed."""
    return min((f.p_value for f in found if f.signal in names), default=1.0)


def _joined(log: Log, judged: list[Judged], population: np.ndarray) -> list[Judged]:
    """Join campaigns that share accounts; the gravest and most certain of a group stands for it."""
    order = sorted(
        (j for j in judged if j.verdict),
        key=lambda j: (
            VERDICTS.index(str(j.verdict)),
            j.q_value,
            -j.cluster.core.size,
            int(j.cluster.accounts[0]),
        ),
    )
    groups: list[list[Judged]] = []
    for candidate in order:
        home = [candidate]
        apart = []
        for group in groups:
            if any(_related(candidate, member) for member in group):
                home = [*group, *home]
            else:
                apart.append(group)
        groups = [*apart, home]
    rank = {id(j): place for place, j in enumerate(order)}
    groups = [sorted(group, key=lambda j: rank[id(j)]) for group in groups]
    merged = {id(group[0]): _merge(log, group, population) for group in groups}
    absorbed = {id(member) for group in groups for member in group[1:]}
    return [merged.get(id(j), j) for j in judged if id(j) not in absorbed]


def _related(a: Judged, b: Judged) -> bool:
    shared = np.intersect1d(a.cluster.accounts, b.cluster.accounts).size
    least = _SAME if a.verdict == b.verdict else _WITHIN
    return shared >= least * min(a.cluster.accounts.size, b.cluster.accounts.size)


def _merge(log: Log, group: list[Judged], population: np.ndarray) -> Judged:
    head = group[0]
    if len(group) == 1:
        return head
    text = [j.cluster for j in group if j.cluster.of_text]
    # Where text tells what was harvested, what else the accounts did stays out.
    parts = text or [j.cluster for j in group]
    whole = Cluster(
        np.unique(np.concatenate([j.cluster.accounts for j in group])),
        np.unique(np.concatenate([part.core for part in parts])),
        np.unique(np.concatenate([part.families for part in parts])),
        parts[0].formed_by,
        np.unique(np.concatenate([part.phrases for part in parts])),
    )
    return Judged(
        whole,
        _strongest(group),
        head.coordination,
        concealment(log, whole),
        extraction(log, whole, population, any(_p_of(j.findings, _QUEUE) <= _CERTAIN for j in group)),
        head.q_value,
        head.verdict,
    )


def _strongest(group: list[Judged]) -> tuple[Finding, ...]:
    """Each signal's strongest finding in a joined campaign, its p-value held to account for the choice."""
    best: dict[str, Finding] = {}
    for member in group:
        for finding in member.findings:
            if finding.signal not in best or finding.p_value < best[finding.signal].p_value:
                best[finding.signal] = finding
    return tuple(replace(f, p_value=min(1.0, f.p_value * len(group))) for f in best.values())
