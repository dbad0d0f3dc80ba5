"""Neurons of the page: one row per neuron and family, with histogram, on-rates and examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from denote.evidence.rule import telling_notes
from denote.reporting.answer.words import classes_inside
from denote.reporting.cards import neuron_cards
from denote.reporting.page.cells import INTERVAL
from denote.reporting.page.columns import Frame, column, frame
from denote.reporting.page.networks import numbered
from denote.tables import NEURONS_KEY

MOST_NEURONS = 20_000
MOST_CARDS = 5_000
KEY = list(NEURONS_KEY)
UNIT = ["object_model", "layer", "pooling", "neuron"]

SHOWN = (
    *("model", "layer", "neuron", "name", "family", "property", "plain", "label_proportion", "folded", "threshold"),
    *("direction", "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high", "balanced_accuracy_bound"),
    *("fit_balanced_accuracy", "tpr", "tnr", "precision", "auroc", "q_value", "denotes", "live", "on_proportion"),
    *("rotated_share", "rival", "rival_balanced_accuracy", "control_balanced_accuracy"),
    *("untrained_balanced_accuracy", "input_balanced_accuracy", "n_test", "note", "card"),
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
        The rows by network, depth, neuron and family.
    """
    denotes = pl.col("denotes").fill_null(value=False)
    placed = neurons.join(models.select("object_model", "model"), on="object_model", how="left", maintain_order="left")
    order = ["model", "depth", "layer", "pooling", "neuron", "family", "probe_seed"]
    first = placed.sort(
        denotes.not_(),
        pl.when(denotes.sum() > most).then(-pl.col("fit_balanced_accuracy")),
        *order,
        nulls_last=True,
    )
    return first.head(most).sort(order, nulls_last=True).drop("model").with_row_index("at")


def neurons_frame(neurons: pl.DataFrame, layers: pl.DataFrame, plain: Callable[[str], str]) -> Frame:
    """Return neurons as the page reads them; those that denote have a card.

    Args:
        neurons: As `kept_neurons` returns them.
        layers: As `layers_of` returns them.
        plain: Says a property for people.
    """
    denoting = neurons.filter(pl.col("denotes").fill_null(value=False)).head(MOST_CARDS)
    cards = neuron_cards(denoting).select("at", "card")
    properties = neurons["property"].drop_nulls().unique()
    words = pl.DataFrame([properties, pl.Series("plain", [plain(name) for name in properties], pl.String)])
    shown = (
        neurons.join(cards, on="at", how="left", maintain_order="left")
        .join(words, on="property", how="left", maintain_order="left")
        .with_columns(note=telling_notes()[0])
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


def on_rates_by_family(on_rates: pl.DataFrame, neurons: pl.DataFrame) -> dict[str, Any]:
    """Return, by family, its classes and of each neuron that is shown how often it is on in each of them.

    ``inside`` has the places of the classes that each property holds, where properties are sets of classes.

    Args:
        on_rates: Columns of ``tables.ON_RATES``.
        neurons: As `kept_neurons` returns them.
    """
    rows = on_rates.join(neurons.select(*KEY, "at"), on=KEY, nulls_equal=True, maintain_order="left")
    made = {}
    for (family,), own in rows.group_by(["family"], maintain_order=True):
        wide = own.pivot("class", index="at", values="on_rate", aggregate_function="first")
        classes = [name for name in wide.columns if name != "at"]
        rates = pl.Series(wide.select(classes).to_numpy().ravel(), dtype=pl.Float64)
        properties = neurons.filter(pl.col("family") == family)["property"].drop_nulls().unique(maintain_order=True)
        inside = {name: places for name in properties if (places := classes_inside(name, classes))}
        made[str(family)] = {
            "classes": classes, "inside": inside, "rows": frame(wide.select(pl.col("at").cast(pl.Int64))),
            "values": column(rates),
        }  # fmt: skip
    return made


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
