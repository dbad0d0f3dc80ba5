"""Neurons and their controls decided together: the one call that a job and a merge share."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.denotation.power import detectable_balanced_accuracy
from denote.denotation.rule import decide_neurons, decide_replicates, realised_cutoffs
from denote.evidence.rule import Rule
from denote.tables import NUMBER, joined_notes

NOT_ROTATED = "not run: rotated"
NOT_DETECTABLE = "no balanced accuracy is detectable with these rows"
BESIDE = ("object_model", "layer", "pooling", "family", "probe_seed")
"""What a rotated neuron shares with those it stands beside."""


def decide(neurons: pl.DataFrame, controls: pl.DataFrame, rule: Rule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Correct, apply the rule, and fill in what is known only once all tests of the family are.

    Deciding twice is deciding once, so that a merge can start from the tables of jobs.

    Args:
        neurons: Columns of ``tables.NEURONS``, one row per ``tables.NEURONS_KEY``.
        controls: Columns of ``tables.CONTROLS``; rows that are no neurons are left as they are.
        rule: Thresholds of the rule.

    Returns:
        Neurons with ``q_value``, ``n_tests``, ``denotes``, ``detectable_balanced_accuracy`` and ``rotated_share``;
        controls with ``denotes``.
    """
    neurons = decide_neurons(neurons, rule)
    cutoffs = realised_cutoffs(neurons, rule)
    controls = decide_replicates(controls, cutoffs, rule)
    return with_rotated_share(with_detectable(neurons, cutoffs, rule), controls), controls


def with_detectable(neurons: pl.DataFrame, cutoffs: Mapping[str, float], rule: Rule) -> pl.DataFrame:
    """Fill ``detectable_balanced_accuracy`` of the neurons that were tested.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        cutoffs: Largest p-value that may pass, by family.
        rule: Thresholds of the rule.
    """
    rows = ["family", "n_positive_test", "n_test"]
    asked = neurons.filter(pl.col("p_value").is_not_null()).select(rows).unique(maintain_order=True)
    found = [
        detectable_balanced_accuracy(positive, n - positive, cutoffs[family], rule)
        for family, positive, n in asked.rows()
    ]
    name = "detectable_balanced_accuracy"
    known = asked.with_columns(pl.Series(name, found, dtype=NUMBER))
    tested = pl.col("p_value").is_not_null()
    filled = neurons.drop(name).join(known, on=rows, how="left", maintain_order="left")
    filled = filled.with_columns(pl.when(tested).then(name))
    return _remarked(filled, NOT_DETECTABLE, tested & pl.col(name).is_null()).select(neurons.columns)


def with_rotated_share(neurons: pl.DataFrame, controls: pl.DataFrame) -> pl.DataFrame:
    """Fill ``rotated_share``: of the live rotated directions beside a neuron, in all draws, the share that denote.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        controls: Columns of ``tables.CONTROLS``, decided.
    """
    beside = controls.filter(pl.col("control") == "rotated", pl.col("neuron").is_not_null(), pl.col("live"))
    shares = beside.group_by(BESIDE).agg(rotated_share=pl.col("denotes").mean())
    filled = neurons.drop("rotated_share").join(shares, on=BESIDE, how="left", nulls_equal=True, maintain_order="left")
    filled = filled.with_columns(pl.when("live").then("rotated_share"))
    missing = pl.col("live") & pl.col("rotated_share").is_null()
    return _remarked(filled, NOT_ROTATED, missing).select(neurons.columns)


def _remarked(frame: pl.DataFrame, remark: str, where: pl.Expr) -> pl.DataFrame:
    """The frame with a remark in the notes of some rows and of no others, whatever it was before."""
    others = pl.col("note").str.split("; ").list.eval(pl.element().filter(pl.element() != remark)).list.join("; ")
    return frame.with_columns(note=joined_notes(others, pl.when(where).then(pl.lit(remark))))
