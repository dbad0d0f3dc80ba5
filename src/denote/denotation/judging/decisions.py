"""Which neurons denote: the rule of METHOD section 3, applied to all neurons and controls of a sweep together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import polars as pl

from denote.comparison import reaches, within
from denote.denotation.judging.detectable import detectable_balanced_accuracy
from denote.evidence.corrections import benjamini_hochberg, realised_threshold
from denote.evidence.rule import Rule
from denote.tables import INTEGER, NEURONS_KEY, NUMBER, joined_notes

NOT_ROTATED = "not run: rotated"
NOT_DETECTABLE = "no balanced accuracy is detectable with these rows"
BESIDE = ("object_model", "layer", "pooling", "family", "probe_seed")
"""Columns in which a rotated neuron equals those of its layer."""


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


def best_per_key(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep of each neuron and family the property with the best score on *fit*; test rows have no say.

    Args:
        frame: Columns of ``tables.NEURONS``, from one or many jobs.

    Returns:
        One row per ``tables.NEURONS_KEY``, in the order of the frame. Of equal scores the first name is kept.
    """
    place = "row of the frame"
    return (
        frame.with_row_index(place)
        .sort("fit_balanced_accuracy", "property", descending=[True, False], nulls_last=True)
        .unique(NEURONS_KEY, keep="first", maintain_order=True)
        .sort(place)
        .drop(place)
    )


def decide_neurons(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Correct the p-values and apply the rule.

    Args:
        frame: All neurons of the sweep, one row per ``tables.NEURONS_KEY``: all layers and object models together are
            one family of tests for each attribute family.
        rule: Thresholds of the rule.

    Returns:
        The frame with ``q_value`` and ``n_tests`` (null where there was no test) and ``denotes`` (null for dead
        neurons, false where a live one has no property or too few rows: it abstains).
    """
    tested = pl.col("p_value").is_not_null()
    return frame.with_columns(
        q_value=pl.col("p_value").map_batches(_corrected, return_dtype=NUMBER).over("family"),
        n_tests=pl.when(tested).then(tested.sum().over("family")).cast(INTEGER),
    ).with_columns(denotes=pl.when("live").then(_passes(rule) & (pl.col("q_value").fill_null(1.0) <= rule.q)))


def realised_cutoff(frame: pl.DataFrame, family: str, rule: Rule) -> float:
    """The p-value up to which a neuron outside the family counts as one of its rejections (METHOD sections 5 and 6).

    It is the threshold q k / m at which Benjamini and Hochberg stopped, with k rejections of m tests, and q / m with
    none. The largest rejected p-value lies far below it where neurons are very good: of controls of true balanced
    accuracy .955 beside 40 near-perfect of 500 neurons (200 of 2,000 rows) it lets none pass, this threshold .715, and
    putting each into the family and correcting again .715, too (``scripts/simulations/cutoff.py``).

    Args:
        frame: Neurons decided by :func:`decide_neurons`.
        family: Attribute family.
        rule: Thresholds of the rule.

    Returns:
        In (0, 1); nan where the family has no test.
    """
    q_values = frame.filter(pl.col("family") == family).get_column("q_value").fill_null(float("nan"))
    return realised_threshold(q_values.to_numpy(), rule.q)


def realised_cutoffs(frame: pl.DataFrame, rule: Rule) -> dict[str, float]:
    """:func:`realised_cutoff` of every family of a frame."""
    return {family: realised_cutoff(frame, family, rule) for family in frame.get_column("family").unique().sort()}


def decide_replicates(controls: pl.DataFrame, cutoffs: Mapping[str, float], rule: Rule) -> pl.DataFrame:
    """Apply the rule to the neurons of controls, with the p-value cutoff that the sweep's real neurons realised.

    Args:
        controls: Columns of ``tables.CONTROLS``; rows that are no neurons are left as they are.
        cutoffs: By family; nan where the family has no test, and then none of its controls denotes.
        rule: Thresholds of the rule.

    Returns:
        The frame with ``denotes``; their ``q_value`` stays null, since they are no part of the family of tests.
    """
    # polars ranks NaN above every number: the cutoff of a family without tests would let all p-values pass.
    cutoff = pl.col("family").replace_strict(dict(cutoffs) or {"": 0.0}, default=None, return_dtype=NUMBER)
    cutoff = cutoff.fill_nan(None)
    passes = _passes(rule) & (pl.col("p_value") <= cutoff).fill_null(False)
    return controls.with_columns(
        denotes=pl.when(pl.col("neuron").is_null()).then("denotes").otherwise(pl.when("live").then(passes))
    )


SENSITIVITY = {
    "decisive": (0.90, 0.95, 0.98),
    "q": (0.01, 0.05, 0.10),
    "min_rows": (25, 50, 100),
    "on_tolerance": (0.10, 0.25, 0.50),
}
"""The rules that the sensitivity table tries; ``null`` stays, since the p-values are computed against it."""


def sensitivity_table(neurons: pl.DataFrame, grid: Mapping[str, tuple[float, ...]] | None = None) -> pl.DataFrame:
    """Count denoting neurons over a grid of rules.

    Args:
        neurons: Decided by :func:`decide_neurons`.
        grid: Values of fields of ``Rule``.

    Returns:
        One row per family and rule: the rule's values, ``n_live``, ``n_denoting`` and ``share_denoting``.
    """
    grid = grid or SENSITIVITY
    live = neurons.filter("live")
    counts = []
    for values in product(*grid.values()):
        setting = dict(zip(grid, values, strict=True))
        rule = Rule(**setting)  # type: ignore[arg-type]  # min_rows is a whole number in the grid
        passes = _passes(rule) & (pl.col("q_value").fill_null(1.0) <= rule.q)
        counts.append(
            live.group_by("family", maintain_order=True)
            .agg(n_live=pl.len().cast(INTEGER), n_denoting=passes.sum().cast(INTEGER))
            .with_columns(*(pl.lit(value).alias(name) for name, value in setting.items()))
        )
    return (
        pl.concat(counts)
        .select("family", *grid, "n_live", "n_denoting", share_denoting=pl.col("n_denoting") / pl.col("n_live"))
        .sort("family", *grid)
    )


def _corrected(p: pl.Series) -> pl.Series:
    q = benjamini_hochberg(p.cast(NUMBER).fill_null(float("nan")).to_numpy())
    return pl.Series(q).fill_nan(None)


def _passes(rule: Rule) -> pl.Expr:
    """Every condition of the rule but the corrected p-value; false where a number is missing."""
    p = pl.col("label_proportion")
    distance = (pl.col("on_proportion") - p).abs()
    rows = [
        count >= rule.min_rows
        for part in ("fit", "test")
        for count in (pl.col(f"n_positive_{part}"), pl.col(f"n_{part}") - pl.col(f"n_positive_{part}"))
    ]
    return pl.all_horizontal(
        reaches(pl.col("balanced_accuracy"), rule.decisive).fill_null(False),
        within(distance, rule.on_tolerance * pl.min_horizontal(p, 1 - p)).fill_null(False),
        *(row.fill_null(False) for row in rows),
    )
