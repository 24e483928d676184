"""What simulate writes: the contract, determinism, and what it refuses."""

import hashlib
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iolaus.errors import InputError, OutputError
from iolaus.schema import ACCOUNTS, EXCHANGES, REFUSED, TRUTH_ACCOUNTS, TRUTH_EXCHANGES
from iolaus.simulate import SCENARIOS, Scenario, simulate

FILES = ("exchanges.parquet", "accounts.parquet", "truth_exchanges.parquet", "truth_accounts.parquet", "scenario.json")
HARD_NEGATIVES = {
    "enterprise", "campus", "app_tenant", "researcher", "reseller", "synthetic_data", "viral", "hackathon",
    "template_user", "small_saas", "course",
}  # fmt: skip


def digests(folder):
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES]


def test_the_tables_are_the_contracts(ladder):
    assert ladder.exchanges.schema.equals(EXCHANGES)
    assert ladder.accounts.schema.equals(ACCOUNTS)
    assert ladder.truth_exchanges.schema.equals(TRUTH_EXCHANGES)
    assert ladder.truth_accounts.schema.equals(TRUTH_ACCOUNTS)


def test_every_column_is_filled(ladder):
    for table in (ladder.exchanges, ladder.accounts):
        empty = [name for name in table.schema.names if table[name].null_count == table.num_rows]
        assert empty == []


def test_counts_ids_and_order(ladder):
    exchanges = ladder.exchanges
    assert exchanges.num_rows == 20_000
    assert len(set(exchanges["exchange_id"].to_pylist())) == 20_000
    instants = exchanges["timestamp"].cast(pa.int64()).to_numpy()
    assert (np.diff(instants) >= 0).all()
    assert set(exchanges["account_id"].to_pylist()) == set(ladder.accounts["account_id"].to_pylist())
    assert ladder.accounts["account_id"].to_pylist() == ladder.truth_accounts["account_id"].to_pylist()


def test_all_levels_and_hard_negatives_are_there(ladder):
    assert set(ladder.scenario["levels"].values()) == {f"L{i}" for i in range(7)}
    assert set(ladder.truth_accounts["kind"].to_pylist()) >= HARD_NEGATIVES | {"hydra", "developer", "startup"}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        simulate("ladder", tmp_path / name, seed=5, exchanges=3_000)
    simulate("ladder", tmp_path / "c", seed=6, exchanges=3_000)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a")[0] != digests(tmp_path / "c")[0]


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_runs_small(name, tmp_path):
    summary = simulate(name, tmp_path, seed=3, exchanges=1_500)
    assert summary.exchanges == 1_500
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.parametrize("exchanges", [500, 2_000])
def test_short_logs_hold_every_kind_within_their_days(days, exchanges, tmp_path, read_range):
    for seed in range(3):
        simulate("ladder", tmp_path, seed=seed, exchanges=exchanges, days=days)
        written = read_range(tmp_path)
        stamps = written.exchanges["timestamp"].cast(pa.int64()).to_numpy()
        first = datetime.fromisoformat("2026-03-02T00:00:00+00:00").timestamp() * 1_000_000
        assert len(stamps) == exchanges
        assert first <= stamps.min() and stamps.max() < first + days * 86_400_000_000
        assert HARD_NEGATIVES <= set(written.truth_accounts["kind"].to_pylist())


def test_the_benign_scenario_has_no_operator(tmp_path, read_range):
    summary = simulate("benign", tmp_path, seed=3, exchanges=2_000)
    written = read_range(tmp_path)
    assert summary.operators == {} and summary.hydra_accounts == 0 and summary.harvested == 0
    assert written.truth_accounts["operator_id"].null_count == written.truth_accounts.num_rows
    assert "hydra" not in written.truth_accounts["kind"].to_pylist()


def test_no_hard_negatives_when_switched_off(tmp_path):
    summary = simulate("benign", tmp_path, seed=3, exchanges=1_500, hard_negatives=False)
    assert not HARD_NEGATIVES & set(summary.kinds)


def test_closed_accounts_are_refused_first_and_silent_afterwards(ladder):
    closed = {
        a: c
        for a, c in zip(
            ladder.accounts["account_id"].to_pylist(),
            ladder.accounts["closed_at"].cast(pa.int64()).to_pylist(),
            strict=True,
        )
        if c is not None
    }
    refused = set()
    stamps = ladder.exchanges["timestamp"].cast(pa.int64()).to_pylist()
    columns = zip(ladder.exchanges["account_id"].to_pylist(), stamps, strict=True)
    for (account, stamp), status in zip(columns, ladder.exchanges["status_code"].to_pylist(), strict=True):
        if account in closed:
            assert stamp <= closed[account]
        if status == 403:
            assert account in closed
            refused.add(account)
    hydra = {a for a, o in ladder.operator_of.items() if o is not None}
    assert refused & hydra and refused - hydra


def test_a_failed_request_has_no_answer_and_is_not_harvested(ladder):
    for status, response, tokens, _, harvested in ladder.rows("status_code", "response", "output_tokens"):
        assert (response is None) == (status != 200) == (tokens is None)
        if status != 200:
            assert not harvested
    assert any(s in REFUSED for s in ladder.exchanges["status_code"].to_pylist())


def test_history_digests_belong_to_later_turns(ladder):
    turns = ladder.exchanges["turn"].to_pylist()
    digests = ladder.exchanges["history_digest"].to_pylist()
    assert all(d is None for t, d in zip(turns, digests, strict=True) if t == 1)
    assert any(d is not None for d in digests)


def test_conversations_are_handed_between_accounts_of_one_operator(tmp_path, read_range):
    simulate("l2", tmp_path, seed=4, exchanges=6_000, operators_per_level=6)
    written = read_range(tmp_path)
    handing = [o for o, d in written.scenario["operators"].items() if d["hands_off"] and d["copies"] == 1]
    openings, handed = {}, set()
    for account, turn, digest, conversation, operator, _ in written.rows(
        "account_id", "turn", "history_digest", "conversation_id"
    ):
        if operator in handing and conversation is not None:
            if turn > 1 and digest is not None and openings.get(conversation) != account:
                handed.add(operator)
            openings.setdefault(conversation, account)
    assert handing and handed == set(handing)


def test_it_refuses_what_makes_no_range(tmp_path):
    with pytest.raises(InputError, match="no scenario is called"):
        simulate("nowhere", tmp_path, seed=1, exchanges=1_000)
    with pytest.raises(InputError, match="no field 'colour'"):
        simulate("ladder", tmp_path, seed=1, exchanges=1_000, colour="red")
    with pytest.raises(InputError, match="at least 500"):
        simulate("ladder", tmp_path, seed=1, exchanges=10)
    with pytest.raises(InputError, match="levels"):
        Scenario("x", "y", levels=(9,))
    with pytest.raises(InputError, match="cannot be read"):
        simulate("ladder", tmp_path, seed=1, exchanges=1_000, text=tmp_path / "absent.parquet")
    pq.write_table(pa.table({"words": ["a"]}), tmp_path / "wrong.parquet")
    with pytest.raises(InputError, match="lacks the column 'prompt'"):
        simulate("ladder", tmp_path, seed=1, exchanges=1_000, organic=tmp_path / "wrong.parquet")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        simulate("ladder", tmp_path / "file", seed=1, exchanges=1_000)


def test_progress_is_told(tmp_path):
    seen = []
    simulate("l0", tmp_path, seed=1, exchanges=1_000, progress=lambda *call: seen.append(call))
    assert {phase for phase, _, _ in seen} == {"planning", "writing"}
    assert seen[-1] == ("writing", 1_000, 1_000)


def test_arrivals_follow_real_clients_when_given(tmp_path, read_range):
    table = pa.table(
        {
            "client": [0, 0, 1, 1],
            "window_start_s": [0, 600, 0, 86_400],
            "rate_rps": [1.0, 2.0, 0.5, 0.1],
            "cv": [1.5, None, 3.0, 2.0],
        }
    )
    pq.write_table(table, tmp_path / "clients.parquet")
    simulate("benign", tmp_path / "out", seed=1, exchanges=2_000, arrivals=tmp_path / "clients.parquet")
    assert read_range(tmp_path / "out").exchanges.num_rows == 2_000
