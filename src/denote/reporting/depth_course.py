"""Course of label proportion over depth in plain sentences, before any verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from denote.denotation.depth.plan import (
    ANY_BASIS,
    BEYOND,
    BOW,
    CHANGE,
    EXPLORATORY,
    FOLDED,
    GAP,
    LEAST_MODELS,
    OWN,
    POLARITY,
    RAW,
    SIGN_FLIP,
    TREND,
    UNFOLDED,
    too_few_networks,
)
from denote.estimate import Estimate
from denote.figures.curves import Curve, curves
from denote.numbers import count, interval, signed_interval, small, span
from denote.reporting.page import Row

Tables = Mapping[str, pl.DataFrame]
NAMES = {POLARITY: "polarity", ANY_BASIS: "what any basis shows", OWN: "the neurons' own"}
TRENDS = {FOLDED: "folded", BEYOND: "folded - rotated"}
NO_TEST = "a description: no test"
NO_SIGN = "the sign of these neurons is arbitrary, or not known to mean something"


def too_few_sentences(tables: Tables) -> list[str]:
    """Say, before all else, where there are too few networks for a verdict."""
    trained = tables["depth_description"].filter(pl.col("trained").fill_null(value=True))
    counts = trained.group_by("dataset", "architecture", maintain_order=True).agg(pl.col("n_models").max())
    sentences = []
    for (dataset,), own in counts.group_by(["dataset"], maintain_order=True):
        few = own.filter(pl.col("n_models") < LEAST_MODELS)
        if len(few) == len(own):
            most = int(own["n_models"].max())  # type: ignore[arg-type]
            sentences.append(f"{dataset}: {too_few_networks(most)}. What is said of depth describes these networks.")
            continue
        sentences += [
            f"{dataset}: {too_few_networks(n_models, f'{architecture} has')}. What is said of it is a description, and "
            "the verdict is that of the others."
            for architecture, n_models in few.select("architecture", "n_models").iter_rows()
        ]
    return sentences


def course_sentences(tables: Tables) -> list[str]:
    """Say the mean label proportion at the first, middle and last compared layer, and what its course is made of.

    Args:
        tables: With ``depth_description``, ``depth_parts`` and ``depth_tests``. Untrained networks get no sentence.
    """
    described = tables["depth_description"].filter(pl.col("trained").fill_null(value=True))
    sentences: list[str] = []
    without: list[Curve] = []
    for curve in curves(described):
        rows = curve.of(described)
        if rows["layer"].null_count():
            without.append(curve)
            continue
        tests, parts = _of_curve(tables["depth_tests"], curve), curve.of(tables["depth_parts"])
        sentences.append(f"{curve.title}: {_plain(rows.rows(named=True), tests)}")
        sentences += [f"{curve.title}: {said}" for said in _made_of(parts)]
        sentences += [f"{curve.title}: {said}" for said in _trends(tests)]
    return [*sentences, *_without(without)]


def _of_curve(tests: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The tests of an architecture alone, else those of the data set where it has one architecture."""
    same = [
        pl.col(name).eq_missing(pl.lit(getattr(curve, name), tests.schema[name]))
        for name in ("dataset", "trained", "epoch", "family")
    ]
    own = tests.filter(*same)
    alone = own.filter(pl.col("architecture") == curve.architecture)
    return alone if len(alone) else own.filter(pl.col("architecture").is_null())


def _plain(rows: Sequence[Row], tests: pl.DataFrame) -> str:
    """The sentence that needs no further words."""
    places = [
        f"{interval(Estimate.of(row, 'label_proportion_mean', bounds='label_proportion'))} at {row['layer']}"
        for row in rows
    ]
    first = rows[0]
    networks = {row["n_models_with_value"] for row in rows}
    of = "" if networks == {first["n_models"]} else f"{'-'.join(map(str, sorted(networks)))} of "
    who = f"{of}{count(first['n_models'], 'network')}" + (f"; {first['note']}" if first["note"] else "")
    listed = places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"
    said = f"the mean label proportion of what neurons denote is {listed} ({who})"
    if not all(row["sign_identified"] for row in rows):
        folded = ", ".join(interval(Estimate.of(row, "folded_mean", bounds="folded")) for row in rows)
        return f"{said}; {NO_SIGN}, so read the folded value, min(p, 1 - p): {folded}."
    test = tests.filter(pl.col("test") == SIGN_FLIP, pl.col("quantity") == UNFOLDED).drop_nulls("p_value")
    if test.is_empty():
        return f"{said}."
    row = test.row(0, named=True)
    joint = "" if row["role"] == EXPLORATORY or row["architecture"] is not None else f", Holm {small(row['p_holm'])}"
    return f"{said}; test of no change over layers: p = {small(row['p_value'])}{joint}{_largest(row)}."


def _largest(row: Row) -> str:
    if row["effect_low"] is None:
        return ""
    return f", largest difference between two layers {span(row['effect_low'], row['effect_high'])}"


def _made_of(parts: pl.DataFrame) -> list[str]:
    """Say what the raw course is made of, or why that cannot be told."""
    rows = {(row["part"], row["shape"]): row for row in parts.iter_rows(named=True)}
    if not rows or parts["part"].null_count():
        return [f"what this is made of cannot be told: {row['note']}." for row in rows.values()]
    first = rows[RAW, CHANGE]

    def value(part: str, shape: str) -> str:
        return signed_interval(Estimate.of(rows[part, shape], "value"))

    def split(shape: str) -> str:
        return ", ".join(f"{NAMES[part]} {value(part, shape)}" for part in NAMES)

    left_out = f"; {first['note']}" if first["note"] else ""
    return [
        f"from {first['first_layer']} to {first['last_layer']} it changes by {value(RAW, CHANGE)}: {split(CHANGE)}. "
        f"In the middle third of the layers it lies {value(RAW, BOW)} from the others: {split(BOW)} "
        f"({count(first['n_models'], 'network')} with all {first['n_layers']} layers{left_out})."
    ]


def _trends(tests: pl.DataFrame) -> list[str]:
    """The rise along each network's line, where there is no test of it."""
    untested = tests.filter(pl.col("test") == TREND, pl.col("p_value").is_null()).drop_nulls("effect")
    rises = {row["quantity"]: signed_interval(Estimate.of(row, "effect")) for row in untested.iter_rows(named=True)}
    said = [f"{name} rises by {rises[quantity]}" for quantity, name in TRENDS.items() if quantity in rises]
    return [f"along each network's line over depth, {' and '.join(said)} ({NO_TEST})."] if said else []


def _without(found: list[Curve]) -> list[str]:
    """The curves without a value at any layer, by network and data set."""
    families: dict[str, list[str]] = {}
    for curve in found:
        families.setdefault(curve.network, []).append(curve.family)
    return [
        f"{network}, {'family' if len(names) == 1 else 'families'} {', '.join(names)}: no label proportion by depth, "
        f"too few networks have one at any hidden layer ({GAP})."
        for network, names in families.items()
    ]
