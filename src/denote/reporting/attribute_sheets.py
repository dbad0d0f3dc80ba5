"""Sections of the report on attributes: effort of reading them, first decisive depth, comparison with the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from denote.evidence.rule import LESS, MORE, UNDECIDED
from denote.figures.curves import some, usual_probe
from denote.numbers import NULL, count, count_range, proportion
from denote.reporting import sheet
from denote.reporting.association import LAYER
from denote.reporting.sheet import NOTES, OF, PROBE, Column, Row, Sheet

TITLES = {"fit_rows": "Score by number of fit rows", "removed": "Redundancy: score after removing neurons"}
CAPTIONS = {
    "fit_rows": "x is the number of fit rows with a label",
    "removed": "x is the number of neurons that were taken away, those the observer relied on most, before it was "
    "fitted again; a score that stays is carried by many",
}


def reading_sheets(cells: pl.DataFrame, curves: pl.DataFrame) -> list[Sheet]:
    """The tables of this module that have rows.

    Args:
        cells: Columns of ``tables.CELLS``.
        curves: Columns of ``tables.CURVES``.
    """
    coded = cells.filter(pl.col("compression").is_not_null())
    found = [] if coded.is_empty() else [description_sheet(coded)]
    for curve in TITLES:
        points = curves.filter(pl.col("curve") == curve, pl.col("auroc").is_not_null())
        found += [] if points.is_empty() else [curve_sheet(points, curve)]
    return found


def description_sheet(cells: pl.DataFrame) -> Sheet:
    """Description length of every attribute at every layer, mean over object models.

    Args:
        cells: Columns of ``tables.CELLS``; only those with a code.
    """
    numbers = ("description_bits", "intercept_bits", "compression")
    rows = (
        cells.group_by([*LAYER, "attribute", "probe"], maintain_order=True)
        .agg(pl.col("object_model").n_unique().alias("n_models"), *(pl.col(number).mean() for number in numbers))
        .sort("attribute", "depth", nulls_last=True, maintain_order=True)
    )
    columns = [
        *sheet.text("attribute", "probe"),
        OF,
        *sheet.text("layer"),
        *sheet.whole(n_models="models"),
        *sheet.amount(*numbers),
    ]
    return sheet.sheet("description", columns, rows)


def curve_sheet(points: pl.DataFrame, curve: str) -> Sheet:
    """A reading curve per attribute and probe, at the layer where its best point is highest.

    Args:
        points: Columns of ``tables.CURVES``, those of one curve with a score.
        curve: A key of `TITLES`.
    """
    key = [*NETWORK, "attribute", "probe"]
    means = points.group_by([*key, "layer", "depth", "x"], maintain_order=True).agg(pl.col("auroc").mean())
    layers = means.sort("x").group_by([*key, "layer", "depth"], maintain_order=True).agg("x", "auroc")
    best = (
        layers.sort(pl.col("auroc").list.max(), descending=True, maintain_order=True)
        .unique(key, keep="first", maintain_order=True)
        .sort("attribute", "probe", maintain_order=True)
    )
    columns = [*sheet.text("attribute", "probe"), OF, *sheet.text("layer"), ("x: held-out AUROC", _points)]
    return sheet.sheet("curve", columns, best, title=TITLES[curve], what=CAPTIONS[curve])


def _points(row: Row) -> str:
    return ", ".join(f"{count(x)}: {proportion(y)}" for x, y in zip(row["x"], row["auroc"], strict=True))


MOST_NAMED = 10
RULE = "first of two consecutive decisive layers, median"
CURVE = ["dataset", "architecture", "trained", "epoch", "probe", "k"]


def first_decisive_sentences(first: pl.DataFrame) -> list[str]:
    """Name the layer at which attributes become decisive, one sentence per network and probe.

    Args:
        first: Columns of ``tables.FIRST_DECISIVE``.
    """
    several = first.filter("trained")["epoch"].n_unique() > 1
    known = first.filter(pl.col("n_models") > 0)
    return [_sentence(_name(key, several=several), own) for key, own in known.group_by(CURVE[:-1], maintain_order=True)]


def _name(key: Sequence[Any], *, several: bool) -> str:
    dataset, architecture, trained, epoch, probe = key
    state = "" if trained else " (untrained)"
    at = f", epoch {epoch}" if trained and epoch is not None and several else ""
    return f"{dataset}, {architecture}{state}{at}, {probe} probe"


def _sentence(name: str, own: pl.DataFrame) -> str:
    sizes = own["k"].unique().sort().to_list()
    if len(sizes) > 1:
        counted = [_how_many(own.filter(pl.col("k") == k), f" with k = {k}") for k in sizes if k is not None]
        return f"{name}: attributes that become decisive ({RULE}): {', '.join(counted)}."
    size = "" if sizes == [None] else f" (k = {sizes[0]})"
    if own["n_censored"].is_null().all():
        return f"{name}{size}: {_without_two_layers(own)}."
    reached = own.filter(pl.col("first_layer").is_not_null())
    where = [f"{row['attribute']} {row['first_layer']}" for row in reached.iter_rows(named=True)]
    unequal = "" if own["equal_rows"].all() else "; numbers of rows differ, which moves it too"
    return (
        f"{name}{size}: {len(reached)} of {count(len(own), 'attribute')} become decisive at a hidden layer ({RULE}, "
        f"{_networks(own)}): {some(where, MOST_NAMED) or 'none'}{unequal}; at some hidden layer, in half or more "
        f"of the networks: {own['decisive_at'].count()}."
    )


def _how_many(own: pl.DataFrame, where: str) -> str:
    return f"{own['first_layer'].count()} of {len(own)}{where}"


def _without_two_layers(own: pl.DataFrame) -> str:
    """Say what is decisive where no two hidden layers were observed."""
    at = own.filter(pl.col("decisive_at").is_not_null())
    where = [f"{row['attribute']} at {row['decisive_at']}" for row in at.iter_rows(named=True)]
    return (
        f"{len(at)} of {count(len(own), 'attribute')} decisive in half or more of {_networks(own)}: "
        f"{some(where, MOST_NAMED) or 'none'}; where they become so takes two hidden layers"
    )


def _networks(own: pl.DataFrame) -> str:
    return count_range(own["n_models"], "network")


def first_decisive_sheet(first: pl.DataFrame) -> Sheet:
    """One row per attribute and probe.

    Args:
        first: Columns of ``tables.FIRST_DECISIVE``.
    """
    columns: list[Column] = [
        *sheet.text("attribute"),
        PROBE,
        OF,
        *sheet.share("label_proportion"),
        *sheet.whole(n_models="models", n_censored="never"),
        ("first of two", _first),
        *sheet.share(first_relative_depth="relative depth"),
        *sheet.text("decisive_at"),
        *sheet.yes("equal_rows"),
        NOTES,
    ]
    return sheet.sheet("first_decisive", columns, first)


def _first(row: Row) -> str:
    """``hidden_2 [hidden_1, >]``; an end that lies beyond the last layer is ``>``."""
    if row["n_censored"] is None or not row["n_models"]:
        return NULL
    median, low, high = (row[f"first_layer{end}"] or ">" for end in ("", "_low", "_high"))
    without = row["n_models"] < 6
    return median if without else f"{median} [{low}, {high}]"


MOST_AUDITED = 6
NETWORK = ["dataset", "architecture", "trained", "epoch"]


def audited(table: pl.DataFrame) -> pl.DataFrame:
    """The rows that are told: those of the linear observer where there is one, of trained networks where there are any.

    Args:
        table: Columns of ``tables.AUDIT``.
    """
    rows = table.filter("trained") if table["trained"].any() else table
    return rows if rows.is_empty() else rows.filter(pl.col("probe") == usual_probe(rows["probe"]))


def audit_sentences(table: pl.DataFrame) -> list[str]:
    """Of every network which attributes its layers give less, and more, than the raw input does.

    Args:
        table: Columns of ``tables.AUDIT``.
    """
    told, sentences = audited(table), []
    for (dataset, architecture, _, epoch), own in told.group_by(NETWORK, maintain_order=True):
        at = f", epoch {epoch}" if epoch is not None and told["epoch"].n_unique() > 1 else ""
        known = own.filter(pl.col("verdict").is_not_null())
        missing = own.filter(pl.col("verdict").is_null()).unique("attribute", maintain_order=True)
        parts = [_of_verdict(known, verdict) for verdict in (LESS, MORE)]
        undecided = len(known.filter(pl.col("verdict") == UNDECIDED))
        by_chance = proportion(0.05 * len(known), 1)
        sentences.append(
            f"{dataset}, {architecture}{at}, {own['probe'][0]} observers beside the raw input: {'; '.join(parts)}; "
            f"undecided in {undecided} of {count(len(known), 'comparison')}, of which up to {by_chance} would be "
            "decided by chance."
        )
        if len(missing):
            why = [f"{row['attribute']} ({sheet.note(row)})" for row in missing.iter_rows(named=True)]
            sentences.append(f"{dataset}, {architecture}{at}: not compared: {some(why, MOST_AUDITED)}.")
    return sentences


def _of_verdict(known: pl.DataFrame, verdict: str) -> str:
    """``less than the input: sex (hidden_3, logits)``."""
    found = known.filter(pl.col("verdict") == verdict).group_by("attribute", maintain_order=True).agg("layer")
    named = [f"{attribute} ({', '.join(layers)})" for attribute, layers in found.iter_rows()]
    return f"{verdict}: {some(named, MOST_AUDITED) or 'none'}"


def audit_sheet(table: pl.DataFrame) -> Sheet:
    """One row per attribute and layer.

    Args:
        table: Columns of ``tables.AUDIT``.
    """
    rows = audited(table).join(_nearest(table), on=[*NETWORK, "attribute"], how="left", nulls_equal=True)
    order = rows["attribute"].unique(maintain_order=True).to_list()
    rows = rows.sort(*NETWORK, pl.col("attribute").cast(pl.Enum(order)), "depth", nulls_last=True, maintain_order=True)
    columns: list[Column] = [
        *sheet.text("attribute"),
        *sheet.share("label_proportion"),
        ("of", _where),
        PROBE,
        *sheet.whole("n_test", n_models="models"),
        *sheet.share(input_auroc="raw input"),
        *sheet.text("layer"),
        *sheet.between(auroc="AUROC"),
        *sheet.share(untrained_auroc="untrained"),
        *sheet.between(input_gain="layer - input"),
        *sheet.text("verdict"),
        *sheet.whole(n_denoting="neurons"),
        ("nearest input", _input),
        NOTES,
    ]
    return sheet.sheet("audit", columns, rows)


def _nearest(table: pl.DataFrame) -> pl.DataFrame:
    """The single input that goes with each attribute best, where single inputs were searched and have names."""
    named = table.filter(pl.col("input_name").is_not_null())
    return named.group_by(*NETWORK, "attribute").agg(
        nearest=pl.col("input_name").first(), nearest_auroc=pl.col("input_auroc").first()
    )


def _where(row: Row) -> str:
    return f"{row['dataset']}, {sheet.network(row)}"


def _input(row: Row) -> str:
    return NULL if row["nearest"] is None else f"{row['nearest']} ({proportion(row['nearest_auroc'])})"
