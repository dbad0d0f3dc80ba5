"""Keep what is said of things that no job intervened on true of the decisions over all jobs."""

from __future__ import annotations

import polars as pl

from denote.interventions.kinds import Ablate
from denote.interventions.words import ANY, OBSERVER
from denote.notes import Note
from denote.tables import CELLS_KEY, OF_ROW, joined_notes, remark, says, without

PLACE = ["object_model", "layer", "pooling", "probe_seed"]
"""Where a job decides what it intervenes on."""

OF_NEURONS = ("none_denotes", "none_denoted")
OF_OBSERVERS = ("none_scored", "none_decisive", "none_was_decisive")
"""Codes of reasons that follow from decisions: the last of each, that only the decisions over all jobs find one."""


def with_reasons(rows: pl.DataFrame, cells: pl.DataFrame, neurons: pl.DataFrame) -> pl.DataFrame:
    """Rows whose reasons why nothing was done at a layer hold of the decisions that are given.

    A reason is left out where another job did something of the kind there.

    Args:
        rows: Of the table of interventions.
        cells: Decided.
        neurons: Decided.
    """
    is_done = pl.col("subject_kind").is_not_null() & (pl.col("subject_kind") != ANY)
    idle = says(*OF_NEURONS, *OF_OBSERVERS) & pl.col("subject_kind").is_null()
    rows = rows.filter((idle & is_done.any().over(*PLACE, "intervention")).not_()).with_row_index("row")
    told = [rows.filter(idle.not_()), _told(rows.filter(idle), cells, neurons)]  # few, and notes take long
    return pl.concat(told).sort("row").drop("row")


def _told(reasons: pl.DataFrame, cells: pl.DataFrame, neurons: pl.DataFrame) -> pl.DataFrame:
    """Reasons by what is decided at their places."""
    decided = [
        neurons.group_by(PLACE).agg(_any("denotes").alias("one denotes")),
        cells.group_by(PLACE).agg(
            _any("decisive").alias("one is decisive"), pl.col("auroc").is_not_null().any().alias("one is scored")
        ),
    ]
    flags = [name for table in decided for name in table.columns if name not in PLACE]
    for table in decided:
        reasons = reasons.join(table, on=PLACE, how="left", nulls_equal=True, maintain_order="left")
    denotes, decisive, scored = (pl.col(name).fill_null(value=False) for name in flags)
    of_neurons, of_observers = says(*OF_NEURONS), says(*OF_OBSERVERS)
    return reasons.with_columns(
        **joined_notes(
            remark(Note.of("none_denotes"), of_neurons & denotes.not_()),
            remark(Note.of("none_denoted"), of_neurons & denotes),
            without((*OF_NEURONS, *OF_OBSERVERS)),
            remark(Note.of("none_scored"), of_observers & scored.not_()),
            remark(Note.of("none_decisive"), of_observers & scored & decisive.not_()),
            remark(Note.of("none_was_decisive"), of_observers & decisive),
        )
    ).drop(flags)


def neurons_not_ablated(neurons: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Neurons with a note on those that denote by the decisions over all jobs alone, so that no job ablated them.

    Args:
        neurons: Decided, with ``ablation_effect``.
        rows: Of the table of interventions.
    """
    late = pl.col("denotes").fill_null(value=False)
    untold = late & ~pl.col("note_codes").fill_null("").str.contains("ablat|cannot_be_replaced|no_task")
    return _not_ablated(neurons, rows, untold, Note.of("not_ablated"))


def cells_not_ablated(cells: pl.DataFrame, before: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Cells with a note on those that are decisive by the decisions over all jobs alone, so that no job ablated them.

    Args:
        cells: Decided, with ``ablation_effect``.
        before: The same cells as their jobs decided them.
        rows: Of the table of interventions.
    """
    asked = (pl.col("subject_kind") == OBSERVER) | says(*OF_OBSERVERS)  # where settings leave no observer out
    of_models = rows.filter((pl.col("intervention") == Ablate.name) & asked)["object_model"].unique()
    of_jobs = before.select(*CELLS_KEY, provisional=pl.col("decisive").fill_null(value=False))
    told = cells.join(of_jobs, on=CELLS_KEY, how="left", nulls_equal=True, maintain_order="left")
    late = pl.col("decisive").fill_null(value=False) & ~pl.col("provisional")
    late &= pl.col("object_model").is_in(of_models.implode())
    return _not_ablated(told, rows, late, Note.of("observer_not_ablated")).drop("provisional")


def _not_ablated(subjects: pl.DataFrame, rows: pl.DataFrame, late: pl.Expr, why: Note) -> pl.DataFrame:
    """Subjects with a remark on those that were not ablated, at layers that were."""
    key = PLACE[:3]
    ablated = rows.filter(pl.col("intervention") == Ablate.name, pl.col("subject_kind") == ANY)
    layers = ablated.select(key).unique().with_columns(ablated=True)
    told = subjects.join(layers, on=key, how="left", nulls_equal=True, maintain_order="left")
    untold = late & pl.col("ablated").fill_null(value=False) & pl.col("ablation_effect").is_null()
    return told.with_columns(**joined_notes(OF_ROW, remark(why, untold))).drop("ablated")


def _any(name: str) -> pl.Expr:
    return pl.col(name).fill_null(value=False).any()
