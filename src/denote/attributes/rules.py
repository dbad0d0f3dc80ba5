"""The rules that families come from: classes, subsets of classes, columns, quantiles, single expressions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import compress

import numpy as np
import polars as pl
from jaxtyping import Bool, Int8

from denote.attributes.expressions import evaluate_where
from denote.attributes.labels import NULL, Family, Labels, SubsetFamily, class_set_name
from denote.data.columns.text_dates import YEAR
from denote.data.samples import Samples, is_text
from denote.errors import AttributeLabelError

MOST_CLASSES_AS_CELLS = 16
"""32,767 subsets; one class more doubles them."""
MOST_VALUES = 64
"""Distinct values of a text column that become attributes; more is an id or free text."""
MOST_NAMED = 8
"""Columns that one line of the log names."""
PROPORTIONS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
QUANTILE_TOLERANCE = 0.2
"""Largest distance of a realised proportion from the asked one p, as a share of min(p, 1 - p): beyond it, ties have
made the attribute something other than its name says."""

log = logging.getLogger(__name__)

Columns = list[tuple[str, Int8[np.ndarray, " sample"]]]


def named(option: str, samples: Samples, *, where: str) -> Family:
    """Return one attribute by an SQL expression, under the option's name.

    Args:
        option: Name of the option and of the attribute.
        samples: Where the table comes from.
        where: The expression.
    """
    return expressions({option: where}, samples, f"attribute.{option}.where")


def expressions(named_expressions: dict[str, str], samples: Samples, where: str) -> Family:
    """Return attributes by name and SQL expression.

    Args:
        named_expressions: Expressions by name.
        samples: Where the table comes from.
        where: The config key to name in an error.
    """
    attributes = [(name, evaluate_where(text, samples.table, where)) for name, text in named_expressions.items()]
    return family("named", attributes, len(samples))


def classes(option: str, samples: Samples) -> Family:
    """Return every class against the rest: ``class=3``.

    Args:
        option: Name of the option.
        samples: Where the classes come from.
    """
    codes = samples.classes_for(f"attribute.{option}")
    attributes = [(f"{samples.target}={n}", (codes == i).astype(np.int8)) for i, n in enumerate(samples.classes)]
    return family("classes", attributes, len(samples))


def subsets(option: str, samples: Samples, *, as_cells: bool = True) -> Family:
    """Return every subset of the classes but none and all, of two complements one: the smaller, or that with the first
    class.

    Args:
        option: Name of the option.
        samples: Where the classes come from.
        as_cells: Make each subset a column of labels; otherwise only neurons are searched, which has no limit.

    Raises:
        AttributeLabelError: for more than 16 classes as cells.
    """
    codes, n = samples.classes_for(f"attribute.{option}"), len(samples.classes)
    if as_cells and n > MOST_CLASSES_AS_CELLS:
        problem = f"{n} classes have {2 ** (n - 1) - 1:,} subsets, at most {MOST_CLASSES_AS_CELLS} classes can be cells"
        hint = f"attribute=neuron_subsets (attribute.{option}.as_cells=false) searches all subsets by neurons only"
        raise AttributeLabelError(f"attribute.{option}.as_cells", problem, hint)
    members = _half_of_all_subsets(n) if as_cells else np.zeros((0, n), dtype=bool)
    names = tuple(class_set_name(list(compress(samples.classes, subset)), samples.target) for subset in members)
    # By class first: the wide table is then one lookup of rows, without a pass per subset.
    values = np.ascontiguousarray(members.T.astype(np.int8))[codes]
    labels = Labels(names, ("subsets",) * len(names), values)
    return SubsetFamily("subsets", labels, codes, samples.classes, samples.target)


def columns(
    option: str, samples: Samples, *, names: str | Sequence[str] = "all", proportions: Sequence[float] | None = None
) -> Family:
    """Return the columns with two values, and one attribute per value of a text column of more: ``smoker``,
    ``shape=circle``.

    Args:
        option: Name of the option.
        samples: Where the table comes from.
        names: Columns, or ``all``: every suitable one of those that the dataset asks about, else of all but the target
            and those that deal the rows into parts.
        proportions: Shares of yes at which columns with more than two numbers are cut, as `quantiles` does: ``age top
            25%``; None makes them unsuitable.

    Raises:
        AttributeLabelError: for a column asked for by name that is not suitable, or a proportion outside (0, 1).
    """
    where = f"attribute.{option}.names"
    if proportions is not None:
        _check_proportions(proportions, f"attribute.{option}.proportions")
    attributes: Columns = []
    left_out: list[tuple[str, str]] = []
    for column in _chosen(names, samples, where):
        made, reason, hint = _of_column(column, proportions, is_category=column.name in samples.categories)
        if not made and names != "all":
            raise AttributeLabelError(where, f"column {column.name!r} {reason}", hint)
        if not made:
            left_out.append((column.name, f"{reason}; {hint}"))
        elif reason:
            log.info("%s: column %r %s", where, column.name, reason)
        attributes.extend(made)
    _tell_left_out(where, left_out)
    cut = f"numbers are cut with attribute.{option}.proportions=[0.25,0.5,0.75]"
    return family("columns", _some(attributes, samples, where, "two-valued or text", cut), len(samples))


def quantiles(
    option: str,
    samples: Samples,
    *,
    columns: str | Sequence[str] = "all",
    proportions: Sequence[float] = PROPORTIONS,
) -> Family:
    """Return continuous columns cut at label proportions: ``ink top 20%`` is yes strictly above the cut.

    The cut is chosen on all rows (it is part of what the attribute means, not fitted), the nearest that ties allow.

    Args:
        option: Name of the option.
        samples: Where the table comes from.
        columns: Names, or ``all``: as for `columns`, every numeric one with more than two values but categories.
        proportions: Shares of yes, each in (0, 1).

    Raises:
        AttributeLabelError: for a proportion outside (0, 1), or a column asked for by name that cannot be cut.
    """
    where = f"attribute.{option}.columns"
    _check_proportions(proportions, f"attribute.{option}.proportions")
    attributes: Columns = []
    left_out: list[tuple[str, str]] = []
    for column in _chosen(columns, samples, where):
        if columns == "all" and column.name in samples.categories:
            continue
        cuts, reason = _cuts(column, proportions)
        if not cuts and columns != "all":
            raise AttributeLabelError(where, f"column {column.name!r} {reason}")
        if not cuts:
            left_out.append((column.name, reason))
        elif reason:
            log.info("%s: column %r %s", where, column.name, reason)
        attributes.extend(cuts)
    _tell_left_out(where, left_out)
    return family("quantiles", _some(attributes, samples, where, "continuous"), len(samples))


def _tell_left_out(where: str, columns: Sequence[tuple[str, str]]) -> None:
    """Log the columns of which no attribute is made in one line, with the reason of the first."""
    if not columns:
        return
    (first, reason), *others = columns
    also = f"; likewise {', '.join(repr(name) for name, _ in others[:MOST_NAMED])}" if others else ""
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    log.info("%s: left out: column %r %s%s%s", where, first, reason, also, more)


def _check_proportions(proportions: object, where: str) -> None:
    if isinstance(proportions, str) or not isinstance(proportions, Sequence) or not proportions:
        raise AttributeLabelError(where, f"{proportions!r}", "allowed: a list of shares")
    for share in proportions:
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise AttributeLabelError(where, f"{share!r}", "allowed: above 0 and below 1")


def _half_of_all_subsets(n: int) -> Bool[np.ndarray, "subset class"]:
    """Return rows by size, then by the classes' order."""
    codes = np.arange(1, 2**n - 1)
    members = (codes[:, None] >> np.arange(n)) & 1 == 1
    size = members.sum(axis=1)
    members = members[(2 * size < n) | ((2 * size == n) & members[:, 0])]
    # Negated so that a subset with an earlier class comes first; lexsort's last key is the first to count.
    order = np.lexsort([*(~members).T[::-1], members.sum(axis=1)])
    return np.asarray(members[order])


def _chosen(names: str | Sequence[str], samples: Samples, where: str) -> list[pl.Series]:
    if names == "all":
        kept_out = {samples.target, *samples.dealing}
        return [samples.table[name] for name in samples.asked or samples.table.columns if name not in kept_out]
    listed = [names] if isinstance(names, str) else names
    if not isinstance(listed, Sequence) or not listed:
        raise AttributeLabelError(where, f"{names!r}", "allowed: all, a column, or a list of columns")
    for name in listed:
        AttributeLabelError.refuse_unknown(name, samples.table.columns, where, "no column {!r}")
    return [samples.table[name] for name in listed]


def _of_column(
    column: pl.Series, proportions: Sequence[float] | None, *, is_category: bool = False
) -> tuple[Columns, str, str]:
    """Return the attributes of one column; or why it has none, and what to do."""
    if column.dtype.is_numeric() and len(values := _distinct(column)) > 2:
        if is_category and len(values) > MOST_VALUES:
            return [], f"has {len(values)} values, more than {MOST_VALUES}", "take it out of dataset.categories"
        if is_category:
            return [(f"{column.name}={_written(value)}", _labels(column == value)) for value in values], "", ""
        if proportions is not None:
            return *_cuts(column, proportions), ""
    reason, hint = _unsuitable(column)
    return ([] if reason else _values_of(column)), reason, hint


def _unsuitable(column: pl.Series) -> tuple[str, str]:
    """Return why a column gives no attributes, and what to do; empty for one that gives some."""
    if column.dtype in (pl.Date, pl.Datetime):
        return f"holds {column.dtype}", f"use the columns that it becomes, such as '{column.name}.{YEAR}'"
    if not (is_text(column) or column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        return f"holds {column.dtype}, neither numbers nor text", "use another column"
    values = _distinct(column)
    n, learn = len(values), "or dataset.target and attribute=classes"
    examples = ", ".join(map(_written, values.head(6).to_list())) + (", ..." if n > 6 else "")
    if n < 2:
        why = f"has one value only ({examples})" if n else "has no values, every row is missing"
        return why, "two are needed"
    if is_text(column) and n > MOST_VALUES:
        return f"has {n} values ({examples}), more than {MOST_VALUES}", f"use attribute.where, {learn}"
    if n == 2 or is_text(column):
        return "", ""
    cut = "use attribute.where or attribute=quantiles, or cut it: attribute.columns.proportions=[0.25,0.5,0.75]"
    if column.dtype.is_integer() and n <= MOST_VALUES:
        cut = f"{cut}, dataset.categories=[{column.name}] to take its values one by one"
    return f"has {n} values ({examples}); two are needed", f"{cut}, {learn}"


def _written(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _values_of(column: pl.Series) -> Columns:
    values = _distinct(column)
    if is_text(column):
        kept = values if len(values) > 2 else values[-1:]  # of two one says all, and both would be tested twice
        return [(f"{column.name}={value}", _labels(column.cast(pl.String) == value)) for value in kept]
    is_flag = column.dtype == pl.Boolean or values.to_list() == [0, 1]
    name = column.name if is_flag else f"{column.name}={values[-1]}"
    return [(name, _labels(column == values[-1]))]


def _cuts(column: pl.Series, proportions: Sequence[float]) -> tuple[Columns, str]:
    """Return the attributes of one column, and why some or all are missing."""
    if not column.dtype.is_numeric():
        return [], f"holds {column.dtype}, not numbers"
    numbers = column.fill_nan(None) if column.dtype.is_float() else column
    values, counts = np.unique(numbers.drop_nulls().to_numpy(), return_counts=True)
    if len(values) <= 2:
        return [], f"has {len(values)} different value{'s' * (len(values) != 1)}, too few to cut"
    above = (counts.sum() - np.cumsum(counts)[:-1]) / counts.sum()
    cuts = {share: int(np.abs(above - share).argmin()) for share in proportions}
    gaps = {share: abs(above[cut] - share) for share, cut in cuts.items()}
    # Two names for one cut would be one property counted twice; the last to be written is the nearest.
    keepers = {cuts[share]: share for share in sorted(cuts, key=gaps.__getitem__, reverse=True)}
    attributes: Columns = []
    missed = []
    for share, cut in cuts.items():
        if keepers[cut] != share or gaps[share] > QUANTILE_TOLERANCE * min(share, 1 - share):
            missed.append(f"{100 * share:g}% (nearest {100 * above[cut]:.3g}%)")
        else:
            attributes.append((f"{column.name} top {100 * share:g}%", _labels(numbers > values[cut])))
    return attributes, f"cannot be cut at {', '.join(missed)} because of ties" if missed else ""


def _distinct(column: pl.Series) -> pl.Series:
    if is_text(column):
        column = column.cast(pl.String)
    elif column.dtype.is_float():
        column = column.fill_nan(None)
    return column.drop_nulls().unique().sort()


def _labels(yes: pl.Series) -> Int8[np.ndarray, " sample"]:
    return yes.cast(pl.Int8).fill_null(NULL).to_numpy()


def _some(attributes: Columns, samples: Samples, where: str, wanted: str, hint: str = "") -> Columns:
    if not attributes:
        kinds = ", ".join(f"{name} {kind}" for name, kind in samples.table.schema.items())
        problem = f"no {wanted} columns to make attributes of"
        raise AttributeLabelError(where, problem, f"the table has: {kinds}{hint and '; '}{hint}")
    return attributes


def family(name: str, attributes: Columns, n: int) -> Family:
    """Return a family of labels; of two attributes of one name the last is kept.

    Args:
        name: Of the family.
        attributes: Names and labels.
        n: Number of samples.
    """
    by_name = dict(attributes)
    values = np.stack(list(by_name.values()), axis=1) if by_name else np.zeros((n, 0), dtype=np.int8)
    return Family(name, Labels(tuple(by_name), (name,) * len(by_name), values))
