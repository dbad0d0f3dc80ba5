"""Evaluate ``attribute.where``, an SQL expression over the attribute table, to one yes, no or null per row.

Arithmetic is evaluated step by step, so that what has no value is null: 1 / 0, LN(0), SQRT(-1), an overflow. polars
gives infinity and NaN for these, holds NaN for larger than any number, and lets whole numbers wrap around: each would
be a yes or a no of a property that the row does not have.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Int8

from denote.attributes.expression_limits import check_growth, check_length, too_deep, unquoted
from denote.attributes.labels import NULL
from denote.errors import AttributeLabelError, first_line, one_of

_ARITHMETIC = ("Plus", "Minus", "Multiply", "Divide", "TrueDivide", "FloorDivide", "Modulus")
"""Of the operators of a ``BinaryExpr``; SQL's own are functions."""
_DIVISIONS = ("Div", "IntDiv", "Rem")
"""Of the operators of SQL's functions."""
_NULL = {"Literal": {"Scalar": {"Null": "Null"}}}


@dataclass
class Evaluation:
    """The value of an expression in every row of a table.

    Attributes:
        table: The columns that it reads.
        undefined: Rows in which a step has no value although all that it reads has one.
    """

    table: pl.DataFrame
    undefined: Bool[np.ndarray, " row"] = field(init=False)

    def __post_init__(self) -> None:
        """Make whole numbers wide enough for sums and products, and NaN missing."""
        whole = [name for name, kind in self.table.schema.items() if kind.is_integer() and kind != pl.Int128]
        wide = pl.Int128 if any(self.table.schema[name] == pl.UInt64 for name in whole) else pl.Int64
        floats = [name for name, kind in self.table.schema.items() if kind.is_float()]
        self.table = self.table.with_columns(pl.col(whole).cast(wide), pl.col(floats).fill_nan(None))
        self.undefined = np.zeros(self.table.height, dtype=bool)
        self._frame = self.table

    def __call__(self, expression: pl.Expr) -> pl.Series:
        """Evaluate.

        Raises:
            polars.exceptions.PolarsError: for what cannot be evaluated.
        """
        tree = self._stepwise(json.loads(expression.meta.serialize(format="json")))
        return self._frame.select(_expression(tree).alias("label")).to_series()

    def _stepwise(self, node: Any) -> Any:
        """Return the tree with every step that gives a number replaced by a column of its values."""
        if not isinstance(node, dict) or len(node) != 1:
            return node
        ((kind, held),) = node.items()
        if kind == "Literal":
            return _floating(node)
        if kind not in _PARTS or not isinstance(held, dict):
            return node
        held = held | {part: _each(held[part], self._stepwise) for part in _PARTS[kind] if held.get(part) is not None}
        if kind == "Ternary" or (kind == "BinaryExpr" and held["op"] not in _ARITHMETIC):
            return {kind: held}
        return self._step(kind, held)

    def _step(self, kind: str, held: dict[str, Any]) -> Any:
        node = {kind: held}
        parts = [part for name in _PARTS[kind] for part in _listed(held[name])]
        if not any(_reads(part) for part in parts):
            return node if self._is_finite(node) else _NULL
        values = self._frame.select(_expression(node).alias("value")).to_series()
        if not values.dtype.is_numeric() or len(values) != self._frame.height:
            return node
        bad = (~values.is_finite()).fill_null(False)  # whole numbers are finite
        operator = _operator(held)
        if kind == "BinaryExpr" or operator is not None:
            operands = pl.all_horizontal(_expression(part).is_not_null() for part in parts)
            bad |= values.is_null() & self._frame.select(operands).to_series()  # a remainder by 0
            if values.dtype.is_integer() and operator not in _DIVISIONS:
                bad |= self._wraps(kind, held, values)
        self.undefined |= bad.to_numpy()
        name = f"value of step {self._frame.width}"
        null = pl.Series([None], dtype=values.dtype)
        self._frame = self._frame.with_columns(values.zip_with(~bad, null).alias(name))
        return {"Column": name}

    def _is_finite(self, node: Any) -> bool:
        value = pl.select(_expression(node)).to_series()
        return not value.dtype.is_float() or bool(value.is_finite().fill_null(True).all())

    def _wraps(self, kind: str, held: dict[str, Any], values: pl.Series) -> pl.Series:
        """Return where whole numbers are beyond what their type holds: the same in floating point tells."""
        floating = {part: _each(held[part], _as_float) for part in _PARTS[kind]}
        numbers = self._frame.select(_expression({kind: held | floating}).cast(pl.Float64)).to_series()
        beyond = float(values.upper_bound()[0]) + 1
        return (numbers.abs() >= beyond).fill_null(False)


_PARTS = {
    "BinaryExpr": ("left", "right"),
    "Function": ("input",),
    "Cast": ("expr",),
    "Ternary": ("predicate", "truthy", "falsy"),
}
"""Where a node of polars' expression tree holds the nodes that it reads."""


def _operator(held: dict[str, Any]) -> str | None:
    """Return the operator of a function that stands for one of SQL's."""
    match held.get("function"):
        case {"Sql": {"Binary": str(operator)}}:
            return operator
    return None


def _floating(literal: dict[str, Any]) -> dict[str, Any]:
    """Return a literal such as 0.5 as a floating-point number: as a decimal it would fail to be divided by 0."""
    match literal:
        case {"Literal": {"Scalar": {"Decimal": [digits, _, scale]}}}:
            return {"Literal": {"Scalar": {"Float64": int(digits) / 10 ** int(scale)}}}
    return literal


def _listed(part: Any) -> list[Any]:
    return part if isinstance(part, list) else [part]


def _each(part: Any, change: Any) -> Any:
    return [change(node) for node in part] if isinstance(part, list) else change(part)


def _as_float(node: Any) -> Any:
    return {"Cast": {"expr": node, "dtype": {"Literal": "Float64"}, "options": "NonStrict"}}


def _reads(node: Any) -> bool:
    return bool(_expression(node).meta.root_names())


def _expression(node: Any) -> pl.Expr:
    return pl.Expr.deserialize(StringIO(json.dumps(node)), format="json")


log = logging.getLogger(__name__)

ROWS_ON_THEIR_OWN = 256
"""Rows that are evaluated one by one, evenly spaced over the table."""

_SUBQUERY = re.compile(r"\bSELECT\b", re.IGNORECASE)
# Kinds of node in polars' expression tree that see more than one row or make other than one row of each.
_READERS_OF_ROWS = {
    "an aggregate": ("Agg", "AnonymousAgg", "Len", "Quantile", "Correlation"),
    "a window": ("Over", "Window", "Rolling", "Shift", "Range"),
    "an unnesting": ("Explode",),
    "a column selector": ("Selector",),
    "a filter": ("Filter",),
    "a sort": ("Sort", "SortBy"),
    "an index": ("Gather",),
    "a slice": ("Slice",),
    "a subquery": ("SubPlan",),
}
_READS_ROWS = {node: word for word, nodes in _READERS_OF_ROWS.items() for node in nodes}
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
    check_length(expression, where)
    if _SUBQUERY.search(unquoted(expression)):
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
    try:
        tree = json.loads(parsed.meta.serialize(format="json"))
        reading = next((node for node in _nodes(tree) if node in _READS_ROWS), None)
    except RecursionError as error:
        raise too_deep(where) from error
    if reading is not None:
        raise _other_rows(where, expression, _READS_ROWS[reading])
    check_growth(tree, where)
    if not parsed.meta.root_names():
        raise AttributeLabelError(where, f"{expression!r} reads no column", "needed: a column of the table")
    return parsed


def evaluate_where(expression: str, table: pl.DataFrame, where: str = "attribute.where") -> Int8[np.ndarray, " sample"]:
    """Return the labels of an SQL Boolean expression: 1 yes, 0 no, -1 where a null or NaN leaves it open.

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
    labels = _evaluated(evaluation, parsed, expression, where)
    if labels.dtype != pl.Boolean:
        problem = f"{expression!r} gives {labels.dtype}, not yes or no"
        raise AttributeLabelError(where, problem, _comparison(read[columns[0]]))
    if len(labels) != table.height or not _is_row_by_row(parsed, read, labels, expression, where):
        raise _other_rows(where, expression, "something that reads other rows")
    if undefined := int(evaluation.undefined.sum()):
        problem = f"{expression!r} has a division by 0, a root or logarithm of what has none, or a number too large"
        if undefined == table.height:
            raise AttributeLabelError(where, f"{problem} in every row", "such rows have no value")
        log.warning("%s: %s in %d of %d rows: null there", where, problem, undefined, table.height)
    return labels.cast(pl.Int8).fill_null(NULL).to_numpy()


def _comparison(column: pl.Series) -> str:
    """Return how to make a yes or no of a column, with values that it has."""
    if column.dtype != pl.String:
        return f"compare it, for example {column.name} = 1"
    values = column.drop_nulls().unique().sort()
    examples = ", ".join(values.head(6).to_list()) + (", ..." if len(values) > 6 else "")
    return f"compare it, for example {column.name} = '{values[0]!s}'; its values: {examples}"


def _is_row_by_row(parsed: pl.Expr, read: pl.DataFrame, labels: pl.Series, expression: str, where: str) -> bool:
    """Return whether rows give on their own what they give among all; of rows that hold the same one is asked."""
    rows = np.unique(np.linspace(0, read.height - 1, min(read.height, ROWS_ON_THEIR_OWN)).astype(np.int64))
    _, first, place = np.unique(read[rows].hash_rows().to_numpy(), return_index=True, return_inverse=True)
    alone = [_evaluated(Evaluation(read[int(row)]), parsed, expression, where) for row in rows[first]]
    return all(len(value) == 1 for value in alone) and pl.concat(alone)[place].equals(labels[rows], null_equal=True)


def _evaluated(evaluation: Evaluation, parsed: pl.Expr, expression: str, where: str) -> pl.Series:
    try:
        return evaluation(parsed)
    except RecursionError as error:
        raise too_deep(where) from error
    except pl.exceptions.PolarsError as error:
        types = ", ".join(f"{name} {kind}" for name, kind in evaluation.table.schema.items())
        problem = f"{expression!r} cannot be evaluated ({first_line(error)})"
        raise AttributeLabelError(where, problem, f"its columns: {types}") from error


def _nodes(tree: Any) -> Iterator[str]:
    """Yield the names of the nodes; a leaf such as ``Len`` is a bare string, but so is a column's name, which is no
    node.
    """
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
