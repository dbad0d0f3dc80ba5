"""Pictures of what neurons denote: over depth, over training, neuron by neuron, input by input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from denote.attributes.family_words import family_name
from denote.denotation.atlas import MOST_CLASSES
from denote.denotation.depth import plan
from denote.denotation.depth.plan import QUESTION
from denote.figures.curves import Curve, curves, is_head, something_denotes
from denote.figures.depth_parts import BOUNDS, MEASURES, draw_depth_parts, draw_layer_measures, measured
from denote.figures.emergence import draw_emergence, emergence_rows
from denote.figures.label_proportion import curve_data, dot_data, draw_label_proportion_by_depth, model_data
from denote.figures.label_proportion_sweep import cut_curves, draw_label_proportion_sweep
from denote.figures.neuron_atlas import NEURON, atlas_rows, draw_examples, draw_neuron_atlas, n_drawn
from denote.figures.single_networks import SingleNetwork, single_networks
from denote.files import slug
from denote.numbers import count, small
from denote.observation.inputs_shown import InputsShown
from denote.runs.drawing import Drawing
from denote.runs.evidence_figures import networks

Tables = Mapping[str, pl.DataFrame]
Jobs = Sequence[tuple[Path, Mapping[str, Any]]]


def draw_denotation(tables: Tables, jobs: Jobs, single: Sequence[SingleNetwork] | None = None) -> Iterator[Drawing]:
    """Draw what the tables of a sweep say of denotation.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: Job folders with their records, which hold the images of examples.
        single: Networks with an atlas and examples of their own; by default all.
    """
    single = single_networks(tables["neurons"]) if single is None else single
    by_depth = tables["label_proportion_by_depth"]
    drawn = last_epochs(curves(by_depth))
    denoting = [curve for curve in drawn if something_denotes(curve.of(by_depth))]
    for curve in denoting:
        yield _label_proportion(tables, curve)
        parts = curve.of(tables["depth_parts"])
        if parts["part"].null_count() < len(parts):
            figure = draw_depth_parts(tables["depth_parts"], curve)
            yield Drawing("depth_parts", curve.slug, figure, parts, {"of": curve.title})
    for curve in denoting or drawn[:1]:  # some measures are those of any family
        yield from _measures(by_depth, curve)
    trained = [curve for curve in drawn if curve.trained]
    for curve in trained:
        rows = emergence_rows(by_depth, curve)
        if rows["epoch"].n_unique() > 1:
            words = {"of": f"{curve.dataset}, {curve.architecture}, {family_name(curve.family)}"}
            name = f"{curve.dataset}-{curve.architecture}-{curve.family}"
            yield Drawing("emergence", name, draw_emergence(by_depth, curve), rows, words)
    for curve in trained:
        for network in single:
            if network.lies_on(curve):
                neurons = one_reading(network.of(curve.of(tables["neurons"])))
                yield from _atlases(neurons, tables["on_rates"], curve, network)
                yield from _examples(neurons, tables["examples"], jobs, curve, network)
    yield from _cuts(tables)


def last_epochs(found: Sequence[Curve]) -> list[Curve]:
    """Of curves that differ in their epoch alone the last, the best one (null) before any other.

    How they got there is the figure of emergence.
    """
    last: dict[tuple[Any, ...], Curve] = {}
    for curve in found:
        key = (curve.dataset, curve.architecture, curve.trained, curve.family)
        epochs = [inf if each.epoch is None else each.epoch for each in (curve, last.get(key, curve))]
        last[key] = curve if epochs[0] >= epochs[1] else last[key]
    return list(last.values())


def one_reading(neurons: pl.DataFrame) -> pl.DataFrame:
    """The neurons of one object model under its lowest probe seed, and in one pooling of each layer."""
    own = neurons.filter(pl.col("probe_seed").eq_missing(pl.col("probe_seed").min()))
    return own.filter(pl.col("pooling") == pl.col("pooling").first().over("layer"))


def _named(curve: Curve, network: SingleNetwork) -> str:
    """A curve and which of its networks is drawn."""
    return f"{curve.title}, {network.name}"


def _slug(curve: Curve, network: SingleNetwork) -> str:
    return f"{curve.slug}-{slug(network.name.replace(' ', ''))}"


def verdict_of(verdicts: pl.DataFrame, tests: pl.DataFrame, curve: Curve) -> str:
    """The verdict on a curve's data set and family with its p-value, or nothing where there is none.

    It is about all architectures together that could be tested; whether the curve's own is one of them is said.
    """
    own = curve.of(tests, QUESTION).filter(pl.col("architecture") == curve.architecture)
    outside = bool(len(own)) and own["p_value"].null_count() == len(own)
    for row in curve.of(verdicts, QUESTION).iter_rows(named=True):
        planned = "" if row["planned"] in (True, None) else ", exploratory"
        p = "" if row["p_value"] is None else f", primary p = {small(row['p_value'])}"
        of = " of other architectures: this one has too few layers or networks" if outside and p else ""
        return f"{plan.verdict_words(row['verdict'])} ({count(row['n_models'], 'object model')}{of}{p}{planned})"
    return ""


def _label_proportion(tables: Tables, curve: Curve) -> Drawing:
    by_depth, by_model, neurons = (
        tables[name] for name in ("label_proportion_by_depth", "label_proportion_by_model", "neurons")
    )
    verdict = verdict_of(tables["depth_verdicts"], tables["depth_tests"], curve)
    figure = draw_label_proportion_by_depth(neurons, by_depth, by_model, curve=curve, verdict=verdict)
    beside = {"neurons": dot_data(neurons, curve), "models": model_data(by_model, curve)}
    data = curve_data(by_depth, curve, by_model)
    return Drawing("label_proportion_by_depth", curve.slug, figure, data, {"of": curve.title}, beside)


def _measures(by_depth: pl.DataFrame, curve: Curve) -> Iterator[Drawing]:
    own = curve_data(by_depth, curve).filter(pl.col("depth").is_not_null())
    if len(measured(own)) < 2 or not curve.trained:
        return
    left_out = [name for name in MEASURES if name not in measured(own)]
    missing = [MEASURES[name][0].lower() for name in left_out if own[name].is_null().all()]
    unknown = f" Known of no layer: {', '.join(missing)}." if missing else ""
    if len(missing) < len(left_out):
        unknown += " No neuron denotes, so there is no panel of the share that does."
    bounds = [end for ends in BOUNDS.values() for end in ends]
    data, words = own.select("layer", "depth", "relative_depth", "n_models", *MEASURES, *bounds), {"of": curve.title}
    figure = draw_layer_measures(by_depth, curve)
    yield Drawing("layer_measures", curve.slug, figure, data, words | {"missing": unknown})


def atlas_layers(neurons: pl.DataFrame) -> list[str]:
    """The layers an atlas is drawn of: the first and the last hidden one, and that with most denoting neurons."""
    layers = neurons.filter(pl.col("depth").is_not_null()).sort("depth", "layer")
    if layers["layer"].n_unique() > 1:
        layers = layers.filter(~is_head().fill_null(value=False))
    counts = layers.group_by("layer", maintain_order=True).agg(pl.col("denotes").sum())
    if counts.is_empty():
        return []
    order = counts["layer"].to_list()
    wanted = {order[0], order[-1], counts.sort("denotes", maintain_order=True)["layer"][-1]}
    return [layer for layer in order if layer in wanted]


def _atlases(neurons: pl.DataFrame, on_rates: pl.DataFrame, curve: Curve, network: SingleNetwork) -> Iterator[Drawing]:
    """Draw neurons by classes for sets of classes, where every neuron has the on-rates of all classes."""
    key = ["object_model", "layer", "pooling", "probe_seed"]
    of_family = on_rates.filter(pl.col("family") == curve.family, pl.col("family") == "subsets")
    known = of_family.join(neurons, on=key, how="semi", maintain_order="left")
    for layer in atlas_layers(neurons) if 0 < known["class"].n_unique() <= MOST_CLASSES else []:
        own, rates = (frame.filter(pl.col("layer") == layer) for frame in (neurons, known))
        title = _named(curve, network)
        by_class = rates.pivot("class", index="neuron", values="on_rate", aggregate_function="first")
        data = atlas_rows(own, rates).drop("on_rates").join(by_class, on="neuron", maintain_order="left")
        figure = draw_neuron_atlas(own, rates, f"{title}, {layer}")
        yield Drawing("neuron_atlas", f"{_slug(curve, network)}-{layer}", figure, data, {"of": title, "layer": layer})


def _examples(
    neurons: pl.DataFrame, examples: pl.DataFrame, jobs: Jobs, curve: Curve, network: SingleNetwork
) -> Iterator[Drawing]:
    key = ["object_model", "layer", "pooling", "neuron", "family", "probe_seed"]
    denoting = neurons.filter("denotes").select(*key, "depth")
    own = examples.join(denoting, on=key, how="inner", nulls_equal=True, maintain_order="left")
    images = _images(jobs, own)
    if own.is_empty() or not images:
        return
    own = own.sort("depth", nulls_last=True, maintain_order=True).drop("depth")
    title = _named(curve, network)
    words = {"of": title, "which": _which_neurons(own, images, denoting.height)}
    yield Drawing("examples", _slug(curve, network), draw_examples(own, images, title), own, words)


def _which_neurons(examples: pl.DataFrame, images: Mapping[int, np.ndarray], n_denoting: int) -> str:
    """Say which neurons are drawn, and where the others are."""
    drawn, known = n_drawn(examples, images), examples.n_unique(NEURON)
    which = (
        f"up to evidence.examples per layer of the {count(n_denoting, 'neuron')} that denote, the best on fit of "
        "distinct properties among those that denoted in their own job already"
    )
    if drawn < known:
        return f"Drawn: {drawn} of {count(known, 'neuron')}, some of every depth; the CSV has all: {which}."
    return f"Drawn: {count(known, 'neuron')}, {which}."


def _images(jobs: Jobs, examples: pl.DataFrame) -> dict[int, np.ndarray]:
    """Images of the samples in some examples, from the folders of their object model's jobs."""
    wanted, models = set(examples["sample"]), set(examples["object_model"])
    found: dict[int, np.ndarray] = {}
    for folder, record in jobs:
        shown = InputsShown.read(folder) if record.get("object_model") in models else None
        if shown is not None:
            found |= {sample: picture for sample, picture in shown.pictures.items() if sample in wanted}
    return found


def _cuts(tables: Tables) -> Iterator[Drawing]:
    for network in networks(tables["cells"].filter("trained")):
        cuts = cut_curves(network.rows, tables["scan"])
        for (column,), data in cuts.group_by(["column"], maintain_order=True):
            figure = draw_label_proportion_sweep(network.rows, tables["scan"], str(column))
            words = {"of": network.title, "column": str(column)}
            yield Drawing("label_proportion_sweep", f"{network.slug}-{slug(str(column))}", figure, data, words)
