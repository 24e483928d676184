"""Every step of detection on both engines, over a log of odd values: the tables are equal, types and all."""

import numpy as np
import pyarrow as pa
import pytest

from iolaus.detect import steps
from iolaus.detect.kept import keep
from iolaus.schema import ACCOUNTS, EXCHANGES, TIMESTAMP
from iolaus.store import DuckEngine, Pipeline, Step

# In the order of their bytes they are none of: by length, by UTF-16 unit, by letter.
WORDS = [
    *("", " ", "\x00", "a", "a\x00", "a\x00b", "aa", "B", "b", "\u00e9", "e\u0301", "\u00df", "\u07ff", "\u0800"),
    *("\u6570\u636e", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0001f600", "\U0001f600a", "\U0010ffff"),
    *("'", '"', "\\", "%", "\n", "z" * 300, None),
]
ROWS = 1500
OBSERVING = (steps.SURPLUS, steps.ordered(), steps.PEOPLE, steps.encoded(), steps.account_columns(), steps.texts_of())
NAMES = [step.name for pipeline in OBSERVING for step in pipeline.steps]


def odd_log():
    """Exchanges with repeated ids, ties in time, odd words in every text, and numbers at the edges of their types."""
    rng = np.random.default_rng(11)

    def words(null=True):
        known = WORDS if null else [word for word in WORDS if word]
        return pa.array([known[i] for i in rng.integers(0, len(known), ROWS)], pa.string())

    def numbers(kind):
        edge = np.iinfo(kind.to_pandas_dtype())
        values = rng.choice([edge.min, -1, 0, 1, 2, 500, 501, edge.max], ROWS)
        return pa.array(values, kind, mask=rng.random(ROWS) < 0.2)

    columns = {}
    for field in EXCHANGES:
        if pa.types.is_string(field.type):
            columns[field.name] = words(field.nullable)
        elif pa.types.is_integer(field.type):
            columns[field.name] = numbers(field.type)
    near = rng.choice([0.0, 0.7, 1.0, -0.0, 1e-4, 5e-4, 1e12], ROWS) + rng.choice([0, 1e-9, 5e-4, 1e-17], ROWS)
    spread = np.where(rng.random(ROWS) < 0.5, near, rng.normal(0.5, 3, ROWS).round(int(rng.integers(1, 6))))
    columns["temperature"] = pa.array(spread, mask=rng.random(ROWS) < 0.2)
    columns["stream"] = pa.nulls(ROWS, pa.bool_())
    columns["timestamp"] = pa.array(rng.integers(-(10**6), 10**6, ROWS) // 5000, TIMESTAMP)
    ids = [f"{WORDS[i % 28]}-{i}" for i in rng.integers(0, ROWS, ROWS)]
    columns["exchange_id"] = pa.array(ids)
    return pa.RecordBatch.from_arrays([columns[name] for name in EXCHANGES.names], schema=EXCHANGES)


def account_table():
    known = [word for word in WORDS if word][::2]
    columns = {field.name: pa.nulls(len(known), field.type) for field in ACCOUNTS}
    columns["account_id"] = pa.array(known)
    columns["org_id"] = pa.array([WORDS[i] for i in range(len(known))])
    columns["created_at"] = pa.array([None, *range(len(known) - 1)], TIMESTAMP)
    return pa.table([columns[name] for name in ACCOUNTS.names], schema=ACCOUNTS)


def observe_on(engine):
    """Fill an engine in debug mode, which keeps each step's table."""
    rows = keep(odd_log()).rows
    schema = rows.schema.append(pa.field("rid", pa.int64()))
    numbered = pa.RecordBatch.from_arrays([*rows.columns, pa.array(np.arange(ROWS))], schema=schema)
    engine.load("raw", schema, [numbered.slice(first, 400) for first in range(0, ROWS, 400)])
    engine.load("account_table", ACCOUNTS, account_table().to_batches())
    wanted = pa.table({"x": pa.array([0, 1, 2, 700, 5000])})
    engine.load("wanted", wanted.schema, wanted.to_batches())
    return {pipeline.name: engine.run(pipeline) for pipeline in OBSERVING}


@pytest.fixture(scope="module")
def engines(spark, tmp_path_factory):
    from iolaus.store.spark import SparkEngine

    tables = tmp_path_factory.mktemp("steps") / "tables"
    with DuckEngine(threads=1, debug=True) as duck, SparkEngine(spark, tables, debug=True) as other:
        yield [(engine, observe_on(engine)) for engine in (duck, other)]


def in_utc(table):
    """Instants under the one name of their zone: DuckDB gives them the name of the machine's."""
    kinds = [TIMESTAMP if pa.types.is_timestamp(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(list(zip(table.schema.names, kinds, strict=True))))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_gives_the_same_table_on_both_engines(engines, name):
    look = Pipeline((Step("look", f"SELECT * FROM {name}"),))
    duck, spark = (in_utc(engine.run(look)) for engine, _ in engines)
    assert duck.num_rows > 0
    assert spark.schema == duck.schema
    by_all = [(column, "ascending") for column in duck.schema.names]
    assert spark.sort_by(by_all).equals(duck.sort_by(by_all))


@pytest.mark.parametrize("name", ["encoded", "account_columns", "texts"])
def test_an_answer_comes_in_the_same_order(engines, name):
    duck, spark = (in_utc(answers[name]) for _, answers in engines)
    assert spark.equals(duck)


def test_the_steps_are_all_there():
    assert len(set(NAMES)) == len(NAMES) >= 27
    offered = {name for name in steps.__all__ if name not in ("ACCOUNT_CODES", "CODES", "NUMBERS")}
    assert len(offered) == len(OBSERVING)


def test_the_words_tell_orders_apart():
    words = [word for word in WORDS if word is not None]
    by_bytes = sorted(words, key=str.encode)
    assert by_bytes != sorted(words, key=lambda word: word.encode("utf-16-be"))
    assert by_bytes != sorted(words, key=str.casefold)
