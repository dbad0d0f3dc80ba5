"""Whether observers read attributes better in one result than in the other: over layers, at layers, then cells."""

from __future__ import annotations

import polars as pl

from denote.comparison.compare import Contrast
from denote.comparison.observers import CELL, HEADLINE, OVERALL
from denote.figures.curves import usual_probe
from denote.numbers import Estimate, bound, count, proportion, signed, small
from denote.reporting.answer.captured import PROBES
from denote.reporting.answer.contents import Number
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed, plain_property
from denote.reporting.comparison.networks_told import NOT_IN_BOTH, nothing_read_words, wider_words
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import Row

MOST_LAYERS = 3
"""Layers that are named of more that differ."""
NOT_IN_ALL = "No attribute has a score in all networks of both at any layer"
LARGEST = "largest, chosen by size"
"""What a difference is called that its size chose: others of its kind, of other networks, are likely smaller."""


def observers_told(contrast: Contrast) -> Told | None:
    """Say how the mean AUROC over attributes and layers differs, then at which layers, then how many cells do.

    Args:
        contrast: What is compared.

    Returns:
        None where neither has an observer.
    """
    overall = contrast.rows(OVERALL).drop_nulls("difference")
    if overall.is_empty():
        return _without_means(contrast)
    usual = _usual(overall)
    parts = [(_over_layers(row), _at_layers(contrast, row)) for row in overall.iter_rows(named=True)]
    cells, brief_cells, wider = cells_words(contrast), cells_words(contrast, named=False), wider_words(contrast)
    long, middle, brief = (_joined(*(f"{mean}{at[place]}." for mean, at in parts)) for place in range(3))
    means = _joined(*(f"{mean}." for mean, _ in parts), wider)
    long, middle, brief = (_joined(text, wider) for text in (long, middle, brief))
    return Told(
        [[_joined(long, cells)], [_joined(middle, cells)], [_joined(middle, brief_cells)],
         [_joined(brief, brief_cells)], [means]],
        _joined(middle, brief_cells) if len(parts) == 1 else _joined(_with_others(usual, overall), wider),
        uncapitalised(brief.rstrip(".")),
        f"mean AUROC of {_probe(usual)} {tested_words(usual)}",
    )  # fmt: skip


def _without_means(contrast: Contrast) -> Told | None:
    """Say why no means are compared, and how many single cells are; nothing where neither has an observer."""
    if contrast.rows(OVERALL).is_empty():
        said = nothing_read_words(contrast)
        brief = uncapitalised(said.partition(":")[0].rstrip("."))
        return Told([[said]], said, uncapitalised(said.rstrip(".")), brief) if said else None
    cells = cells_words(contrast)
    said = _joined(f"{NOT_IN_ALL}, so no means are compared.", cells)
    return Told([[said]], said, uncapitalised(said.rstrip(".")), "no attribute is read in all networks of both")


def _usual(overall: pl.DataFrame) -> Row:
    """Return the row of the probe that is shown first."""
    return overall.row(by_predicate=pl.col("probe") == usual_probe(overall["probe"]), named=True)


def _with_others(usual: Row, overall: pl.DataFrame) -> str:
    """Tell of several probes the usual one, and the differences of all others."""
    others = overall.filter(pl.col("probe") != usual["probe"]).iter_rows(named=True)
    said = [f"{_probe(row)} {signed(row['difference'], 3)}" for row in others]
    return f"{_over_layers(usual)}; {listed(said, 3)}."


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def uncapitalised(text: str) -> str:
    """Return a sentence as it stands behind a name and a colon."""
    return f"{text[:1].lower()}{text[1:]}"


def _over_layers(row: Row) -> str:
    """``A linear probe: mean AUROC over 13 attributes and 5 layers .986 -> .967 (-.019 [-.024, -.014], p .008)``."""
    probe = _probe(row)
    of = f"{count(row['n_attributes'], 'attribute')} and {count(row['n_layers'], 'layer')}"
    found = "" if row["differs"] is not False else ", no difference found" + " on average" * (row["n_layers"] > 1)
    return f"{probe[0].upper()}{probe[1:]}: mean AUROC over {of} {levels(row)} ({tested_words(row)}){found}"


def _probe(row: Row) -> str:
    kind = str(row["probe"])
    return PROBES.get(kind, f"the probe {clean(kind)}")


def levels(row: Row) -> str:
    """``.986 -> .967``."""
    return f"{proportion(row['baseline_value'], 3)} -> {proportion(row['other_value'], 3)}"


def tested_words(row: Row) -> str:
    """``-.019 [-.024, -.014], p .008``, or why there is no p-value."""
    test = f", p {small(row['p_corrected'])}" if row["p_corrected"] is not None else f"; not tested: {row['note']}"
    return f"{fine(Estimate.of(row, 'difference'))}{test}"


def _at_layers(contrast: Contrast, overall: Row) -> tuple[str, str, str]:
    """Continue what is told of a probe by its layers, at three lengths; by nothing where there is one layer."""
    rows = contrast.rows(HEADLINE).filter(pl.col("probe") == overall["probe"]).drop_nulls("difference")
    if len(rows) < 2:
        return "", "", ""
    low, high = (signed(_end(rows, which), 3) for which in ("min", "max"))
    reach = f"{low} to {high}" if low != high else f"all {low}"
    untested, tested = rows.filter(pl.col("p_corrected").is_null()), rows.drop_nulls("p_corrected")
    if tested.is_empty():
        none = "; single layers could not be tested"
        return f"{none} ({reach}; {untested['note'][0]})", f"{none} ({reach})", none
    differing = largest_first(tested.filter("differs"))
    n_layers = count(len(tested), "layer") + (f" ({len(untested)} more not tested)" if len(untested) else "")
    if differing.is_empty():
        if low == high == signed(0.0, 3) and largest_end(rows) in ("", proportion(0.0, 3)):
            none = f"; none of {n_layers} differs"  # as of a result with itself: no number adds to it
            return none, none, none
        smallest = f"smallest corrected p {small(tested['p_corrected'].min())}"  # type: ignore[arg-type]
        limit = largest_end(rows)
        none = f"; none of {n_layers} differs{' by itself' * bool(overall['differs'])}"
        return (
            f"{none} ({reach}{f', intervals within ±{limit}' if limit else ''}; {smallest})",
            f"{none} ({reach})",
            none,
        )
    verb = "differs" if len(differing) == 1 else "differ"
    head = f"; {'but ' * (overall['differs'] is False)}{len(differing)} of {n_layers} {verb}"
    named = [at_layer(row) for row in differing.iter_rows(named=True)]
    return f"{head}, {LARGEST}: {listed(named, MOST_LAYERS)}", f"{head}, {LARGEST}: {named[0]}", head


def largest_first(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in the order of their absolute differences."""
    return rows.sort(pl.col("difference").abs(), descending=True, nulls_last=True, maintain_order=True)


def _end(rows: pl.DataFrame, which: str) -> float:
    return float(getattr(rows["difference"], which)())


def largest_end(rows: pl.DataFrame) -> str:
    """Return how far the intervals of differences reach, rounded up; empty where there are none."""
    ends = rows.select(pl.max_horizontal(pl.col("difference_low", "difference_high").abs())).to_series().drop_nulls()
    return bound(float(ends.max())) if len(ends) else ""  # type: ignore[arg-type]


def at_layer(row: Row, *, p: bool = True) -> str:
    """``+.021 [+.010, +.032] at hidden_2 (.952 -> .973, p .008)``."""
    value = f"{fine(Estimate.of(row, 'difference'))} at {place_words(row)}"
    tested = f", p {small(row['p_corrected'])}" if p and row["p_corrected"] is not None else ""
    return f"{value} ({levels(row)}{tested})"


def fine(estimate: Estimate[float]) -> str:
    """A difference of scores with three decimals: scores crowd near 1."""
    if estimate.low != estimate.low:
        return signed(estimate.value, 3)
    return f"{signed(estimate.value, 3)} [{signed(estimate.low, 3)}, {signed(estimate.high, 3)}]"


def place_words(row: Row) -> str:
    """``hidden_2``, ``hidden_2 / conv_2``, or ``hidden_2 (depth .33) / conv_2 (depth .25)``, relative depths."""
    names = [clean(layer_words(row[name])) for name in ("layer", "other_layer")]
    depths = [row["relative_depth"], row["other_relative_depth"]]
    if depths[0] != depths[1]:
        told = (f" (depth {proportion(depth)})" if depth is not None else "" for depth in depths)
        names = [f"{name}{depth}" for name, depth in zip(names, told, strict=True)]
    return " / ".join(dict.fromkeys(names))


def cells_words(contrast: Contrast, *, named: bool = True) -> str:
    """Say how many single cells differ, by their own correction.

    Args:
        contrast: What is compared.
        named: Name the largest difference, which its size chose.
    """
    cells = contrast.rows(CELL, "auroc").filter(pl.col("p_corrected").is_not_null())
    if cells.is_empty():
        return ""
    differing = largest_first(cells.filter("differs"))
    said = f"Cells (layer and attribute): {len(differing):,} of {len(cells):,} differ"
    if differing.is_empty() or not named:
        return f"{said}."
    row = differing.row(0, named=True)
    name, value = clean(plain_property(row["name"])), fine(Estimate.of(row, "difference"))
    return f"{said}; {LARGEST}: {name} at {place_words(row)} {value}."


def observers_numbers(contrast: Contrast) -> list[Number]:
    """Return the mean difference over layers, how many layers differ, and the largest of their differences.

    Args:
        contrast: What is compared.
    """
    overall, rows = (contrast.rows(scope).drop_nulls("difference") for scope in (OVERALL, HEADLINE))
    if overall.is_empty():
        said = "" if len(contrast.rows(OVERALL)) else nothing_read_words(contrast)
        return (
            [Number("attributes read in both", "0", said.partition(": ")[2].rstrip("."))] if NOT_IN_BOTH in said else []
        )
    shown = _usual(overall)
    of = f", {clean(shown['probe'])}" if len(overall) > 1 else ""
    mean = Number(
        f"mean difference of AUROC over {count(shown['n_layers'], 'layer')}{of}{' probe' * bool(of)}",
        signed(shown["difference"], 3),
        f"{_ends(shown)}{levels(shown)}",
    )  # fmt: skip
    rows = rows.filter(pl.col("probe") == shown["probe"])  # numbers are those of one probe
    tested = rows.drop_nulls("p_corrected")
    cells = contrast.rows(CELL, "auroc").filter(pl.col("p_corrected").is_not_null())
    of_cells = f"cells: {cells['differs'].sum() or 0} of {len(cells)}"
    differing = f"{tested['differs'].sum()} of {len(tested)}" if len(tested) else "not tested"
    at_layers = Number(f"means at layers differ{of}", differing, of_cells if len(tested) else str(rows["note"][0]))
    if len(rows) < 2:
        return [mean, at_layers]
    largest = largest_first(rows).row(0, named=True)
    return [
        mean, at_layers,
        Number(LARGEST, signed(largest["difference"], 3), f"{_ends(largest, p=False)}at {place_words(largest)}"),
    ]  # fmt: skip


def _ends(row: Row, *, p: bool = True) -> str:
    """``[-.024, -.014], p .008; ``; nothing where there is no interval."""
    if row["difference_low"] is None:
        return ""
    test = f", p {small(row['p_corrected'])}" if p and row["p_corrected"] is not None else ""
    return f"[{signed(row['difference_low'], 3)}, {signed(row['difference_high'], 3)}]{test}; "
