"""Cells of the page: attribute by layer, with the numbers of their evidence cards."""

from __future__ import annotations

import polars as pl

from denote.evidence.rule import Rule, telling_notes
from denote.reporting.ablations import cells_told
from denote.reporting.cards import cell_cards
from denote.reporting.page.columns import Frame, frame
from denote.reporting.page.networks import numbered

MOST_CELLS = 20_000
MOST_CARDS = 2_000
"""Cells with a card of sentences; others are shown by their numbers."""

SHOWN = (
    *("model", "layer", "attribute", "family", "probe", "probe_seed", "label_proportion", "auroc", "auroc_low"),
    *("auroc_high", "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high", "balanced_accuracy_bound"),
    *("control_auroc", "untrained_auroc", "input_auroc", "rotated_auroc", "selectivity", "q_value", "decisive"),
    *("n_test", "note", "card", "used"),
)
INTERVAL = {
    "balanced_accuracy_low": "balanced_accuracy_bound",
    "balanced_accuracy_interval_low": "balanced_accuracy_low",
    "balanced_accuracy_interval_high": "balanced_accuracy_high",
}
"""The page shows intervals of two sides under the plain names; the bound that the rule asks for has its own."""


def kept_cells(cells: pl.DataFrame, models: pl.DataFrame, most: int = MOST_CELLS) -> pl.DataFrame:
    """Return the cells of as many networks as have room, the first ones; those of the first in any case.

    A heat map of seeds averaged must not mix networks of which some cells are there and some are not.
    """
    order = cells.join(models.select("object_model", "model"), on="object_model", how="left", maintain_order="left")
    up_to = order.group_by("model").len().sort("model").with_columns(total=pl.col("len").cum_sum())
    fits = up_to.filter((pl.col("total") <= most) | (pl.col("model") == pl.col("model").min()))
    return order.filter(pl.col("model").is_in(fits["model"].implode())).sort("model", maintain_order=True).drop("model")


def cells_frame(cells: pl.DataFrame, layers: pl.DataFrame, rule: Rule, interventions: pl.DataFrame) -> Frame:
    """Return the cells as the page reads them.

    Args:
        cells: Columns of ``tables.CELLS``, decided.
        layers: As `layers_of` returns them.
        rule: The rule that decided them.
        interventions: Columns of ``tables.INTERVENTIONS``.
    """
    written = cell_cards(cells.head(MOST_CARDS), rule)["card"]
    size = pl.format(" k={}", "k").fill_null("")
    shown = cells_told(cells, interventions).with_columns(
        card=written.extend_constant(None, len(cells) - len(written)),
        note=telling_notes()[0],
        probe=pl.concat_str("probe", size),
    )
    return frame(numbered(shown.rename(INTERVAL), layers).select(SHOWN), free={"q_value"})
