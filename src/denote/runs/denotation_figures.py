"""Pictures of what neurons denote: over depth, over training, neuron by neuron, input by input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from denote.figures.curves import Curve, curves, is_head
from denote.figures.depth_parts import BOUNDS, MEASURES, draw_depth_parts, draw_layer_measures, measured
from denote.figures.emergence import draw_emergence, emergence_rows
from denote.figures.label_proportion import curve_data, dot_data, draw_label_proportion_by_depth, model_data
from denote.figures.label_proportion_sweep import cut_curves, draw_label_proportion_sweep
from denote.figures.neuron_atlas import NEURON, atlas_rows, draw_examples, draw_neuron_atlas, n_drawn
from denote.files import slug
from denote.numbers import count, small
from denote.observation.images import Images
from denote.reporting.report import Picture
from denote.runs.evidence_figures import networks, saved

Tables = Mapping[str, pl.DataFrame]
Jobs = Sequence[tuple[Path, Mapping[str, Any]]]


def draw_denotation(tables: Tables, jobs: Jobs, folder: Path) -> list[Picture]:
    """Draw what the tables of a sweep say of denotation.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: Job folders with their records, which hold the images of examples.
        folder: Where figures go.
    """
    by_depth = tables["label_proportion_by_depth"]
    drawn, pictures = last_epochs(curves(by_depth)), []
    for curve in drawn:
        pictures += [_label_proportion(tables, curve, folder), *_parts(tables["depth_parts"], curve, folder)]
        pictures += _measures(by_depth, curve, folder)
    for curve in drawn:
        pictures += _emergence(by_depth, curve, folder) if curve.trained else []
    for curve in drawn:
        if curve.trained:
            neurons = first_model(curve.of(tables["neurons"]))
            pictures += _atlases(neurons, tables["on_rates"], curve, folder)
            pictures += _examples(neurons, tables["examples"], jobs, curve, folder)
    return [*pictures, *_cuts(tables, folder)]


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


def first_model(neurons: pl.DataFrame) -> pl.DataFrame:
    """The neurons of one object model and probe seed, those with the lowest seeds, and of one pooling of each layer."""
    one = neurons.select("object_model", "seed", "probe_seed").sort("seed", "object_model", "probe_seed").head(1)
    own = neurons.join(one, on=["object_model", "probe_seed"], how="semi", maintain_order="left")
    return own.filter(pl.col("pooling") == pl.col("pooling").first().over("layer"))


def _named(curve: Curve, neurons: pl.DataFrame) -> str:
    """A curve and which of its networks is drawn."""
    return f"{curve.title}, seed {neurons.item(0, 'seed')}"


def verdict_of(verdicts: pl.DataFrame, tests: pl.DataFrame, curve: Curve) -> str:
    """The verdict on a curve's data set and family with its p-value, or nothing where there is none.

    It is about all architectures together that could be tested; whether the curve's own is one of them is said.
    """
    same = [
        pl.col(name).eq_missing(pl.lit(getattr(curve, name), verdicts.schema[name]))
        for name in ("dataset", "trained", "epoch", "family")
    ]
    own = tests.filter(*same, pl.col("architecture") == curve.architecture)
    outside = bool(len(own)) and own["p_value"].null_count() == len(own)
    for row in verdicts.filter(*same).iter_rows(named=True):
        planned = "" if row["planned"] in (True, None) else ", exploratory"
        p = "" if row["p_value"] is None else f", primary p = {small(row['p_value'])}"
        of = " of other architectures: this one has too few layers or networks" if outside and p else ""
        return f"{row['verdict']} ({count(row['n_models'], 'object model')}{of}{p}{planned})"
    return ""


def _label_proportion(tables: Tables, curve: Curve, folder: Path) -> Picture:
    by_depth = tables["label_proportion_by_depth"]
    verdict = verdict_of(tables["depth_verdicts"], tables["depth_tests"], curve)
    figure = draw_label_proportion_by_depth(
        tables["neurons"], by_depth, tables["label_proportion_by_model"], curve=curve, verdict=verdict
    )
    caption = (
        f"Label proportion of denoted properties by depth: {curve.title}. The raw curve (a) mostly follows how often "
        "neurons are on (d) and shows no dependence on depth by itself; a verdict asks first for what is left in (c), "
        "after polarity and what random directions denote. Dots are neurons, which are no replicates; networks are."
    )
    by_model = tables["label_proportion_by_model"]
    beside = {"neurons": dot_data(tables["neurons"], curve), "models": model_data(by_model, curve)}
    data = curve_data(by_depth, curve, by_model)
    return saved(figure, folder, f"label_proportion_by_depth-{curve.slug}", data, caption, beside)


def _parts(parts: pl.DataFrame, curve: Curve, folder: Path) -> Iterator[Picture]:
    own = curve.of(parts)
    if own["part"].null_count() == len(own):
        return
    caption = (
        f"What the course of label proportion over depth is made of: {curve.title}. Polarity: what folding takes away; "
        "any basis is what random directions of the same layers denote, and only the rest is the neurons' own. (b): "
        "the rise of each network's least-squares line and how far the middle third lies from the other layers."
    )
    yield saved(draw_depth_parts(parts, curve), folder, f"depth_parts-{curve.slug}", own, caption)


def _measures(by_depth: pl.DataFrame, curve: Curve, folder: Path) -> Iterator[Picture]:
    own = curve_data(by_depth, curve).filter(pl.col("depth").is_not_null())
    if len(measured(own)) < 2 or not curve.trained:
        return
    caption = (
        f"What else changes with depth: {curve.title}. Each panel has a scale of its own from 0. A label proportion "
        "that changes where live neurons or the variety of properties do is described here, not explained."
    )
    missing = [heading for name, (heading, _) in MEASURES.items() if name not in measured(own)]
    caption += f" Known of no layer: {', '.join(missing).lower()}." if missing else ""
    bounds = [end for ends in BOUNDS.values() for end in ends]
    data = own.select("layer", "depth", "relative_depth", "n_models", *MEASURES, *bounds)
    yield saved(draw_layer_measures(by_depth, curve), folder, f"layer_measures-{curve.slug}", data, caption)


def _emergence(by_depth: pl.DataFrame, curve: Curve, folder: Path) -> Iterator[Picture]:
    rows = emergence_rows(by_depth, curve)
    if rows["epoch"].n_unique() < 2:
        return
    caption = (
        f"Denotation over training: {curve.dataset}, {curve.architecture}, family '{curve.family}'. Epoch 0 is the "
        "initialisation. Thin lines are controls, in the colour of their layer: what random directions denote as often "
        "is no work of single neurons. Lines of (c) start where enough neurons denote: their first points are of few "
        "networks. Epochs are not to scale; other figures show the last one."
    )
    name = f"emergence-{'-'.join(part for part in (curve.dataset, curve.architecture, curve.family))}"
    yield saved(draw_emergence(by_depth, curve), folder, name, rows, caption)


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


def _atlases(neurons: pl.DataFrame, on_rates: pl.DataFrame, curve: Curve, folder: Path) -> Iterator[Picture]:
    known = on_rates.filter(pl.col("family") == curve.family)
    known = known.join(
        neurons, on=["object_model", "layer", "pooling", "probe_seed"], how="semi", maintain_order="left"
    )
    for layer in atlas_layers(neurons) if not known.is_empty() else []:
        own, rates = (frame.filter(pl.col("layer") == layer) for frame in (neurons, known))
        title = _named(curve, own)
        figure = draw_neuron_atlas(own, rates, f"{title}, {layer}")
        rows = atlas_rows(own, rates)
        data = rows.drop("on_rates").join(
            rates.pivot("class", index="neuron", values="on_rate", aggregate_function="first"),
            on="neuron",
            maintain_order="left",
        )
        caption = (
            f"How often every neuron of {layer} is on in each class: {title}. A row of black and "
            "white squares alone is a set of classes; grey is a neuron that is on for part of a class. One network of "
            "the sweep: another has other neurons."
        )
        yield saved(figure, folder, f"neuron_atlas-{curve.slug}-{layer}", data, caption)


def _examples(
    neurons: pl.DataFrame, examples: pl.DataFrame, jobs: Jobs, curve: Curve, folder: Path
) -> Iterator[Picture]:
    key = ["object_model", "layer", "pooling", "neuron", "family", "probe_seed"]
    denoting = neurons.filter("denotes").select(*key, "depth")
    own = examples.join(denoting, on=key, how="inner", nulls_equal=True, maintain_order="left")
    images = _images(jobs, own)
    if own.is_empty() or not images:
        return
    own = own.sort("depth", nulls_last=True, maintain_order=True).drop("depth")
    title = _named(curve, neurons)
    caption = (
        f"Test inputs of denoting neurons: {title}. The largest activations look alike for almost "
        "any neuron; what a property leaves out shows at the threshold, where the neuron errs. "
        f"{_which_neurons(own, images, denoting.height)}"
    )
    figure = draw_examples(own, images, title)
    yield saved(figure, folder, f"examples-{curve.slug}", own, caption)


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
        images = Images.read(folder) if record.get("object_model") in models else None
        if images is not None:
            pairs = zip(images.samples.tolist(), images.inputs, strict=True)
            found |= {sample: image for sample, image in pairs if sample in wanted}
    return found


def _cuts(tables: Tables, folder: Path) -> Iterator[Picture]:
    for dataset, architecture, own in networks(tables["cells"].filter("trained")):
        curves_of = cut_curves(own, tables["scan"])
        for column in curves_of["column"].unique(maintain_order=True):
            figure = draw_label_proportion_sweep(own, tables["scan"], column)
            caption = (
                f"'{column}' cut at many label proportions: {dataset}, {architecture}. The information is the same "
                "everywhere, so what changes is rarity. Inside the hatched range too few rows are positive, or "
                "negative, for any verdict: a line that falls there shows the rows, not the network."
            )
            data = curves_of.filter(pl.col("column") == column)
            name = f"label_proportion_sweep-{dataset}-{architecture}-{slug(column)}"
            yield saved(figure, folder, name, data, caption)
