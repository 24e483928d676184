"""From a simulated log to its score, as the quickstart does it."""

import json

import pytest
from cli_running import detect, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    run("simulate", "l0", "--out", folder / "range", "--seed", 3, "--exchanges", 800, "--quiet").fine()
    log, accounts = folder / "range" / "exchanges.parquet", folder / "range" / "accounts.parquet"
    detect(log, folder / "found", "--accounts", accounts, "--quiet").fine()
    for day in ("04", "10"):
        detect(log, folder / "runs" / day, "--accounts", accounts, "--until", f"2026-03-{day}", "--quiet").fine()
    return folder


def test_the_score_is_a_table_of_80_columns(folder):
    said = run("score", folder / "found", folder / "range", "--series", folder / "runs").fine()
    assert max(map(len, said.splitlines())) <= 80 and "…" not in said
    for words in ("level", "L0", "benign kind", "per million", "False discoveries", "B-cubed", "(in 2 runs)"):
        assert words in said, words


def test_the_score_as_json(folder):
    document = json.loads(run("score", folder / "found", folder / "range", "--json").fine())
    assert document["schema"] == "iolaus.score/1" and document["leak"] is None
    series = json.loads(run("score", folder / "found", folder / "range", "--series", folder / "runs", "--json").fine())
    assert series["leak"]["harvested"] == document["overall"]["harvested"]
    assert len(series["leak"]["until"]) == 2


def test_explain_draws_a_waterfall(folder):
    campaign = json.loads((folder / "found" / "campaigns.json").read_text())["campaigns"][0]["campaign_id"]
    assert "prior" in run("explain", folder / "found", campaign).fine()
    assert "has no campaign 'C999'; it has C001" in run("explain", folder / "found", "C999").refused()


def test_a_series_that_is_none(folder):
    said = run("score", folder / "found", folder / "range", "--series", folder / "range").refused()
    assert "holds no folders with a campaigns.json" in said
