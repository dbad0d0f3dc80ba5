"""Neurons that denote something, named as examples; the rows that choose them are not those that score them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from rich.cells import cell_len

from denote.numbers import Estimate, interval, proportion
from denote.reporting.answer.fit import INDENT, WIDTH
from denote.reporting.answer.networks import NEURON, Networks
from denote.reporting.answer.words import clean, plain_property
from denote.reporting.layer_words import layer_words

EXAMPLES = 3
"""Neurons that are named."""
SHORT = 16
"""Letters of a layer, a neuron and a property in an example; one of a longer property where no other denotes."""
LEAST = 12
"""Letters of a property that are always shown."""


def examples_of(networks: Networks, denoting: pl.DataFrame, most: int = EXAMPLES) -> tuple[list[str], str]:
    """Name neurons of one network: short properties first, then the best on fit rows, one of each layer.

    Scores on test rows, which are shown, choose none of them: the best of many are lower on new rows.

    Args:
        networks: Whose neurons.
        denoting: At least one neuron that denotes; columns of ``tables.NEURONS``.
        most: Neurons.

    Returns:
        A line for each, and of which network they are, where there are several.
    """
    counts = denoting.group_by("object_model", maintain_order=True).len()
    first = counts.sort("len", descending=True, maintain_order=True)["object_model"][0]
    rows = denoting.filter(pl.col("object_model") == first)
    letters = {name: len(plain_property(name, networks.classes, short=True)) for name in rows["property"].unique()}
    rows = rows.with_columns(length=pl.col("property").replace_strict(letters, return_dtype=pl.Int64) // SHORT)
    order = ["length", "fit_balanced_accuracy"]
    rows = rows.sort(order, descending=[False, True], nulls_last=True, maintain_order=True)
    properties = rows.unique("property", keep="first", maintain_order=True)
    layers = properties.unique("layer", keep="first", maintain_order=True)
    chosen = pl.concat([layers, properties, rows]).unique(NEURON, keep="first", maintain_order=True).head(most)
    seed = rows["seed"][0]
    of_which = "" if networks.n_models == 1 or seed is None else f" Seed {seed}:"
    lines = [example(networks, row) for row in chosen.sort("depth", maintain_order=True).iter_rows(named=True)]
    return lines, of_which


def example(networks: Networks, row: Mapping[str, Any]) -> str:
    """One line: ``hidden_6 unit 41: class 0, balanced accuracy .97 [.94, .99], label proportion .10``."""
    name = row["neuron_name"] or f"neuron {row['neuron']}"
    where = f"{clean(layer_words(row['layer']), SHORT)} {clean(name, SHORT)}: "
    score = interval(Estimate.of(row, "balanced_accuracy", bounds="balanced_accuracy_interval"))
    rest = f", balanced accuracy {score}, label proportion {proportion(row['label_proportion'])}"
    room = max(WIDTH - INDENT - cell_len(where + rest), LEAST)
    return f"{where}{clean(plain_property(row['property'], networks.classes, short=True), room)}{rest}"
