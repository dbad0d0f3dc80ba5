"""The data of a page: a sweep's tables as columns, capped and rounded, packed into text that HTML can hold."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from denote.denotation.depth import plan
from denote.evidence.rule import Rule
from denote.figures.curves import Curve, usual_probe
from denote.reporting.page import cells, depth, networks, neurons
from denote.reporting.page.columns import column, frame
from denote.reporting.page.inputs import Held, PageInputs, page_inputs

SCHEMA = 1
MOST_RELEVANCES = 60_000
"""Numbers of relevance in a page: attributes of the first network, as many as have room."""
FEW_ATTRIBUTES = 20
"""So many at most are shown together, whatever their families."""


@dataclass(frozen=True)
class Relevance:
    """How much an observer relies on every neuron of a layer.

    Attributes:
        object_model: Whose layer.
        layer: Its name.
        attribute: What is read.
        values: Per neuron, weight x standard deviation.
        band: End of the band of shuffled labels; None where it is not known.
    """

    object_model: str
    layer: str
    attribute: str
    values: np.ndarray
    band: float | None = None


@dataclass(frozen=True)
class Contents:
    """What a page's data is made of.

    Attributes:
        tables: Those of ``tables.SWEEP_TABLES``.
        title: Name of the sweep or job.
        rule: The rule that decided the tables.
        relevance: Of one network, the most important attribute first.
        inputs: By source of data what jobs hold of their inputs.
        sources: By network the name of its data that no other data has.
        plain: Says a property for people, with the classes of its data.
    """

    tables: Mapping[str, pl.DataFrame]
    title: str
    rule: Rule = field(default_factory=Rule)
    relevance: Sequence[Relevance] = ()
    inputs: Held = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    plain: Callable[[str, Sequence[str]], str] = lambda name, classes: name


def bundle(contents: Contents) -> tuple[dict[str, Any], PageInputs]:
    """Return the data of a page, JSON-like, and the inputs whose pictures stand beside it.

    Args:
        contents: What it is made of.
    """
    tables = contents.tables
    models = networks.models_of(tables, contents.sources)
    layers = networks.layers_of(tables, models)
    shown_cells = cells.kept_cells(tables["cells"], models)
    shown = neurons.kept_neurons(tables["neurons"], models)
    lines = depth.shown_curves(tables["label_proportion_by_depth"])
    examples = neurons.shown_examples(tables["examples"], shown)
    inputs = page_inputs(examples.join(models.select("object_model", "source"), on="object_model"), contents.inputs)
    classes = neurons.classes_by_source(tables["on_rates"], models)
    place = ("model", "layer", "depth", "relative_depth", "pooling", "n_neurons", "n_live", "is_head", "module_class")
    data = {
        "schema": SCHEMA,
        "title": contents.title,
        "rule": asdict(contents.rule),
        "least_networks": plan.LEAST_MODELS,
        "too_few": plan.GAP,
        "models": frame(models.drop("model")),
        "layers": frame(layers.select(place)),
        "cells": cells.cells_frame(shown_cells, layers, contents.rule, tables["interventions"]),
        "cells_left_out": len(tables["cells"]) - len(shown_cells),
        "neurons": neurons.neurons_frame(
            shown,
            layers,
            lambda name, source: contents.plain(name, classes.get(source, ())),
            tables["interventions"],
        ),
        "neurons_left_out": len(tables["neurons"]) - len(shown),
        "denoting_left_out": _denoting(tables["neurons"]) - _denoting(shown),
        "histograms": neurons.histograms_frame(tables["histograms"], shown, layers),
        "on_rates": neurons.on_rates_by_source(tables["on_rates"], shown, classes),
        "examples": neurons.examples_frame(examples),
        "inputs": inputs.entries,
        "inputs_note": inputs.note,
        "sprites": inputs.sprites,
        "curves": depth.curves_frame(tables, lines),
        "by_model": depth.by_model_frame(tables, lines, models),
        "curve_names": [_named(curve) for curve in lines],
        "relevance": _relevance(contents.relevance, layers),
        "default": _default(tables["cells"], lines),
    }
    return data, inputs


def packed(data: Mapping[str, Any]) -> str:
    """Return data as text without any sign of HTML: JSON, compressed, in base64."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def _denoting(neurons: pl.DataFrame) -> int:
    return int(neurons["denotes"].sum())


def _named(curve: Curve) -> dict[str, Any]:
    return {
        "title": curve.title, "dataset": curve.dataset, "architecture": curve.architecture, "trained": curve.trained,
        "epoch": curve.epoch, "family": curve.family,
    }  # fmt: skip


def _relevance(relevance: Sequence[Relevance], layers: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the relevance of whole attributes, as many as have room, the first in any case."""
    numbers = {
        (row["object_model"], row["layer"]): (row["model"], row["layer_index"]) for row in layers.iter_rows(named=True)
    }
    made: list[dict[str, Any]] = []
    left, attributes = MOST_RELEVANCES, list(dict.fromkeys(one.attribute for one in relevance))
    for attribute in attributes:
        own = [one for one in relevance if one.attribute == attribute and (one.object_model, one.layer) in numbers]
        left -= sum(len(one.values) for one in own)
        if left < 0 and made:
            break
        for one in own:
            model, layer = numbers[one.object_model, one.layer]
            values = column(pl.Series(one.values, dtype=pl.Float64), is_free=True)
            band = column(pl.Series([one.band], dtype=pl.Float64), is_free=True)[0]
            made.append({"model": model, "layer": layer, "attribute": attribute, "band": band, "values": values})
    return made


def _default(own: pl.DataFrame, lines: Sequence[Curve]) -> dict[str, Any]:
    """What is shown first: the usual probe, and the family in which most denotes."""
    probes = own["probe"].drop_nulls().unique(maintain_order=True)
    family = lines[0].family if lines else None
    return {
        "metric": "balanced_accuracy", "probe": usual_probe(probes) if len(probes) else None,
        "family": _shown_family(own, family), "curve": 0,
    }  # fmt: skip


def _shown_family(own: pl.DataFrame, family: str | None) -> str | None:
    """Return the family shown first, so that no decisive attribute is out of sight: all ("") where they are few."""
    read = own.group_by("family", maintain_order=True).agg(
        pl.col("attribute").n_unique(), pl.col("attribute").filter(pl.col("decisive")).n_unique().alias("decisive")
    )
    decisive = dict(zip(read["family"], read["decisive"], strict=True))
    if family not in decisive:
        return family  # the map has no such rows and shows all
    if read["attribute"].sum() <= FEW_ATTRIBUTES:
        return ""
    most = max(decisive, key=lambda name: decisive[name])
    return most if decisive[most] and not decisive[family] else family
