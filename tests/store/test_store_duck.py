"""The DuckDB engine: its file, its bounds, and what it leaves behind."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from iolaus.errors import StoreError
from iolaus.store import DuckEngine, Pipeline, Step

NUMBERS = pa.schema([("v", pa.int64()), ("word", pa.string())])


def one(name, sql, **parameters):
    return Pipeline((Step(name, sql, parameters),))


def rows(*values):
    return pa.record_batch([pa.array(values, pa.int64()), pa.array([f"w{v}" for v in values])], schema=NUMBERS)


def test_a_scratch_file_and_its_spill_folder_are_removed(tmp_path):
    path = tmp_path / "scratch.duckdb"
    rng = np.random.default_rng(4)
    schema = pa.schema([("v", pa.int64()), ("w", pa.int64())])

    def source():
        for _ in range(20):
            yield pa.record_batch([rng.integers(0, 1 << 60, 100_000), rng.integers(0, 1 << 60, 100_000)], schema=schema)

    with DuckEngine(path, memory_bytes=50_000_000, threads=1) as engine:
        engine.load("t", schema, source())
        engine.materialise(one("sorted", "SELECT v, w, row_number() OVER (ORDER BY w) AS x FROM t ORDER BY v"))
        assert path.exists()
        assert any(p.name != path.name and p.is_dir() for p in tmp_path.iterdir()), "the sort was to spill"
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_file_is_removed_after_an_error(tmp_path):
    with pytest.raises(StoreError), DuckEngine(tmp_path / "scratch.duckdb") as engine:
        engine.load("t", NUMBERS, [rows(1)])
        engine.materialise(one("broken", "SELECT nope FROM t"))
    assert list(tmp_path.iterdir()) == []


def test_debug_mode_leaves_its_file_to_look_at(tmp_path):
    path = tmp_path / "steps.duckdb"
    with DuckEngine(path, debug=True) as engine:
        engine.run(Pipeline((Step("first", "SELECT 1 AS x"), Step("last", "SELECT x + 1 AS x FROM first"))))
    assert [p.name for p in tmp_path.iterdir()] == ["steps.duckdb"]
    with duckdb.connect(str(path), read_only=True) as kept:
        assert kept.execute("SELECT f.x, l.x FROM first f, last l").fetchall() == [(1, 2)]


def test_a_file_that_cannot_be_made_is_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="step 'open' failed") as caught:
        DuckEngine(tmp_path / "no" / "such" / "folder.duckdb")
    assert "\n" not in str(caught.value)


def test_a_bound_that_duckdb_does_not_take_is_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="step 'open' failed"):
        DuckEngine(tmp_path / "scratch.duckdb", threads=0)
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_does_no_harm(tmp_path):
    engine = DuckEngine(tmp_path / "scratch.duckdb")
    engine.close()
    engine.close()
    assert list(tmp_path.iterdir()) == []
