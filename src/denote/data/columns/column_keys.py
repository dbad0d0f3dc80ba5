"""How the columns of a table are read, what is wrong with one, and how all of that is said in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Any

from denote.data.columns.text_numbers import COMMA, POINT
from denote.errors import DataError, in_list, one_of

MOST_TOLD = 2
"""Columns whose problems are told one by one: a line with more is not read."""


@dataclass(frozen=True)
class ColumnKeys:
    """The keys of ``dataset`` that say how columns are read, the same wherever there is a table.

    Attributes:
        missing: Texts and numbers that stand for no value, besides those of `MISSING`.
        exclude: Names or patterns of columns that are left out.
        categories: Columns whose values are taken one by one, whatever they look like.
        decimal: The mark before the decimals of text with two readings, ``.`` or ``,``; None to refuse it.

    Raises:
        DataError: for a key that is none of this.
    """

    missing: Sequence[Any] = ()
    exclude: Sequence[str] = ()
    categories: Sequence[str] = ()
    decimal: str | None = None

    def __post_init__(self) -> None:
        """Refuse what can be known to be wrong without a table."""
        for key in ("missing", "exclude", "categories"):
            check_list(key, getattr(self, key))
        if self.decimal not in (None, POINT, COMMA):
            raise DataError("dataset.decimal", f"{self.decimal!r} came", "allowed: null, '.' or ','")

    @property
    def shaping(self) -> list[Any]:
        """What shapes the values of the columns that stay, for a key."""
        return [sorted(self.categories), [str(code) for code in self.missing], self.decimal]

    def leaves_out(self, name: str) -> bool:
        """Return whether a column is one of those left out."""
        return any(_is_named(name, pattern) for pattern in self.exclude)

    def check(self, names: Sequence[str], asked: Sequence[str] = ()) -> None:
        """Refuse what names no column of a table, or leaves out one that is needed.

        Args:
            names: Of all columns, those left out too.
            asked: Columns that other keys name.

        Raises:
            DataError: naming the key.
        """
        for pattern in self.exclude:
            if not any(_is_named(name, pattern) for name in names):
                raise DataError("dataset.exclude", f"the table has no column {pattern!r}", one_of(pattern, names))
        for name in asked:
            if self.leaves_out(name):
                problem = f"{name!r} is left out, and another key names it"
                raise DataError("dataset.exclude", problem, "take it out of one of them")
        for name in self.categories:
            DataError.refuse_unknown(name, names, "dataset.categories", "the table has no column {!r}")


@dataclass(frozen=True)
class Problem:
    """A column that cannot be used as it is.

    Attributes:
        column: Its name.
        what: Follows the name.
        remedy: What to do, where that is more than to leave the column out.
        row: The row that shows it, where one does.
    """

    column: str
    what: str
    remedy: str = ""
    row: int | None = None


def check_list(key: str, names: Any) -> None:
    """Refuse a text, or null, where a list is needed.

    Args:
        key: Of ``dataset``.
        names: What came.

    Raises:
        DataError: naming the key.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        listed = "" if names is None else names
        raise DataError(f"dataset.{key}", f"{names!r} came", f"allowed: a list: dataset.{key}=[{listed}]")


def refuse(
    problems: Sequence[Problem], where: str, line_of: Callable[[int], str], keys: ColumnKeys, needed: Sequence[str] = ()
) -> None:
    """Say what is wrong with the first columns of a table in one line, and which key leaves out all that are.

    Args:
        problems: None is no mistake; of several with one column the first is told.
        where: What to name.
        line_of: Says where a row is.
        keys: Those in force: what was left out stays left out.
        needed: Columns that cannot be left out; told before others.

    Raises:
        DataError: if there are problems.
    """
    if not problems:
        return
    by_column = {problem.column: problem for problem in reversed(problems)}
    columns = sorted(dict.fromkeys(problem.column for problem in problems), key=lambda name: name not in needed)
    told = [by_column[name] for name in columns[:MOST_TOLD]]
    sentences = []
    for problem, following in zip_longest(told, told[1:]):
        line = "" if problem.row is None else f" ({line_of(problem.row)})"
        is_last = following is None or following.remedy != problem.remedy
        remedy = f", {problem.remedy}" if problem.remedy and is_last else ""
        sentences.append(f"column {problem.column!r} {problem.what}{line}{remedy}")
    if more := len(columns) - len(told):
        sentences.append(f"and {more} more column{'s' if more > 1 else ''}")
    spare = [name for name in columns if name not in needed]
    leave_out = f"to leave out what cannot be used: 'dataset.exclude=[{in_list([*keys.exclude, *spare])}]'"
    raise DataError(where, "; ".join(sentences), leave_out if spare else "")


def _is_named(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, str(pattern))
