"""Detection on Spark: the same files, byte for byte, as DuckDB leaves; and its errors."""

import gzip
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from iolaus.detect import Settings, Spark, detect, observe, spread
from iolaus.errors import EngineError, InputError
from iolaus.ingest import Rejects, read_exchanges
from iolaus.schema import ACCOUNTS
from iolaus.simulate import simulate
from iolaus.store import DuckEngine, Pipeline, Step
from iolaus.text import BINS

EXCHANGES = 4500
UNTIL = datetime(2026, 3, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    simulate("l0", folder, seed=5, exchanges=EXCHANGES, operators_per_level=2)
    return folder


@pytest.fixture(scope="module")
def logs(known):
    """The log in two files of a folder with an awkward name; with repeated ids, bad rows, and columns that differ."""
    table = pq.read_table(known / "exchanges.parquet")
    again = table.slice(100, 60)
    again = again.set_column(table.schema.names.index("temperature"), "temperature", pa.array(np.linspace(0, 2, 60)))
    bad = table.slice(300, 40)
    bad = bad.set_column(table.schema.names.index("prompt"), "prompt", pa.nulls(40, pa.string()))
    nameless = table.slice(500, 20)
    nameless = nameless.set_column(table.schema.names.index("account_id"), "account_id", pa.array([""] * 20))
    loose = pa.schema([pa.field(field.name, field.type) for field in table.schema])
    whole = pa.concat_tables([part.cast(loose) for part in (table, again, bad, nameless)])
    order = np.random.default_rng(1).permutation(whole.num_rows)
    folder = known / "lögs [1] *{%41}"
    (folder / "b").mkdir(parents=True)
    pq.write_table(whole.take(order[:2000]).drop_columns(["ja4"]), folder / "a 1.parquet", row_group_size=700)
    pq.write_table(whole.take(order[2000:]), folder / "b" / "c%20.parquet")
    (folder / "_SUCCESS").write_bytes(b"")
    return folder


@pytest.fixture
def spark_engine(spark, tmp_path):
    from iolaus.store.spark import SparkEngine

    with SparkEngine(spark, tmp_path / "tables") as engine:
        yield engine


@pytest.fixture
def only_reading(monkeypatch):
    """Observing that ends once the rows are there: what comes after is the steps', which have tests of their own."""
    rows = Pipeline((Step("rows", "SELECT * FROM raw ORDER BY rid"),))

    def read(engine, accounts, sketches):
        table = engine.run(rows)
        return table.drop_columns(["bins"]) if "bins" in table.schema.names else table, sketches

    monkeypatch.setattr(spread, "observe_loaded", read)
    monkeypatch.setattr(observe, "observe_loaded", read)


def on_spark(engine, source, rejects):
    (table, sketches), read = spread.observe_spread(engine, str(source), ACCOUNTS.empty_table(), rejects, None)
    return table, sketches(table.column("rid").to_numpy()), read


def on_duck(source, rejects):
    with DuckEngine(threads=1) as duck:
        stream = read_exchanges(source, rejects)
        table, sketches = observe.observe(duck, iter(stream), ACCOUNTS.empty_table())
        return table, sketches(table.column("rid").to_numpy()), stream.read


def test_the_whole_run_leaves_the_same_bytes(spark, known, logs, tmp_path):
    left = {}
    for name, engine in (("duck", None), ("spark", Spark("local[2]"))):
        out = tmp_path / name
        detect(logs / "b" / "..", known / "accounts.parquet", out, Settings(until=UNTIL, spark=engine))
        left[name] = {path.name: path.read_bytes() for path in out.iterdir()}
    assert left["spark"].keys() == left["duck"].keys()
    assert {name for name in left["duck"] if left["duck"][name] != left["spark"][name]} == set()
    campaigns = json.loads(left["duck"]["campaigns.json"])["campaigns"]
    assert any(campaign["verdict"] == "distillation_campaign" for campaign in campaigns)
    # Enough of each kind of trouble is before the horizon.
    assert left["duck"]["rejects.jsonl"].count(b"repeats an exchange_id") > 10
    assert left["duck"]["rejects.jsonl"].count(b'"missing"') > 10


def test_a_url_is_looked_through_by_spark(spark_engine, only_reading, known, tmp_path):
    folder = known / "by day"
    for day in ("2026-03-01", "2026-03-02"):
        (folder / f"day={day}").mkdir(parents=True, exist_ok=True)
        rows = pq.read_table(known / "exchanges.parquet").slice(int(day[-1]) * 500, 500)
        prompts = rows.column("prompt").to_pylist()
        prompts[7] = None
        loose = pa.schema([pa.field(field.name, field.type) for field in rows.schema])
        rows = rows.cast(loose).set_column(rows.schema.names.index("prompt"), "prompt", pa.array(prompts))
        naive = rows.column("timestamp").cast(pa.timestamp("us"))
        rows = rows.set_column(rows.schema.names.index("timestamp"), "timestamp", naive)
        pq.write_table(rows, folder / f"day={day}" / "part.parquet")
    with Rejects(tmp_path / "spark.jsonl") as far, Rejects(tmp_path / "duck.jsonl") as near:
        spark, sketches, read = on_spark(spark_engine, f"file://{folder}", far)
        duck, expected, expected_read = on_duck(folder, near)
        # Row ids differ; the order that they stand for does not.
        assert spark.drop_columns(["rid"]).equals(duck.drop_columns(["rid"]))
        assert np.array_equal(sketches, expected) and sketches.any()
        assert read == expected_read == 1000
        assert far.count == near.count == 2
        assert far.notes == near.notes == ("exchanges, timestamp: times without a zone, taken as UTC: 1,000",)
    assert (tmp_path / "spark.jsonl").read_bytes() == (tmp_path / "duck.jsonl").read_bytes()


def test_what_is_no_parquet_goes_through_our_readers(spark_engine, only_reading, known, tmp_path):
    rows = pq.read_table(known / "exchanges.parquet").slice(0, 800)
    rows = rows.set_column(rows.schema.names.index("timestamp"), "timestamp", pc.strftime(rows.column("timestamp")))
    log = tmp_path / "log.jsonl.gz"
    lines = [json.dumps(row) for row in rows.to_pylist()]
    log.write_bytes(gzip.compress("\n".join([*lines, "no json", lines[5]]).encode()))
    with Rejects(tmp_path / "spark.jsonl") as far, Rejects(tmp_path / "duck.jsonl") as near:
        spark, sketches, read = on_spark(spark_engine, log, far)
        duck, expected, expected_read = on_duck(log, near)
        assert spark.equals(duck)
        assert np.array_equal(sketches, expected) and sketches.any()
        assert read == expected_read == 802
        assert far.count == near.count == 1


def test_an_empty_log_is_no_error(spark_engine, only_reading, known, tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(pq.read_table(known / "exchanges.parquet").slice(0, 0), path)
    with Rejects(tmp_path / "rejects.jsonl") as rejects:
        spark, sketches, read = on_spark(spark_engine, path, rejects)
    assert spark.num_rows == read == 0 and sketches.shape == (0, BINS)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "cannot read it as Parquet: .*not exist"),
        (lambda path: path.write_text("no parquet"), "cannot read it as Parquet: .*read footer"),
        (lambda path: pq.write_table(pa.table({"prompt": ["x"]}), path), "the column exchange_id is missing"),
    ],
)
def test_a_url_that_cannot_be_read_is_one_sentence(spark_engine, tmp_path, make, sentence):
    path = tmp_path / "log.parquet"
    make(path)
    with Rejects(tmp_path / "rejects.jsonl") as rejects, pytest.raises(InputError, match=sentence) as caught:
        spread.observe_spread(spark_engine, f"file://{path}", ACCOUNTS.empty_table(), rejects, None)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_file_cut_short_is_one_sentence(spark_engine, known, tmp_path):
    path = tmp_path / "log.parquet"
    whole = (known / "exchanges.parquet").read_bytes()
    damaged = bytearray(whole)
    damaged[1000:60_000] = bytes(59_000)
    path.write_bytes(damaged)
    with Rejects(tmp_path / "rejects.jsonl") as rejects, pytest.raises(InputError, match=r"log\.parquet: ") as caught:
        spread.observe_spread(spark_engine, str(path), ACCOUNTS.empty_table(), rejects, None)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_cluster_needs_a_folder_that_its_executors_reach(known, tmp_path):
    pytest.importorskip("pyspark")
    with pytest.raises(EngineError, match="--scratch"):
        detect(known / "exchanges.parquet", None, tmp_path / "out", Settings(spark=Spark("spark://far:7077")))


def test_state_and_spark_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="--state"):
        Settings(state=tmp_path, spark=Spark())
