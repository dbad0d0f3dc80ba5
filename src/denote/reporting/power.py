"""Effects too small to be found: the power of these numbers of rows, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.numbers import proportion

DIFFERS = " (depending on the rows)"


def power_sentences(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """The effects that cells and neurons would have shown with power .8; nothing where power is not known.

    Args:
        tables: With ``cells``, ``neurons`` and ``label_proportion_by_depth``.
    """
    cells, by_depth = tables["cells"], tables["label_proportion_by_depth"]
    auroc, cell = (_span(cells[f"detectable_{number}"], DIFFERS) for number in ("auroc", "proportion"))
    neuron = _by_family(by_depth)
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
            "Power of the neurons: a neuron of balanced accuracy .98 that is on exactly as often as its property holds "
            f"would have passed the rule with probability .8 only from this label proportion up: {neuron}; rarer "
            "properties are missing from the curves."
        )
    if said and _grouped(tables):
        said.append("Rows come in groups, but power counts them as independent: less would have been found.")
    return said


def _grouped(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Return whether any note says that rows are not independent."""
    notes = [tables[name]["note"] for name in ("cells", "neurons")]
    return bool(pl.concat(notes).str.contains("groups: |rows in groups").any())


def _by_family(by_depth: pl.DataFrame) -> str:
    """``subsets .07, classes .22``: rows are the same, but every family has its own cutoff."""
    groups = by_depth.group_by("family", maintain_order=True)
    spans = {str(family): _span(rows["smallest_detectable_proportion"]) for (family,), rows in groups}
    return ", ".join(f"{family} {span}" for family, span in spans.items() if span)


def _span(values: pl.Series, why: str = "") -> str:
    """``.07``, or ``.07 to .12`` and why where values differ; empty where none is known."""
    span = value_range(values)
    if span is None:
        return ""
    least, most = map(proportion, span)
    return least if least == most else f"{least} to {most}{why}"


def value_range(values: pl.Series) -> tuple[float, float] | None:
    """Least and largest of a column's numbers; None where there is none."""
    known = values.drop_nulls()
    return None if known.is_empty() else (float(known.min()), float(known.max()))  # type: ignore[arg-type]
