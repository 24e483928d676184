"""Onset and balance: members drawn from the population, or from a part of it, are no finding; likeness is."""

import numpy as np
import pytest
from signals_logs import START, assert_super_uniform, cluster_of, make_log

from iolaus.signals import DAY, HOUR, UNKNOWN_TIME
from iolaus.signals.balance import BalanceSignal
from iolaus.signals.onset import OnsetSignal

SEEDS = 200
OTHERS = 100
# The first of two instants anywhere in 14 days lies before this one half of the times.
MEDIAN_BEGIN = 14 * DAY * (1 - np.sqrt(0.5))


def lives(rng, members, *, together=None, half=False, others=OTHERS):
    """A log of 14 days in which accounts live where they like; members in a half of the time, or together.

    Args:
        half: members are those who began in the first half of the population and were created in the last half.
        together: what the members do within an hour of each other: "began", "ended" or "created".
    """
    n = others + members
    inside = np.arange(n) < members
    first, last = np.sort(rng.random((2, n)), axis=0) * 14 * DAY
    created = -rng.exponential(60 * DAY, n)
    while half and (late := inside & (first > MEDIAN_BEGIN)).any():
        first[late], last[late] = np.sort(rng.random((2, late.sum())), axis=0) * 14 * DAY
    if half:
        created[inside] = -rng.uniform(0, 0.5, members)
        created[inside] = 60 * DAY * np.log1p(created[inside])
    hour = rng.uniform(0, HOUR, members)
    if together == "began":
        first[inside], last[inside] = 3 * DAY + hour, rng.uniform(4, 14, members) * DAY
    elif together == "ended":
        first[inside], last[inside] = rng.uniform(0, 8, members) * DAY, 9 * DAY + hour
    elif together == "created":
        created[inside] = -9 * DAY + hour
    at = START + np.r_[first, last].astype(np.int64)
    return make_log(np.tile(np.arange(n), 2), at, created=START + created.astype(np.int64))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("members", "others"), [(5, 100), (10, 100), (20, 200)])
def test_lives_drawn_from_all_or_half_of_the_population_are_no_finding(members, others, half):
    p_values = []
    for seed in range(SEEDS):
        log = lives(np.random.default_rng([1, seed]), members, half=half, others=others)
        p_values.append(OnsetSignal().judge(log, cluster_of(log, range(members))).p_value)
    assert_super_uniform(p_values)


@pytest.mark.parametrize("what", ["began", "ended", "created"])
def test_what_is_done_within_an_hour_is_found(what):
    for seed in range(20):
        log = lives(np.random.default_rng([2, seed]), 8, together=what)
        finding = OnsetSignal().judge(log, cluster_of(log, range(8)))
        assert finding.p_value < 0.001
        assert finding.statement.startswith(f"8 accounts {'were ' if what == 'created' else ''}{what} together")


def test_accounts_that_were_there_when_the_log_begins_are_no_finding():
    rng = np.random.default_rng(3)
    n = OTHERS + 8
    account = np.tile(np.arange(n), 6)
    # Everybody works at all times, so first exchanges lie in the log's first hours.
    at = START + np.r_[rng.uniform(0, 1, n), rng.uniform(0, 14, 4 * n), rng.uniform(13, 14, n)] * DAY
    log = make_log(account, at.astype(np.int64), created=np.full(n, START - DAY))
    assert OnsetSignal().judge(log, cluster_of(log, range(8))).p_value > 0.2


def test_creation_counts_only_where_it_is_known():
    log = lives(np.random.default_rng(4), 8, together="created")
    known = np.where(np.arange(log.accounts) < 8, log.created, UNKNOWN_TIME)
    assert known.min() == UNKNOWN_TIME
    hidden = make_log(log.account, log.at, created=known)
    assert OnsetSignal().judge(hidden, cluster_of(hidden, range(8))).p_value > 0.05


def working(rng, counts, days=None):
    """A log in which accounts send so many exchanges each, over so many days each."""
    days = np.full(counts.size, 14.0) if days is None else days
    account = np.repeat(np.arange(counts.size), counts)
    at = START + rng.random(account.size) * days[account] * DAY
    return make_log(account, at.astype(np.int64), accounts=counts.size)


def balance(rng, own, days=None, others=None):
    others = rng.poisson(np.exp(rng.normal(3.0, 1.0, max(OTHERS, 10 * own.size)))) + 1 if others is None else others
    days = None if days is None else np.r_[days, np.full(others.size, 14.0)]
    log = working(rng, np.r_[own, others], days)
    return BalanceSignal().judge(log, cluster_of(log, range(own.size)))


@pytest.mark.parametrize("members", [5, 10])
@pytest.mark.parametrize("level", [1.0, 4.0])
def test_independent_users_rates_are_no_finding(members, level):
    p_values = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([5, seed])
        # As spread as the population, about a typical user of another size.
        counts = rng.poisson(np.exp(level + rng.normal(0.0, 1.0, members))) + 1
        p_values.append(balance(rng, counts).p_value)
    assert_super_uniform(p_values)


@pytest.mark.parametrize("members", [10, 20])
def test_members_as_dense_as_the_null_allows_are_no_finding(members):
    p_values = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([6, seed])
        # Of the middle of the population's ranks: four times as dense as the population.
        ranks = np.exp(3.5 + np.array(rng.normal(0.0, 1.0, 4_000)))
        middle = np.sort(ranks)[1_500:2_500]
        p_values.append(balance(rng, rng.poisson(rng.choice(middle, members)) + 1).p_value)
    assert_super_uniform(p_values)


def test_equal_shares_of_a_queue_are_found():
    p_values = []
    for seed in range(15):
        rng = np.random.default_rng([7, seed])
        finding = balance(rng, rng.poisson(np.full(60, 400)))
        p_values.append(finding.p_value)
        assert finding.statement.startswith("60 accounts share the work evenly: about")
    assert np.median(p_values) < 0.001


def test_accounts_that_each_run_one_list_share_no_work():
    rng = np.random.default_rng(9)
    counts = np.r_[np.full(8, 40), rng.poisson(np.exp(rng.normal(3.0, 1.0, OTHERS))) + 1]
    account = np.repeat(np.arange(counts.size), counts)
    item = np.where(account < 8, np.arange(account.size) % 40 + 1, np.arange(account.size) + 1_000)
    at = START + (rng.random(account.size) * 14 * DAY).astype(np.int64)
    log = make_log(account, at, item=item)
    assert BalanceSignal().judge(log, cluster_of(log, range(8))) is None


def test_too_few_are_not_judged():
    rng = np.random.default_rng(10)
    assert balance(rng, rng.poisson(np.full(4, 60))) is None
    assert balance(rng, rng.poisson(np.full(8, 60)), others=np.full(99, 20)) is None
    log = lives(rng, 4)
    assert OnsetSignal().judge(log, cluster_of(log, range(4))) is None
