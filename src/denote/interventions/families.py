"""Say which tests of interventions belong together, and correct them (METHOD section 7)."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from denote.evidence.corrections import benjamini_hochberg
from denote.interventions.kinds import Steer
from denote.interventions.words import (
    AT_FLOOR,
    ATTRIBUTE,
    AUROC,
    MORE_RANDOM,
    NEURON,
    OBSERVER,
    OF_CELL,
    OF_NEURON,
    PART,
    READING,
    TOGETHER,
    TOP,
    is_headline,
)
from denote.notes import Note
from denote.numbers import count
from denote.tables import OF_ROW, joined_notes, remark, remarks, says, without

OUTSIDE = ("output_unit", "not_decided")
"""Codes of notes that a row is in no family of tests."""

OF_PROPERTY = ["object_model", "layer", "pooling", "family", "property", "probe_seed"]
"""What neurons that denote the same are found by."""


def in_families(rows: pl.DataFrame, cells: pl.DataFrame, neurons: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Rows of which a note says that they are in no family of tests.

    These are the outputs of networks, and what does not pass the rule over a whole sweep: neurons, several of which
    fewer than two denote, observers, and erased attributes that no observer reads decisively any more.
    """
    rows = rows.with_columns(**joined_notes(without((*OUTSIDE, AT_FLOOR)))).with_row_index("row")
    denoting = neurons.filter(pl.col("denotes").fill_null(value=False)).select(OF_NEURON).unique()
    decisive = cells.filter(pl.col("decisive").fill_null(value=False)).rename({"attribute": "property"})
    key = [{"attribute": "property"}.get(name, name) for name in OF_CELL]
    still = rows.join(denoting, on=OF_NEURON, how="semi", nulls_equal=True)
    together = [*OF_PROPERTY, "subject"]
    parts = still.filter(pl.col("subject_kind") == PART).group_by(together).agg(pl.col("neuron").n_unique())
    several = rows.filter(pl.col("subject_kind") == TOGETHER).join(
        parts.filter(pl.col("neuron") > 1), on=together, how="semi", nulls_equal=True
    )
    observers = rows.join(decisive.select(key).unique(), on=key, how="semi", nulls_equal=True)
    anyhow = [name for name in key if name not in ("probe", "k")]
    attributes = rows.join(decisive.select(anyhow).unique(), on=anyhow, how="semi", nulls_equal=True)
    kinds = {ATTRIBUTE: attributes, NEURON: still, TOGETHER: several, OBSERVER: observers, TOP: observers}
    failed = [
        (pl.col("subject_kind") == kind) & pl.col("row").is_in(kept["row"].implode()).not_()
        for kind, kept in kinds.items()
    ]
    heads = layers.filter("is_head").select("object_model", "layer").unique()
    outputs = rows.join(heads, on=["object_model", "layer"], how="semi")["row"]
    is_output = pl.col("row").is_in(outputs.implode())
    tested = pl.col("p_value").is_not_null() | is_headline()
    marked = rows.with_columns(
        **joined_notes(
            OF_ROW,
            remark(Note.of("output_unit"), tested & is_output),
            remark(Note.of("not_decided"), tested & is_output.not_() & pl.any_horizontal(failed)),
        )
    )
    return marked.drop("row")


def corrected(rows: pl.DataFrame, level: float) -> pl.DataFrame:
    """Rows with q-values, of those that are in a family of tests.

    Args:
        rows: As `in_families` gives them.
        level: Largest q that passes; above it a note says where random ones were too few to pass.
    """
    counts = says(*OUTSIDE).not_()
    # Readings after an erasure are corrected among themselves: Holm, over the later layers of one erasure.
    counts &= pl.col("measure").fill_null("") != AUROC
    # Steering is tested by what observers read behind the layer: the rest is described.
    counts &= (pl.col("intervention") != Steer.name) | (pl.col("measure") == READING)
    p_values = rows.select(pl.when(counts & pl.col("p_value").is_not_null()).then("p_value")).to_series()
    q_values = rows.select(pl.when(pl.col("measure") == AUROC).then("q_value")).to_series()
    for name in rows["intervention"].unique(maintain_order=True):
        own = rows["intervention"] == name
        q = benjamini_hochberg(p_values.zip_with(own, pl.Series([None], dtype=pl.Float64)).to_numpy())
        q_values = q_values.fill_null(pl.Series("q_value", q).fill_nan(None).zip_with(own, q_values))
    told = rows.with_columns(q_values.alias("q_value"))
    n_tests = rows["intervention"].replace_strict(
        dict(told.filter(p_values.is_not_null()).group_by("intervention").len().iter_rows()), default=0
    )
    return told.with_columns(**joined_notes(OF_ROW, remarks(list(_at_floor(told, n_tests, level)))))


def _at_floor(rows: pl.DataFrame, n_tests: pl.Series, level: float) -> Iterator[Note | None]:
    """Say of every row whether no random one has as large an effect, and that is not enough for a correction."""
    columns = ("intervention", "p_value", "q_value", "n_random")
    for (name, p_value, q_value, number), tests in zip(rows.select(columns).iter_rows(), n_tests, strict=True):
        missing = None in (p_value, q_value, number) or q_value <= level or p_value > (1 + 1e-9) / (number + 1)
        setting = f"intervention.{name}.{MORE_RANDOM[name]}" if name in MORE_RANDOM else ""
        yield None if missing else Note.of(AT_FLOOR, number=number, tests=count(tests, "test"), setting=setting)
