"""Clusters and verdicts on a small range: views of one campaign are joined, and chance is kept in check."""

from dataclasses import replace

import numpy as np
import pytest

from iolaus.detect.axes import coordination, gateway, harvest, open_group
from iolaus.detect.clusters import find_clusters
from iolaus.detect.observe import observe
from iolaus.detect.verdicts import _findings, _findings_if_dealt, _weighed, judge_clusters
from iolaus.ingest import Rejects, read_accounts, read_exchanges
from iolaus.signals import SIGNALS, Cluster, Finding
from iolaus.store import DuckEngine


@pytest.fixture(scope="module")
def seen(l2, tmp_path_factory):
    """The log of the L2 range as signals read it, the clusters in it, and each operator's accounts."""
    folder = tmp_path_factory.mktemp("seen")
    with DuckEngine(folder / "store.duckdb") as engine, Rejects(folder / "rejects.jsonl") as rejects:
        people = read_accounts(l2.people, rejects)
        observed = observe(engine, iter(read_exchanges(l2.log, rejects)), people)
    names = observed.account_ids.to_pylist()
    operators = [l2.operator_of[name] for name in names]
    groups = [
        np.array([i for i, o in enumerate(operators) if o == operator]) for operator in sorted({*operators} - {None})
    ]
    return observed.log, find_clusters(observed.log), groups


@pytest.fixture(scope="module")
def judged(seen):
    log, clusters, _ = seen
    return judge_clusters(log, clusters, 0.05)


@pytest.fixture(scope="module")
def campaign(judged):
    """The cluster of the first operator that is convicted."""
    return next(j.cluster for j in judged if j.verdict == "distillation_campaign")


def shown(judged):
    """What is convicted, as account tuples."""
    return [tuple(j.cluster.accounts.tolist()) for j in judged if j.verdict]


def part_of(log, cluster, accounts, **changes):
    inside = np.isin(log.account[cluster.core], accounts)
    return replace(cluster, accounts=np.asarray(accounts, np.int32), core=cluster.core[inside], **changes)


def whole(log, accounts):
    return Cluster(
        np.asarray(accounts, np.int32), np.flatnonzero(np.isin(log.account, accounts)), np.zeros(0, np.int32), "profile"
    )


def test_clusters_are_sound_and_distinct(seen):
    log, clusters, groups = seen
    names = {signal.name for signal in SIGNALS} | {"wording"}
    for cluster in clusters:
        assert cluster.accounts.size >= 3 and (np.diff(cluster.accounts) > 0).all()
        assert cluster.core.size and (np.diff(cluster.core) > 0).all()
        assert set(log.account[cluster.core].tolist()) <= set(cluster.accounts.tolist())
        assert cluster.formed_by in names and 0.0 <= cluster.cohesion <= 1.0
    assert len({c.accounts.tobytes() for c in clusters}) == len(clusters)
    for group in groups:
        alike = [np.intersect1d(group, c.accounts).size / np.union1d(group, c.accounts).size for c in clusters]
        assert max(alike) >= 0.7, "no cluster comes near the operator's accounts"


def test_no_account_is_in_two_campaigns(judged):
    members = [account for accounts in shown(judged) for account in accounts]
    assert len(members) == len(set(members))


def test_campaigns_come_first_and_everything_has_its_p_value(judged):
    assert all(0.0 < j.coordination.p_value <= 1.0 and j.coordination.p_value <= j.q_value * (1 + 1e-9) for j in judged)
    rest = [j.verdict is None for j in judged]
    assert rest == sorted(rest)


def test_a_smaller_rate_convicts_no_more(seen, judged):
    log, clusters, _ = seen
    strict = judge_clusters(log, clusters, 1e-9)
    assert len(shown(strict)) <= len(shown(judged))
    assert all(j.q_value <= 1e-9 for j in strict if j.verdict)


def test_a_second_view_of_a_campaign_is_no_second_campaign(seen, campaign):
    log, _, _ = seen
    looser = replace(campaign, cohesion=campaign.cohesion / 2)
    fewer = part_of(log, campaign, campaign.accounts[1:], cohesion=campaign.cohesion / 2)
    for clusters in ([campaign, looser], [fewer, campaign]):
        assert shown(judge_clusters(log, clusters, 0.05)) == [tuple(campaign.accounts.tolist())]


def test_the_campaign_seen_whole_takes_the_place_of_its_part(seen, campaign):
    log, _, _ = seen
    part = part_of(log, campaign, campaign.accounts[:-1], cohesion=min(1.0, campaign.cohesion * 1.1 + 0.02))
    assert shown(judge_clusters(log, [part], 0.05)) == [tuple(part.accounts.tolist())]
    assert shown(judge_clusters(log, [part, campaign], 0.05)) == [tuple(campaign.accounts.tolist())]


def test_an_operator_among_many_strangers_does_not_convict_them(seen, campaign):
    log, _, groups = seen
    active = np.flatnonzero(np.bincount(log.account, minlength=log.accounts) > 0)
    strangers = np.setdiff1d(active, np.concatenate(groups))[:40]
    mixed = whole(log, np.sort(np.concatenate([campaign.accounts, strangers])))
    convicted = set(sum(shown(judge_clusters(log, [campaign, mixed], 0.05)), ()))
    assert set(campaign.accounts.tolist()) <= convicted
    assert not convicted & set(strangers.tolist())


def test_a_gateway_that_sends_all_from_one_address_explains_conversations_that_change_accounts(seen, campaign):
    log, _, _ = seen
    kept = {name: values for name, values in log.codes.items() if name != "ip"}
    behind = replace(log, codes=kept | {"ip": np.zeros(log.exchanges, np.int32)})
    apart = replace(log, codes=kept | {"ip": log.account})
    assert (
        gateway(behind, campaign) and not gateway(apart, campaign) and not gateway(replace(log, codes=kept), campaign)
    )
    handed = [Finding("handoff", 1e-9, "")]
    asked = harvest(log, campaign, np.zeros(0))
    verdicts = [_weighed(x, campaign, handed, coordination(handed), 1e-9, asked, 0.05).verdict for x in (behind, apart)]
    assert verdicts == [None, "distillation_campaign"]


def test_a_company_among_others_does_not_convict_them(seen, campaign):
    log, _, _ = seen
    strangers = np.setdiff1d(np.arange(log.accounts), campaign.accounts)[::9][:4].astype(np.int32)
    mixed = np.union1d(campaign.accounts, strangers)
    rows = np.union1d(campaign.core, np.flatnonzero(np.isin(log.account, strangers)))
    both = replace(campaign, accounts=mixed, core=rows)
    company = replace(
        log,
        account_codes=dict(log.account_codes)
        | {"org_id": np.where(np.isin(np.arange(log.accounts), campaign.accounts), 3, -1)},
    )
    assert np.array_equal(open_group(company, both), campaign.accounts)
    assert open_group(replace(log, account_codes={}), both).size == 0
    for judged in judge_clusters(company, [both], 0.05):
        assert judged.verdict != "distillation_campaign" or not np.isin(strangers, judged.cluster.accounts).any()


def test_what_is_no_harvest_is_tested_for_dealing_alone(seen, campaign):
    log, _, _ = seen
    assert _findings_if_dealt(log, whole(log, np.arange(0, log.accounts, 7))) == []
    dealt = {f.signal: f.p_value for f in _findings(log, campaign)}
    if min(dealt.get("queue", 1.0), dealt.get("handoff", 1.0)) <= 0.001:
        assert {f.signal for f in _findings_if_dealt(log, campaign)} == set(dealt)


def test_random_groups_are_no_campaigns(seen):
    log, _, groups = seen
    rng = np.random.default_rng(1)
    active = np.flatnonzero(np.bincount(log.account, minlength=log.accounts) > 3)
    benign = np.setdiff1d(active, np.concatenate(groups))
    clusters = [whole(log, np.sort(rng.choice(benign, size, replace=False))) for size in [4, 6, 8, 12] * 3]
    assert shown(judge_clusters(log, clusters, 0.05)) == []


def test_no_clusters_no_campaigns(seen):
    log, _, _ = seen
    assert judge_clusters(log, [], 0.05) == []
