"""Figures of a job and of a sweep: what tables show, and what observers rely on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.curves import profiles, some, usual_probe
from denote.figures.relevance import draw_relevance
from denote.figures.style import outside_band
from denote.files import slug
from denote.observation import INPUT, Observation
from denote.observation.inputs_shown import InputsShown
from denote.observation.result import Evidence
from denote.observers.kinds import is_reference, reads_state
from denote.observers.observer import Observer, load_observers
from denote.runs.denotation_figures import Jobs, draw_denotation
from denote.runs.drawing import Drawing
from denote.runs.evidence_figures import draw_evidence, draw_first, draw_found_again, networks

MOST_HEAT_MAPS = 6
"""Attributes whose relevance is drawn: more would bury the rest of the report."""


def draw_figures(merged: Evidence, jobs: Jobs) -> Iterator[Drawing]:
    """Draw what tables and observers show.

    Args:
        merged: The tables of ``tables.SWEEP_TABLES``.
        jobs: Job folders with their records, for observers and the images of examples.
    """
    yield from draw_tables(merged, jobs)
    relied = relied_on(jobs, merged.cells)
    if relied is not None:
        yield from draw_relied(relied, heat_map_attributes(merged.cells))


def draw_tables(merged: Evidence, jobs: Jobs = ()) -> Iterator[Drawing]:
    """Draw what the tables show: denotation per curve, attributes by depth per network, how strong the evidence is.

    Args:
        merged: The tables.
        jobs: Job folders with their records, for the images of examples; none are drawn without.
    """
    return chain(
        draw_denotation(merged.tables, jobs),
        _attributes_by_depth(merged),
        draw_found_again(merged.tables["stability"]),
        draw_first(merged.tables["first_decisive"], merged.tables["layers"], _with_depth(merged.cells)),
        draw_evidence(merged.tables),
    )


def _with_depth(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.filter(reads_state() & pl.col("depth").is_not_null())


def _attributes_by_depth(merged: Evidence) -> Iterator[Drawing]:
    for network in networks(_with_depth(merged.cells)):
        figure = draw_attribute_by_depth(network.rows, network.of(merged.tables["first_decisive"]))
        yield Drawing("attribute_by_depth", network.slug, figure, profiles(network.rows), {"of": network.title})


@dataclass(frozen=True)
class Relied:
    """Relevance to the observers of one kind and object model: linear ones, or else the first that have a map.

    Attributes:
        object_model: Its key.
        title: The object model, for people.
        probe: Kind of the observers.
        relevance: Per attribute, per layer in order of depth, the relevance of every neuron.
        grids: Shape of each layer's neuron axis.
        on_input: Per attribute the same on the raw input, in the shape of an image.
        bands: Per attribute and layer the end of the band of shuffled labels, where it is known.
        mean_input: Mean image of the *fit* rows, or None where inputs are no images.
    """

    object_model: str
    title: str
    probe: str
    relevance: Mapping[str, Mapping[str, Float[np.ndarray, " neuron"]]]
    grids: Mapping[str, tuple[int, ...]]
    on_input: Mapping[str, np.ndarray]
    bands: Mapping[str, Mapping[str, float]]
    mean_input: np.ndarray | None = None

    def figure(self, attribute: str, layer: str | None = None) -> Figure:
        """Draw the heat map of one attribute over all layers, or of one layer."""
        layers, on_input = self.relevance[attribute], self.on_input.get(attribute)
        if layer is not None:
            layers, on_input = {layer: layers[layer]}, None
        title, band = f"{attribute}: {self.title}", self.bands.get(attribute)
        return draw_relevance(layers, self.grids, title, on_input, band, self.mean_input)


def draw_relied(relied: Relied, wanted: Sequence[str]) -> Iterator[Drawing]:
    """Heat maps of an observer's relevance over all layers, one attribute each."""
    for attribute in wanted:
        layers = relied.relevance.get(attribute, {})
        if not layers:
            continue
        band = relied.bands.get(attribute, {})
        on_input = relied.on_input.get(attribute)
        panels = layers if on_input is None else {INPUT: on_input.ravel(), **layers}
        data = pl.concat(_drawn(layer, values, band.get(layer)) for layer, values in panels.items())
        words = {"of": relied.title, "probe": relied.probe, "attribute": attribute, "band": _what_of_band(layers, band)}
        name = slug(attribute, keep="._=-")
        yield Drawing("relevance", name, relied.figure(attribute), data, words)


def _drawn(layer: str, relevance: Float[np.ndarray, " neuron"], band: float | None) -> pl.DataFrame:
    """The numbers behind a panel; ``outside`` is null where no band is known."""
    frame = pl.DataFrame({"layer": layer, "neuron": np.arange(len(relevance)), "relevance": relevance})
    outside = pl.Series(outside_band(relevance, band)) if band is not None else pl.lit(None, pl.Boolean)
    return frame.with_columns(band=pl.lit(band, pl.Float64), outside=outside)


def _what_of_band(layers: Iterable[str], band: Mapping[str, float]) -> str:
    without = [layer for layer in layers if layer not in band]
    inside = (
        "Inside the band, drawn as zero, no single weight is evidence: observers of shuffled labels have weights as "
        "large; together they may still carry the attribute."
    )
    if not without:
        return inside
    if not band:
        return "No shuffled band is known, so a single weight is no evidence."
    return f"{inside} No band is known for {some(without, 3)}, so a single weight there is no evidence."


@dataclass(frozen=True)
class Reading:
    """The observers of one observation, and what is needed to draw them.

    Attributes:
        object_model: Whose they are.
        attributes: Names, in the order of the observers' columns.
        grids: Shape of each layer's neuron axis.
        input_shape: Shape of one input; empty where it is not known.
        observers: By ``layer/probe``.
        mean_input: Mean image of the *fit* rows, or None where inputs are no images.
    """

    object_model: str
    attributes: Sequence[str]
    grids: Mapping[str, tuple[int, ...]]
    input_shape: tuple[int, ...]
    observers: Mapping[str, Observer]
    mean_input: np.ndarray | None = None

    @classmethod
    def of(cls, found: Observation) -> Reading:
        """Take the observers of an observation in memory."""
        grids = {layer.name: layer.grid for layer in found.layers}
        mean = None if found.inputs_shown is None else found.inputs_shown.mean
        return cls(found.object_model, found.attributes, grids, found.input_shape, found.observers, mean)

    @classmethod
    def saved(cls, folder: Path, record: Mapping[str, Any]) -> Reading:
        """Read the observers of a job's folder."""
        grids = {layer["name"]: tuple(layer["grid"]) for layer in record["layers"]}
        shown = InputsShown.read(folder)
        return cls(
            record["object_model"],
            record["attributes"],
            grids,
            tuple(record["input_shape"]),
            load_observers(folder / "observers.safetensors"),
            None if shown is None else shown.mean,
        )


def relied_on(jobs: Jobs, cells: pl.DataFrame) -> Relied | None:
    """Put the observers of the first trained object model together, whichever jobs hold its layers.

    Args:
        jobs: Job folders with their records.
        cells: The cells of those jobs; attributes in the order of an observer's columns.
    """
    return put_together(
        lambda model: [Reading.saved(*job) for job in jobs if job[1].get("object_model") == model], cells
    )


def put_together(readings_of: Callable[[str], Sequence[Reading]], cells: pl.DataFrame) -> Relied | None:
    """Return what the observers of the first trained object model rely on; None where none weighs every neuron.

    Args:
        readings_of: Gives the observers of the object model of a key.
        cells: Their cells.
    """
    first = _first_model(cells)
    if first is None:
        return None
    known = cells.filter((pl.col("object_model") == first["object_model"]) & pl.col("depth").is_not_null())
    depth = dict(known.select("layer", "depth").iter_rows())
    readings = readings_of(first["object_model"])
    mapped = [observer.probe for reading in readings for observer in reading.observers.values() if observer.has_map]
    if not mapped:
        return None
    probe = usual_probe(mapped)
    grids: dict[str, tuple[int, ...]] = {}
    relevance, on_input, bands = (
        defaultdict[str, dict[str, np.ndarray]](dict),
        dict[str, np.ndarray](),
        defaultdict[str, dict[str, float]](dict),
    )
    mean_input: np.ndarray | None = None
    for reading in readings:
        grids |= reading.grids
        mean_input = reading.mean_input if reading.mean_input is not None else mean_input
        for name, observer in reading.observers.items():
            layer = name.rpartition("/")[0]
            if observer.probe != probe or not observer.has_map or (layer not in depth and layer != INPUT):
                continue
            for column, attribute in enumerate(reading.attributes):
                values = observer.relevance[:, column]
                if layer == INPUT and reading.input_shape:
                    on_input[attribute] = values.reshape(_image(reading.input_shape))
                elif layer != INPUT and np.isfinite(values).any():
                    relevance[attribute][layer] = values
                if observer.band is not None and np.isfinite(observer.band[column]):
                    bands[attribute][layer] = float(observer.band[column])
    ordered = {
        attribute: {layer: layers[layer] for layer in sorted(layers, key=lambda name: depth[name])}
        for attribute, layers in relevance.items()
    }
    title = f"{first['dataset']}, {first['architecture']}, seed {first['seed']}"
    whole = {a: v for a, v in on_input.items() if np.isfinite(v).all()}
    return Relied(first["object_model"], title, probe, ordered, grids, whole, bands, mean_input)


def _first_model(cells: pl.DataFrame) -> dict[str, Any] | None:
    placed = _of_usual_probe(cells.filter(reads_state(), pl.col("depth").is_not_null()))
    trained = placed.filter(pl.col("trained")) if placed["trained"].any() else placed
    return None if trained.is_empty() else trained.sort("dataset", "architecture", "seed").row(0, named=True)


def _of_usual_probe(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells of linear observers; all of them where there are none."""
    reference = cells.filter(is_reference())
    return cells if reference.is_empty() else reference


def _image(shape: Sequence[int]) -> tuple[int, ...]:
    """An input's shape as an image; a flat input is a strip of one row."""
    return tuple(shape) if len(shape) in (2, 3) else (1, int(np.prod(shape)))


def heat_map_attributes(cells: pl.DataFrame) -> list[str]:
    """Return the attributes with a heat map: singly named ones first, then those that are read best."""
    shown = _of_usual_probe(cells.filter(reads_state()))
    order = (
        shown.group_by("attribute", "family", maintain_order=True)
        .agg(pl.col("auroc").mean())
        .with_columns(named=pl.col("family") == "named")
        .sort("named", "auroc", descending=True, nulls_last=True, maintain_order=True)
    )
    return order["attribute"].to_list()[:MOST_HEAT_MAPS]
