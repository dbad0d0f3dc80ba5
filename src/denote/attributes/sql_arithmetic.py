"""Evaluate an SQL expression step by step, so that what has no value is null: 1 / 0, LN(0), SQRT(-1), an overflow.

polars gives infinity and NaN for these, holds NaN for larger than any number, and lets whole numbers wrap around: each
would be a yes or a no of a property that the row does not have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool

_ARITHMETIC = ("Plus", "Minus", "Multiply", "Divide", "TrueDivide", "FloorDivide", "Modulus")
"""Of the operators of a ``BinaryExpr``; SQL's own are functions."""
_DIVISIONS = ("Div", "IntDiv", "Rem")
"""Of the operators of SQL's functions."""
_SIGNED = {pl.Int8: 7, pl.Int16: 15, pl.Int32: 31, pl.Int64: 63, pl.Int128: 127}
_UNSIGNED = {pl.UInt8: 8, pl.UInt16: 16, pl.UInt32: 32, pl.UInt64: 64, pl.UInt128: 128}
_BITS = _SIGNED | _UNSIGNED
"""Whole numbers of 2 to this and above do not fit a type."""
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
        held = {**held, **{part: self._all(held[part]) for part in _PARTS[kind] if held.get(part) is not None}}
        if kind == "Ternary" or (kind == "BinaryExpr" and held["op"] not in _ARITHMETIC):
            return {kind: held}
        return self._step(kind, held)

    def _all(self, part: Any) -> Any:
        return [self._stepwise(each) for each in part] if isinstance(part, list) else self._stepwise(part)

    def _step(self, kind: str, held: dict[str, Any]) -> Any:
        node = {kind: held}
        parts = [each for part in _PARTS[kind] for each in _listed(held[part])]
        if not any(_reads(part) for part in parts):
            return node if self._is_finite(node) else _NULL
        values = self._frame.select(_expression(node).alias("value")).to_series()
        if not values.dtype.is_numeric() or len(values) != self._frame.height:
            return node
        bad = ~values.is_finite() if values.dtype.is_float() else values.is_null() & False
        if _is_arithmetic(kind, held):
            bad = bad.fill_null(False) | self._vanishes(parts, values)
        if _may_grow(kind, held):
            bad = bad.fill_null(False) | self._wraps(kind, held, values)
        bad = bad.fill_null(False)
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
        if not values.dtype.is_integer():
            return values.is_null() & False
        floating = {part: _each(held[part], _as_float) for part in _PARTS[kind]}
        numbers = self._frame.select(_expression({kind: {**held, **floating}}).cast(pl.Float64)).to_series()
        largest = next(bits for kind, bits in _BITS.items() if values.dtype == kind)
        return (numbers.abs() >= 2.0**largest).fill_null(False)

    def _vanishes(self, parts: list[Any], values: pl.Series) -> pl.Series:
        """Return where a step has no value although all that it reads has: a remainder by 0."""
        operands = pl.all_horizontal(_expression(part).is_not_null() for part in parts)
        return values.is_null() & self._frame.select(operands).to_series()


_PARTS = {
    "BinaryExpr": ("left", "right"),
    "Function": ("input",),
    "Cast": ("expr",),
    "Ternary": ("predicate", "truthy", "falsy"),
}
"""Where a node of polars' expression tree holds the nodes that it reads."""


def _is_arithmetic(kind: str, held: dict[str, Any]) -> bool:
    return kind == "BinaryExpr" or _operator(held) is not None


def _may_grow(kind: str, held: dict[str, Any]) -> bool:
    """Return whether whole numbers may become larger: by all arithmetic but division."""
    return _is_arithmetic(kind, held) and _operator(held) not in _DIVISIONS


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
    return [change(each) for each in part] if isinstance(part, list) else change(part)


def _as_float(node: Any) -> Any:
    return {"Cast": {"expr": node, "dtype": {"Literal": "Float64"}, "options": "NonStrict"}}


def _reads(node: Any) -> bool:
    return bool(_expression(node).meta.root_names())


def _expression(node: Any) -> pl.Expr:
    return pl.Expr.deserialize(StringIO(json.dumps(node)), format="json")
