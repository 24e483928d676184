"""Hand-off and pivot: traces that fall anywhere and models that are taken up one by one are no finding."""

import numpy as np
import pytest
from signals_logs import START, assert_super_uniform, cluster_of, make_log

from iolaus.signals import DAY, MINUTE
from iolaus.signals.handoff import HandoffSignal
from iolaus.signals.pivot import PivotSignal

SEEDS = 200
MEMBERS = 10
OTHERS = 60


def talks(rng, *, orphans=0.03, within=0.0, shared=0, within_shared=0, others=OTHERS):
    """Conversations of one or two turns; some second turns stand under an account that did not begin them.

    Args:
        orphans: chance that any second turn lost its first.
        within: chance that a second turn of a member does so besides.
        shared: histories under two accounts drawn at random from all.
        within_shared: histories under two accounts drawn from the members.
    """
    n = MEMBERS + others
    talked = rng.geometric(0.08, n)
    account = np.repeat(np.arange(n), 2 * talked)
    turn = np.tile([1, 2], talked.sum())
    begun = START + rng.uniform(0, 13 * DAY, talked.sum())
    at = np.stack([begun, begun + rng.uniform(1, 60, begun.size) * MINUTE], axis=1).ravel()
    conversation = np.repeat(np.arange(begun.size), 2)
    lost = rng.random(begun.size) < orphans + within * (account[::2] < MEMBERS)
    kept = np.ones(turn.size, bool)
    kept[::2] = ~lost
    account, turn, at, conversation = (values[kept] for values in (account, turn, at, conversation))
    digest = np.full(turn.size, -1)
    for number in range(shared + within_shared):
        pair = rng.choice(n if number < shared else MEMBERS, 2, replace=False)
        for who in pair:
            digest[rng.choice(np.flatnonzero(account == who))] = number
    return make_log(
        account, at.astype(np.int64), accounts=n, numbers={"turn": turn},
        codes={"conversation_id": conversation, "history_digest": digest},
    )  # fmt: skip


def handoff(log, formed_by="infrastructure"):
    return HandoffSignal().judge(log, cluster_of(log, range(MEMBERS), formed_by=formed_by))


@pytest.mark.parametrize(
    ("orphans", "shared", "others"), [(0.03, 0, 60), (0.3, 0, 60), (0.02, 40, 60), (0.0, 60, 60), (0.1, 20, 30)]
)
def test_traces_that_fall_anywhere_are_no_finding(orphans, shared, others):
    logs = (
        talks(np.random.default_rng([1, seed]), orphans=orphans, shared=shared, others=others) for seed in range(SEEDS)
    )
    assert_super_uniform([handoff(log).p_value for log in logs])


def test_one_pair_that_belongs_together_is_no_finding():
    logs = (talks(np.random.default_rng([2, s]), orphans=0.02) for s in range(100))
    for log in logs:
        mine = np.flatnonzero(log.account == 0)
        codes = {**log.codes, "conversation_id": np.where(log.account == 1, log.codes["conversation_id"][mine[0]], -1)}
        codes["conversation_id"][mine[0]] = log.codes["conversation_id"][mine[0]]
        pair = make_log(log.account, log.at, numbers=log.numbers, codes=codes)
        assert handoff(pair).p_value > 0.01


def test_continuations_among_members_are_found():
    findings = []
    for seed in range(20):
        log = talks(np.random.default_rng([3, seed]), within=0.6)
        finding = handoff(log)
        findings.append((finding.p_value, handoff(log, formed_by="handoff").p_value))
        assert (log.numbers["turn"][finding.exchanges] > 1).all()
    assert (np.median(findings, axis=0) < 0.005).all()


def test_histories_shared_among_members_are_found_and_link_them():
    p_values = []
    for seed in range(20):
        log = talks(np.random.default_rng([4, seed]), shared=10, within_shared=12)
        p_values.append(handoff(log).p_value)
        # 24 of the 44 holders are members, less what falls on one account twice.
        assert (HandoffSignal().links(log).account < MEMBERS).mean() > 0.3
    assert np.median(p_values) < 0.001


def test_what_many_hold_is_public_and_links_nobody():
    rng = np.random.default_rng(5)
    log = talks(rng)
    everybody = make_log(
        log.account, log.at, numbers=log.numbers, codes={"history_digest": np.zeros(log.exchanges, int)}
    )  # fmt: skip
    assert HandoffSignal().links(everybody).account.size == 0


def test_nothing_is_an_orphan_within_the_first_day():
    account = np.repeat(np.arange(40), 3)
    at = START + np.tile([0, 1, 2], 40) * MINUTE
    log = make_log(account, at, numbers={"turn": np.full(120, 2)})
    assert handoff(log).values == {"shared": 0.0, "orphaned": 0.0}


def releases(rng, *, at_once=0, pace=0.15, ready=0.0, others=OTHERS):
    """Days around a release: each account turns to the new model after a time of its own, some never.

    Args:
        at_once: members that turn to it within an hour.
        pace: chance an account a day.
        ready: share of members (the null excuses a tenth) that do so at once besides.
    """
    n = MEMBERS + others
    sent = rng.geometric(0.03, n)
    account = np.repeat(np.arange(n), sent)
    at = START + rng.uniform(0, 10 * DAY, account.size)
    begins = rng.exponential(1 / pace, n)
    begins[: max(at_once, int(ready * MEMBERS))] = 0.04
    model = at > START + (5 + begins[account]) * DAY
    return make_log(account, at.astype(np.int64), accounts=n, codes={"request_model": model.astype(int)})


def pivot(log):
    return PivotSignal().judge(log, cluster_of(log, range(MEMBERS), own=np.arange(log.exchanges) % 2 == 0))


@pytest.mark.parametrize(
    ("pace", "ready", "others"), [(0.15, 0.0, 60), (0.5, 0.0, 60), (0.15, 0.1, 60), (0.3, 0.0, 25)]
)
def test_independent_adoption_is_no_finding(pace, ready, others):
    findings = [
        pivot(releases(np.random.default_rng([6, seed]), pace=pace, ready=ready, others=others))
        for seed in range(SEEDS)
    ]
    assert_super_uniform([1.0 if finding is None else finding.p_value for finding in findings])


def test_turning_at_once_is_found():
    for seed in range(20):
        finding = pivot(releases(np.random.default_rng([7, seed]), at_once=MEMBERS))
        assert finding.p_value < 0.01
        assert "used a new model soon after its release" in finding.statement


def test_a_model_that_was_always_there_is_no_release():
    rng = np.random.default_rng(8)
    log = releases(rng)
    old = make_log(log.account, log.at, codes={"request_model": rng.integers(0, 2, log.exchanges)})
    assert pivot(old) is None
