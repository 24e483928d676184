"""Infrastructure, families and mixture: what members share as any accounts do is no finding."""

import numpy as np
import pytest
from signals_logs import START, assert_super_uniform, cluster_of, make_log, unit

from iolaus.signals import DAY, sample_for_vectors
from iolaus.signals.families import FamilySignal
from iolaus.signals.infrastructure import InfrastructureSignal
from iolaus.signals.mixture import MixtureSignal
from iolaus.signals.profile import ProfileSignal

SEEDS = 200
ACCOUNTS = 80
MEMBERS = 8


def holding(rng, *, one_payment=0):
    """Accounts with two requests each, whose identifiers are drawn without regard to who is a member."""
    account = np.repeat(np.arange(ACCOUNTS), 2)
    payment = rng.integers(0, 40, ACCOUNTS)
    payment[:one_payment] = 99
    popular = 1 / np.arange(1, 31)
    return make_log(
        account,
        START + rng.integers(0, 5 * DAY, account.size),
        codes={
            "ip": rng.integers(0, 60, account.size),
            "user_agent": rng.choice(30, account.size, p=popular / popular.sum()),
            "ja4": rng.integers(0, 5, account.size),
        },
        account_codes={"payment_fingerprint": payment},
    )


def test_identifiers_drawn_without_regard_to_members_are_no_finding():
    logs = (holding(np.random.default_rng([1, seed])) for seed in range(SEEDS))
    assert_super_uniform([InfrastructureSignal().judge(log, cluster_of(log, range(MEMBERS))).p_value for log in logs])


def test_one_payment_instrument_is_found_and_links():
    log = holding(np.random.default_rng(2), one_payment=MEMBERS)
    finding = InfrastructureSignal().judge(log, cluster_of(log, range(MEMBERS)))
    assert finding.p_value < 1e-6
    assert finding.statement.startswith("8 of 8 accounts have one payment instrument in common, which 8 of all 80")
    links = InfrastructureSignal().links(log)
    held = [set(links.account[links.node == node].tolist()) for node in np.unique(links.node)]
    assert set(range(MEMBERS)) in held


def test_a_hub_ties_nobody():
    account = np.arange(300)
    log = make_log(account, START + account, codes={"ip": np.zeros(300)})
    assert InfrastructureSignal().links(log).account.size == 0
    assert InfrastructureSignal().judge(log, cluster_of(log, range(9))).p_value > 0.5


def templated(rng, *, together=0):
    """Accounts that choose among families by their popularity; some members come back to a family of their own."""
    popular = 1 / np.arange(1, 41)
    account = np.repeat(np.arange(ACCOUNTS), 4)
    family = rng.choice(np.r_[-1, np.arange(40)], account.size, p=np.r_[0.4, 0.6 * popular / popular.sum()])
    family[account < together] = 40
    return make_log(account, START + rng.integers(0, 5 * DAY, account.size), family=family)


def test_families_chosen_independently_are_no_finding():
    p_values = []
    for seed in range(SEEDS):
        log = templated(np.random.default_rng([3, seed]))
        finding = FamilySignal().judge(log, cluster_of(log, range(MEMBERS)))
        p_values.append(1.0 if finding is None else finding.p_value)
    assert_super_uniform(p_values)


def test_a_family_of_their_own_is_one_source_and_no_more():
    log = templated(np.random.default_rng(4), together=MEMBERS)
    finding = FamilySignal().judge(log, cluster_of(log, range(MEMBERS)))
    assert finding.p_value == 0.05
    assert finding.statement == "8 of 8 accounts use one prompt template that only 8 of all 80 accounts use."
    links = FamilySignal().links(log)
    assert set(links.account[links.node == 40].tolist()) == set(range(MEMBERS))


def test_what_many_send_once_links_nobody():
    account = np.arange(ACCOUNTS)
    log = make_log(account, START + account, family=np.zeros(ACCOUNTS, int), item=np.ones(ACCOUNTS, int))
    assert FamilySignal().links(log).account.size == 0


def asking(rng, own_mark):
    """Accounts with subjects and hours of their own; ``own_mark`` is the members' part of the population's mark.

    The members' other exchanges are those of one mixed crowd: subjects of any accounts, at any accounts' times.
    """
    subject = unit(rng.normal(size=(ACCOUNTS, 16)))
    account = np.repeat(np.arange(ACCOUNTS), 8)
    told = account.copy()
    # Two exchanges of a member are alike where both are its own: so often that the mark is as much as asked for.
    mixed = (account < MEMBERS) & (rng.random(account.size) >= np.sqrt(own_mark))
    told[mixed] = rng.integers(0, ACCOUNTS, mixed.sum())
    about = unit(subject[told] + 0.25 * rng.normal(size=(account.size, 16)))
    habit = rng.integers(0, 24, ACCOUNTS)
    at = START + (rng.integers(0, 10, account.size) * 24 + habit[told]) * DAY // 24
    client = rng.integers(0, 20, ACCOUNTS)[told]
    return make_log(account, at, vectors=about, codes={"user_agent": client}, tokens=np.full(account.size, 20))


def mixture(log):
    return MixtureSignal().judge(log, cluster_of(log, range(MEMBERS)))


# 300 seeds: 0.163, 0.233 and 0.347 of the p-values lie at or below 0.05, 0.1 and 0.2.
@pytest.mark.parametrize("own_mark", [0.6, 0.5])
def test_accounts_with_a_mark_of_their_own_are_no_finding(own_mark):
    logs = (asking(np.random.default_rng([5, seed]), own_mark) for seed in range(SEEDS))
    # Nothing lies below the floor of 0.05.
    assert_super_uniform([mixture(log).p_value for log in logs], levels=(0.049, 0.05, 0.1, 0.2))


def test_a_mixed_queue_is_found_no_lower_than_the_floor():
    findings = [mixture(asking(np.random.default_rng([6, seed]), 0.0)) for seed in range(10)]
    assert [finding.p_value for finding in findings] == [0.05] * 10


def test_profiles_tie_accounts_that_ask_about_the_same():
    rng = np.random.default_rng(7)
    subject = unit(rng.normal(size=(ACCOUNTS, 16)))
    subject[:MEMBERS] = subject[0]
    account = np.repeat(np.arange(ACCOUNTS), 10)
    about = unit(subject[account] + 0.2 * rng.normal(size=(account.size, 16)))
    log = make_log(account, START + np.arange(account.size), vectors=about)
    links = ProfileSignal().links(log)
    pairs = [links.account[links.node == node] for node in np.unique(links.node[links.weight > 0.9])]
    assert all(len(pair) == 2 and (pair < MEMBERS).all() for pair in pairs)
    # Of the 28 pairs of members, a few hang by less.
    assert len(pairs) >= 20


def test_the_sample_for_vectors_is_of_distinct_first_messages():
    rng = np.random.default_rng(8)
    account = np.repeat(np.arange(6), 100)
    item = rng.integers(1, 60, 600)
    item[account == 5] = 7
    log = make_log(account, START + np.arange(600), item=item, numbers={"turn": rng.integers(1, 3, 600)})
    rows = sample_for_vectors(log)
    assert (np.diff(rows) > 0).all() and (log.numbers["turn"][rows] == 1).all()
    counts = np.bincount(log.account[rows], minlength=6)
    assert counts.max() <= 24 and counts[5] == 1
    assert len({(a, i) for a, i in zip(log.account[rows].tolist(), log.item[rows].tolist(), strict=True)}) == rows.size
    assert sample_for_vectors(make_log([], [])).size == 0


def test_in_a_large_log_the_sample_takes_fewer_of_each_account_then_fewer_accounts(monkeypatch):
    log = make_log(np.repeat(np.arange(10), 50), START + np.arange(500))
    for most, each, accounts in ((200, 20, 10), (199, 19, 10), (85, 8, 10), (40, 8, 5)):
        monkeypatch.setattr("iolaus.signals.mixture.MOST_VECTORS", most)
        counts = np.bincount(log.account[sample_for_vectors(log)])
        assert set(counts[counts > 0].tolist()) == {each} and (counts > 0).sum() == accounts
