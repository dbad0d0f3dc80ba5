"""How many neurons denote in both results, and what is denoted in one of them only."""

from __future__ import annotations

import polars as pl

from denote.comparison.compare import Contrast
from denote.comparison.neurons import ACROSS, EXCESS, NEURONS, OF_PARTNERS, OVERLAP, PROPERTY, USED_SHARE, WITHIN_RESULT
from denote.numbers import Estimate, proportion, signed, signed_interval, small
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, family_words, listed, plain_property
from denote.reporting.comparison.observers_told import uncapitalised
from denote.reporting.sheet import Row

MOST = 0.5
"""Share of networks from which on a property is said to be denoted in a result."""


def shown_family(contrast: Contrast) -> str | None:
    """Return the family in which most neurons of both results denote; None where none was searched in both."""
    rows = contrast.rows(NEURONS, "share_denoting").with_columns(
        total=pl.sum_horizontal(pl.col("baseline_value", "other_value").fill_null(0.0))
    )
    ordered = rows.sort("total", descending=True, maintain_order=True)
    return str(ordered["family"][0]) if len(ordered) else None


def neurons_told(contrast: Contrast) -> Told | None:
    """Say how many neurons denote in both, and what in one only; None where no family was searched in both.

    Args:
        contrast: What is compared.
    """
    family = shown_family(contrast)
    if family is None:
        return None
    share, excess = (_row(contrast, NEURONS, quantity, family) for quantity in ("share_denoting", EXCESS))
    if is_same(contrast, family):
        return _same(share, family)
    head = f"Share of live hidden neurons that denote {_word(family)}: {change(share)}"
    beside = f"; beyond random directions {change(excess, signs=True)}" if excess["difference"] is not None else ""
    beside += _used_words(contrast, family)
    only, overlap = only_words(contrast, family), overlap_words(contrast, family)
    brief = f"share denoting {change(share, interval=False)}"
    return Told(
        [[f"{head}{beside}. {only} {overlap}".rstrip()], [f"{head}{beside}. {only}"],
         [f"{head}{beside}. {overlap}".rstrip()], [f"{head}{beside}."], [f"{head}."]],
        f"{head}{beside}.",
        uncapitalised(f"{head}{beside}"),
        brief,
    )  # fmt: skip


def _used_words(contrast: Contrast, family: str) -> str:
    """``; shown to be used .40 -> .55 (+.15 [...])``: of denoting neurons, where both results were ablated."""
    rows = contrast.rows(NEURONS, USED_SHARE).filter(pl.col("family") == family)
    return "".join(f"; of these shown to be used {change(row)}" for row in rows.iter_rows(named=True))


def is_same(contrast: Contrast, family: str) -> bool:
    """Return whether neurons denote the same in both, as those of the same networks do."""
    shares = contrast.rows(NEURONS).filter(pl.col("family") == family)["difference"].drop_nulls()
    properties = contrast.rows(PROPERTY).filter(pl.col("family") == family)["difference"]
    return bool((shares == 0).all() and (properties == 0).all() and len(shares))


def _same(share: Row, family: str) -> Told:
    number = proportion(share["baseline_value"])
    if not share["baseline_value"]:
        said = "No live hidden neuron denotes in either"
        return Told([[f"{said}."]], f"{said}.", "no neuron denotes in either", "none denotes")
    said = f"The same neurons denote the same in both ({number} of live hidden ones denote {_word(family)})"
    return Told([[f"{said}."]], f"{said}.", uncapitalised(said), "the same neurons denote")


def _row(contrast: Contrast, scope: str, quantity: str, family: str) -> Row:
    return contrast.rows(scope, quantity).filter(pl.col("family") == family).row(0, named=True)


def _word(family: str) -> str:
    return family_words(family, one=True).partition(" (")[0]


def change(row: Row, *, signs: bool = False, interval: bool = True) -> str:
    """``.14 -> .20 (+.06 [+.02, +.10], p .013)``.

    Args:
        row: Of the table.
        signs: Whether the values are differences themselves.
        interval: Add the difference with its interval and p-value.
    """
    write = signed if signs else proportion
    values = f"{write(row['baseline_value'])} -> {write(row['other_value'])}"
    if row["difference"] is None or not interval:
        return values
    p = f", p {small(row['p_corrected'])}" if row["p_corrected"] is not None else ""
    return f"{values} ({signed_interval(Estimate.of(row, 'difference'))}{p})"


def one_sided(contrast: Contrast, family: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the properties that are denoted in one result only, in most networks first: of the baseline, of the other.

    Args:
        contrast: What is compared.
        family: The family of attributes.
    """
    rows = contrast.rows(PROPERTY).filter(pl.col("family") == family)
    order = rows.sort(pl.col("difference").abs(), descending=True, maintain_order=True)
    return order.filter(pl.col("other_value") == 0), order.filter(pl.col("baseline_value") == 0)


def only_words(contrast: Contrast, family: str) -> str:
    """Name the properties that half the networks of one result denote and none of the other."""
    classes = Networks.of(contrast.groups[0]).classes
    said = []
    for side, rows, column in zip(
        (contrast.baseline, contrast.other), one_sided(contrast, family), ("baseline_value", "other_value"), strict=True
    ):
        names = rows.filter(pl.col(column) >= MOST)["name"].to_list()
        if names:
            shown = [clean(plain_property(name, classes, short=True), 32) for name in names]
            said.append(f"{clean(side.shown)}: {listed(shown, 3)}")
    if not said and contrast.pairing.numbers == (1, 1):
        return "No property is denoted in one only."
    if not said:
        return "No property is denoted in half the networks of one and in none of the other."
    if contrast.pairing.numbers == (1, 1):
        return f"Denoted in one only: {'; '.join(said)}."
    return f"Denoted in half the networks or more, and in none of the other result: {'; '.join(said)}."


def overlap_words(contrast: Contrast, family: str) -> str:
    """Say which share of what two networks denote both do: partners, one of each result, both of one result."""
    rows = contrast.rows(OVERLAP).filter(pl.col("family") == family)
    found = {row["quantity"]: row for row in rows.iter_rows(named=True)}
    names = {"baseline_value": clean(contrast.baseline.shown), "other_value": clean(contrast.other.shown)}
    shares = [
        ("partners", found.get(OF_PARTNERS, {}).get("baseline_value")),
        (f"one of each result{', no partners' * (OF_PARTNERS in found)}", found[ACROSS]["baseline_value"]),
        *((f"both of {name}", found[WITHIN_RESULT][side]) for side, name in names.items()),
    ]
    said = [f"{proportion(share)} ({who})" for who, share in shares if share is not None]
    return f"Of what either of two networks denotes both denote {', '.join(said)}." if said else ""


def neurons_number(contrast: Contrast) -> Number | None:
    """Return the difference of the share of neurons that denote."""
    family = shown_family(contrast)
    if family is None:
        return None
    row = _row(contrast, NEURONS, "share_denoting", family)
    ends = (
        ""
        if row["difference_low"] is None
        else f"[{signed(row['difference_low'])}, {signed(row['difference_high'])}]; "
    )
    values = f"{proportion(row['baseline_value'])} -> {proportion(row['other_value'])}"
    return Number("difference of the share that denotes", signed(row["difference"]), f"{ends}{values}")
