"""From the steps' SQL to Spark's: transpiled by sqlglot, with what the two engines do not share set right.

Spark puts nulls first and numbers rows in 32 bits, and it numbers a whole table in a single task. Here nulls last is
said aloud, numbers become 64 bits wide, and a numbering of a whole table is taken apart so that it can be spread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from iolaus.errors import StoreError
from iolaus.store.step import Step

__all__ = ["PLACE", "Numbering", "Translated"]

# The column that holds a row's number, counted from 1, where a numbering was taken apart.
PLACE: Final = "row_place"
# What makes a SELECT more than a projection of rows, so that its numbering is left to Spark.
_BEYOND_ROWS: Final = ("distinct", "group", "having", "order", "limit", "offset", "qualify", "windows")


@dataclass(frozen=True, slots=True)
class Numbering:
    """A SELECT with a ``row_number`` over all its rows, taken apart.

    Attributes:
        rows: the SELECT without the number, its rows in the order in which they are to be numbered.
        columns: the projections over those rows and ``PLACE``.
    """

    rows: str
    columns: tuple[str, ...]


class Translated:
    """A step's SQL for Spark.

    Args:
        step: the step.

    Raises:
        StoreError: it is no SQL.
    """

    def __init__(self, step: Step) -> None:
        try:
            tree = sqlglot.parse_one(step.sql, read="duckdb")
        except ParseError as error:
            told = error.errors[0]["description"] if error.errors else str(error)
            raise StoreError(step.name, step.sql, " ".join(told.split())) from error
        self._tree = tree.transform(_wide)

    @property
    def groups(self) -> bool:
        """Whether it makes one row of many, and so far fewer than it reads."""
        return self._tree.args.get("group") is not None

    @property
    def reads(self) -> list[str]:
        """Names of the tables and steps that it reads, one entry for each time."""
        return [table.name for table in self._tree.find_all(exp.Table)]

    def over(self, views: Mapping[str, str]) -> tuple[str, Numbering | None]:
        """The statement over Spark's views, and the same taken apart where it numbers all its rows.

        Args:
            views: by the name that the step uses, the name under which Spark knows the table; other names stay.
        """

        def renamed(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Table) and node.name in views:
                alias = exp.TableAlias(this=exp.to_identifier(node.alias or node.name))
                return exp.Table(this=exp.to_identifier(views[node.name]), alias=alias)
            return node

        tree = self._tree.transform(renamed)
        return _spark(tree), _numbering(tree)


def _numbering(tree: exp.Expression) -> Numbering | None:
    """None where the statement is no plain projection, or numbers nothing or not all of its rows."""
    if not isinstance(tree, exp.Select) or tree.is_star or any(tree.args.get(part) for part in _BEYOND_ROWS):
        return None
    windows = list(tree.find_all(exp.Window))
    if len(windows) != 1 or not isinstance(windows[0].this, exp.RowNumber) or windows[0].args.get("partition_by"):
        return None
    order = windows[0].args.get("order")
    number = next((column for column in tree.expressions if windows[0] in column.find_all(exp.Window)), None)
    if order is None or not isinstance(number, exp.Alias):
        return None
    placed = number.transform(lambda node: exp.column(PLACE) if isinstance(node, exp.Window) else node)
    if any(column.name != PLACE for column in placed.find_all(exp.Column)):
        return None
    rows = tree.copy()
    rows.set("expressions", [column.copy() for column in tree.expressions if column is not number])
    rows.set("order", order.copy())
    columns = (placed if column is number else exp.column(column.alias_or_name) for column in tree.expressions)
    return Numbering(_spark(rows), tuple(_spark(column) for column in columns))


def _spark(tree: exp.Expression) -> str:
    return tree.sql(dialect="spark", identify=True)


def _wide(node: exp.Expression) -> exp.Expression:
    """A row's number in 64 bits, as DuckDB has it."""
    if isinstance(node, exp.Window) and isinstance(node.this, exp.RowNumber) and not isinstance(node.parent, exp.Cast):
        return exp.cast(node.copy(), exp.DataType.Type.BIGINT)
    return node
