"""What could not have been found: the power of these numbers of rows, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.numbers import proportion


def power_sentences(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """The effects that cells and neurons would have shown with power .8; nothing where power is not known.

    Args:
        tables: With ``cells`` and ``label_proportion_by_depth``.
    """
    cells, by_depth = tables["cells"], tables["label_proportion_by_depth"]
    auroc = _span(cells["detectable_auroc"])
    cell, neuron = _span(cells["detectable_proportion"]), _span(by_depth["smallest_detectable_proportion"])
    said = []
    if auroc:
        said.append(f"Power of the cells: an AUROC of at least {auroc} would have been found with probability .8.")
    if cell:
        said.append(
            f"An attribute with label proportion below {cell} could not have been found decisive with that "
            "probability, even by an observer of balanced accuracy .98."
        )
    if neuron:
        said.append(
            f"Power of the neurons: below label proportion {neuron} a neuron of balanced accuracy .98 would not have "
            "passed the rule with probability .8, so that rare properties are missing from every curve."
        )
    if said:
        said.append("Power counts rows as independent: where they come in groups, less would have been found.")
    return said


def _span(values: pl.Series) -> str:
    """``.07``, or ``.07 to .12 (depending on the rows)`` where values differ; empty where none is known."""
    known = values.drop_nulls()
    if known.is_empty():
        return ""
    least, most = (proportion(float(value)) for value in (known.min(), known.max()))  # type: ignore[arg-type]
    return least if least == most else f"{least} to {most} (depending on the rows)"
