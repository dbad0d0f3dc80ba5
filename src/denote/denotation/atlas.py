"""Inputs that show what neurons denote, and how often neurons are on in every class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Int8

from denote.attributes.labels import Classes, Family
from denote.data.parts import Halves, Parts
from denote.denotation.search.candidates import search
from denote.denotation.search.properties import Settings, family_halves
from denote.observers.reading import State, row_blocks
from denote.progress import step
from denote.states.state import LayerState
from denote.streams import stream
from denote.tables import EXAMPLES, ON_RATES, empty, table

N_INPUTS = 8
"""Inputs of each kind."""

_NEURON = ("object_model", "layer", "pooling", "neuron", "family", "probe_seed")


def chosen_neurons(neurons: pl.DataFrame, most: int) -> pl.DataFrame:
    """The denoting neurons that are shown: the best on *fit*, of distinct properties before more of the same.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        most: How many per object model, layer and family.
    """
    layer = ["object_model", "layer", "pooling", "family", "probe_seed"]
    best = neurons.filter(pl.col("denotes").fill_null(False)).sort(
        "fit_balanced_accuracy", descending=True, maintain_order=True
    )
    of_its_property = pl.int_range(pl.len()).over([*layer, "property"])
    ranked = best.with_columns(again=of_its_property).sort("again", maintain_order=True)
    return ranked.filter(pl.int_range(pl.len()).over(layer) < most).drop("again")


@step("examples")
def examples(
    states: Sequence[LayerState],
    neurons: pl.DataFrame,
    families: Sequence[Family],
    parts: Parts,
    settings: Settings,
    most: int,
) -> pl.DataFrame:
    """Inputs of *test* that show denoting neurons; rows that the family has no label for are left out.

    Args:
        states: The layers' activations.
        neurons: Columns of ``tables.NEURONS``, decided.
        families: What the neurons were searched over, at all samples.
        parts: Which rows are *fit* and *test*.
        settings: Those the neurons were searched with.
        most: Neurons per layer and family; 0 gives an empty table.

    Returns:
        Columns of ``tables.EXAMPLES``.
    """
    chosen = chosen_neurons(neurons, most)
    by_name = {family.name: family for family in families}
    found: list[dict[str, Any]] = []
    for state in states:
        place = (pl.col("layer") == state.layer.name) & (pl.col("pooling") == state.layer.pooling)
        for (family,), own in chosen.filter(place).group_by("family", maintain_order=True):
            found += _of_layer(state, own, family_halves(by_name[str(family)], parts.fit, parts.test), parts, settings)
    return table(found, EXAMPLES)


def with_targets(found: pl.DataFrame, classes: Int[np.ndarray, " sample"] | None, names: Sequence[str]) -> pl.DataFrame:
    """Examples with the true class of each input, which says what kind of mistake a mistake is.

    Args:
        found: Columns of ``tables.EXAMPLES``.
        classes: Class of every sample (-1 null), or None where there are none; ``target`` is null then.
        names: Name of each class.
    """
    codes = [-1] * len(found) if classes is None else classes[found["sample"].to_numpy()].tolist()
    targets = [names[code] if code >= 0 else None for code in codes]
    return found.with_columns(target=pl.Series(targets, dtype=pl.String))


def _of_layer(
    state: LayerState, neurons: pl.DataFrame, family: Halves[Family], parts: Parts, settings: Settings
) -> Iterator[dict[str, Any]]:
    """Examples of some neurons of a layer.

    They are searched once more, which for so few costs nothing: the rows of a property of any kind of family are then
    known without keeping them for every neuron.
    """
    columns = neurons["neuron"].to_numpy()
    fit, test = (state.stored(rows)[:, columns] for rows in (parts.fit, parts.test))
    searched = search(fit, family, settings)
    for place, neuron in enumerate(neurons.iter_rows(named=True)):
        labels = searched.properties.test_labels(int(searched.index[place]))
        seed = [str(neuron[name]) for name in _NEURON]
        for kind, rows in example_rows(test[:, place], labels, neuron["threshold"], seed).items():
            for rank, row in enumerate(rows):
                yield {
                    **{name: neuron[name] for name in (*_NEURON, "property")},
                    "kind": kind,
                    "rank": rank,
                    "sample": int(parts.test[row]),
                    "activation": float(test[row, place]),
                    "has_property": bool(labels[row] == 1),
                }


def example_rows(
    activation: Float[np.ndarray, " row"], labels: Int8[np.ndarray, " row"], threshold: float, seed: Sequence[str]
) -> dict[str, Int[np.ndarray, " example"]]:
    """Rows with the largest activations, and those nearest to the threshold on either side.

    Ties are broken at random: half of all inputs may lie at 0, and the first of them would be of one class wherever a
    dataset is sorted.

    Args:
        activation: Of one neuron on the test rows.
        labels: Of its property; rows with -1 are left out.
        threshold: The neuron is on strictly above it.
        seed: Names the draw that breaks ties.
    """
    tie = stream("example ties", *seed).permutation(len(activation))
    known, on = labels >= 0, activation > threshold
    falling = np.lexsort((tie, -activation))
    rising = falling[::-1]
    return {
        "top": falling[known[falling]][:N_INPUTS],
        "above": rising[(known & on)[rising]][:N_INPUTS],
        "below": falling[(known & ~on)[falling]][:N_INPUTS],
    }


MOST_CLASSES = 64
"""Classes of which every neuron has an on-rate; of more it has those of as many in which it is least like itself."""


def on_rates(neurons: pl.DataFrame, test: State, classes: Classes) -> pl.DataFrame:
    """On-rates of the neurons of one layer in every class that has rows.

    Of more than `MOST_CLASSES` classes a neuron keeps those whose on-rate is furthest from its on-rate on all rows
    that have a class: a class that it denotes, or that it leaves out, is among them.

    Args:
        neurons: Columns of ``tables.NEURONS``, one row per neuron of the layer, with the thresholds chosen on *fit*.
        test: Their activations on the test rows, gone over a block of rows at a time.
        classes: Of the same rows.

    Returns:
        Columns of ``tables.ON_RATES``, one row per live neuron with a threshold and class with rows.
    """
    from denote.kernels.counting_kernels import count_above  # compiles: only what counts waits for it

    kept = neurons.filter(pl.col("live"), pl.col("threshold").is_not_null())
    n_rows = np.bincount(classes.codes[classes.codes >= 0], minlength=len(classes.names))
    held = np.flatnonzero(n_rows)
    if kept.is_empty() or not len(held):
        return empty(ON_RATES)
    thresholds = np.full(int(test.shape[1]), np.nan)
    thresholds[kept["neuron"].to_numpy()] = kept["threshold"].to_numpy()
    counts, codes = np.zeros((len(n_rows), len(thresholds)), dtype=np.int32), classes.codes.astype(np.int64)
    for part, block in row_blocks(test):
        count_above(block.cpu().numpy(), thresholds, codes[part], counts)
    counts = counts[held][:, kept["neuron"].to_numpy()].T
    rates, overall = counts / n_rows[held], counts.sum(1, keepdims=True) / n_rows.sum()
    apart = np.argsort(-np.abs(rates - overall), axis=1, kind="stable")[:, :MOST_CLASSES]
    chosen = np.sort(apart, axis=1)
    named = pl.DataFrame({"class": pl.Series(classes.names, dtype=pl.String), "n_rows": n_rows})[held]
    own = [name for name in ON_RATES if name in kept.columns]
    return pl.concat(
        [
            kept.select(own)[np.repeat(np.arange(kept.height), chosen.shape[1])],
            named[chosen.ravel()].with_columns(on_rate=np.take_along_axis(rates, chosen, axis=1).ravel()),
        ],
        how="horizontal",
    ).select(*own, "class", "on_rate", "n_rows")
