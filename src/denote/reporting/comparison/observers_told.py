"""Whether observers read attributes better in one result than in the other: means at layers, then cells."""

from __future__ import annotations

import polars as pl

from denote.comparison.compare import Contrast
from denote.comparison.observers import CELL, HEADLINE
from denote.numbers import Estimate, bound, count, proportion, signed, small
from denote.reporting.answer.captured import PROBES
from denote.reporting.answer.contents import Number
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed, plain_property
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import Row

MOST_LAYERS = 3
"""Layers that are named of more that differ."""
LARGEST = "largest, chosen by size"
"""What a difference is called that its size chose: others of its kind, of other networks, are likely smaller."""


def observers_told(contrast: Contrast) -> Told | None:
    """Say where the mean AUROC over attributes differs, and how many cells do; None where nothing is read in both.

    Args:
        contrast: What is compared.
    """
    rows = contrast.rows(HEADLINE)
    known = rows.drop_nulls("difference")
    if known.is_empty():
        return None
    said = [_of_probe(part) for _, part in known.group_by("probe", maintain_order=True)]
    cells, brief_cells = cells_words(contrast), cells_words(contrast, named=False)
    long, middle, brief = (" ".join(each[place] for each in said) for place in range(3))
    return Told(
        [[f"{long} {cells}"], [f"{middle} {cells}"], [f"{middle} {brief_cells}"], [f"{brief} {brief_cells}"]],
        f"{middle if len(said) == 1 else brief} {brief_cells}",
        uncapitalised(middle.rstrip(".")),
        uncapitalised(brief.rstrip(".")),
    )


def uncapitalised(text: str) -> str:
    """Return a sentence as it stands behind a name and a colon."""
    return f"{text[:1].lower()}{text[1:]}"


def _of_probe(rows: pl.DataFrame) -> tuple[str, str, str]:
    """Return what is told of one probe, at three lengths."""
    kind = str(rows["probe"][0])
    probe = PROBES.get(kind, f"the probe {clean(kind)}")
    probe = f"{probe[0].upper()}{probe[1:]}"
    of = _attributes(rows)
    low, high = (signed(_end(rows, which), 3) for which in ("min", "max"))
    reach = f"{low} to {high}" if low != high else f"all {low}"
    untested, rows = rows.filter(pl.col("p_corrected").is_null()), rows.drop_nulls("p_corrected")
    if rows.is_empty():
        none = f"{probe}: the difference of mean AUROC over {of} could not be tested"
        return f"{none} ({reach}; {untested['note'][0]}).", f"{none} ({reach}).", f"{none}."
    differing = rows.filter("differs").sort(pl.col("difference").abs(), descending=True, maintain_order=True)
    n_layers = count(len(rows), "layer") + (f" ({len(untested)} more not tested)" if len(untested) else "")
    if differing.is_empty():
        tested = f"; smallest corrected p {small(rows['p_corrected'].min())}"  # type: ignore[arg-type]
        limit = largest_end(rows)
        within = f", intervals within ±{limit}" if limit else ""
        none = f"{probe}: no difference of mean AUROC over {of} is found at {n_layers}"
        return (
            f"{none} ({reach}{within}{tested}).",
            f"{none} ({reach}{tested}).",
            f"{probe}: mean AUROC differs at none of {n_layers}.",
        )
    head = f"{probe}: mean AUROC over {of} differs at {len(differing)} of {n_layers}"
    named = [at_layer(row) for row in differing.iter_rows(named=True)]
    return f"{head}: {listed(named, MOST_LAYERS)}.", f"{head}: {listed(named, 2)}.", f"{head}."


def _end(rows: pl.DataFrame, which: str) -> float:
    return float(getattr(rows["difference"], which)())


def largest_end(rows: pl.DataFrame) -> str:
    """Return how far the intervals of differences reach, rounded up; empty where there are none."""
    ends = rows.select(pl.max_horizontal(pl.col("difference_low", "difference_high").abs())).to_series().drop_nulls()
    return bound(float(ends.max())) if len(ends) else ""  # type: ignore[arg-type]


def _attributes(rows: pl.DataFrame) -> str:
    numbers = rows["n_attributes"].unique().sort().to_list()
    if len(numbers) == 1:
        return count(numbers[0], "attribute")
    return f"{numbers[0]} to {count(numbers[-1], 'attribute')}"


def at_layer(row: Row, *, p: bool = True) -> str:
    """``+.021 [+.010, +.032] at hidden_2 (.952 -> .973, p .008)``."""
    value = f"{fine(Estimate.of(row, 'difference'))} at {place_words(row)}"
    levels = f"{proportion(row['baseline_value'], 3)} -> {proportion(row['other_value'], 3)}"
    tested = f", p {small(row['p_corrected'])}" if p and row["p_corrected"] is not None else ""
    return f"{value} ({levels}{tested})"


def fine(estimate: Estimate[float]) -> str:
    """A difference of scores with three decimals: scores crowd near 1."""
    if estimate.low != estimate.low:
        return signed(estimate.value, 3)
    return f"{signed(estimate.value, 3)} [{signed(estimate.low, 3)}, {signed(estimate.high, 3)}]"


def place_words(row: Row) -> str:
    """The layer, or both with their relative depths where they differ."""
    if row["layer"] == row["other_layer"] and row["relative_depth"] == row["other_relative_depth"]:
        return clean(layer_words(row["layer"]))
    depths = [row["relative_depth"], row["other_relative_depth"]]
    ours, others = (f" ({proportion(depth)})" if depth is not None else "" for depth in depths)
    names = [clean(layer_words(row[name])) for name in ("layer", "other_layer")]
    return f"{names[0]}{ours if ours != others else ''} / {names[1]}{others}"


def cells_words(contrast: Contrast, *, named: bool = True) -> str:
    """Say how many single cells differ, by their own correction.

    Args:
        contrast: What is compared.
        named: Name the largest difference, which its size chose.
    """
    cells = contrast.rows(CELL, "auroc").filter(pl.col("p_corrected").is_not_null())
    if cells.is_empty():
        return ""
    differing = cells.filter("differs").sort(pl.col("difference").abs(), descending=True, maintain_order=True)
    said = f"Cells: {len(differing):,} of {len(cells):,} differ"
    if differing.is_empty() or not named:
        return f"{said}."
    row = differing.row(0, named=True)
    name, value = clean(plain_property(row["name"])), fine(Estimate.of(row, "difference"))
    return f"{said}; {LARGEST}: {name} at {place_words(row)} {value}."


def observers_numbers(contrast: Contrast) -> list[Number]:
    """Return how many layers differ, and the largest difference of mean AUROC beside the mean of all."""
    rows = contrast.rows(HEADLINE).drop_nulls("difference")
    if rows.is_empty():
        return []
    tested = rows.drop_nulls("p_corrected")
    cells = contrast.rows(CELL, "auroc").filter(pl.col("p_corrected").is_not_null())
    largest = rows.sort(pl.col("difference").abs(), descending=True, maintain_order=True).row(0, named=True)
    of_cells = f"cells: {cells['differs'].sum() or 0} of {len(cells)}"
    differing = f"{tested['differs'].sum()} of {len(tested)}" if len(tested) else "not tested"
    beside = of_cells if len(tested) else str(rows["note"][0])
    ends = f"[{signed(largest['difference_low'], 3)}, {signed(largest['difference_high'], 3)}] at "
    place = f"{ends if largest['difference_low'] is not None else ''}{place_words(largest)}"
    mean = f"; mean of {len(rows)}: {signed(float(rows['difference'].mean()), 3)}"  # type: ignore[arg-type]
    label = f"difference of mean AUROC, the {LARGEST}" if len(rows) > 1 else "difference of mean AUROC"
    return [
        Number("means at layers differ", differing, beside),
        Number(label, signed(largest["difference"], 3), f"{place}{mean if len(rows) > 1 else ''}"),
    ]
