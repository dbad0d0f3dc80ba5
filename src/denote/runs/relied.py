"""What observers of a network rely on, put together from the jobs that hold its layers, and its heat maps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from denote.figures.curves import some, usual_probe
from denote.figures.relevance import draw_relevance
from denote.figures.signed import outside_band
from denote.figures.single_networks import SingleNetwork, single_networks
from denote.files import slug
from denote.observation import INPUT, Observation
from denote.observation.inputs_shown import InputsShown
from denote.observers.kinds import is_reference, reads_state
from denote.observers.observer import Observer, load_observers
from denote.runs.denotation_figures import Jobs
from denote.runs.drawing import Drawing

OWN_SCALES = "Colours are against the largest value of each layer; with figure_scale=shared all layers have one scale."
ONE_SCALE = "One colour is one value in all layers."
"""What captions say of colours."""

MOST_HEAT_MAPS = 6
"""Attributes whose relevance is drawn: more would bury the rest of the report."""


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
        module_classes: Per layer the class of its module, where it is known.
        slug: The object model, in a file's name.
    """

    object_model: str
    title: str
    probe: str
    relevance: Mapping[str, Mapping[str, Float[np.ndarray, " neuron"]]]
    grids: Mapping[str, tuple[int, ...]]
    on_input: Mapping[str, np.ndarray]
    bands: Mapping[str, Mapping[str, float]]
    mean_input: np.ndarray | None = None
    module_classes: Mapping[str, str] = field(default_factory=dict)
    slug: str = ""

    def figure(self, attribute: str, layer: str | None = None, *, shared_scale: bool = False) -> Figure:
        """Draw the heat map of one attribute over all layers, or of one layer."""
        layers, on_input = self.relevance[attribute], self.on_input.get(attribute)
        if layer is not None:
            layers, on_input = {layer: layers[layer]}, None
        return draw_relevance(
            layers,
            self.grids,
            f"{self.probe} observer of '{attribute}', {self.title}",
            on_input,
            self.bands.get(attribute),
            self.mean_input,
            shared_scale=shared_scale,
            module_classes=self.module_classes,
        )


def draw_relied(relied: Relied, wanted: Sequence[str], *, shared_scale: bool = False) -> Iterator[Drawing]:
    """Heat maps of an observer's relevance over all layers, one attribute each.

    Args:
        relied: Of one network.
        wanted: Attributes; those without a heat map are left out.
        shared_scale: Whether one colour is one relevance in all layers.
    """
    for attribute in wanted:
        layers = relied.relevance.get(attribute, {})
        if not layers:
            continue
        band = relied.bands.get(attribute, {})
        on_input = relied.on_input.get(attribute)
        panels = layers if on_input is None else {INPUT: on_input.ravel(), **layers}
        data = pl.concat(_drawn(layer, values, band.get(layer)) for layer, values in panels.items())
        words = {"of": relied.title, "probe": relied.probe, "attribute": attribute, "band": _what_of_band(layers, band)}
        words["scale"] = ONE_SCALE if shared_scale else OWN_SCALES
        name = "-".join(part for part in (slug(attribute, keep="._=-"), relied.slug) if part)
        yield Drawing("relevance", name, relied.figure(attribute, shared_scale=shared_scale), data, words)


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
        module_classes: Per layer the class of its module, where it is known.
    """

    object_model: str
    attributes: Sequence[str]
    grids: Mapping[str, tuple[int, ...]]
    input_shape: tuple[int, ...]
    observers: Mapping[str, Observer]
    mean_input: np.ndarray | None = None
    module_classes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Observation) -> Reading:
        """Take the observers of an observation in memory."""
        grids = {layer.name: layer.grid for layer in found.layers}
        mean = None if found.inputs_shown is None else found.inputs_shown.mean
        classes = {layer.name: layer.module_class for layer in found.layers}
        return cls(found.object_model, found.attributes, grids, found.input_shape, found.observers, mean, classes)

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
            {layer["name"]: layer.get("module_class", "") for layer in record["layers"]},
        )


def relied_on(jobs: Jobs, cells: pl.DataFrame, network: SingleNetwork | None = None) -> Relied | None:
    """Put the observers of a network together, whichever jobs hold its layers.

    Args:
        jobs: Job folders with their records.
        cells: The cells of those jobs; attributes in the order of an observer's columns.
        network: Which network; the first of `networks_with_maps` where None.
    """
    network = network or next(iter(networks_with_maps(cells)), None)
    if network is None:
        return None
    readings = [Reading.saved(*job) for job in jobs if job[1].get("object_model") == network.object_model]
    return put_together(network, readings, cells)


def networks_with_maps(cells: pl.DataFrame) -> list[SingleNetwork]:
    """Return the networks that can have heat maps, in the order of `single_networks`."""
    return single_networks(_of_usual_probe(cells.filter(reads_state(), pl.col("depth").is_not_null())))


def put_together(network: SingleNetwork, readings: Sequence[Reading], cells: pl.DataFrame) -> Relied | None:
    """Return what the observers of a network rely on; None where none weighs every neuron.

    Args:
        network: The network.
        readings: Its observers.
        cells: Their cells, those of other networks among them.
    """
    known = network.of(cells).filter(pl.col("depth").is_not_null())
    depth = dict(known.select("layer", "depth").iter_rows())
    mapped = [observer.probe for reading in readings for observer in reading.observers.values() if observer.has_map]
    if not mapped:
        return None
    probe = usual_probe(mapped)
    grids, module_classes = dict[str, tuple[int, ...]](), dict[str, str]()
    relevance, on_input, bands = (
        defaultdict[str, dict[str, np.ndarray]](dict),
        dict[str, np.ndarray](),
        defaultdict[str, dict[str, float]](dict),
    )
    mean_input: np.ndarray | None = None
    for reading in readings:
        grids |= reading.grids
        module_classes |= reading.module_classes
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
    whole = {a: v for a, v in on_input.items() if np.isfinite(v).all()}
    return Relied(
        network.object_model,
        network.title,
        probe,
        ordered,
        grids,
        whole,
        bands,
        mean_input,
        module_classes,
        slug=network.slug,
    )


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
