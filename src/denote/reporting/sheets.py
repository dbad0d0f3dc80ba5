"""The tables of the report: frames as rows of text, capped, with their controls beside every score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from denote.estimate import Estimate
from denote.figures.curves import Curve, is_head
from denote.figures.profiles import one_size
from denote.numbers import NULL, count, interval, proportion, seconds, small
from denote.reporting.jobs import Job, tally

MOST_ROWS = 100

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]


@dataclass(frozen=True)
class Sheet:
    """A table as it is printed.

    Attributes:
        title: Heading.
        caption: What its rows are and how to read them.
        header: Column names.
        rows: Cells, as text that is not escaped yet.
        more: What the cap left out, or empty.
    """

    title: str
    caption: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    more: str = ""


def _sheet(title: str, caption: str, columns: Sequence[Column], rows: Iterable[Row], file: str = "") -> Sheet:
    rows = list(rows)
    hidden = len(rows) - MOST_ROWS
    return Sheet(
        title,
        caption,
        tuple(name for name, _ in columns),
        [tuple(write(row) for _, write in columns) for row in rows[:MOST_ROWS]],
        f"{count(hidden, 'more row')} in {file}" if hidden > 0 else "",
    )


def _text(key: str) -> Callable[[Row], str]:
    return lambda row: NULL if row[key] is None else str(row[key])


def _note(row: Row) -> str:
    return row["note"] or ""


def _share(key: str) -> Callable[[Row], str]:
    return lambda row: proportion(row[key])


def _count(key: str) -> Callable[[Row], str]:
    return lambda row: count(row[key])


def _yes(key: str) -> Callable[[Row], str]:
    return lambda row: NULL if row[key] is None else "yes" if row[key] else "no"


def _between(key: str, bounds: str | None = None) -> Callable[[Row], str]:
    return lambda row: interval(Estimate.of(row, key, bounds))


def _at_least(key: str, low: str) -> Callable[[Row], str]:
    return lambda row: proportion(row[key]) + ("" if row[low] is None else f" (> {proportion(row[low])})")


def _rival(row: Row) -> str:
    return f"{row['rival']}: {proportion(row['rival_balanced_accuracy'])}" if row["rival"] else NULL


def jobs_sheet(jobs: Sequence[Job]) -> Sheet:
    """What became of the jobs, those without evidence first."""
    columns: list[Column] = [
        ("job", _text("name")),
        ("status", _text("status")),
        ("time", lambda row: seconds(row["seconds"])),
        ("reason", _text("reason")),
    ]
    rows = [vars(job) for job in sorted(jobs, key=lambda job: not job.failed)]
    return _sheet("Jobs", f"{tally(jobs)}.", columns, rows, "status.json")


def depth_sheet(curve: Curve, by_depth: pl.DataFrame) -> Sheet:
    """Label proportion by depth of one curve."""
    head = is_head().fill_null(False) & pl.lit(len(by_depth) > 1)
    rows = by_depth.with_columns(
        pl.when(head).then(pl.col("layer") + " (head: not tested)").otherwise("layer").alias("layer")
    ).sort("depth", nulls_last=True)
    columns: list[Column] = [
        ("layer", _text("layer")),
        ("depth", _text("depth")),
        ("models", _count("n_models")),
        ("neurons", _count("n_neurons")),
        ("live", _count("n_live")),
        ("denoting", _count("n_denoting")),
        ("distinct", _count("n_distinct")),
        ("share denoting", _share("share_denoting")),
        ("untrained", _share("untrained_share_denoting")),
        ("rotated", _share("rotated_share_denoting")),
        ("label proportion", _between("label_proportion_mean", "label_proportion")),
        ("folded", _between("folded_mean", "folded")),
        ("rotated folded", _share("rotated_folded_mean")),
        ("majority side", _share("majority_side_share")),
        ("on-proportion", _share("on_proportion_mean")),
        ("unconditional", _share("unconditional_label_proportion_mean")),
        ("note", _note),
    ]
    caption = (
        "Means and 95 % t-intervals over object models. on-proportion: all live neurons, denoting or not; "
        "unconditional: the best property of every live neuron; null: undefined, the note says why."
    )
    return _sheet(curve.title, caption, columns, rows.iter_rows(named=True))


def cells_sheet(cells: pl.DataFrame) -> Sheet:
    """Per attribute and probe the layer and object model with the highest lower bound, with its controls."""
    scored = one_size(cells).filter(pl.col("probe") != "majority")
    best = scored.sort("balanced_accuracy_low", "auroc", descending=True, nulls_last=True).unique(
        ["dataset", "architecture", "trained", "epoch", "attribute", "probe"], keep="first", maintain_order=True
    )
    columns: list[Column] = [
        ("attribute", _text("attribute")),
        ("probe", lambda row: row["probe"] + ("" if row["k"] is None else f" (k = {row['k']})")),
        ("where", lambda row: f"{row['layer']}, {row['architecture']}{'' if row['trained'] else ' untrained'}"),
        ("seed", _text("seed")),
        ("label proportion", _share("label_proportion")),
        ("n test", _count("n_test")),
        ("AUROC", _between("auroc")),
        ("balanced accuracy", _at_least("balanced_accuracy", "balanced_accuracy_low")),
        ("accuracy / majority", lambda row: f"{proportion(row['accuracy'])} / {proportion(row['majority_accuracy'])}"),
        ("shuffled", _share("control_auroc")),
        ("selectivity", _share("selectivity")),
        ("untrained", _share("untrained_auroc")),
        ("raw input", _share("input_auroc")),
        ("q", lambda row: small(row["q_value"])),
        ("decisive", _yes("decisive")),
        *([("enough neurons", _count("sufficient_k"))] if scored["sufficient_k"].is_not_null().any() else []),
        ("note", _note),
    ]
    caption = (
        f"The best layer and object model for each attribute and probe, of {count(len(scored), 'cell')}, chosen "
        "by the score it shows: read it as where to look; the heat map shows every layer. shuffled, untrained and "
        "raw input are AUROCs of the same observer on shuffled labels, on the untrained network and on the input."
    )
    return _sheet("Best cells", caption, columns, best.iter_rows(named=True), "cells.parquet")


def neurons_sheet(neurons: pl.DataFrame) -> Sheet:
    """Denoting neurons, the surest first."""
    found = neurons.filter("denotes").sort(
        "q_value", "balanced_accuracy", descending=[False, True], nulls_last=True, maintain_order=True
    )
    columns: list[Column] = [
        ("neuron", lambda row: f"{row['layer']}, {row['neuron_name'] or row['neuron']}"),
        ("of", lambda row: f"{row['architecture']}{'' if row['trained'] else ' untrained'}"),
        ("seed", _text("seed")),
        ("family", _text("family")),
        ("denotes", _text("property")),
        ("label proportion", _share("label_proportion")),
        ("balanced accuracy", _at_least("balanced_accuracy", "balanced_accuracy_low")),
        ("TPR", _share("tpr")),
        ("TNR", _share("tnr")),
        ("precision", _share("precision")),
        ("on-proportion", _share("on_proportion")),
        ("untrained", _share("untrained_balanced_accuracy")),
        ("raw input", _share("input_balanced_accuracy")),
        (
            "rival",
            lambda row: f"{row['rival']}: {proportion(row['rival_balanced_accuracy'])}" if row["rival"] else NULL,
        ),
        ("q", lambda row: small(row["q_value"])),
    ]
    caption = (
        f"{count(len(found), 'row')} of {count(len(neurons.filter('live')), 'live neuron')} (once per family); "
        "the others abstain. Every number is of held-out test rows. (> ...) is a one-sided 95 % bound."
    )
    return _sheet("Denoting neurons", caption, columns, found.iter_rows(named=True), "neurons.parquet")


def frame_sheet(title: str, caption: str, frame: pl.DataFrame, file: str = "") -> Sheet:
    """Any small frame, column by column."""

    def write(key: str, kind: pl.DataType) -> Callable[[Row], str]:
        return _share(key) if kind.is_float() else _text(key)

    columns = [(key.replace("_", " "), write(key, kind)) for key, kind in frame.schema.items()]
    return _sheet(title, caption, columns, frame.iter_rows(named=True), file)
