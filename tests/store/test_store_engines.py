"""What every engine does alike: what comes out, in which order, and whose words an error carries."""

from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pytest

from iolaus.errors import InputError, IolausError, StoreError, TooManyRejects
from iolaus.store import DuckEngine, Pipeline, Step

NUMBERS = pa.schema([("v", pa.int64()), ("word", pa.string())])


def one(name, sql, **parameters):
    return Pipeline((Step(name, sql, parameters),))


def rows(*values):
    return pa.record_batch([pa.array(values, pa.int64()), pa.array([f"w{v}" for v in values])], schema=NUMBERS)


@contextmanager
def opened(kind, request, tmp_path, debug=False):
    if kind == "spark":
        session = request.getfixturevalue("spark")
        from iolaus.store.spark import SparkEngine

        with SparkEngine(session, tmp_path / "tables", debug=debug) as made:
            yield made
    else:
        path = tmp_path / "scratch.duckdb" if kind == "file" else None
        with DuckEngine(path, threads=1, debug=debug) as made:
            yield made


@pytest.fixture(params=["memory", "file", "debug", "spark"])
def engine(request, tmp_path):
    with opened(request.param, request, tmp_path, request.param == "debug") as made:
        yield made


@pytest.fixture(params=["memory", "spark"])
def debugging(request, tmp_path):
    with opened(request.param, request, tmp_path, True) as made:
        yield made


def test_load_and_run(engine):
    engine.load("t", NUMBERS, [rows(3, 1), rows(2)])
    answer = engine.run(one("sorted", "SELECT v, word FROM t ORDER BY v DESC"))
    assert isinstance(answer, pa.Table)
    assert answer.to_pydict() == {"v": [3, 2, 1], "word": ["w3", "w2", "w1"]}


def test_load_replaces_and_takes_no_rows(engine):
    engine.load("t", NUMBERS, [rows(1)])
    engine.load("t", NUMBERS, [])
    assert engine.run(one("all", "SELECT * FROM t")).num_rows == 0


def test_load_streams(engine):
    """A batch is asked for only when the one before has been taken: no more than a few are alive at a time."""
    sent = []

    def source():
        for i in range(50):
            sent.append(i)
            yield rows(*range(i * 1000, (i + 1) * 1000))

    engine.load("t", NUMBERS, source())
    assert sent == list(range(50))
    answer = engine.run(one("sums", "SELECT count(*) AS n, sum(v) AS total FROM t"))
    assert answer.to_pydict() == {"n": [50_000], "total": [50_000 * 49_999 // 2]}


def test_pipelines_with_parameters(engine):
    engine.load("t", NUMBERS, [rows(*range(10))])
    big = Step("big", "SELECT v, word FROM t WHERE v >= $least", {"least": 7})
    last = Step("answer", "SELECT v * $factor AS x FROM big ORDER BY v", {"factor": 10})
    assert engine.run(Pipeline((big, last))).to_pydict() == {"x": [70, 80, 90]}
    engine.materialise(Pipeline((big, last)))
    assert engine.run(one("again", "SELECT max(x) AS x FROM answer")).to_pydict() == {"x": [90]}


def test_parameters_are_values_not_sql(engine):
    engine.load("t", NUMBERS, [rows(1, 2)])
    sly = "w1' OR '1'='1"
    assert engine.run(one("found", "SELECT * FROM t WHERE word = $word", word=sly)).num_rows == 0
    assert engine.run(one("null", "SELECT $nothing IS NULL AS x", nothing=None)).to_pydict() == {"x": [True]}


def test_materialise_replaces(engine):
    for value in (1, 2):
        engine.materialise(one("kept", "SELECT $value AS v", value=value))
    assert engine.run(one("read", "SELECT v FROM kept")).to_pydict() == {"v": [2]}


def test_the_order_asked_for_is_the_order_given(engine):
    shuffled = np.random.default_rng(3).permutation(20_000).tolist()
    engine.load("t", NUMBERS, [rows(*shuffled[i : i + 5000]) for i in range(0, 20_000, 5000)])
    engine.materialise(one("sorted", "SELECT v, row_number() OVER (ORDER BY word) - 1 AS x FROM t ORDER BY x"))
    answer = engine.run(one("read", "SELECT v FROM sorted ORDER BY x"))
    assert [f"w{v}" for v in answer["v"].to_pylist()] == sorted(f"w{v}" for v in range(20_000))


def test_a_table_without_rows_is_numbered_too(engine):
    engine.load("t", NUMBERS, [])
    engine.materialise(one("numbered", "SELECT word, row_number() OVER (ORDER BY v) - 1 AS x FROM t"))
    answer = engine.run(one("read", "SELECT word, x FROM numbered"))
    assert answer.schema.equals(pa.schema([("word", pa.string()), ("x", pa.int64())])) and answer.num_rows == 0


@pytest.mark.parametrize("direction", ["", " DESC", " NULLS FIRST"])
def test_rows_are_numbered_over_all_parts_of_a_table(engine, direction):
    values = [*np.random.default_rng(5).permutation(9000).tolist(), None]
    engine.load("t", NUMBERS, [rows(*values[i : i + 1000]) for i in range(0, 9001, 1000)])
    engine.materialise(one("numbered", f"SELECT 2 * row_number() OVER (ORDER BY v{direction}) AS x, v FROM t"))
    expected = sorted(values[:-1], reverse="DESC" in direction)
    expected = [None, *expected] if "FIRST" in direction else [*expected, None]
    answer = engine.run(one("read", "SELECT x, v FROM numbered ORDER BY x"))
    assert answer["v"].to_pylist() == expected and answer["x"].to_pylist() == list(range(2, 18_003, 2))


def test_strings_come_through_whole(engine):
    words = ["", "nul\x00inside", "数据", "line\nbreak", "😀", "x" * 100_000, None]
    schema = pa.schema([("word", pa.string())])
    engine.load("t", schema, [pa.record_batch([pa.array(words)], schema=schema)])
    assert engine.run(one("read", "SELECT word FROM t"))["word"].to_pylist() == words


@pytest.mark.parametrize("how", ["run", "materialise"])
@pytest.mark.parametrize("sql", ["SELECT nothing_like_it FROM t", "SELEC 1", "SELECT * FROM no_such_table"])
def test_an_error_carries_the_step_and_its_sql(engine, how, sql):
    engine.load("t", NUMBERS, [rows(1)])
    with pytest.raises(StoreError) as caught:
        getattr(engine, how)(one("broken", sql))
    assert caught.value.step == "broken"
    assert sql in caught.value.sql
    assert "broken" in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.reason


@pytest.mark.parametrize("how", ["run", "materialise"])
def test_an_error_met_only_while_running_is_ours_too(engine, how):
    engine.load("t", NUMBERS, [rows(1)])
    with pytest.raises(StoreError) as caught:
        getattr(engine, how)(one("broken", "SELECT CAST(word AS INTEGER) AS n FROM t"))
    assert caught.value.step == "broken"


@pytest.mark.parametrize("error", [InputError("row 7 of log.csv is no row"), TooManyRejects("too many")])
def test_an_error_of_the_source_comes_through_as_it_is(engine, error):
    def source():
        yield rows(1)
        raise error

    with pytest.raises(InputError) as caught:
        engine.load("t", NUMBERS, source())
    assert caught.value is error
    # The engine is still of use.
    engine.load("t", NUMBERS, [rows(5)])
    assert engine.run(one("read", "SELECT v FROM t")).to_pydict() == {"v": [5]}


def test_any_other_error_of_the_source_names_the_table(engine):
    def source():
        yield rows(1)
        raise RuntimeError("the wire broke")

    with pytest.raises(StoreError, match="load t"):
        engine.load("t", NUMBERS, source())


def test_a_failed_load_leaves_no_half_table(engine):
    def source():
        yield rows(1)
        raise InputError("no")

    with pytest.raises(InputError):
        engine.load("t", NUMBERS, source())
    with pytest.raises(IolausError):
        engine.run(one("read", "SELECT v FROM t"))


def test_a_step_shadows_a_table_of_its_name_for_its_pipeline_alone(engine, request):
    if "debug" in request.node.name:
        pytest.skip("debug mode keeps the step under its name")
    engine.load("t", NUMBERS, [rows(1, 2, 3)])
    engine.load("u", NUMBERS, [rows(9)])
    shadowed = Pipeline((Step("u", "SELECT v FROM t WHERE v > 1"), Step("n", "SELECT count(*) AS n FROM u")))
    assert engine.run(shadowed).to_pydict() == {"n": [2]}
    assert engine.run(one("read", "SELECT v FROM u")).to_pydict() == {"v": [9]}


def test_debug_mode_leaves_every_step_as_a_table_with_the_same_answer(debugging):
    steps = (
        Step("even", "SELECT v FROM t WHERE v % $two = 0", {"two": 2}),
        Step("large", "SELECT v FROM even WHERE v >= $least", {"least": 4}),
        Step("total", "SELECT count(*) AS total FROM large"),
    )
    debugging.load("t", NUMBERS, [rows(*range(10))])
    assert debugging.run(Pipeline(steps)).to_pydict() == {"total": [3]}
    for name, values in (("even", [0, 2, 4, 6, 8]), ("large", [4, 6, 8])):
        kept = debugging.run(one("read", f"SELECT v FROM {name} ORDER BY v"))
        assert kept["v"].to_pylist() == values


def test_steps_are_no_tables_after_the_run(engine, request):
    if "debug" in request.node.name:
        pytest.skip("debug mode keeps them")
    engine.load("t", NUMBERS, [rows(*range(10))])
    engine.run(Pipeline((Step("even", "SELECT v FROM t WHERE v % 2 = 0"), Step("n", "SELECT count(*) AS n FROM even"))))
    with pytest.raises(StoreError):
        engine.run(one("read", "SELECT v FROM even"))


def test_debug_mode_keeps_the_last_step_as_well(debugging):
    debugging.run(Pipeline((Step("first", "SELECT 1 AS x"), Step("last", "SELECT x + 1 AS x FROM first"))))
    assert debugging.run(one("read", "SELECT x FROM last")).to_pydict() == {"x": [2]}


def test_debug_mode_names_the_step_that_failed(debugging):
    with pytest.raises(StoreError) as caught:
        debugging.run(
            Pipeline((Step("fine", "SELECT 1 AS x"), Step("bad", "SELECT y FROM fine"), Step("c", "SELECT 1")))
        )
    assert caught.value.step == "bad"
