"""Neurons of the page: one row per neuron and family, with histogram, on-rates and examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from denote.evidence.rule import telling_notes
from denote.reporting.ablations import neurons_told
from denote.reporting.answer.words import classes_inside
from denote.reporting.cards import fewest_rows, neuron_cards
from denote.reporting.page.cells import INTERVAL
from denote.reporting.page.columns import Frame, column, frame
from denote.reporting.page.networks import numbered
from denote.tables import NEURONS_KEY

MOST_NEURONS = 20_000
MOST_CARDS = 5_000
MOST_RATES = 240_000
"""On-rates of a page: of many neurons in many classes each keeps its most telling ones."""
LEAST_RATES = 4
"""On-rates that every neuron keeps."""
KEY = list(NEURONS_KEY)
UNIT = ["object_model", "layer", "pooling", "neuron"]

SHOWN = (
    *("model", "layer", "neuron", "name", "family", "property", "plain", "label_proportion", "folded", "threshold"),
    *("direction", "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high", "balanced_accuracy_bound"),
    *("fit_balanced_accuracy", "tpr", "tnr", "precision", "auroc", "q_value", "denotes", "live", "on_proportion"),
    *("rotated_share", "rival", "rival_balanced_accuracy", "control_balanced_accuracy"),
    *(
        "untrained_balanced_accuracy",
        "input_balanced_accuracy",
        "n_test",
        "fewest",
        "note",
        "card",
        "used",
        "probe_seed",
    ),
)
NAMES = {"neuron_name": "name", "folded_label_proportion": "folded", **INTERVAL}
FREE = {"threshold", "q_value"}


def kept_neurons(neurons: pl.DataFrame, models: pl.DataFrame, most: int = MOST_NEURONS) -> pl.DataFrame:
    """Return the rows that have room: those that denote before all others, then the first networks' whole.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        models: As `models_of` returns them.
        most: Rows; of more that denote the surest by *fit* stay.

    Returns:
        The rows by network, depth, neuron and family, each with the ``source`` of its data and its place ``at``.
    """
    denotes = pl.col("denotes").fill_null(value=False)
    own = models.select("object_model", "model", "source")
    placed = neurons.join(own, on="object_model", how="left", maintain_order="left")
    order = ["model", "depth", "layer", "pooling", "neuron", "family", "probe_seed"]
    first = placed.sort(
        denotes.not_(),
        pl.when(denotes.sum() > most).then(-pl.col("fit_balanced_accuracy")),
        *order,
        nulls_last=True,
    )
    return first.head(most).sort(order, nulls_last=True).drop("model").with_row_index("at")


def neurons_frame(
    neurons: pl.DataFrame, layers: pl.DataFrame, plain: Callable[[str, str], str], interventions: pl.DataFrame
) -> Frame:
    """Return neurons as the page reads them; those that denote have a card.

    Args:
        neurons: As `kept_neurons` returns them.
        layers: As `layers_of` returns them.
        plain: Says a property of a data set for people.
        interventions: Columns of ``tables.INTERVENTIONS``.
    """
    denoting = neurons.filter(pl.col("denotes").fill_null(value=False)).head(MOST_CARDS)
    cards = neuron_cards(denoting).select("at", "card")
    properties = neurons.select("property", "source").drop_nulls().unique()
    said = [plain(name, source) for name, source in properties.iter_rows()]
    words = properties.with_columns(plain=pl.Series(said, dtype=pl.String))
    shown = (
        neurons_told(neurons, interventions)
        .join(cards, on="at", how="left", maintain_order="left")
        .join(words, on=["property", "source"], how="left", maintain_order="left")
        .with_columns(note=telling_notes()[0], fewest=fewest_rows())
        .rename(NAMES)
    )
    return frame(numbered(shown, layers).select(SHOWN), free=FREE)


def histograms_frame(histograms: pl.DataFrame, neurons: pl.DataFrame, layers: pl.DataFrame) -> Frame:
    """Return the histograms of the neurons that are shown, and all their counts one after the other.

    Args:
        histograms: Columns of ``tables.HISTOGRAMS``.
        neurons: As `kept_neurons` returns them.
        layers: As `layers_of` returns them.
    """
    units = neurons.select(UNIT).unique()
    own = histograms.join(units, on=UNIT, how="semi", nulls_equal=True, maintain_order="left")
    made = frame(
        numbered(own.drop("counts"), layers).select("model", "layer", "neuron", "low", "high"), {"low", "high"}
    )
    return {**made, "counts": own["counts"].explode().to_list() if len(own) else []}


def classes_by_source(on_rates: pl.DataFrame, models: pl.DataFrame) -> dict[str, list[str]]:
    """Return the classes of every data set: those of another one have nothing to do with its properties.

    Args:
        on_rates: Columns of ``tables.ON_RATES``.
        models: As `models_of` returns them.
    """
    seen = on_rates.select("object_model", "class").unique(maintain_order=True)
    placed = seen.join(models.select("object_model", "source"), on="object_model", maintain_order="left")
    return {str(source): part["class"].unique(maintain_order=True).to_list()
            for (source,), part in placed.group_by("source", maintain_order=True)}  # fmt: skip


def on_rates_by_source(
    on_rates: pl.DataFrame, neurons: pl.DataFrame, classes: Mapping[str, Sequence[str]], most: int = MOST_RATES
) -> dict[str, Any]:
    """Return, by data set, its classes and of each neuron that is shown how often it is on in the most telling ones.

    The entries of all neurons stand one after the other: ``codes`` are places among the classes, ``values`` on-rates,
    and ``inside`` is 1 where the neuron's property holds the class; ``rows`` says how many entries are a neuron's.

    Args:
        on_rates: Columns of ``tables.ON_RATES``.
        neurons: As `kept_neurons` returns them.
        classes: As `classes_by_source` returns them.
        most: Entries of all neurons together. Where there is no room for all, each keeps as many as every other, those
            whose on-rate is furthest from its on-rate on all inputs.
    """
    told = neurons.select(*KEY, "at", "source", "property", "on_proportion")
    rows = on_rates.join(told, on=KEY, nulls_equal=True, maintain_order="left")
    apart = (pl.col("on_rate") - pl.coalesce("on_proportion", pl.col("on_rate").mean().over("at"))).abs()
    rank = apart.fill_null(-1.0).rank("ordinal", descending=True).over("at")
    kept = rows.filter(rank <= max(LEAST_RATES, most // max(1, rows["at"].n_unique())))
    made = {}
    for (source,), own in kept.group_by(["source"], maintain_order=True):
        names = classes[str(source)]
        numbers = dict(zip(names, range(len(names)), strict=True))
        place = pl.col("class").replace_strict(numbers, return_dtype=pl.Int64)
        part = own.with_columns(place=place).sort("at", "place")
        counted = part.group_by("at", maintain_order=True).len("entries").cast(pl.Int64)
        made[str(source)] = {
            "classes": list(names), "rows": frame(counted), "codes": part["place"].to_list(),
            "values": column(part["on_rate"].cast(pl.Float64)),
            "inside": _inside(part.select("property", "place"), names),
        }  # fmt: skip
    return made


def _inside(entries: pl.DataFrame, classes: Sequence[str]) -> list[int]:
    """Return 1 for every entry whose class is one of its property, 0 for the others."""
    inside, places = np.zeros(len(entries), dtype=np.int64), entries["place"].to_numpy()
    for (name,), part in entries.with_row_index("entry").drop_nulls("property").group_by(["property"]):
        holds = np.zeros(len(classes), dtype=np.int64)
        holds[classes_inside(str(name), classes)] = 1
        own = part["entry"].to_numpy()
        inside[own] = holds[places[own]]
    return [int(flag) for flag in inside]


def shown_examples(examples: pl.DataFrame, neurons: pl.DataFrame) -> pl.DataFrame:
    """Return the examples of the neurons that are shown, with the row ``at`` of the neuron.

    Args:
        examples: Columns of ``tables.EXAMPLES``.
        neurons: As `kept_neurons` returns them.
    """
    key = [*KEY, "property"]
    own = examples.join(neurons.select(*key, "at"), on=key, nulls_equal=True, maintain_order="left")
    return own.with_columns(pl.col("at").cast(pl.Int64))


def examples_frame(examples: pl.DataFrame) -> Frame:
    """Return examples as the page reads them: a neuron's strongest inputs, and those next to its threshold."""
    shown = ("at", "kind", "rank", "sample", "activation", "has_property", "target")
    return frame(examples.select(shown), free={"activation"})
