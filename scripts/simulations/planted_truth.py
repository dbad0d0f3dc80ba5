"""Does the search find what was planted, and nothing else? Networks whose neurons are known, observed as any other.

Layers of 100 neurons, of which 8 to 30 are planted; a fifth are distractors that carry a property too weakly, three are
dead and the others noise. One draw is one network, judged as one sweep: every family of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float32

from denote.attributes.families import KINDS, families
from denote.attributes.labels import Family
from denote.data.parts import Halves
from denote.data.samples import Samples
from denote.data.sources.planted import load_planted
from denote.denotation.judging import decisions
from denote.denotation.neurons import Controls, Neurons, observe_neurons
from denote.denotation.search.candidates import Candidates
from denote.denotation.search.properties import complement, family_halves
from denote.evidence.rule import Rule
from denote.object_models.architectures.planted_network import FAMILIES, PlantedNetwork
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.streams import stream, stream_seed
from denote.tables import CONTROLS, empty
from simulations.row import Row

ROWS = 4_000
"""Half are *fit*, half *test*, so that the rarest property has about 100 positives in each."""
LEAST = 50
"""Positives and negatives in test that a planted neuron must have to be counted."""
LENGTH = 3
"""Atoms of the longest formula that is searched for."""
SPECS: Mapping[str, Mapping[str, Any]] = {
    "subsets": {"kind": "subsets", "as_cells": False},
    "columns": {"kind": "columns"},
    "formulas": {"kind": "formulas", "length": LENGTH, "atoms": ["classes", "columns"]},
}
KNOWN = tuple(name for name in FAMILIES if name in KINDS)
"""Families that can be searched."""
DISTRACTORS = {"distractors of d' 1-2": (1.0, 2.0), "distractors of d' 3-4": (3.0, 4.0)}


def run(draws: int) -> list[Row]:
    """Precision, recall, label proportions and first depths; first with weak distractors, then with middling ones."""
    rows = []
    for name, bounds in DISTRACTORS.items():
        found = pl.concat([observed(draw, bounds).with_columns(draw=pl.lit(draw)) for draw in range(draws)])
        with_goals = name == next(iter(DISTRACTORS))
        for family in KNOWN:
            rows += _rows(found.filter(family=family), f"{name}, {family}", with_goals)
        first = first_depths(found.filter(family="columns"))
        rows.append(Row("planted_truth", f"{name}: factors that are denoted from their layer on",
                        float(first.mean()), least=0.95 if with_goals else None, note=f"of {len(first)}"))  # fmt: skip
    return rows


def observed(draw: int, distractors: tuple[float, float]) -> pl.DataFrame:
    """Every neuron of one network under every family, beside its truth: see `judged`."""
    samples = load_planted(n=ROWS, seed=draw)
    proportions = [float(part) for part in samples.table.select(pl.col(pl.Boolean).mean()).row(0)]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed("planted truth", draw))
        network = PlantedNetwork(samples.inputs.shape, 10, proportions, distractor_d_prime=distractors, families=KNOWN)
    return judged(network, samples, KNOWN, draw)


def judged(network: PlantedNetwork, samples: Samples, names: Sequence[str], draw: int = 0) -> pl.DataFrame:
    """Every neuron of the hidden layers searched, scored and decided, one sweep for the network.

    Args:
        network: What is observed.
        samples: Its data; half of the rows become *fit*.
        names: Families to search.
        draw: Which split.

    Returns:
        Columns of ``tables.NEURONS`` with those of the network's ``truth()``: ``kind``, ``planted`` (the name of what
        is planted), ``planted_family``, ``d_prime``; with ``can``, whether the family has the planted property;
        ``right``, whether the property found holds on the same test rows; ``planted_proportion`` of those rows and
        ``population`` of the population.
    """
    order = stream("planted truth split", draw).permutation(len(samples))
    fit, test = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    searched = [family_halves(each, fit, test) for each in families({name: SPECS[name] for name in names}, samples)]
    layers = {layer.name: layer for layer in list_layers(network, samples.inputs[fit[:1]])}
    truth = network.truth().rename(
        {"property": "planted", "family": "planted_family", "label_proportion": "population"}
    )
    frames = []
    for name, planted in network.planted_layers().items():
        inputs = Halves(samples.inputs[fit], samples.inputs[test])
        with torch.inference_mode():
            state = Halves(planted(inputs.fit).numpy(), planted(inputs.test).numpy())
            holds = planted.holds(inputs.test).T.numpy()
        own = truth.filter(layer=name).drop("layer", "neuron")
        members = [len(each.on.literals[0].facts) if each.on else 0 for each in planted.neurons]
        for family in searched:
            rows = _observed(layers[name], state, family, holds)
            frames.append(pl.concat([rows, own, pl.DataFrame({"members": members})], how="horizontal"))
    found = pl.concat(frames)
    decided, _ = decisions.decide(found, empty(CONTROLS), Rule())
    family, planted_family = pl.col("family"), pl.col("planted_family")
    by_formula = (family == "formulas") & (pl.col("members") <= LENGTH)
    return decided.with_columns(can=planted_family.is_not_null() & ((family == planted_family) | by_formula))


def _observed(
    layer: Layer, state: Halves[Float32[np.ndarray, "row neuron"]], family: Halves[Family],
    holds: Bool[np.ndarray, "neuron row"],
) -> pl.DataFrame:  # fmt: skip
    """Neurons of a layer, and whether what was found holds where the planted property does."""
    neurons = Neurons(layer, [str(place) for place in range(len(holds))])
    chosen = neurons.search(state.fit, family)
    rows = observe_neurons(neurons, state, family, Controls(shuffles=0), found=chosen)
    return rows.with_columns(
        right=pl.Series(same_rows(chosen, holds)), planted_proportion=pl.Series(holds.mean(axis=1)),
        n_planted=pl.Series(holds.sum(axis=1)),
    )  # fmt: skip


def same_rows(found: Candidates, holds: Bool[np.ndarray, "neuron row"]) -> Bool[np.ndarray, " neuron"]:
    """Whether every neuron's property holds on the same test rows as the one it was given; false without one."""
    has = np.flatnonzero(found.index >= 0)
    same = np.zeros(len(holds), dtype=bool)
    same[has] = ((found.properties.test_labels(found.index[has]) == 1) == holds[has]).all(axis=1)
    return same


def first_depths(found: pl.DataFrame) -> Bool[np.ndarray, " factor"]:
    """For every factor of every draw, whether the first layer with a neuron that denotes it is where it enters."""

    def first(frame: pl.DataFrame, name: str) -> dict[tuple[int, str], int]:
        # A factor and its complement enter together.
        plain = pl.col(name).map_elements(lambda text: min(text, complement(text), key=len), return_dtype=pl.String)
        earliest = frame.group_by("draw", plain.alias("factor")).agg(pl.col("depth").min())
        return {(draw, factor): depth for draw, factor, depth in earliest.iter_rows()}

    planted = first(found.filter(kind="planted", planted_family="columns"), "planted")
    denoted = first(found.filter("denotes"), "property")
    return np.array([denoted.get(key) == depth for key, depth in planted.items()])


def _rows(found: pl.DataFrame, what: str, with_goals: bool) -> list[Row]:
    """Numbers of one family."""
    enough = pl.col("n_planted").is_between(LEAST, ROWS // 2 - LEAST)
    denoting = found.filter(pl.col("denotes").fill_null(value=False))
    planted = found.filter(pl.col("can") & (pl.col("kind") == "planted") & enough)
    hit = planted.filter(pl.col("denotes") & pl.col("right"))
    wrong = denoting.filter(~pl.col("right"))
    of = ", ".join(f"{n} {kind}" for kind, n in wrong["kind"].value_counts(sort=True).iter_rows()) or "none"
    distance = (hit["label_proportion"] - hit["planted_proportion"]).abs().max()
    population = (hit["label_proportion"] - hit["population"]).abs().max()
    distractors = found.filter(kind="distractor")
    rows = [
        ("precision", denoting["right"].mean(), 0.97, None, f"of {denoting.height}; wrong: {of}"),
        ("recall", hit.height / planted.height, 0.95, None, f"of {planted.height}"),
        ("label proportion: largest distance from the planted one", distance, None, 0.02,
         f"from the population's {population:.3f}"),
        ("distractors that denote", distractors["denotes"].mean(), None, None, f"of {distractors.height}"),
    ]  # fmt: skip
    return [
        Row("planted_truth", f"{what}: {name}", float(value), *((least, most) if with_goals else (None, None)), note)
        for name, value, least, most, note in rows
    ]
