"""Operators: rates, cover, queues, and what each level leaves in common."""

from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from iolaus.simulate import simulate

DAY = 86_400_000_000


def test_each_item_goes_to_exactly_one_account(tmp_path, read_range):
    simulate("l6", tmp_path, seed=2, exchanges=8_000, operators_per_level=6, covers=(0.5,))
    copied = read_range(tmp_path)
    takers = defaultdict(lambda: defaultdict(list))
    for account, turn, prompt, operator, harvested in copied.rows("account_id", "turn", "prompt"):
        # L6 sends raw items: what differs between two prompts is the item.
        if harvested and turn == 1:
            takers[operator][prompt].append(account)
    single = [o for o in takers if copied.scenario["operators"][o]["copies"] == 1]
    assert single
    for operator in single:
        assert {len(accounts) for accounts in takers[operator].values()} == {1}


def test_n_best_gives_each_item_to_k_accounts(tmp_path, read_range):
    simulate("l0", tmp_path, seed=8, exchanges=8_000, operators_per_level=12, rates=(40,))
    written = read_range(tmp_path)
    takers = defaultdict(lambda: defaultdict(list))
    for account, turn, prompt, operator, harvested in written.rows("account_id", "turn", "prompt"):
        if harvested and turn == 1:
            takers[operator][prompt].append(account)
    several = [o for o, d in written.scenario["operators"].items() if d["copies"] > 1]
    assert several
    for operator in several:
        copies = written.scenario["operators"][operator]["copies"]
        assert {len(set(a)) for a in takers[operator].values()} == {copies}
        assert {len(a) for a in takers[operator].values()} == {copies}


def test_published_rates_are_reached(tmp_path, read_range):
    simulate("rates", tmp_path, seed=5, exchanges=30_000)
    written = read_range(tmp_path)
    spent, first, last = defaultdict(Counter), {}, {}
    stamps = written.exchanges["timestamp"].cast(pa.int64()).to_pylist()
    for (account, status, operator, _), stamp in zip(written.rows("account_id", "status_code"), stamps, strict=True):
        if operator is not None and status == 200:
            spent[operator][account] += 1
            first.setdefault(operator, stamp)
            last[operator] = stamp
    for operator, design in written.scenario["operators"].items():
        days = max(design["ends_day"] - design["begins_day"], (last[operator] - first[operator]) / DAY)
        rate = sum(spent[operator].values()) / len(spent[operator]) / days
        assert rate == pytest.approx(design["rate"], rel=0.25)
    rates = {d["rate"] for d in written.scenario["operators"].values()}
    assert rates == {2, 13, 26, 46, 469, 733, 857}


def test_cover_shares_are_reached(tmp_path, read_range):
    simulate("dilution", tmp_path, seed=5, exchanges=40_000, operators_per_level=4)
    written = read_range(tmp_path)
    total, harvested = Counter(), Counter()
    for status, operator, taken in written.rows("status_code"):
        if operator is not None and status == 200:
            total[operator] += 1
            harvested[operator] += taken
    covers = {o: d["cover"] for o, d in written.scenario["operators"].items()}
    assert sorted(covers.values()) == [0.0, 0.5, 0.9, 0.95]
    for operator, cover in covers.items():
        assert 1 - harvested[operator] / total[operator] == pytest.approx(cover, abs=0.03)


def test_naive_operators_share_payment_and_later_ones_do_not(ladder):
    levels, operator_of = ladder.scenario["levels"], ladder.operator_of
    payments = defaultdict(list)
    for account, payment in zip(
        ladder.accounts["account_id"].to_pylist(),
        ladder.accounts["payment_fingerprint"].to_pylist(),
        strict=True,
    ):
        if operator_of[account] is not None and payment is not None:
            payments[operator_of[account]].append(payment)
    for operator, values in payments.items():
        assert (len(set(values)) == 1) if levels[operator] == "L0" else (len(set(values)) == len(values))


def test_a_banned_pool_hands_its_refused_items_to_other_accounts(tmp_path, read_range):
    simulate("l5", tmp_path, seed=6, exchanges=12_000)
    written = read_range(tmp_path)
    refused, answered = defaultdict(set), defaultdict(lambda: defaultdict(set))
    stages = {o: d["stages"] for o, d in written.scenario["operators"].items()}
    for account, status, code, operator, harvested in written.rows("account_id", "status_code", "prompt"):
        if operator is not None and status == 403:
            refused[operator].add(account)
        if harvested:
            answered[operator][account].add(code)
    assert set(stages.values()) <= {2, 3}
    assert sum(bool(a) for a in refused.values()) >= 3
    for operator, accounts in refused.items():
        assert set(answered[operator]) - accounts


def test_operators_do_not_all_show_the_same_traits(tmp_path, read_range):
    simulate("l3", tmp_path, seed=7, exchanges=10_000, operators_per_level=12)
    designs = list(read_range(tmp_path).scenario["operators"].values())
    for trait in ("pauses", "pivots", "in_system", "hands_off"):
        values = [bool(d[trait]) for d in designs]
        assert any(values) and not all(values), trait
    assert len({tuple(d["capabilities"]) for d in designs}) > 4


def test_real_text_is_drawn_without_repetition(tmp_path, read_range, real_text):
    simulate("l6", tmp_path, seed=9, exchanges=8_000, operators_per_level=3, **real_text)
    written = read_range(tmp_path)
    items = defaultdict(Counter)
    for prompt, turn, operator, harvested in written.rows("prompt", "turn"):
        if harvested and turn == 1 and written.scenario["operators"][operator]["copies"] == 1:
            items[operator][prompt] += 1
    assert items and all(set(counts.values()) == {1} for counts in items.values())
