"""Steps and pipelines, and the SQL that detection gives them."""

import dataclasses
import re

import pytest

from iolaus.detect import steps
from iolaus.store import Pipeline, Step

# What differs or fails between DuckDB and Spark, and what ties a step to one engine.
NOT_PORTABLE = re.compile(
    r"\b(quantile\w*|approx_\w+|entropy|mode|epoch\w*|median|arg_min|arg_max|list_\w+|struct_pack|read_parquet)\s*\(|"
    r"::\s*\w|\bINTERVAL\b|\bQUALIFY\b|\bPIVOT\b|\bEXCLUDE\b|GROUP BY ALL",
    re.IGNORECASE,
)


def pipelines():
    found = {}
    for name in steps.__all__:
        value = getattr(steps, name)
        value = value() if callable(value) else value
        if isinstance(value, Pipeline):
            found[name] = value
    return found


def test_names_must_be_there_and_distinct():
    with pytest.raises(ValueError, match="distinct"):
        Pipeline((Step("a", "SELECT 1"), Step("a", "SELECT 2")))
    with pytest.raises(ValueError, match="distinct"):
        Pipeline(())


def test_a_step_is_frozen():
    step = Step("a", "SELECT 1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.sql = "SELECT 2"


def test_one_step_is_sent_as_it_is():
    pipeline = Pipeline((Step("only", "SELECT 1 AS one"),))
    assert (pipeline.name, pipeline.sql()) == ("only", "SELECT 1 AS one")


def test_steps_are_joined_as_common_table_expressions_in_order():
    pipeline = Pipeline((Step("a", "SELECT 1 AS x"), Step("b", "SELECT x FROM a"), Step("c", "SELECT x FROM b")))
    flat = " ".join(pipeline.sql().split())
    assert flat == "WITH a AS ( SELECT 1 AS x ), b AS ( SELECT x FROM a ) SELECT x FROM b"
    assert pipeline.name == "c"


def test_parameters_are_merged_and_may_not_contradict():
    first = Step("a", "SELECT $low AS x", {"low": 1})
    same = Step("b", "SELECT x FROM a WHERE x >= $low AND x < $high", {"low": 1, "high": 5})
    assert Pipeline((first, same)).parameters == {"low": 1, "high": 5}
    with pytest.raises(ValueError, match="low"):
        _ = Pipeline((first, Step("b", "SELECT $low", {"low": 2}))).parameters


@pytest.mark.parametrize("name", sorted(pipelines()))
def test_detection_keeps_to_portable_sql(name):
    for step in pipelines()[name].steps:
        found = NOT_PORTABLE.search(step.sql)
        assert found is None, f"{name}.{step.name}: {found and found.group()}"


def test_there_are_steps_to_look_at():
    assert len(pipelines()) >= 4
    assert NOT_PORTABLE.search("SELECT quantile_cont(x, 0.5) FROM t")
    assert not NOT_PORTABLE.search("SELECT row_number() OVER (ORDER BY r.mode) FROM t")
