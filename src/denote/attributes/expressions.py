"""``attribute.where``: an SQL expression over the attribute table becomes one yes, no or null per row.

Each label must follow from its own row alone. An expression that reads other rows (an aggregate, a window, a subquery)
would carry *test* into the labels of *fit*, so it is refused twice: by the shape of the parsed expression, and by
evaluating rows on their own.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from denote.attributes.labels import NULL
from denote.attributes.sql_arithmetic import Evaluation
from denote.errors import AttributeLabelError, first_line, one_of

log = logging.getLogger(__name__)

ROWS_ON_THEIR_OWN = 256
"""Rows that are evaluated one by one, evenly spaced over the table."""

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_SUBQUERY = re.compile(r"\bSELECT\b", re.IGNORECASE)
# Kinds of node in polars' expression tree that see more than one row or make other than one row of each.
_READS_ROWS = {
    "Agg": "an aggregate", "AnonymousAgg": "an aggregate", "Len": "an aggregate", "Quantile": "an aggregate",
    "Correlation": "an aggregate", "Over": "a window", "Window": "a window", "Rolling": "a window",
    "Shift": "a window", "Range": "a window", "Explode": "an unnesting", "Selector": "a column selector",
    "Filter": "a filter", "Sort": "a sort", "SortBy": "a sort", "Gather": "an index", "Slice": "a slice",
    "SubPlan": "a subquery",
}  # fmt: skip
_ONE_PER_ROW = "one Boolean per row without aggregates, windows or subqueries"


def parse_where(expression: str, where: str = "attribute.where") -> pl.Expr:
    """Parse an SQL Boolean expression; what can be known without a table.

    Args:
        expression: For example ``class IN (0, 6) AND ink > 0.2``.
        where: The config key to name in an error.

    Raises:
        AttributeLabelError: for malformed SQL, an aggregate, a window, a subquery, or an expression without a column.
    """
    if not isinstance(expression, str):
        raise AttributeLabelError(where, f"{expression!r} is no text", "allowed: an SQL expression over the table")
    # Before parsing: polars opens the files that a subquery names while it parses.
    if _SUBQUERY.search(_QUOTED.sub("", expression)):
        raise _other_rows(where, expression, "a subquery")
    try:
        parsed = pl.sql_expr(expression)
    except pl.exceptions.PolarsError as error:
        hint = (
            """on a command line it needs quotes inside the shell's: 'attribute.where="class IN (0, 6)"'; """
            "a column called order or group needs double quotes"
        )
        problem = f"{expression!r} is not an SQL expression ({first_line(error)})"
        raise AttributeLabelError(where, problem, hint) from error
    tree = json.loads(parsed.meta.serialize(format="json"))
    for node in _nodes(tree):
        if node in _READS_ROWS:
            raise _other_rows(where, expression, _READS_ROWS[node])
    if not parsed.meta.root_names():
        raise AttributeLabelError(where, f"{expression!r} reads no column", "needed: a column of the table")
    return parsed


def evaluate_where(expression: str, table: pl.DataFrame, where: str = "attribute.where") -> Int8[np.ndarray, " sample"]:
    """Labels of an SQL Boolean expression: 1 yes, 0 no, -1 where a null or NaN leaves it open.

    Args:
        expression: See `parse_where`.
        table: The attribute table.
        where: The config key to name in an error.

    Raises:
        AttributeLabelError: as `parse_where`; for columns the table lacks (lists its own, the nearest first), for
            values that cannot be compared, and for a result that is no Boolean.
    """
    parsed = parse_where(expression, where)
    columns = list(dict.fromkeys(parsed.meta.root_names()))
    for column in columns:
        if column not in table.columns:
            raise _unknown(column, expression, table, where)
    read = table.select(columns)
    evaluation = Evaluation(read)
    found = _evaluated(evaluation, parsed, expression, where)
    if found.dtype != pl.Boolean:
        problem = f"{expression!r} gives {found.dtype}, not yes or no"
        raise AttributeLabelError(where, problem, _comparison(read[columns[0]]))
    if len(found) != table.height or not _is_row_by_row(parsed, read, found, expression, where):
        raise _other_rows(where, expression, "something that reads other rows")
    if undefined := int(evaluation.undefined.sum()):
        problem = f"{expression!r} has a division by 0, a root or logarithm of what has none, or a number too large"
        if undefined == table.height:
            raise AttributeLabelError(where, f"{problem} in every row", "such rows have no value")
        log.warning("%s: %s in %d of %d rows: null there", where, problem, undefined, table.height)
    return found.cast(pl.Int8).fill_null(NULL).to_numpy()


def _comparison(column: pl.Series) -> str:
    """How to make a yes or no of a column, with values that it has."""
    if column.dtype != pl.String:
        return f"compare it, for example {column.name} = 1"
    values = column.drop_nulls().unique().sort()
    shown = ", ".join(values.head(6).to_list()) + (", ..." if len(values) > 6 else "")
    return f"compare it, for example {column.name} = '{values[0]!s}'; its values: {shown}"


def _is_row_by_row(parsed: pl.Expr, read: pl.DataFrame, found: pl.Series, expression: str, where: str) -> bool:
    """Whether rows give on their own what they give among all."""
    rows = np.unique(np.linspace(0, read.height - 1, min(read.height, ROWS_ON_THEIR_OWN)).astype(np.int64))
    alone = [_evaluated(Evaluation(read[int(row)]), parsed, expression, where) for row in rows]
    return all(len(value) == 1 for value in alone) and pl.concat(alone).equals(found[rows], null_equal=True)


def _evaluated(evaluation: Evaluation, parsed: pl.Expr, expression: str, where: str) -> pl.Series:
    try:
        return evaluation(parsed)
    except pl.exceptions.PolarsError as error:
        types = ", ".join(f"{name} {kind}" for name, kind in evaluation.table.schema.items())
        problem = f"{expression!r} cannot be evaluated ({first_line(error)})"
        raise AttributeLabelError(where, problem, f"its columns: {types}") from error


def _nodes(tree: Any) -> Iterator[str]:
    """Names of the nodes; a leaf such as ``Len`` is a bare string, but so is a column's name, which is no node."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            if key not in ("Column", "Literal"):
                yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
    elif tree == "Len":
        yield tree


def _unknown(column: str, expression: str, table: pl.DataFrame, where: str) -> AttributeLabelError:
    quoted = (
        f'; "{column}" in double quotes is a column, text takes single quotes' if f'"{column}"' in expression else ""
    )
    problem = f"{expression!r} names no column of the table with {column!r}{quoted}"
    return AttributeLabelError(where, problem, one_of(column, table.columns))


def _other_rows(where: str, expression: str, what: str) -> AttributeLabelError:
    return AttributeLabelError(where, f"{expression!r} holds {what}", f"allowed: {_ONE_PER_ROW}")
