"""Doubts about every number, said before anything else: rows known by heart, copies of rows, missing values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.data.trained_on import NONE, UNKNOWN
from denote.figures.curves import some
from denote.numbers import count, proportion
from denote.reporting.page import NOTES, Sheet, fine_share, sheet, text, whole
from denote.tables import says

ADVICE = (
    "Copies are no independent evidence: intervals and p-values are too good, and across parts what is learned by "
    "heart passes for knowledge. Keep them together: split.group=COLUMN, in Python groups=."
)

SAME = {"exact": ("equals", "equal"), "near": ("nearly equals", "nearly equal")}
"""Words for one row that copies others, and for several."""


def doubts(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Sentences that come first: whether networks know the rows by heart, and which rows are copies of others.

    Args:
        tables: Those of ``tables.JOB_TABLES`` at least.
    """
    return [*trained_on_sentences(tables["cells"], tables["neurons"]), *copies_sentences(tables["duplicates"])]


def trained_on_sentences(cells: pl.DataFrame, neurons: pl.DataFrame) -> list[str]:
    """Say what is known of the rows that networks from outside were trained on, where that must be said."""
    columns = ["dataset", "architecture", "trained_on"]
    networks = pl.concat([cells.select(columns), neurons.select(columns)]).unique(maintain_order=True)
    said = []
    for dataset, architecture, word in networks.drop_nulls("trained_on").sort(columns).iter_rows():
        where = f"{architecture} on {dataset}"
        if word == UNKNOWN:
            said.append(
                f"{where}: whether the network was trained on the rows it is judged on is unknown; on its own training "
                "rows noise denotes. Say which: architecture.trained_on=FILE, in Python trained_on=ROW IDS, or none."
            )
        elif word != NONE:
            said.append(f"{where}: the rows that the network was trained on are left out of fit and test.")
    return said


def copies_sentences(duplicates: pl.DataFrame) -> list[str]:
    """Say which rows are copies of others, a sentence per dataset; nothing where none is."""
    said = []
    for (dataset,), rows in _once(duplicates).filter(pl.col("n_rows") > 0).group_by("dataset", maintain_order=True):
        found = "; ".join(_copies(row) for row in rows.iter_rows(named=True))
        said.append(f"Copies of rows in {dataset}: {found}. {ADVICE}")
    return said


def no_copies_sentences(duplicates: pl.DataFrame) -> list[str]:
    """Of datasets without copies that they have none, and what was not looked at."""
    said = []
    for (dataset,), rows in _once(duplicates).group_by(["dataset"], maintain_order=True):
        why = " ".join(f"({each})" for each in rows["note"].drop_nulls().unique(maintain_order=True))
        if not rows["n_rows"].sum():
            said.append(f"Copies of rows in {dataset}: none beyond chance, exact or near{why and ' ' + why}.")
    return said


def copies_sheet(duplicates: pl.DataFrame) -> Sheet:
    """Copies, pair of parts by pair of parts."""
    columns = [
        *text("dataset", of="compared", kind="kind", part="rows of", other="with a copy in"),
        *whole(n_rows="copies", n_part="of rows"),
        *fine_share("share"),
        *whole(n_examined="looked at", n_equal="equal at all"),
        NOTES,
    ]
    return sheet("copies", columns, duplicates)


def shares(duplicates: pl.DataFrame) -> dict[str, float]:
    """Shares of rows that are copies by ``kind/part-other``, for comparing runs; of several datasets the largest."""
    known = (
        duplicates.drop_nulls("share").group_by("kind", "part", "other", maintain_order=True).agg(pl.col("share").max())
    )
    return {f"copies/{kind}/{part}-{other}": share for kind, part, other, share in known.iter_rows()}


def _once(duplicates: pl.DataFrame) -> pl.DataFrame:
    """Of jobs that dealt the same dataset otherwise the worst; across parts first, *test* first."""
    order = pl.col("part") == pl.col("other")
    return (
        duplicates.sort("n_rows", descending=True, nulls_last=True)
        .unique(["dataset", "kind", "part", "other"], keep="first", maintain_order=True)
        .sort("dataset", "kind", order, pl.col("part") != "test", pl.col("other") != "fit", maintain_order=True)
    )


def _copies(row: Mapping[str, Any]) -> str:
    """``15 of 500 test rows (.03) equal a row of fit``."""
    one, several = SAME[row["kind"]]
    other = "another one" if row["part"] == row["other"] else f"a row of {row['other']}"
    estimated = "about " if row["n_examined"] < row["n_part"] else ""
    of = f"{estimated}{row['n_rows']:,} of {count(row['n_part'], row['part'] + ' row')} ({proportion(row['share'], 3)})"
    return f"{of} {one if row['n_rows'] == 1 else several} {other}"


MOST_NAMED = 10


def missing_sentences(cells: pl.DataFrame) -> list[str]:
    """Say which attributes have fewer test rows than others of their dataset.

    Args:
        cells: Columns of ``tables.CELLS``.
    """
    # The number of rows of a cell that was given equal rows says nothing of missing values.
    whole = cells.filter(~says("equal_rows", "few_equal_rows"))
    rows = whole.group_by("dataset", "attribute", maintain_order=True).agg(pl.col("n_test").max())
    rows = rows.with_columns(missing=pl.col("n_test").max().over("dataset") - pl.col("n_test"))
    sentences = []
    for (dataset,), own in rows.filter(pl.col("missing") > 0).group_by("dataset", maintain_order=True):
        most = count(int((own["n_test"] + own["missing"]).max()), "test row")  # type: ignore[arg-type]
        named = [f"{row['attribute']} {count(row['missing'])}" for row in own.iter_rows(named=True)]
        sentences.append(
            f"{dataset}: missing in at least so many of {most}, which are left out of what is said of "
            f"the attribute: {some(named, MOST_NAMED)}."
        )
    return sentences
