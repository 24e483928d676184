"""Queue: independent streams and independent readers of a list are no finding; dealing out is."""

import numpy as np
import pytest
from signals_logs import START, assert_super_uniform, bursty_times, cluster_of, make_log

from iolaus.signals import DAY, HOUR, MINUTE, shared_list
from iolaus.signals.queue import QueueSignal

SEEDS = 200
MEMBERS = 4


def judged(account, at, item=None):
    log = make_log(account, at, **({} if item is None else {"item": item}))
    return QueueSignal().judge(log, cluster_of(log, range(int(max(account)) + 1)))


def streams(rng, kind):
    """Account and instant of accounts that know nothing of each other."""
    counts = rng.integers(8, 24, MEMBERS)
    if kind == "timers that tick alike":
        times = [
            START + rng.uniform(0, HOUR) + (np.arange(n) + rng.normal(0, 0.02, n)) * HOUR for n in np.full(MEMBERS, 16)
        ]
    elif kind == "a crowd before a deadline":
        times = [START + DAY * (3 - rng.exponential(0.3, n)) for n in counts]
    elif kind == "sessions":
        times = [START + rng.choice(rng.uniform(0, 5 * DAY, 3), n) + rng.exponential(20 * MINUTE, n) for n in counts]
    else:
        times = [bursty_times(rng, n, 5) for n in counts]
    return np.repeat(np.arange(MEMBERS), [t.size for t in times]), np.concatenate(times).astype(np.int64)


@pytest.mark.parametrize("kind", ["bursts", "sessions", "timers that tick alike", "a crowd before a deadline"])
def test_independent_streams_are_no_finding(kind):
    assert_super_uniform([judged(*streams(np.random.default_rng([1, s]), kind)).p_value for s in range(SEEDS)])


def readings(rng, *, listed=50, popularity=0.0):
    """Account, instant and item of readers who choose from one list on their own."""
    chance = 1.0 / np.arange(1, listed + 1) ** popularity
    counts = rng.integers(8, 24, MEMBERS)
    item = np.concatenate([rng.choice(listed, n, replace=False, p=chance / chance.sum()) for n in counts])
    times = np.concatenate([bursty_times(rng, n, 5) for n in counts])
    return np.repeat(np.arange(MEMBERS), counts), times, item + 1


@pytest.mark.parametrize("popularity", [0.0, 0.8])
def test_independent_readers_of_one_list_are_no_finding(popularity):
    findings = [judged(*readings(np.random.default_rng([2, s]), popularity=popularity)) for s in range(SEEDS)]
    assert_super_uniform([finding.p_value for finding in findings])


def test_accounts_that_each_run_the_whole_list_are_no_finding():
    item = np.tile(np.arange(30), MEMBERS)
    p_values = []
    for s in range(50):
        rng = np.random.default_rng([3, s])
        at = np.concatenate([bursty_times(rng, 30, 5) for _ in range(MEMBERS)])
        p_values.append(judged(np.repeat(np.arange(MEMBERS), 30), at, item).p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 50)


@pytest.mark.parametrize("accounts", [3, 6, 12])
def test_dealing_in_turn_is_found(accounts):
    p_values = []
    for seed in range(15):
        rng = np.random.default_rng([4, seed])
        n = 30 * accounts
        # Work comes in bursts, and each round of it is dealt in a new order.
        turn = np.concatenate([rng.permutation(accounts) for _ in range(30)])
        finding = judged(turn, np.sort(bursty_times(rng, n, 5)))
        assert finding.statement.startswith("The accounts take turns")
        p_values.append(finding.p_value)
    assert np.median(p_values) < 0.01


@pytest.mark.parametrize("copies", [2, 3])
def test_exactly_k_accounts_an_item_are_found(copies):
    rng = np.random.default_rng(5)
    item = np.repeat(np.arange(60), copies)
    account = np.concatenate([rng.choice(6, copies, replace=False) for _ in range(60)])
    at = START + np.concatenate([bursty_times(rng, item.size, 5)])
    finding = judged(account, at, item + 1)
    assert finding.p_value < 0.001
    assert f"almost exactly {copies}.0 accounts each" in finding.statement


def test_exactly_k_is_found_beside_what_is_asked_once():
    rng = np.random.default_rng(7)
    item = np.concatenate([np.repeat(np.arange(60), 4), 100 + np.arange(20)])
    account = np.concatenate([*(rng.choice(6, 4, replace=False) for _ in range(60)), rng.integers(0, 6, 20)])
    at = START + np.concatenate([bursty_times(rng, item.size, 5)])
    finding = judged(account, at, item + 1)
    assert finding.p_value < 0.001 and finding.values["repeats"] == 4.0


def test_two_lists_that_are_each_run_by_some_accounts_are_no_finding():
    p_values = []
    for s in range(30):
        rng = np.random.default_rng([9, s])
        item = np.concatenate([np.tile(np.arange(40), 4), 50 + np.tile(np.arange(40), 3)])
        at = np.concatenate([bursty_times(rng, 40, 5) for _ in range(7)])
        p_values.append(judged(np.repeat(np.arange(7), 40), at, item).p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 30)


@pytest.mark.parametrize("readers", [2, 3])
def test_what_a_few_accounts_have_in_common_is_no_dealing(readers):
    p_values = []
    for s in range(30):
        rng = np.random.default_rng([10, s])
        listed = np.tile(np.arange(150), readers)
        few = np.concatenate([rng.choice(np.arange(200, 206), 4, replace=False) for _ in range(3)])
        own = 300 + np.arange(5 * 60)
        account = np.concatenate(
            [
                np.repeat(np.arange(readers), 150),
                readers + np.repeat(np.arange(3), 4),
                readers + np.repeat(np.arange(5), 60),
            ]
        )
        item = np.concatenate([listed, few, own])
        p_values.append(judged(account, bursty_times(rng, item.size, 5), item + 1).p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 30)


@pytest.mark.parametrize("popularity", [None, 0.0, 0.8])
def test_readers_of_a_list_who_also_ask_what_is_their_own_are_no_finding(popularity):
    p_values = []
    for s in range(200):
        rng = np.random.default_rng([8, s])
        whole = (np.repeat(np.arange(MEMBERS), 30), 0, np.tile(np.arange(30), MEMBERS))
        account, _, item = whole if popularity is None else readings(rng, popularity=popularity)
        own = rng.integers(3, 12, MEMBERS)
        account = np.concatenate([account, np.repeat(np.arange(MEMBERS), own)])
        item = np.concatenate([item, 1000 + np.arange(own.sum())])
        p_values.append(judged(account, bursty_times(rng, item.size, 5), item + 1).p_value)
    assert_super_uniform(p_values, levels=(0.05, 0.2))


def test_too_little_is_not_judged():
    at = START + np.arange(8) * HOUR
    assert judged([0, 1] * 4, at) is None, "two accounts take turns in every conversation"
    assert judged([0, 1, 2, 0, 1, 2, 0, 1], at) is None


def test_shared_list_runs_from_one_account_an_item_to_all_of_them():
    def shared(account, item):
        log = make_log(account, START + np.arange(len(item)) * MINUTE, item=item)
        return shared_list(log, cluster_of(log, range(max(account) + 1)))

    everybody = np.repeat(np.arange(5), 20)
    assert shared(everybody, np.tile(np.arange(20), 5) + 1) == 1.0
    assert shared(everybody, np.arange(100) + 1) == 0.0
    assert shared(everybody, np.tile(np.repeat(np.arange(10), 2), 5) + 1) == 1.0, "repeats of one account count once"
    # Each item is asked by 2 of the 5: the chance that another account asks it too is 1 in 4.
    assert shared([0, 1, 1, 2, 2, 3, 3, 4, 4, 0], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]) == pytest.approx(0.25)
    assert shared([0, 0, 0], [1, 2, 3]) == 0.0
