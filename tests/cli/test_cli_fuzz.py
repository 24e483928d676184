"""Whatever a log holds, a run ends with findings that hold together or with one sentence."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_running import START, checked, detect, jsonl, parquet, rows, run
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iolaus.schema import ACCOUNTS, EXCHANGES

QUICK = settings(max_examples=18, suppress_health_check=list(HealthCheck))
REQUIRED = ("exchange_id", "timestamp", "account_id", "prompt")
TEXT = st.text(st.characters(), max_size=12)
VALUE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | TEXT
    | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=2)
    | st.dictionaries(TEXT, TEXT, max_size=1)
)
ROW = st.fixed_dictionaries(
    {
        "exchange_id": st.integers(0, 30).map(str),
        "timestamp": st.datetimes(datetime(2026, 1, 1), datetime(2026, 6, 1)).map(lambda t: t.isoformat()),
        "account_id": st.integers(0, 5).map(str),
        "prompt": TEXT,
    },
    optional={name: VALUE for name in EXCHANGES.names if name not in REQUIRED},
)
PEOPLE = st.lists(st.dictionaries(st.sampled_from(ACCOUNTS.names), VALUE, max_size=6), max_size=4)


def ended_well(ran, out):
    if ran.status:
        ran.refused()
        assert not {"campaigns.json", "report.html"} & {p.name for p in out.iterdir()} if out.exists() else True
    else:
        assert ran.err == ""
        checked(out)
    assert not [p.name for p in out.iterdir() if p.name.startswith(".")] if out.exists() else True


@QUICK
@given(log=st.lists(ROW, max_size=25), people=PEOPLE)
def test_readable_rows_with_anything_in_the_other_columns(log, people):
    with tempfile.TemporaryDirectory() as folder:
        path, accounts, out = Path(folder) / "log.jsonl", Path(folder) / "accounts.jsonl", Path(folder) / "out"
        path.write_text("".join(json.dumps(row) + "\n" for row in log))
        accounts.write_text("".join(json.dumps(row) + "\n" for row in [{"account_id": "1"}, *people]))
        ended_well(detect(path, out, "--max-rejects", "1", "--accounts", accounts), out)


@QUICK
@given(
    where=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 40),
    put=st.binary(max_size=6) | st.sampled_from([b'"', b"\n", b"\x00", b"\\ud800", b"}{", b"1e999"]),
    form=st.sampled_from(["jsonl", "csv", "parquet"]),
)
def test_damaged_bytes(where, cut, put, form):
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / f"log.{form}", Path(folder) / "out"
        if form == "csv":
            names = ["exchange_id", "timestamp", "account_id", "prompt"]
            lines = [",".join(names), *(f'{r["exchange_id"]},{r["timestamp"]},a,"p, q"' for r in rows(30))]
            path.write_text("\n".join(lines))
        else:
            (jsonl if form == "jsonl" else parquet)(path, rows(30))
        whole = path.read_bytes()
        at = int(where * len(whole))
        path.write_bytes(whole[:at] + put + whole[at + cut :])
        ended_well(detect(path, out), out)


MOMENT = st.datetimes().map(str) | st.text(max_size=12)


@settings(QUICK, max_examples=30)
@given(
    until=st.none() | MOMENT,
    fdr=st.none() | st.floats().map(str) | TEXT,
    share=st.none() | st.floats().map(str),
    memory=st.none() | st.sampled_from(["4GB", "0", "-1GB", "1e400GB", "infGB", "nanMB", "GB", "128MB", "9e30B", "x"]),
)
@example(until="9999-12-31T23:59:59-23:59", fdr=None, share=None, memory=None)
@example(until="0001-01-01T00:00:00+23:59", fdr=None, share=None, memory=None)
@example(until=None, fdr="nan", share=None, memory=None)
def test_any_settings(until, fdr, share, memory):
    given_options = {"--until": until, "--fdr": fdr, "--max-rejects": share, "--memory": memory}
    options = [f"{name}={value}" for name, value in given_options.items() if value is not None and "\x00" not in value]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        ended_well(detect(jsonl(Path(folder) / "log.jsonl", rows(6)), out, *options), out)


@pytest.mark.parametrize("value", ["0", "1", "-0.1", "nan", "inf", "x", ""])
def test_a_rate_of_false_discoveries_that_is_none(tmp_path, value):
    log = jsonl(tmp_path / "log.jsonl", rows(6))
    assert "--fdr" in detect(log, tmp_path / "out", f"--fdr={value}").refused()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("until", ["2020-01-01", "1990-01-01T00:00:00", "2026-03-01T11:59:59Z"])
def test_a_horizon_before_the_first_row_finds_an_empty_log(tmp_path, until):
    log = jsonl(tmp_path / "log.jsonl", rows(6))
    assert "0 exchanges" in detect(log, tmp_path / "out", "--until", until).fine()
    assert checked(tmp_path / "out")["accounts"] == 0


def test_a_horizon_without_a_zone_is_utc_and_includes_its_instant(tmp_path):
    log = jsonl(tmp_path / "log.jsonl", rows(6))
    detect(log, tmp_path / "out", "--until", START.replace(tzinfo=None).isoformat()).fine()
    assert checked(tmp_path / "out")["exchanges"] == 1
    assert datetime.fromisoformat(checked(tmp_path / "out")["until"]) == START.astimezone(UTC)


def test_broken_findings_are_refused_by_those_who_read_them(tmp_path):
    (tmp_path / "campaigns.json").write_text('{"schema": "iolaus.campaigns/1", "campaigns": [{}]}')
    for command in (["explain", tmp_path, "C001"], ["score", tmp_path, tmp_path]):
        assert str(tmp_path) in run(*command).refused()
