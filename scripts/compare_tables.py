"""Compare the tables of two folders of sweeps, as before and after a change that must not move a number.

python scripts/compare_tables.py BEFORE AFTER [--without COLUMN ...] [--tolerance T] [--drawn]

Tables are found by their path below the two folders; folders of jobs, whose names hold a fingerprint, are matched
without it. Numbers are compared bit by bit, or to a tolerance. With --drawn the columns that rest on shuffled refits
are not held to it: their moves are printed as shares of their standard error, those of the band as shares of it. Exits
with 1 where anything else differs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

DRAWN = ("control_auroc", "selectivity", "selectivity_low", "selectivity_high", "relevance_band", "n_outside_band")
"""Columns of cells that rest on shuffled refits."""

CELL = ("object_model", "layer", "attribute", "probe", "k")
"""Columns that name a cell."""

FINGERPRINT = re.compile(r"-[0-9a-f]{8}(?=/)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs; return 0 where nothing does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--without", nargs="*", default=[], metavar="COLUMN", help="columns that are not compared")
    parser.add_argument("--tolerance", type=float, default=0.0, help="largest relative difference of a number")
    parser.add_argument("--drawn", action="store_true", help="report columns of shuffled refits in standard errors")
    asked = parser.parse_args(arguments)
    before, after = tables(asked.before), tables(asked.after)
    problems = [f"only in {asked.before}: {name}" for name in sorted(before.keys() - after.keys())]
    problems += [f"only in {asked.after}: {name}" for name in sorted(after.keys() - before.keys())]
    numbers = 0
    for name in sorted(before.keys() & after.keys()):
        one, other = (pl.read_parquet(path).drop(asked.without, strict=False) for path in (before[name], after[name]))
        if asked.drawn and one.height == other.height:
            one, other = without_drawn(name, one, other, before)
        problems += [f"{name}: {problem}" for problem in differences(one, other, asked.tolerance)]
        numbers += one.height * one.width
    print("\n".join(problems) or f"{len(before)} tables and {numbers:,} values are equal to the last bit")
    return 1 if problems or not before else 0


def tables(folder: Path) -> dict[str, Path]:
    """Return the parquet files below a folder by their path, without the fingerprints of jobs."""
    paths = (path for path in folder.rglob("*.parquet") if not {".store", "wandb", ".damaged"} & set(path.parts))
    return {FINGERPRINT.sub("", path.relative_to(folder).as_posix()): path for path in paths}


def without_drawn(
    name: str, before: pl.DataFrame, after: pl.DataFrame, tables_before: dict[str, Path]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Print how far columns of shuffled refits moved, and return both tables without them.

    Args:
        name: Path of the table.
        before: The table.
        after: The same table as another version makes it.
        tables_before: All tables beside it; the standard error of a mean over draws is taken from their replicates.
    """
    file, controls = name.rpartition("/")[2], name.replace("cells.parquet", "controls.parquet")
    if file == "controls.parquet":
        is_cell = (pl.col("control") == "shuffled") & pl.col("attribute").is_not_null()
        _print_moves(name, "auroc", before.filter(is_cell), after.filter(is_cell), pl.col("auroc").std().over(CELL))
        return before.filter(~is_cell), after.filter(~is_cell)
    if file != "cells.parquet" or controls not in tables_before:
        return before, after
    replicates = pl.read_parquet(tables_before[controls]).filter(pl.col("control") == "shuffled")
    spread = replicates.group_by(CELL).agg(error=pl.col("auroc").std() / pl.col("auroc").count().sqrt())
    errors = before.join(spread, on=CELL, how="left", nulls_equal=True, maintain_order="left")
    for column in DRAWN[:4]:
        _print_moves(name, column, errors, after, pl.col("error"))
    if "relevance_band" in before.columns:
        _print_moves(name, "relevance_band", before, after, pl.col("relevance_band"))
    return before.drop(DRAWN, strict=False), after.drop(DRAWN, strict=False)


def _print_moves(name: str, column: str, before: pl.DataFrame, after: pl.DataFrame, unit: pl.Expr) -> None:
    moves = ((after[column] - before[column]).abs() / before.select(unit.alias("unit"))["unit"]).drop_nulls()
    if len(moves):
        mean, high, most = moves.mean(), moves.quantile(0.95), moves.max()
        print(f"{name}: {column} moved by {mean:.2g} of its unit on average, 95 % by {high:.2g}, at most {most:.2g}")


def differences(before: pl.DataFrame, after: pl.DataFrame, tolerance: float = 0.0) -> Iterator[str]:
    """Say in one line per column what differs; columns that were added are no difference.

    Args:
        before: A table.
        after: The same table as another version makes it.
        tolerance: Largest difference of two numbers, relative to the larger one or to 1.
    """
    if before.height != after.height:
        yield f"{before.height} rows, then {after.height}"
        return
    for column in before.columns:
        if column not in after.columns:
            yield f"{column} is gone"
        elif before[column].dtype != after[column].dtype:
            yield f"{column}: {before[column].dtype}, then {after[column].dtype}"
        else:
            differs = ~before[column].eq_missing(after[column])
            if tolerance and before[column].dtype.is_float():
                one, other = (frame[column].fill_null(np.nan).to_numpy() for frame in (before, after))
                allowed = tolerance * np.maximum(1, np.maximum(np.abs(one), np.abs(other)))
                near = (np.abs(one - other) <= allowed) & (
                    before[column].is_null() == after[column].is_null()
                ).to_numpy()
                differs &= pl.Series(~near)
            if number := int(differs.sum()):
                row = int(differs.arg_max() or 0)
                values = f"{before[column][row]!r}, {after[column][row]!r}"
                yield f"{column}: {number} rows differ, first row {row}: {values}"


if __name__ == "__main__":
    sys.exit(main())
