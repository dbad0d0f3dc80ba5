"""Which evidence cards the report shows."""

from __future__ import annotations

import polars as pl

from denote.reporting.page import Cards, left_out
from denote.reporting.sheets import best_cells, surest

MOST_CARDS = 200


def cell_cards_shown(cells: pl.DataFrame) -> list[Cards]:
    """Cards of the decisive cells, the best layer and object model of each attribute and probe."""
    return _cards("decisive cells, the best per attribute and probe", best_cells(cells).filter("decisive"), "cells")


def neuron_cards_shown(neurons: pl.DataFrame) -> list[Cards]:
    """Cards of the neurons that denote, the surest first."""
    return _cards("denoting neurons, the surest first", surest(neurons), "neurons")


def _cards(what: str, rows: pl.DataFrame, table: str) -> list[Cards]:
    texts = rows["card"].drop_nulls().to_list()
    if not texts:
        return []
    more = left_out(len(texts) - MOST_CARDS, "card", f"{table}.parquet, column card")
    return [Cards(f"{len(texts)} evidence card{'s' * (len(texts) != 1)}: {what}", texts[:MOST_CARDS], more)]
