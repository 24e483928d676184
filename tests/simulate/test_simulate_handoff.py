"""Conversations that go on under another account: an operator's relay, a company's gateway, a shared link."""

from collections import defaultdict

import numpy as np
import pytest

from iolaus.simulate import simulate
from iolaus.simulate.deal import deal

MINUTE = 60_000_000


@pytest.fixture(scope="module")
def relays(tmp_path_factory, read_range):
    folder = tmp_path_factory.mktemp("relays")
    simulate("l1", folder, seed=4, exchanges=12_000, operators_per_level=6)
    return read_range(folder)


@pytest.fixture(scope="module")
def customers(tmp_path_factory, read_range):
    folder = tmp_path_factory.mktemp("customers")
    simulate("benign", folder, seed=3, exchanges=30_000)
    return read_range(folder)


def by_digest(written):
    out = defaultdict(list)
    columns = ("history_digest", "account_id", "turn", "conversation_id", "prompt", "status_code")
    for digest, *row in written.rows(*columns):
        if digest is not None:
            out[digest].append(tuple(row))
    return {digest: rows for digest, rows in out.items() if len({account for account, *_ in rows}) > 1}


def test_a_fifth_of_the_handoffs_branch_and_half_of_these_send_the_same_message():
    rng = np.random.default_rng(1)
    n = 20_000
    slots = deal(rng, np.arange(n) * MINUTE, rng.integers(0, 12, n), [0.1] * 12, 0.1)
    on = np.flatnonzero(slots.parent >= 0)
    handed = on[slots.account[on] != slots.account[slots.parent[on]]]
    children = defaultdict(list)
    for i in on.tolist():
        children[int(slots.parent[i])].append(i)
    branched = [pair for pair in children.values() if len(pair) > 1]
    assert {len(pair) for pair in branched} == {2}
    assert all(slots.account[a] != slots.account[b] for a, b in branched)
    assert len(branched) / (len(handed) - len(branched)) == pytest.approx(0.2, abs=0.04)
    assert np.mean([slots.repeats[b] == a for a, b in branched]) == pytest.approx(0.5, abs=0.1)
    assert sorted(set(slots.item[slots.parent < 0].tolist())) == list(range(n - len(on)))


def test_without_handoffs_nothing_branches():
    rng = np.random.default_rng(2)
    slots = deal(rng, np.arange(2_000) * MINUTE, rng.integers(0, 5, 2_000), [0.3] * 5, 0.0)
    on = slots.parent >= 0
    assert on.any() and (slots.account[on] == slots.account[slots.parent[on]]).all()
    assert len(set(slots.parent[on].tolist())) == on.sum()


def test_n_best_sampling_goes_on_with_conversations_too():
    rng = np.random.default_rng(3)
    slots = deal(rng, np.arange(3_000) * MINUTE, rng.integers(0, 6, 3_000), [0.3] * 6, 0.0, copies=3)
    takers = defaultdict(list)
    for item, account in zip(slots.item.tolist(), slots.account.tolist(), strict=True):
        takers[item].append(account)
    assert len(takers.pop(-1)) > 500
    assert all(len(accounts) == len(set(accounts)) == 3 for accounts in takers.values())
    assert sorted(takers) == list(range(len(takers)))
    on = slots.parent >= 0
    assert (on == (slots.item < 0)).all() and (slots.account[on] == slots.account[slots.parent[on]]).all()


def test_a_branched_history_stands_under_two_accounts_in_new_conversations(relays):
    handing = {o for o, d in relays.scenario["operators"].items() if d["hands_off"]}
    found = {digest: rows for digest, rows in by_digest(relays).items() if rows[0][-2] is not None}
    assert len(found) > 5
    for rows in found.values():
        assert {operator for *_, operator, _ in rows} <= handing and len({o for *_, o, _ in rows}) == 1
        assert len(rows) == 2 and len({turn for _, turn, *_ in rows}) == 1 and rows[0][1] > 1
        conversations = [c for _, _, c, *_ in rows if c is not None]
        assert len(set(conversations)) == len(conversations)
    repeated = sum(len({prompt for _, _, _, prompt, *_ in rows}) == 1 for rows in found.values())
    assert 0 < repeated < len(found)


def test_the_tokens_of_a_handed_history_are_counted(relays):
    first = {c for turn, c, _, _ in relays.rows("turn", "conversation_id") if turn == 1}
    handed = [
        (tokens, len(prompt) // 4)
        for turn, conversation, tokens, prompt, operator, _ in relays.rows(
            "turn", "conversation_id", "input_tokens", "prompt"
        )
        if operator is not None and turn > 1 and conversation is not None and conversation not in first
    ]
    assert len(handed) > 20
    assert np.mean([tokens - prompt for tokens, prompt in handed]) > 50


def test_a_shared_link_is_followed_by_many_accounts(customers):
    kind = dict(
        zip(
            customers.truth_accounts["account_id"].to_pylist(),
            customers.truth_accounts["kind"].to_pylist(),
            strict=True,
        )
    )
    links = [rows for rows in by_digest(customers).values() if kind[rows[0][0]] == "viral"]
    assert max(len({account for account, *_ in rows}) for rows in links) > 10
    for rows in links:
        conversations = [c for _, _, c, *_ in rows if c is not None]
        assert len(set(conversations)) == len(conversations)


def test_a_gateway_carries_a_conversation_over_accounts_of_one_owner(customers):
    payment = dict(
        zip(
            customers.accounts["account_id"].to_pylist(),
            customers.accounts["payment_fingerprint"].to_pylist(),
            strict=True,
        )
    )
    carried = defaultdict(set)
    for account, conversation, _, _ in customers.rows("account_id", "conversation_id"):
        if conversation is not None:
            carried[conversation].add(account)
    spread = [accounts for accounts in carried.values() if len(accounts) > 1]
    assert len(spread) > 10
    assert all(len({payment[a] for a in accounts}) == 1 for accounts in spread)
