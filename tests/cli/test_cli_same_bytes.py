"""The same rows give the same bytes, whatever their order, their format, and the files they are spread over."""

import csv
import gzip
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cli_running import VALIDATOR, checked, contents, detect, jsonl, parquet, plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iolaus.schema import EXCHANGES
from iolaus.simulate import simulate

FORMATS = ("parquet", "jsonl", "csv", "jsonl.gz")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A small range with campaigns in it: its rows, its accounts, and what detect writes of them."""
    folder = tmp_path_factory.mktemp("known")
    simulate("l0", folder / "range", seed=3, exchanges=1200)
    accounts = folder / "range" / "accounts.parquet"
    out = folder / "out"
    detect(folder / "range" / "exchanges.parquet", out, "--accounts", accounts).fine()
    assert checked(out)["campaigns"], "the comparison wants campaigns to compare"
    return pq.read_table(folder / "range" / "exchanges.parquet").to_pylist(), accounts, contents(out)


def write(path, rows):
    if path.name.endswith(".parquet"):
        parquet(path, rows)
    elif path.name.endswith(".csv"):
        with path.open("w", newline="", encoding="utf-8") as out:
            lines = csv.DictWriter(out, EXCHANGES.names)
            lines.writeheader()
            lines.writerows(plain(row) for row in rows)
    else:
        jsonl(path, rows)
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(path.read_bytes()))


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_order_format_and_files_do_not_matter(known, data):
    rows, accounts, expected = known
    order = list(range(len(rows)))
    random.Random(data.draw(st.integers(0, 2**32))).shuffle(order)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    with tempfile.TemporaryDirectory() as name:
        logs, out = Path(name) / "logs", Path(name) / "out"
        logs.mkdir()
        for part, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(rows)], strict=True)):
            if start < stop:
                form = data.draw(st.sampled_from(FORMATS))
                write(logs / f"{part}.{form}", [rows[i] for i in order[start:stop]])
        detect(logs, out, "--accounts", accounts).fine()
        found = contents(out)
        assert found.keys() == expected.keys()
        assert [n for n in found if found[n] != expected[n]] == []


def test_the_order_of_accounts_does_not_matter(known, tmp_path):
    rows, accounts, expected = known
    parquet(tmp_path / "log.parquet", rows)
    pq.write_table(pq.read_table(accounts).sort_by([("account_id", "descending")]), tmp_path / "accounts.parquet")
    detect(tmp_path / "log.parquet", tmp_path / "out", "--accounts", tmp_path / "accounts.parquet").fine()
    assert contents(tmp_path / "out") == expected


def test_rows_after_the_horizon_might_as_well_not_be_there(known, tmp_path):
    rows, accounts, _ = known
    moments = sorted(row["timestamp"] for row in rows)
    until = moments[len(moments) * 3 // 5]
    parquet(tmp_path / "all.parquet", rows)
    parquet(tmp_path / "some.parquet", [row for row in rows if row["timestamp"] <= until])
    for name in ("all", "some"):
        detect(tmp_path / f"{name}.parquet", tmp_path / name, "--accounts", accounts, "--until", until).fine()
    assert contents(tmp_path / "all") == contents(tmp_path / "some")
    VALIDATOR.validate(checked(tmp_path / "all"))


def test_another_process_with_other_hashes_and_threads_writes_the_same(known, tmp_path):
    rows, accounts, expected = known
    write(tmp_path / "log.jsonl", rows)
    environment = os.environ | {"PYTHONHASHSEED": "1234", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "iolaus.cli", "detect", "log.jsonl", "--accounts", accounts, "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "out") == expected
