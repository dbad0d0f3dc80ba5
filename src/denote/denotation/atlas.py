"""Inputs that show what neurons denote, and how often neurons are on in every class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Int8

from denote.attributes.labels import Family, SubsetFamily
from denote.data.parts import Halves, Parts
from denote.denotation.search.candidates import search
from denote.denotation.search.properties import MEMORY, Settings, family_halves
from denote.observers.reading import State
from denote.observers.sorted_columns import column_blocks
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


def on_rates(neurons: pl.DataFrame, test: State, family: Family, memory: int = MEMORY) -> pl.DataFrame:
    """On-rates of the neurons of one layer in the classes of a family of subsets.

    Args:
        neurons: Columns of ``tables.NEURONS``, one row per neuron of the layer, with the thresholds chosen on *fit*.
        test: Their activations on the test rows; a block of neurons is read at a time.
        family: The family at the same rows; only one of subsets has on-rates.
        memory: Bytes that a block may take.

    Returns:
        Columns of ``tables.ON_RATES``, one row per live neuron with a threshold and class with rows.
    """
    kept = neurons.filter(pl.col("live"), pl.col("threshold").is_not_null())
    if not isinstance(family, SubsetFamily) or kept.is_empty():
        return empty(ON_RATES)
    n_rows = np.bincount(family.codes[family.codes >= 0], minlength=len(family.class_names))
    thresholds = neurons["threshold"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    rates = _rates(test, thresholds, family.codes, n_rows, memory)[kept["neuron"].to_numpy()]
    classes = pl.DataFrame(
        {"class": family.class_names, "n_rows": n_rows}, schema={"class": pl.String, "n_rows": pl.Int64}
    )
    crossed = kept.join(classes, how="cross").with_columns(on_rate=pl.Series(rates.ravel(), dtype=pl.Float64))
    own = [name for name in ON_RATES if name in crossed.columns]
    return crossed.filter(pl.col("n_rows") > 0).select(own)


def _rates(
    test: State,
    thresholds: Float[np.ndarray, " neuron"],
    codes: Int[np.ndarray, " row"],
    n_rows: Int[np.ndarray, " class"],
    memory: int,
) -> Float[np.ndarray, "neuron class"]:
    """Share of each class's rows above each neuron's threshold; nan for a class without rows."""
    members = (codes[:, None] == np.arange(len(n_rows))).astype(np.float32)
    width = max(1, memory // max(1, 8 * len(codes)))
    on = [
        (values > thresholds[start : start + width, None]).astype(np.float32) @ members
        for start, values in column_blocks(test, width)
    ]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.concatenate(on) / np.where(n_rows > 0, n_rows, np.nan))
