"""The tree that tells a campaign's accounts from others, from features to the command."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from iolaus.cli import app
from iolaus.detect.observe import observe
from iolaus.distill.surrogates.accounts import describe_accounts
from iolaus.distill.surrogates.membership import explain_membership
from iolaus.distill.surrogates.wording import outline
from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_exchanges
from iolaus.schema import ACCOUNTS
from iolaus.store import DuckEngine


def crowd(seed=0, members=20, others=400):
    """Members have both columns high; only some others have one of them high."""
    rng = np.random.default_rng(seed)
    rows = rng.random((members + others, 4))
    inside = np.arange(members + others) < members
    rows[inside, :2] = 0.9 + 0.1 * rng.random((members, 2))
    rows[~inside, 1] *= 0.85
    return rows, inside


def test_two_questions_are_found_and_counted():
    rows, inside = crowd()
    found = explain_membership(rows, ["rate", "share", "c", "d"], inside)
    assert found.fidelity > 0.9 and found.low > 0.7 and found.high == 1.0
    assert (found.within[0], found.beside[0]) == (20, 400)
    lines = outline(found, "C001")
    assert any("C001 (20 of its 20, 0 of 400 others)" in line for line in lines), lines
    assert "yes: " in lines[1] and "share > 0.8" in lines[0]


def test_questions_that_change_no_answer_are_left_out():
    rows, inside = crowd()
    found = explain_membership(rows, list("abcd"), inside, leaves=30)
    tree = found.tree
    for node in np.flatnonzero(tree.feature >= 0):
        pair = [tree.left[node], tree.right[node]]
        if (tree.feature[pair] < 0).all():
            assert tree.value[pair[0]].argmax() != tree.value[pair[1]].argmax()
    assert tree.leaves == 2
    assert (tree.scores(rows).argmax(1) == inside).all()


def test_a_verdict_that_no_column_holds_is_said_to_be_out_of_reach():
    rng = np.random.default_rng(1)
    found = explain_membership(rng.random((500, 6)), list("abcdef"), np.arange(500) < 25)
    assert found.fidelity < 0.2
    assert "cannot hold what the detector says" in found.sentence("C001")


def test_the_interval_covers_the_fidelity_of_unseen_accounts():
    """The true value: agreement of a tree grown on as many accounts, over very many fresh ones."""
    missed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(600, 3))
        inside = np.arange(600) < 60
        rows[inside, 0] += 3
        found = explain_membership(rows, list("abc"), inside, leaves=4, seed=seed)
        fresh = rng.normal(size=(20000, 3))
        mine = np.arange(20000) < 2000
        fresh[mine, 0] += 3
        named = found.tree.scores(fresh).argmax(1) == 1
        truth = (named & mine).sum() / (named | mine).sum()
        missed += not found.low <= truth <= found.high
    assert missed <= 6, missed


def test_too_few_accounts_or_numbers_that_are_none():
    rows, inside = crowd(members=4)
    with pytest.raises(InputError, match="there are 4 and 400"):
        explain_membership(rows, list("abcd"), inside)
    rows, inside = crowd()
    rows[3, 1] = np.nan
    with pytest.raises(InputError, match="finite rows"):
        explain_membership(rows, list("abcd"), inside)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    made = ["simulate", "l1", "--out", folder / "range", "--seed", 3, "--exchanges", 6000, "--quiet"]
    log, accounts = folder / "range" / "exchanges.parquet", folder / "range" / "accounts.parquet"
    for words in (made, ["detect", log, "--accounts", accounts, "--out", folder / "found", "--quiet"]):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, done.output
    return folder


def explain(*words):
    return CliRunner().invoke(app, ["explain", *map(str, words)])


def test_columns_of_accounts_are_what_they_say(folder, tmp_path):
    path = folder / "range" / "exchanges.parquet"
    with Rejects(tmp_path / "rejects.jsonl") as rejects, DuckEngine() as engine:
        observed = observe(engine, iter(read_exchanges(str(path), rejects)), ACCOUNTS.empty_table())
    described = describe_accounts(observed.log)
    ids = observed.account_ids.take(described.index).to_pylist()
    table = pq.read_table(path)
    for place in (0, len(ids) // 2, len(ids) - 1):
        mine = table.filter(np.array(table["account_id"].to_pylist()) == ids[place])
        seen = dict(zip(described.names, described.rows[place], strict=True))
        assert seen["exchanges"] == mine.num_rows
        assert seen["exchanges an active day"] * len({t.date() for t in mine["timestamp"].to_pylist()}) == mine.num_rows
        assert seen["hours of the day in use"] == len({t.hour for t in mine["timestamp"].to_pylist()})
        assert seen["models used"] == len(set(mine["request_model"].drop_null().to_pylist()))
        refused = sum(status in (403, 429) for status in mine["status_code"].to_pylist())
        assert seen["share refused"] == pytest.approx(refused / mine.num_rows)
        assert seen["output tokens an exchange"] == pytest.approx(
            np.mean(mine["output_tokens"].drop_null().to_pylist())
        )
        assert 0 <= seen["share of its main template"] <= 1 and 0 < seen["share of distinct prompts"] <= 1
    assert np.isfinite(described.rows).all()


def test_the_command_prints_the_tree_and_draws_it(folder, tmp_path):
    found, log = folder / "found", folder / "range" / "exchanges.parquet"
    campaigns = json.loads((found / "campaigns.json").read_text())["campaigns"]
    large = next(c["campaign_id"] for c in campaigns if len(c["accounts"]) >= 5)
    done = explain(found, large, "--surrogate", "--log", log, "--draw", tmp_path / "tree.svg")
    assert done.exit_code == 0, done.output
    assert "prior" in done.output and "yes: " in done.output and "95% interval" in done.output.replace("\n", " ")
    assert (tmp_path / "tree.svg").read_text().startswith("<svg")


def test_the_command_refuses_what_cannot_be_meant(folder, tmp_path):
    found, log = folder / "found", folder / "range" / "exchanges.parquet"
    campaign = json.loads((found / "campaigns.json").read_text())["campaigns"][0]["campaign_id"]
    assert "give --log" in str(explain(found, campaign, "--surrogate").exception)
    assert "--surrogate" in str(explain(found, campaign, "--log", log).exception)
    pq.write_table(pq.read_table(log).slice(0, 500), tmp_path / "half.parquet")
    said = str(explain(found, campaign, "--surrogate", "--log", tmp_path / "half.parquet").exception)
    assert "give the log that detect read" in said
