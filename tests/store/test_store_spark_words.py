"""What is made of steps for Spark, and of Spark's errors for a reader; neither needs Spark to run."""

import pytest

from iolaus.store import Step

dialect = pytest.importorskip("iolaus.store.spark.dialect", exc_type=ImportError)


def translated(sql, **views):
    return dialect.Translated(Step("s", sql)).over(views)


def test_nulls_come_last_and_numbers_are_wide():
    statement, _ = translated("SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t")
    assert statement == (
        "SELECT CAST(ROW_NUMBER() OVER (PARTITION BY `a` ORDER BY `b` NULLS LAST) AS BIGINT) AS `n` FROM `t`"
    )


def test_parameters_and_views_have_sparks_form():
    statement, _ = translated("SELECT t.v FROM t JOIN u AS other ON t.v = other.v WHERE t.v = $v", t="t_1", u="u_2")
    assert statement == (
        "SELECT `t`.`v` FROM `t_1` AS `t` JOIN `u_2` AS `other` ON `t`.`v` = `other`.`v` WHERE `t`.`v` = :v"
    )


def test_a_numbering_of_all_rows_is_taken_apart():
    _, numbering = translated("SELECT a, row_number() OVER (ORDER BY b DESC, c) - 1 AS x FROM t WHERE a > 1")
    assert numbering.rows == "SELECT `a` FROM `t` WHERE `a` > 1 ORDER BY `b` DESC, `c` NULLS LAST"
    assert numbering.columns == ("`a`", "CAST(`row_place` AS BIGINT) - 1 AS `x`")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t",
        "SELECT *, row_number() OVER (ORDER BY a) AS x FROM t",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS x FROM t",
        "SELECT row_number() OVER () AS x FROM t",
        "SELECT row_number() OVER (ORDER BY a) AS x FROM t LIMIT 3",
        "SELECT DISTINCT row_number() OVER (ORDER BY a) AS x FROM t",
        "SELECT a + row_number() OVER (ORDER BY a) AS x FROM t",
        "SELECT row_number() OVER (ORDER BY a) AS x, row_number() OVER (ORDER BY b) AS y FROM t",
        "SELECT rank() OVER (ORDER BY a) AS x FROM t",
        "SELECT a FROM t UNION SELECT row_number() OVER (ORDER BY a) AS a FROM t",
    ],
)
def test_what_is_no_plain_numbering_is_left_to_spark(sql):
    assert translated(sql)[1] is None


def test_the_first_words_of_an_error():
    from iolaus.store.spark.words import first_words

    said = {
        "[NOPE] no such column. SQLSTATE: 42703; line 1 pos 7;\n'Project": "[NOPE] no such column.",
        "An error occurred while calling o1.x.\n: java.io.IOException: disk full\n\tat a.b.C": "disk full",
        "Job aborted\nTraceback (most recent call last):\n  File x\nValueError: row 7\n\tat a.b.C": "row 7",
        "": "RuntimeError",
    }
    assert {text: first_words(RuntimeError(text)) for text in said} == said
