"""Starting Spark, its scratch folder, and what of its noise reaches a user: one sentence at most."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iolaus.detect.engines import Spark, open_engine
from iolaus.errors import EngineError, StoreError
from iolaus.store import Pipeline, SpreadEngine, Step

NUMBERS = pa.schema([("v", pa.int64())])


def numbers(*values):
    return pa.record_batch([pa.array(values, pa.int64())], schema=NUMBERS)


def one(name, sql):
    return Pipeline((Step(name, sql),))


@pytest.fixture
def no_session(monkeypatch):
    pyspark = pytest.importorskip("pyspark.sql")
    monkeypatch.setattr(pyspark.SparkSession, "getActiveSession", lambda: None)


def opening(folder, spark):
    with open_engine(spark, folder, None, False):
        pass


def test_without_java_is_one_sentence(no_session, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineError, match="needs Java 17 or newer, and there is no java on the PATH"):
        opening(tmp_path, Spark("local[1]"))
    monkeypatch.setenv("JAVA_HOME", "/no/such/java")
    with pytest.raises(EngineError, match="JAVA_HOME is /no/such/java, which has no bin/java"):
        opening(tmp_path, Spark("local[1]"))


def test_without_the_extra_is_one_sentence(monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.startswith("iolaus.store.spark")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("py4j", "py4j.protocol", "pyspark"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(EngineError, match=r"pip install 'iolaus\[spark\]'"):
        opening(tmp_path, Spark())


def test_a_master_that_is_none_is_one_line_and_status_2(spark, tmp_path):
    log = tmp_path / "log.parquet"
    pq.write_table(pa.table({"exchange_id": ["a"]}), log)
    command = [sys.executable, "-m", "iolaus.cli", "detect", str(log), "--out", str(tmp_path / "out")]
    command += ["--engine", "spark", "--master", "nonsense", "--scratch", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and ran.stdout == ""
    assert ran.stderr.startswith("iolaus: Spark did not start on nonsense: ") and ran.stderr.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_what_fails_on_spark_prints_nothing(spark, tmp_path, capfd):
    from iolaus.store.spark import SparkEngine

    with SparkEngine(spark, tmp_path / "tables") as engine:
        engine.load("t", NUMBERS, [numbers(1, 2)])
        for sql in ("SELECT nope FROM t", "SELECT CAST('x' AS INTEGER) AS n FROM t", "SELECT FROM WHERE"):
            with pytest.raises(StoreError) as caught:
                engine.run(one("broken", sql))
            assert "SQLSTATE" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_kernels_run_and_say_in_one_line_what_broke(spark, tmp_path):
    from iolaus.store.spark import SparkEngine

    # Functions within a function travel whole; this module cannot be imported where they run.
    def plus_one(batches):
        for batch in batches:
            yield pa.record_batch([pa.array([v + 1 for v in batch.column("v").to_pylist()], pa.int64())], names=["v"])

    def broken(batches):
        for _ in batches:
            raise ValueError("row 7 is no row")
        yield from ()

    with SparkEngine(spark, tmp_path / "tables") as engine:
        assert isinstance(engine, SpreadEngine)
        engine.load("t", NUMBERS, [numbers(1, 2)])
        source = one("rows", "SELECT v FROM t")
        engine.map("more", source, NUMBERS, plus_one)
        engine.define(one("most", "SELECT v FROM more WHERE v > 2"))
        assert engine.run(one("read", "SELECT v FROM most")).to_pydict() == {"v": [3]}
        with pytest.raises(StoreError, match="step 'less' failed: row 7 is no row") as caught:
            engine.map("less", source, NUMBERS, broken)
        assert "\n" not in str(caught.value)


def test_tables_may_be_at_a_url(spark, tmp_path):
    from iolaus.store.spark import SparkEngine

    (tmp_path / "shared").mkdir()
    with SparkEngine(spark, f"file://{tmp_path}/shared/run-1") as engine:
        engine.load("t", NUMBERS, [numbers(1, 2), numbers(3)])
        engine.materialise(one("kept", "SELECT sum(v) AS v FROM t"))
        assert engine.run(one("read", "SELECT v FROM kept")).to_pydict() == {"v": [6]}
        assert len(list((tmp_path / "shared" / "run-1").iterdir())) == 2
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_scratch_folder_is_removed_but_in_debug_mode(spark, tmp_path):
    from iolaus.store.spark import SparkEngine

    folder = tmp_path / "a [1] {x} *?é"
    for debug in (False, True):
        with SparkEngine(spark, folder, debug=debug) as engine:
            engine.load("t", NUMBERS, [numbers(1, 2)])
            engine.materialise(one("kept", "SELECT v FROM t"))
            assert engine.run(one("read", "SELECT count(*) AS n FROM kept")).to_pydict() == {"n": [2]}
            assert folder.is_dir()
        engine.close()
        assert folder.exists() == debug
