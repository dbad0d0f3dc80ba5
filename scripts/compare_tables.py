"""Compare the tables of two folders of sweeps bit by bit, as before and after a change that must not move a number.

python scripts/compare_tables.py BEFORE AFTER [--without COLUMN ...]

Tables are found by their path below the two folders; folders of jobs, whose names hold a fingerprint, are matched
without it. Exits with 1 where a table, a row or a number differs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

FINGERPRINT = re.compile(r"-[0-9a-f]{8}(?=/)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs; return 0 where nothing does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--without", nargs="*", default=[], metavar="COLUMN", help="columns that are not compared")
    asked = parser.parse_args(arguments)
    before, after = tables(asked.before), tables(asked.after)
    problems = [f"only in {asked.before}: {name}" for name in sorted(before.keys() - after.keys())]
    problems += [f"only in {asked.after}: {name}" for name in sorted(after.keys() - before.keys())]
    numbers = 0
    for name in sorted(before.keys() & after.keys()):
        one, other = (pl.read_parquet(path).drop(asked.without, strict=False) for path in (before[name], after[name]))
        problems += [f"{name}: {problem}" for problem in differences(one, other)]
        numbers += one.height * one.width
    print("\n".join(problems) or f"{len(before)} tables and {numbers:,} values are equal to the last bit")
    return 1 if problems or not before else 0


def tables(folder: Path) -> dict[str, Path]:
    """Return the parquet files below a folder by their path, without the fingerprints of jobs."""
    paths = (path for path in folder.rglob("*.parquet") if not {".store", "wandb"} & set(path.parts))
    return {FINGERPRINT.sub("", path.relative_to(folder).as_posix()): path for path in paths}


def differences(before: pl.DataFrame, after: pl.DataFrame) -> Iterator[str]:
    """Say in one line per column what differs; columns that were added are no difference.

    Args:
        before: A table.
        after: The same table as another version makes it.
    """
    if before.height != after.height:
        yield f"{before.height} rows, then {after.height}"
        return
    for column in before.columns:
        if column not in after.columns:
            yield f"{column} is gone"
        elif before[column].dtype != after[column].dtype:
            yield f"{column}: {before[column].dtype}, then {after[column].dtype}"
        elif number := int((~before[column].eq_missing(after[column])).sum()):
            row = int((~before[column].eq_missing(after[column])).arg_max() or 0)
            yield f"{column}: {number} rows differ, first row {row}: {before[column][row]!r}, {after[column][row]!r}"


if __name__ == "__main__":
    sys.exit(main())
