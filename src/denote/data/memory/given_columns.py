"""Columns as a caller holds them, in lists, arrays, tensors or frames of any library, as columns of polars.

Values stay exact, and what stands for no value (None, NaN, NaT, pandas' NA, a mask) is null.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Shaped
from torch import Tensor

from denote.errors import DataError, told

REGISTERED = 2
"""What `numpy.dtype.isbuiltin` says of a type that another library added, such as those of ml_dtypes."""

UNNAMED = "needed: real numbers; save bfloat16 and 8-bit floats, whose type such files do not keep, as float32"
"""The remedy where a file holds bytes without a type (``|V1``, ``|V2``)."""


def plain_array(values: Tensor | np.ndarray) -> Shaped[np.ndarray, "*shape"]:
    """Return the numbers in a type of NumPy's own.

    bfloat16, floats of 8 bits and quantised numbers become float32, which holds each of them exactly; other types stay.

    Args:
        values: Any shape, on any device, dense or sparse.

    Raises:
        TypeError: for masked numbers, and a type that cannot be read one number at a time, such as two floats of 4
            bits in a byte.
    """
    if isinstance(values, Tensor):
        return _plain_tensor(values)
    if isinstance(values, np.ma.MaskedArray):
        if hidden := int(np.ma.getmaskarray(values).sum()):
            raise TypeError(f"{hidden} numbers are masked")
        values = values.data
    return values.astype(np.float32) if values.dtype.isbuiltin == REGISTERED else values


def short_floats(values: Tensor) -> Tensor:
    """Return floats of 8 bits, for which PyTorch has hardly an operation, as float32; other tensors as they are."""
    return values.float() if values.is_floating_point() and values.itemsize == 1 else values


def _plain_tensor(tensor: Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64):
        try:
            tensor = tensor.float()
        except RuntimeError as error:  # of types that PyTorch cannot convert
            raise TypeError(f"numbers of type {tensor.dtype} cannot be read") from error
    return np.asarray(tensor.resolve_conj().resolve_neg())


ALLOWED = "numbers, yes/no, texts or dates, one value per row, None where not known"

NUMBER, TEXT = "a number", "text"

KINDS = {
    bool | int | float | Decimal: NUMBER,
    str | bytes: TEXT,
    datetime: "a time",
    date: "a date",
    time: "a time of day",
    timedelta: "a duration",
}
"""Kind of a value by its type, the first that fits."""

ALWAYS_KNOWN = {bool, int, str, bytes, type(None)}
"""Types of Python none of whose values but None stands for a missing one."""


def given_frame(attributes: Any) -> dict[str, Any] | None:
    """Return the columns of a mapping or a data frame by name, as they came; None for None.

    Args:
        attributes: A mapping, or a frame of polars, pandas, pyarrow or Hugging Face.

    Raises:
        DataError: naming ``attributes``, for anything else, or two columns of one name.
    """
    if attributes is None:
        return None
    if isinstance(attributes, pl.LazyFrame):
        raise DataError("attributes", "a LazyFrame, which has no rows yet", "attributes.collect()")
    if isinstance(attributes, Mapping):
        pairs = list(attributes.items())
    elif hasattr(attributes, "iloc"):  # pandas, whose columns may have equal names
        pairs = [(name, attributes.iloc[:, at]) for at, name in enumerate(getattr(attributes, "columns", ()))]
    else:
        names = getattr(attributes, "column_names", getattr(attributes, "columns", ()))
        pairs = [(name, attributes[name]) for name in names]
    if not pairs:
        allowed = "a mapping of names to columns, or a data frame; one label per input goes to classes="
        raise DataError("attributes", type(attributes).__name__, allowed)
    named = {str(name): values for name, values in pairs}
    if len(named) < len(pairs):
        names = [str(name) for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"attributes[{twice!r}]", "is there twice", "a name for each column")
    return named


def given_column(name: str, values: Any, where: str) -> pl.Series:
    """Return a column as polars knows it, exact, with null for what is not known.

    Args:
        name: Of the column.
        values: What a caller gave.
        where: What to name in an error.

    Raises:
        DataError: for what is no column, values of several kinds (the first row), or of a kind that none reads.
    """
    try:
        return _exact(_series(name, values, where), where)
    except (TypeError, ValueError, ArithmeticError, RuntimeError, pl.exceptions.PolarsError) as error:
        raise DataError(where, f"{type(values).__name__} makes no column ({told(error)})", ALLOWED) from error


def check_row_order(given: Mapping[str, Any]) -> None:
    """Refuse pandas columns whose indices hold the same labels in another order: by position, rows would be mixed up.

    Args:
        given: By what to name in an error.

    Raises:
        DataError: naming both.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return
    indexed = {where: values.index for where, values in given.items() if isinstance(values, pandas.Series)}
    for where, index in list(indexed.items())[1:]:
        first, other = next(iter(indexed.items()))
        if len(index) != len(other) or index.equals(other) or not (index.is_unique and other.is_unique):
            continue
        if index.isin(other).all():
            problem = f"its index has the rows of {first} in another order, and rows are taken by position"
            raise DataError(where, problem, ".loc[...] to one order, or .reset_index(drop=True) if they have it")


def _series(name: str, values: Any, where: str) -> pl.Series:
    pandas = sys.modules.get("pandas")  # what was never imported made no column either
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, Tensor):
        return _of_array(name, plain_array(values), where)
    if pandas is not None and isinstance(values, pandas.Series | pandas.Index | pandas.api.extensions.ExtensionArray):
        return _of_pandas(name, pandas.Series(values), where)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return pl.Series(name, values)
    if hasattr(values, "__array__"):
        return _of_array(name, values if isinstance(values, np.ma.MaskedArray) else np.asarray(values), where)
    if isinstance(values, str | bytes | Mapping | Set) or not isinstance(values, Iterable):
        problem = f"{type(values).__name__} is no column"
        raise DataError(where, problem, "allowed: a list, an array, a tensor or a series")
    return _of_objects(name, list(values), where)


def _of_array(name: str, values: np.ndarray, where: str) -> pl.Series:
    if values.ndim != 1 or values.dtype.names:
        problem = f"several values per row: an array of shape {values.shape} and type {values.dtype}"
        raise DataError(where, problem, "one value per row")
    if isinstance(values, np.ma.MaskedArray):
        return _of_objects(name, values.tolist(), where)  # what is masked becomes None
    values = plain_array(values)
    kind = values.dtype.kind
    if kind == "S":
        return pl.Series(name, np.char.decode(values, "utf-8"))
    if kind in "Mm" and np.datetime_data(values.dtype)[0] not in ("ms", "us", "ns"):
        return pl.Series(name, values.astype(f"{kind}8[us]"))  # polars knows no hours or months
    if kind == "f":
        return pl.Series(name, values.astype(np.float64 if values.itemsize > 4 else np.float32), nan_to_null=True)
    if kind in "biuMm":
        return pl.Series(name, values.astype(values.dtype.newbyteorder("="), copy=False))
    if kind in "OUT":
        return _of_objects(name, values.tolist(), where)
    raise DataError(where, f"an array of {values.dtype}", ALLOWED)


def _of_pandas(name: str, values: Any, where: str) -> pl.Series:
    """Read a series of pandas without pyarrow, which polars would ask for but for plain numbers."""
    if isinstance(values.dtype, np.dtype):
        return _of_array(name, values.to_numpy(), where)
    are_known = values.notna().to_numpy()
    if hasattr(values, "cat"):
        # As text, as a caller who made categories of numbers or intervals wants each for itself.
        texts = [str(category) for category in values.cat.categories]
        if len(set(texts)) < len(texts):
            raise DataError(where, "has two categories that are written alike", "values.astype(str)")
        return pl.Series(name, [texts[code] if code >= 0 else None for code in values.cat.codes], dtype=pl.String)
    objects = [value if is_known else None for value, is_known in zip(values, are_known, strict=True)]
    return _of_objects(name, objects, where)


def _of_objects(name: str, values: Sequence[Any], where: str) -> pl.Series:
    """Read Python objects of one kind.

    Raises:
        DataError: naming the first row of another kind, or of none.
    """
    if not set(map(type, values)) <= ALWAYS_KNOWN:
        missing = getattr(sys.modules.get("pandas"), "NA", None)
        values = [None if value is missing else _plain_value(value) for value in values]
    types, kind = list(map(type, values)), ""
    for row, of in sorted(((types.index(of), of) for of in set(types) - {type(None)}), key=itemgetter(0)):
        earlier, kind = kind, next((kind for types_of, kind in KINDS.items() if issubclass(of, types_of)), "")
        if not kind:
            raise DataError(where, f"row {row} holds {values[row]!r:.40}, of type {of.__name__}", ALLOWED)
        if earlier not in ("", kind):
            problem = f"row {row} holds {kind} ({values[row]!r:.40}), earlier rows {earlier}"
            raise DataError(where, problem, "values of one kind")
    if kind == NUMBER:
        return _of_numbers(name, values, where)
    if kind in (TEXT, ""):
        texts = [value.decode("utf-8") if isinstance(value, bytes) else value for value in values]
        return pl.Series(name, [None if text is None else str(text) for text in texts], dtype=pl.String)
    return pl.Series(name, values)


def _plain_value(value: Any) -> Any:
    """Return a value of NumPy's or PyTorch's as one of Python's; None for one that differs from itself, as NaN does."""
    if isinstance(value, np.datetime64):  # those in nanoseconds would become whole numbers
        value = value.astype("M8[us]")
    if isinstance(value, np.generic) or (isinstance(value, Tensor | np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, np.longdouble):
        value = float(value)
    differs = value != value
    return None if value is None or (isinstance(differs, bool | np.bool_) and differs) else value


def _of_numbers(name: str, values: Sequence[bool | float | Decimal | None], where: str) -> pl.Series:
    numbers = [number for number in values if number is not None]
    if all(isinstance(number, bool) for number in numbers):
        return pl.Series(name, values, dtype=pl.Boolean)
    if all(isinstance(number, int) for number in numbers):
        small = all(-(2**63) <= number < 2**63 for number in numbers)
        whole = [None if number is None else int(number) for number in values]
        return pl.Series(name, whole, dtype=pl.Int64 if small else pl.Int128)
    if not any(isinstance(number, float) for number in numbers):
        return pl.Series(name, [None if number is None else Decimal(number) for number in values])
    for row, number in enumerate(values):
        if isinstance(number, int) and int(float(number)) != number:
            raise DataError(where, f"row {row} holds {number}, which is no float, as other rows are", "all of one type")
    return pl.Series(name, [None if number is None else float(number) for number in values], dtype=pl.Float64)


def _exact(column: pl.Series, where: str) -> pl.Series:
    """Return a column whose values can be sorted and compared, without those that stand for none."""
    kind = column.dtype
    if kind.is_nested():
        raise DataError(where, f"several values per row ({kind})", "one value per row")
    if kind == pl.Object:
        return _of_objects(column.name, column.to_list(), where)
    if kind in (pl.Categorical, pl.Enum, pl.Binary, pl.Null):
        return column.cast(pl.String)
    if kind.is_float():
        return (column.cast(pl.Float32) if kind == pl.Float16 else column).fill_nan(None)
    if kind.is_decimal() and bool((column == column.cast(pl.Int128, strict=False)).all()):
        whole = column.cast(pl.Int128)
        return whole.cast(pl.Int64) if whole.is_between(-(2**63), 2**63 - 1).all() else whole
    return column
