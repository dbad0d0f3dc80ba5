"""The rows that a network from outside was trained on: their ids, none of them, or nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from jaxtyping import Int64

from denote.errors import DataError, one_of, told
from denote.notes import Note

if TYPE_CHECKING:
    from denote.data.parts import Parts

UNKNOWN, NONE = "unknown", "none"
WORDS = (UNKNOWN, NONE)
"""What may be said instead of row ids."""

ALLOWED = f"allowed: row ids, a mask of all rows, {UNKNOWN!r}, or {NONE!r} (none of these rows)"
OF_FILES = (
    f"allowed: {UNKNOWN}, {NONE}, or a FILE of row ids: .txt (one a line), .npy, or .csv and .parquet of one column"
)


@dataclass(frozen=True)
class TrainedOn:
    """What is known of the rows that a network from outside was trained on.

    Attributes:
        rows: Their ids, ascending; None where nobody knows.
        where: The argument or key that says so.
    """

    rows: Int64[np.ndarray, " row"] | None = None
    where: str = "trained_on"

    @classmethod
    def of(cls, given: Any, n: int, where: str = "trained_on") -> TrainedOn:
        """Return what a caller says.

        Args:
            given: A word of `WORDS`, row ids, or a mask of all rows.
            n: Number of rows.
            where: What to name in an error.

        Raises:
            DataError: for anything else, and for an id beyond the rows.
        """
        if isinstance(given, str):
            if given not in WORDS:
                raise DataError(where, f"{given!r} came", f"{one_of(given, WORDS)}, or row ids")
            return cls(None if given == UNKNOWN else np.empty(0, np.int64), where)
        try:
            values = np.asarray(given.cpu() if hasattr(given, "cpu") else given)  # of a tensor, wherever it is
        except (TypeError, ValueError) as error:
            raise DataError(where, f"{type(given).__name__} makes no row ids", ALLOWED) from error
        return cls(_ids(values, n, where), where)

    @classmethod
    def read(cls, text: str, n: int, where: str) -> TrainedOn:
        """Return what a config says: a word of `WORDS`, or a file.

        Args:
            text: The value.
            n: Number of rows.
            where: The key.

        Raises:
            DataError: naming the file, and where it can be told the line.
        """
        if text in WORDS:
            return cls.of(text, n, where)
        file, named = Path(text).expanduser(), f"{where}={text}"
        if not file.is_file():
            raise DataError(named, "there is no such file", OF_FILES)
        values = _read(file, named)
        if not len(values):
            raise DataError(named, "holds no row id", f"{where}={NONE} says that it was trained on none of these rows")
        return cls(_ids(values, n, named), where)

    @property
    def word(self) -> str:
        """The column ``trained_on``: ``unknown``, ``none`` (of these rows) or ``rows left out``."""
        return UNKNOWN if self.rows is None else "rows left out" if len(self.rows) else NONE

    @property
    def remark(self) -> str | None:
        """What every row says of it."""
        if self.rows is None:
            return Note.of("trained_on_unknown")
        return Note.of("trained_on_rows", rows=len(self.rows)) if len(self.rows) else None

    def check_left(self, parts: Parts, min_rows: int) -> None:
        """Refuse rows that leave too few to judge by.

        Args:
            parts: What they leave.
            min_rows: Least number of rows with an attribute, and without, in a part.

        Raises:
            DataError: with all counts.
        """
        fit, test = len(parts.fit), len(parts.test)
        if self.rows is not None and len(self.rows) and min(fit, test) < 2 * min_rows:
            n = len(self.rows) + fit + test
            problem = f"{len(self.rows)} of {n} rows are trained on, which leaves {fit} for fit and {test} for test"
            raise DataError(self.where, problem, f"needed: {2 * min_rows} in each, {min_rows} of either label")


def _ids(values: np.ndarray, n: int, where: str) -> Int64[np.ndarray, " row"]:
    if values.ndim != 1 or (len(values) and values.dtype.kind not in "biu"):
        raise DataError(where, f"an array {values.shape} of {values.dtype}", ALLOWED)
    if values.dtype.kind == "b":
        if len(values) != n:
            raise DataError(where, f"a mask of {len(values)} rows, but there are {n}", ALLOWED)
        values = np.flatnonzero(values)
    elif len(values) == n > 2 and ((values == 0) | (values == 1)).all():
        problem = f"{n} numbers that are all 0 or 1 are a mask of the {n} rows, or rows 0 and 1 over and over"
        raise DataError(where, problem, "a mask of true and false, or every row id once")
    for entry in np.flatnonzero((values < 0) | (values >= n)):
        problem = f"there is no row {values[entry]} (entry {entry + 1} of {len(values)})"
        raise DataError(where, problem, f"allowed: 0 to {n - 1}")
    return np.unique(values.astype(np.int64))


def _read(file: Path, where: str) -> np.ndarray:
    """Return the only column of a file; nothing of it is run."""
    kind = file.suffix.lower()
    try:
        if kind == ".npy":
            return np.asarray(np.load(file, allow_pickle=False))
        if kind in (".csv", ".parquet"):
            return _column(
                pl.read_csv(file, glob=False) if kind == ".csv" else pl.read_parquet(file, glob=False), where
            )
        return _lines(file.read_text(encoding="utf-8-sig"), where)
    except (OSError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DataError(where, f"cannot be read ({told(error)})", OF_FILES) from error


def _column(table: pl.DataFrame, where: str) -> np.ndarray:
    if table.width != 1:
        raise DataError(where, f"has {table.width} columns", "allowed: one column of row ids")
    column = table.to_series()
    if column.null_count() or not (column.dtype.is_integer() or column.dtype == pl.Boolean):
        problem = f"its column is {column.dtype} with {column.null_count()} nulls"
        raise DataError(where, problem, "allowed: whole numbers below a header")
    return np.asarray(column.to_numpy())


def _lines(text: str, where: str) -> np.ndarray:
    """Return a row id a line; lines without any text are passed over."""
    words = {number: line.strip() for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    for number, word in words.items():
        if not word.isdecimal():
            allowed = "allowed: one row id a line, whole numbers from 0 up"
            raise DataError(where, f"line {number} is {word!r:.40}", allowed)
    return np.array([int(word) for word in words.values()], dtype=np.int64)
