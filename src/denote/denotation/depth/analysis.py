"""Analyse depth as a whole: describe, decompose, test, and draw one verdict (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int

from denote.denotation.depth import plan
from denote.denotation.depth.by_depth import label_proportion_by_depth
from denote.denotation.depth.by_model import KEY, label_proportion_by_model
from denote.denotation.depth.depth_profiles import Profiles, parts_of
from denote.denotation.depth.hypothesis_tests import questions, tests_of
from denote.errors import ConfigError
from denote.evidence.intervals import t_interval
from denote.evidence.rule import Rule
from denote.notes import Note, note, stored_note
from denote.numbers import bound, setting
from denote.tables import (
    CONTROLS,
    DEPTH_DESCRIPTION,
    DEPTH_PARTS,
    DEPTH_VERDICTS,
    LAYERS,
    LAYERS_KEY,
    NEURONS,
    Schema,
    empty,
    table,
)

Row = dict[str, Any]
_ABSENT: Row = {"p_value": None, "p_holm": None, "significant": None, "testable": None, "statistic": None, "note": None}


def depth_verdicts(tests: pl.DataFrame, analysis: plan.Analysis) -> pl.DataFrame:
    """Give the verdict of every question.

    Args:
        tests: Columns of ``tables.DEPTH_TESTS``.
        analysis: What was planned.

    Returns:
        Columns of ``tables.DEPTH_VERDICTS``.
    """
    rows = []
    for key, of_question in tests.filter(pl.col("role") != plan.EXPLORATORY).group_by(
        plan.QUESTION, maintain_order=True
    ):
        too_few = (of_question["role"] == plan.DESCRIPTIVE).all()
        reached = _few(of_question) if too_few else _reached(of_question, analysis.equivalence)
        rows.append({**dict(zip(plan.QUESTION, key, strict=True)), **reached})
    return table(rows, DEPTH_VERDICTS)


def _few(tests: pl.DataFrame) -> dict[str, Any]:
    return {"verdict": plan.TOO_FEW, "n_models": tests["n_models"].max(), "planned": False}


def _reached(tests: pl.DataFrame, margin: float) -> dict[str, Any]:
    primary = tests.filter(pl.col("role") == plan.PRIMARY).row(0, named=True)
    equivalence = [_of(tests, plan.EQUIVALENCE, quantity) for quantity in (plan.BEYOND, plan.FOLDED)]
    reached, why = verdict(
        primary, _of(tests, plan.SIGN_FLIP, plan.FOLDED), _of(tests, plan.SIGN_FLIP, plan.UNFOLDED), equivalence, margin
    )
    if reached == plan.NOT_SHOWN and primary["p_value"] is None:
        reached = _untested(tests)
    of_primary = {name: primary[name] for name in ("n_models", "p_value", "p_holm", "planned")}
    return {"verdict": reached, **of_primary, "largest_bound": _largest_bound(equivalence), "note": why}


def _untested(tests: pl.DataFrame) -> str:
    """Say of a primary test that was not made whether what it lacks is the rotated control, which alone it needs."""
    folded, share = (_of(tests, plan.SIGN_FLIP, quantity)["n_layers"] for quantity in (plan.FOLDED, plan.SHARE))
    return plan.WITHOUT_DIRECTIONS if folded is not None and share is None else plan.NOT_TESTED


def verdict(primary: Row, folded: Row, unfolded: Row, equivalence: list[Row], margin: float) -> tuple[str, str | None]:
    """Return the first sentence that holds, and why not more could be said.

    What only the primary test could have told apart is not claimed where that test could not be made.

    Args:
        primary: Row of the primary test.
        folded: Of the sign-flip test of the folded value.
        unfolded: Of the unfolded value; all null where its sign means nothing.
        equivalence: Of the bounds of the differences between any two layers, of all that must lie within the margin.
        margin: Largest difference that counts as no change.
    """
    if primary["testable"]:
        for row, sentence in (
            (primary, plan.BEYOND_BASIS),
            (folded, plan.ANY_BASIS_SHOWS),
            (unfolded, plan.POLARITY_ONLY),
        ):
            if row["significant"]:
                return sentence, None
    why = None if primary["testable"] else stored_note(primary)
    if all(row["testable"] and row["significant"] for row in equivalence):
        return plan.NO_CHANGE.format(setting(margin)), why
    end = _largest_bound(equivalence)
    return (plan.NOT_SHOWN if end is None else plan.NOT_EXCLUDED.format(bound(end))), why


def _largest_bound(equivalence: list[Row]) -> float | None:
    """Return the farthest end of all bounds; None where one of them is not known."""
    ends = [row["statistic"] for row in equivalence]
    return None if any(end is None for end in ends) else float(max(ends))


def _of(tests: pl.DataFrame, test: str, quantity: str) -> Row:
    """Return the joint row of a test, all null where there is none."""
    rows = tests.filter(pl.col("test") == test, pl.col("quantity") == quantity)
    return rows.row(0, named=True) if len(rows) else _ABSENT


FIRST, MIDDLE, LAST = "first", "middle", "last"


@dataclass(frozen=True)
class DepthAnalysis:
    """Does the label proportion of what neurons denote depend on depth (METHOD section 6).

    Attributes:
        by_model: One row per network, layer and family; columns of ``tables.LABEL_PROPORTION_BY_MODEL``.
        by_depth: Means over networks; columns of ``tables.LABEL_PROPORTION_BY_DEPTH``.
        description: First, middle and last compared layer of every curve; columns of ``tables.DEPTH_DESCRIPTION``.
        parts: What the raw course is made of; columns of ``tables.DEPTH_PARTS``.
        tests: Columns of ``tables.DEPTH_TESTS``.
        verdicts: Columns of ``tables.DEPTH_VERDICTS``.
    """

    by_model: pl.DataFrame
    by_depth: pl.DataFrame
    description: pl.DataFrame
    parts: pl.DataFrame
    tests: pl.DataFrame
    verdicts: pl.DataFrame

    def __repr__(self) -> str:
        """Return the verdicts, a line each; the frames behind them are attributes."""
        lines = [f"{row['dataset']}, {row['family']}: {row['verdict']}" for row in self.verdicts.iter_rows(named=True)]
        frames = ", ".join(field.name for field in fields(self))
        return "\n".join([*(lines or ["no network has a layer to compare"]), f"frames: {frames}"])

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The frames by the names of their files."""
        stems = {"by_model": "label_proportion", "by_depth": "label_proportion"}
        return {f"{stems.get(field.name, 'depth')}_{field.name}": getattr(self, field.name) for field in fields(self)}


def depth_analysis(
    neurons: pl.DataFrame,
    controls: pl.DataFrame | None = None,
    layers: pl.DataFrame | None = None,
    *,
    analysis: plan.Analysis | None = None,
    rule: Rule | None = None,
) -> DepthAnalysis:
    """Analyse how the label proportion of what neurons denote depends on depth.

    Args:
        neurons: Rows of ``neurons.parquet`` of one sweep, decided. Needed are ``dataset architecture object_model layer
            depth relative_depth neuron family property label_proportion denotes live``.
        controls: Rows of ``controls.parquet``, with the columns that say beside which neurons they stand.
            Without ``rotated`` only the raw and the folded course are tested.
        layers: Rows of ``layers.parquet``, which say whether signs mean something and what is a head.
        analysis: What was planned; None: nothing, all is exploratory.
        rule: The rule that decided ``neurons``, for what it could have found; None: the default one.

    Returns:
        Its frames. Numbers that are not defined are null with the reason.

    Raises:
        ConfigError: if a column that is needed is missing, or one by which rows belong together is in one frame alone.

    Example:
        >>> sweep = denote.load("multirun/NAME")                                             # doctest: +SKIP
        >>> denote.depth_analysis(sweep.neurons, sweep.controls, sweep.tables["layers"]).verdicts  # doctest: +SKIP
    """
    planned = analysis or plan.Analysis()
    for name, beside, key in (("controls", controls, KEY), ("layers", layers, LAYERS_KEY)):
        if beside is not None:
            _check_alike(neurons, beside, key, name)
    neurons = _completed(neurons, NEURONS, "neurons")
    completed_controls = empty(CONTROLS) if controls is None else _completed(controls, CONTROLS, "controls")
    completed_layers = empty(LAYERS) if layers is None else _completed(layers, LAYERS, "layers")
    by_model = label_proportion_by_model(neurons, completed_controls, completed_layers)
    asked = list(questions(by_model, planned))
    tests = tests_of(asked, planned)
    curves = [(key, curve) for key, of_question in asked for curve in of_question]
    return DepthAnalysis(
        by_model,
        label_proportion_by_depth(by_model, neurons, rule or Rule()),
        table((row for key, curve in curves for row in _described(key, curve)), DEPTH_DESCRIPTION),
        table((row for key, curve in curves for row in _parts(key, curve)), DEPTH_PARTS),
        tests,
        depth_verdicts(tests, planned),
    )


NEEDED = {
    "neurons": (
        *("dataset", "architecture", "object_model", "layer", "depth", "relative_depth", "neuron"),
        *("family", "property", "label_proportion", "denotes", "live"),
    ),
    "controls": ("control", "draw", "object_model", "layer", "neuron", "family", "label_proportion", "denotes", "live"),
    "layers": ("object_model", "layer"),
}
"""Columns that a caller's frame must have."""


def _check_alike(neurons: pl.DataFrame, beside: pl.DataFrame, key: Iterable[str], name: str) -> None:
    """Refuse frames whose rows would not find each other, which would look like a control that was not run."""
    alone = [column for column in key if (column in neurons.columns) != (column in beside.columns)]
    if alone:
        raise ConfigError(
            name, f"and neurons belong together by {', '.join(alone)}, which only one of them has", "give it to both"
        )


def _completed(frame: pl.DataFrame, schema: Schema, name: str) -> pl.DataFrame:
    """The frame with all columns of its file; what it lacks is null, the folded value is computed."""
    missing = [column for column in NEEDED[name] if column not in frame.columns]
    if missing:
        raise ConfigError(name, f"has no column {', '.join(missing)}", f"needed: {', '.join(NEEDED[name])}")
    frame = frame.with_columns(
        pl.lit(None, kind).alias(column) for column, kind in schema.items() if column not in frame.columns
    ).select(pl.col(column).cast(kind) for column, kind in schema.items())
    if "folded_label_proportion" not in schema:
        return frame
    p = pl.col("label_proportion")
    return frame.with_columns(pl.col("folded_label_proportion").fill_null(pl.min_horizontal(p, 1 - p)))


def _place(key: tuple[Any, ...], curve: Profiles) -> Row:
    return {**dict(zip(plan.QUESTION, key, strict=True)), "architecture": curve.architecture}


def _described(key: tuple[Any, ...], curve: Profiles) -> Iterator[Row]:
    """Mean label proportion at the first, middle and last compared layer."""
    layers = curve.compared.nonzero()[0]
    identity = _place(key, curve) | {"n_models": curve.n_models}
    if not len(layers):
        yield identity | {"note": Note.of("no_layer_with_value"), "n_models_with_value": 0}
        return
    for name, layer in _ends_and_middle(layers).items():
        raw, folded = curve.numbers["label_proportion"][:, layer], curve.numbers["folded"][:, layer]
        n_known = int(np.isfinite(raw).sum())
        few = Note.of("layers_not_compared", layers=", ".join(curve.left_out)) if curve.left_out else None
        yield identity | {
            "place": name,
            "layer": curve.layers[layer],
            "depth": int(curve.depth[layer]),
            "n_models_with_value": n_known,
            **t_interval(raw, within=(0.0, 1.0)).columns("label_proportion_mean", bounds="label_proportion"),
            **t_interval(folded, within=(0.0, 0.5)).columns("folded_mean", bounds="folded"),
            "sign_identified": bool(curve.identified[layer]),
            "note": note(few, Note.of("one_network") if n_known < 2 else None),
        }


def _ends_and_middle(layers: Int[np.ndarray, " layer"]) -> dict[str, int]:
    """First, middle (the earlier of two) and last of some layers; one or two layers have no middle."""
    chosen = {FIRST: layers[0], MIDDLE: layers[(len(layers) - 1) // 2], LAST: layers[-1]}
    kept = {1: (FIRST,), 2: (FIRST, LAST)}.get(len(layers), (FIRST, MIDDLE, LAST))
    return {name: int(chosen[name]) for name in kept}


def _parts(key: tuple[Any, ...], curve: Profiles) -> Iterator[Row]:
    """Every part's change and bow, or why there are none."""
    identity, parts = _place(key, curve), parts_of(curve)
    if isinstance(parts, Note):
        yield identity | {"n_models": curve.n_models, "note": parts}
        return
    left_out = ", ".join(parts.left_out)
    identity |= {
        "first_layer": parts.layers[0],
        "last_layer": parts.layers[-1],
        "layers": ", ".join(parts.layers),
        "n_models": parts.n_models,
        "n_layers": len(parts.layers),
        "note": Note.of("layers_left_out", layers=left_out) if left_out else None,
    }
    for part, layer, depth, level in parts.levels():
        yield identity | {"part": part, "shape": plan.LEVEL, "layer": layer, "depth": depth, **level.columns("value")}
    for part, shape, estimate in parts.estimates():
        yield identity | {"part": part, "shape": shape, **estimate.columns("value")}
