"""The tables of a comparison's page."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from denote.comparison.compare import Contrast
from denote.comparison.neurons import CURVE, NEURONS, PROPERTY
from denote.comparison.observers import CELL, HEADLINE, OVERALL
from denote.comparison.verdicts import PART, VERDICT
from denote.numbers import NULL, Estimate, interval, proportion, signed_interval, small
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.words import clean, family_words, plain_property
from denote.reporting.comparison.networks_told import known_words, shown_value, unit_words
from denote.reporting.comparison.observers_told import fine, place_words
from denote.reporting.sheet import MOST_ROWS, Column, Row, Section, Sheet, left_out

TABLE = "compare.parquet"
DASH = "\N{EN DASH}"
"""What stands for an undefined number, as on the page of a report."""


def settings_section(contrast: Contrast) -> Section:
    """Return all settings that differ between two results.

    Args:
        contrast: What is compared.
    """
    rows: list[tuple[str, ...]] = [
        (each.key, shown_value(each.baseline), shown_value(each.other)) for each in contrast.settings
    ]
    names = clean(contrast.baseline.shown), clean(contrast.other.shown)
    heading = f"{names[1]} against {names[0]}"
    if not rows:
        return Section(heading, [f"No setting differs{known_words(contrast)}."])
    caption = "Of the resolved settings of all jobs those that shape results; several values are those of several jobs."
    sentences = [f"Compared{known_words(contrast)}."] if known_words(contrast) else []
    return Section(heading, sentences, [Sheet(heading, caption, ("setting", *names), rows)])


def evidence_sections(contrast: Contrast) -> list[Section]:
    """Return the tables behind the answer, those without rows left out.

    Args:
        contrast: What is compared.
    """
    unit, names = unit_words(contrast), (clean(contrast.baseline.shown), clean(contrast.other.shown))
    cells = contrast.rows(CELL, "auroc").sort(pl.col("difference").abs(), descending=True, nulls_last=True)
    made = [
        _section("Means over attributes and layers", f"Unit: {unit}. Every layer counts alike; all rows are one "
                 "family of tests.", names, _OVERALL, contrast.rows(OVERALL)),
        _section("Means over attributes, layer by layer", f"Unit: {unit}. All rows are one family of tests.",
                 names, _HEADLINE, contrast.rows(HEADLINE)),
        _section("Cells, the largest differences first", "A family of tests of its own, corrected by Benjamini and "
                 "Hochberg.", names, _CELL, cells),
        _section("How many neurons denote", "Of live hidden neurons in the compared layers; beyond: minus the share of "
                 "random directions.", names, _NEURONS, contrast.rows(NEURONS)),
        _section("What neurons denote at every layer", "Means over networks. Every family of attributes is a family of "
                 "tests; outputs and random directions are shown, not tested.", names, _CURVE, contrast.rows(CURVE)),
        _properties(contrast, names),
        _section("Verdicts on depth", "Verdicts are not compared by a test: that one is passed and the other is "
                 "not says nothing of their difference; the curves above are compared.", names, _VERDICT,
                 contrast.rows(VERDICT)),
        _section("What the change over depth is made of", "From the first to the last compared layer.", names, _PART,
                 contrast.rows(PART)),
    ]  # fmt: skip
    return [section for section in made if section]


def _section(
    heading: str, caption: str, names: tuple[str, str], columns: Sequence[Column], rows: pl.DataFrame
) -> Section:
    if rows.is_empty():
        return Section(heading)
    header = tuple({"baseline": names[0], "other": names[1]}.get(name, name) for name, _ in columns)
    first = rows.head(MOST_ROWS).iter_rows(named=True)
    written = [tuple(undefined_dashed(write(row)) for _, write in columns) for row in first]
    more = left_out(len(rows) - MOST_ROWS, "row", TABLE)
    return Section(heading, (), [Sheet(heading, caption, header, written, more)])


def undefined_dashed(text: str) -> str:
    """Return an entry as a page shows it."""
    return DASH if text == NULL else text


def _properties(contrast: Contrast, names: tuple[str, str]) -> Section:
    """Return in how many networks each property is denoted, the largest differences first."""
    classes = Networks.of(contrast.groups[0]).classes
    rows = contrast.rows(PROPERTY).sort(pl.col("difference").abs(), descending=True, maintain_order=True)
    columns: list[Column] = [
        ("property", lambda row: plain_property(row["name"], classes)),
        ("kind", _family),
        ("baseline", lambda row: proportion(row["baseline_value"])),
        ("other", lambda row: proportion(row["other_value"])),
    ]
    caption = "Share of networks of which any hidden neuron denotes it; a property and its complement count as one."
    return _section("What is denoted in which result", caption, names, columns, rows)


def _family(row: Row) -> str:
    return family_words(row["family"], one=True).partition(" (")[0]


def _side(name: str, decimals: int = 2) -> Column:
    """Return the column of one result with its interval over networks."""

    def write(row: Row) -> str:
        estimate = Estimate.of(row, f"{name}_value", name)
        if decimals == 2:
            return str(interval(estimate))
        value = proportion(estimate.value, decimals)
        ends = [proportion(end, decimals) for end in (estimate.low, estimate.high)]
        return value if estimate.low != estimate.low else f"{value} [{', '.join(ends)}]"

    return name, write


_LAYER: Column = ("layer", place_words)
_TEST: list[Column] = [
    ("p", lambda row: small(row["p_value"])),
    ("corrected", lambda row: small(row["p_corrected"])),
    ("differs", lambda row: {None: "", True: "yes", False: "no"}[row["differs"]]),
]
_NOTE: Column = ("note", lambda row: str(row["note"] or ""))
_FINE: list[Column] = [
    _side("baseline", 3), _side("other", 3), ("difference", lambda row: fine(Estimate.of(row, "difference"))),
]  # fmt: skip
_COARSE: list[Column] = [
    _side("baseline"), _side("other"), ("difference", lambda row: signed_interval(Estimate.of(row, "difference"))),
]  # fmt: skip
_PROBE: Column = ("probe", lambda row: str(row["probe"]))
_HEADLINE: list[Column] = [
    _PROBE, _LAYER, ("attributes", lambda row: str(row["n_attributes"])), *_FINE, *_TEST,
    ("test", lambda row: str(row["test"] or "")), _NOTE,
]  # fmt: skip
_OVERALL: list[Column] = [
    _PROBE, ("layers", lambda row: str(row["n_layers"])), ("attributes", lambda row: str(row["n_attributes"])), *_FINE,
    *_TEST, ("test", lambda row: str(row["test"] or "")), _NOTE,
]  # fmt: skip
_CELL: list[Column] = [_PROBE, _LAYER, ("attribute", lambda row: plain_property(row["name"])), *_FINE, *_TEST, _NOTE]
_KIND: Column = ("kind", _family)
_WORDS = {
    "share_denoting": "share denoting", "share_denoting - rotated_share_denoting": "beyond random directions",
    "used_share": "shown to be used, of those that denote", "ablation_effect": "what resampling one costs",
    "label_proportion": "label proportion", "folded": "folded", "rotated_folded": "random directions, folded",
}  # fmt: skip
_QUANTITY: Column = ("what", lambda row: _WORDS.get(str(row["quantity"]), ""))
_NEURONS: list[Column] = [_KIND, _QUANTITY, *_COARSE, *_TEST, _NOTE]
_CURVE: list[Column] = [_KIND, _QUANTITY, _LAYER, *_COARSE, *_TEST, _NOTE]
_VERDICT: list[Column] = [
    _KIND, ("baseline", lambda row: row["baseline_text"] or "no verdict"),
    ("other", lambda row: row["other_text"] or "no verdict"), _NOTE,
]  # fmt: skip
_PART: list[Column] = [_KIND, ("part", lambda row: row["name"]), _side("baseline"), _side("other")]
