"""Correct the p-values of interventions and say of every neuron and cell what they show (METHOD section 7)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.rule import CAUSAL, Rule
from denote.interventions.kinds import Ablate, Erase, Steer
from denote.interventions.words import (
    ALL,
    AUROC,
    ERASING,
    NEURON,
    NOT_SHOWN,
    OBSERVER,
    OF_CELL,
    OF_HEADLINE,
    OF_NEURON,
    PART,
    READING,
    RESAMPLE,
    SCORE,
    TOGETHER,
    TOGETHER_ONLY,
    USED,
    WITH,
    used,
)
from denote.notes import Note
from denote.numbers import proportion
from denote.tables import CELLS, NEURONS, NOTE, OF_ROW, Schema, joined_notes, remark, without

ABLATION = {
    "effect": "ablation_effect",
    "effect_low": "ablation_low",
    "effect_high": "ablation_high",
    "random": "ablation_random",
    "p_value": "ablation_p",
    "q_value": "ablation_q",
}
"""Columns of the headline, and what they are called beside the score."""

_PLACE = ["object_model", "layer", "pooling", "family", "property", "probe_seed"]

Tables = Mapping[str, pl.DataFrame]


def decide_interventions(tables: Tables, rule: Rule) -> dict[str, pl.DataFrame]:
    """Correct over all denoting neurons and observers that were intervened on, and write what follows beside them.

    Args:
        tables: ``interventions``, and ``cells`` and ``neurons`` that are decided.
        rule: With the largest false discovery rate.

    Returns:
        The three tables, with ``ablation_*`` and ``causal_evidence``.
    """
    asked = not tables["interventions"].is_empty()
    cells, neurons = (_without_ablation(tables[name], with_notes=asked) for name in ("cells", "neurons"))
    rows = _corrected(tables["interventions"], neurons)
    headline = rows.filter(_is_headline())
    of_cells = headline.filter(pl.col("subject_kind") == OBSERVER).rename({"property": "attribute"})
    with_neurons = _joined(neurons, headline.filter(pl.col("subject_kind") == NEURON), OF_NEURON)
    together = _used_together(headline, rule)
    with_neurons = with_neurons.join(together, on=OF_NEURON, how="left", nulls_equal=True, maintain_order="left")
    neurons = _told(with_neurons, rule, pl.col("denotes").fill_null(value=False)).drop("together")
    cells = _joined(cells, of_cells, OF_CELL).with_columns(together=pl.lit(None, pl.Boolean))
    cells = _with_erasures(_told(cells, rule, pl.lit(value=True)).drop("together"), rows)
    return {
        "interventions": rows,
        "cells": _in_order(cells, CELLS),
        "neurons": _in_order(_noted(neurons, rows), NEURONS),
    }


def _in_order(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Rows with the columns of a table in its order, and others behind them."""
    return rows.select(*(name for name in schema if name in rows.columns), pl.exclude(*schema))


def _used_together(headline: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Neurons that add to what resampling all that denote the same costs, where that is more than random."""
    is_used = used(pl.col("effect"), pl.col("random"), pl.col("q_value"), rule)
    groups = headline.filter((pl.col("subject_kind") == TOGETHER) & is_used)
    parts = headline.filter((pl.col("subject_kind") == PART) & (pl.col("effect_low") > 0))
    adding = parts.join(groups, on=[*_PLACE, "subject"], how="semi", nulls_equal=True)
    return adding.select(*OF_NEURON, pl.lit(value=True).alias("together")).unique(OF_NEURON)


def _is_headline() -> pl.Expr:
    """Rows on what resampling costs on rows with the property."""
    return (
        (pl.col("intervention") == Ablate.name)
        & (pl.col("kind") == RESAMPLE)
        & (pl.col("measure") == SCORE)
        & (pl.col("rows") == WITH)
    )


def _without_ablation(rows: pl.DataFrame, *, with_notes: bool) -> pl.DataFrame:
    """Rows as they were before an earlier decision; without interventions no note says anything of them."""
    rows = rows.drop(*ABLATION.values(), "causal_evidence", strict=False)
    return rows.with_columns(**joined_notes(without(OF_HEADLINE))) if with_notes else rows


def _corrected(rows: pl.DataFrame, neurons: pl.DataFrame) -> pl.DataFrame:
    """Rows with q-values; a neuron that denotes no more, over a whole sweep, is in no family of tests.

    Nor are several together of which fewer than two denote.
    """
    denoting = neurons.filter(pl.col("denotes").fill_null(value=False)).select(OF_NEURON).unique()
    still = rows.with_row_index("row").join(denoting, on=OF_NEURON, how="semi", nulls_equal=True)
    parts = still.filter(pl.col("subject_kind") == PART).group_by(*_PLACE, "subject").agg(pl.col("neuron").n_unique())
    several = rows.with_row_index("row").filter(pl.col("subject_kind") == TOGETHER).join(
        parts.filter(pl.col("neuron") > 1), on=[*_PLACE, "subject"], how="semi", nulls_equal=True
    )  # fmt: skip
    kept = pl.concat([still["row"], several["row"]])
    counts = pl.col("subject_kind").is_in([NEURON, TOGETHER]).not_() | pl.int_range(pl.len()).is_in(kept.implode())
    # Readings after an erasure are corrected among themselves: Holm, over the later layers of one erasure.
    counts &= pl.col("measure").fill_null("") != AUROC
    # Steering is tested by what observers read behind the layer and by the score: outputs and loss are described.
    counts &= (pl.col("intervention") != Steer.name) | pl.col("measure").is_in([READING, SCORE])
    p_values = rows.select(pl.when(counts & pl.col("p_value").is_not_null()).then("p_value")).to_series()
    q_values = rows.select(pl.when(pl.col("measure") == AUROC).then("q_value")).to_series()
    for name in rows["intervention"].unique(maintain_order=True):
        own = rows["intervention"] == name
        q = benjamini_hochberg(p_values.zip_with(own, pl.Series([None], dtype=pl.Float64)).to_numpy())
        q_values = q_values.fill_null(pl.Series("q_value", q).fill_nan(None).zip_with(own, q_values))
    return rows.with_columns(q_values.alias("q_value"))


def _joined(rows: pl.DataFrame, headline: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Rows with the headline of their intervention and its note, null where there is none."""
    named = {**ABLATION, **{name: f"{name}_of_headline" for name in NOTE}}
    chosen = headline.select(*key, *(pl.col(name).alias(column) for name, column in named.items()))
    joined = rows.join(chosen.unique(key), on=key, how="left", nulls_equal=True, maintain_order="left")
    text, codes = (pl.col(named[name]) for name in NOTE)
    return joined.with_columns(**joined_notes(OF_ROW, (text, codes))).drop(named[name] for name in NOTE)


def _told(rows: pl.DataFrame, rule: Rule, asked: pl.Expr) -> pl.DataFrame:
    """Rows with ``causal_evidence`` in words."""
    effect, random = (_signed(pl.col(name)) for name in ("ablation_effect", "ablation_random"))
    costs = pl.format("resampling costs {} of the score on its rows, random {}", effect, random)
    is_used = used(pl.col("ablation_effect"), pl.col("ablation_random"), pl.col("ablation_q"), rule)
    word = (
        pl.when(is_used)
        .then(pl.lit(USED))
        .when(pl.col("together"))
        .then(pl.lit(TOGETHER_ONLY))
        .otherwise(pl.lit(NOT_SHOWN))
    )
    text = pl.when(pl.col("ablation_p").is_null()).then(pl.lit(CAUSAL)).otherwise(pl.format("{}: {}", word, costs))
    return rows.with_columns(causal_evidence=pl.when(asked).then(text))


def _with_erasures(cells: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Cells that say, too, what erasing their attribute at their layer costs and whether it comes back."""
    key = ["object_model", "layer", "pooling", "attribute", "probe_seed"]
    erased = rows.filter(pl.col("intervention") == Erase.name).rename({"property": "attribute"})
    whole = erased.filter(pl.col("measure") == SCORE, pl.col("rows") == ALL)
    behind = erased.filter(pl.col("measure") == AUROC, pl.col("comes_back").is_not_null())
    back = behind.group_by(key, maintain_order=True).agg(back=pl.col("target").filter("comes_back").first(), n=pl.len())
    told = whole.join(back, on=key, how="left", nulls_equal=True, maintain_order="left")
    costs = pl.format(f"{ERASING} {{}} of the score, random {{}}", _signed(pl.col("effect")), _signed(pl.col("random")))
    later = pl.when(pl.col("back").is_not_null()).then(pl.format("; it comes back at {}", "back"))
    never = pl.when(pl.col("n") > 0).then(pl.lit("; it does not come back")).otherwise(pl.lit(""))
    told = told.select(*key, erased=costs + later.otherwise(never))
    joined = cells.join(told.unique(key), on=key, how="left", nulls_equal=True, maintain_order="left")
    untested = pl.col("causal_evidence") == CAUSAL
    both = (
        pl.when(untested)
        .then(pl.format("erased: {}", "erased"))
        .otherwise(pl.format("{}; {}", "causal_evidence", "erased"))
    )
    return joined.with_columns(causal_evidence=pl.coalesce(both, "causal_evidence")).drop("erased")


def _signed(value: pl.Expr) -> pl.Expr:
    """A difference of scores as people read it: two decimals and no zero in front."""
    return value.map_elements(proportion, return_dtype=pl.String)


def _noted(neurons: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Neurons with a note on those that denote by the decisions of a whole sweep alone, so that no job ablated them."""
    if rows.is_empty():
        return neurons
    asked = rows.filter(pl.col("intervention") == Ablate.name)["object_model"].unique()
    late = pl.col("denotes") & pl.col("ablation_effect").is_null() & pl.col("object_model").is_in(asked.implode())
    untold = late & ~pl.col("note_codes").fill_null("").str.contains("ablat|cannot_be_replaced|no_task")
    return neurons.with_columns(**joined_notes(OF_ROW, remark(Note.of("not_ablated"), untold)))
