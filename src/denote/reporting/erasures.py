"""What erasures and steering say, as tables: what comes back where, and what answers how steeply."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.interventions.kinds import Erase, Steer
from denote.interventions.words import ALL, AUROC, NEURON, OUTPUT, READING, SCORE, SLOPE, WITH, WITHOUT
from denote.numbers import NULL, Estimate, count, proportion, small
from denote.reporting import sheet
from denote.reporting.answer.words import plain_property
from denote.reporting.sheet import Column, Row, Sheet
from denote.tables import joined_notes, without

KEY = ["object_model", "layer", "pooling", "property", "probe_seed"]
"""One erasure."""

SUBJECT = [*KEY[:3], "subject_kind", "subject", "family", "property", "probe", "k", "probe_seed"]
"""What is steered."""

WHAT: Column = ("attribute", lambda row: plain_property(row["property"], short=True))


def intervention_sheets(tables: Mapping[str, pl.DataFrame]) -> list[Sheet]:
    """List erasures and what was steered; no table of what was not done.

    Args:
        tables: With ``interventions``.
    """
    rows = tables["interventions"]
    return [*_erased_sheet(rows), *_steered_sheet(rows)]


def _erased_sheet(rows: pl.DataFrame) -> list[Sheet]:
    erased = rows.filter(pl.col("intervention") == Erase.name)
    readings = erased.filter(pl.col("measure") == AUROC)
    here = readings.filter(pl.col("target") == pl.col("layer")).select(*KEY, before="baseline", left="value")
    back = readings.filter(pl.col("comes_back")).group_by(KEY, maintain_order=True).agg(
        pl.col("target").first().alias("back"), pl.col("value").first().alias("back_auroc"),
    )  # fmt: skip
    of_later = readings.filter(pl.col("target") != pl.col("layer"))
    behind = of_later.group_by(KEY).agg(pl.len().alias("n_later"), pl.col("comes_back").count().alias("n_told"))
    score = erased.filter(pl.col("measure") == SCORE)
    of_rows = [
        score.filter(pl.col("rows") == side).select(*KEY, **{f"{side}_before": "baseline", f"{side}_after": "value"})
        for side in (WITH, WITHOUT)
    ]
    listed = score.filter(pl.col("rows") == ALL)
    for part in (here, back, behind, *of_rows):
        listed = listed.join(part, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    if listed.is_empty():
        return []
    listed = listed.with_columns(**joined_notes(without(["random_sets"])))  # the column says it
    columns: list[Column] = [
        WHAT,
        sheet.where(listed),
        ("AUROC there", lambda row: f"{_number(row['before'])} to {_number(row['left'])}"),
        ("comes back", _comes_back),
        ("score on its rows", lambda row: f"{_number(row['with_before'])} to {_number(row['with_after'])}"),
        ("on the others", lambda row: f"{_number(row['without_before'])} to {_number(row['without_after'])}"),
        *sheet.between("effect", effect="costs"),
        ("random", _random),
        *sheet.columns(small, p_value="p", q_value="q"),
        sheet.NOTES,
    ]
    return [sheet.sheet("erased", columns, listed.sort(-pl.col("effect"), nulls_last=True, maintain_order=True))]


def _comes_back(row: Row) -> str:
    """``at hidden_3 (AUROC .79)``; ``no``; or that it is not told, for which a note has the reason."""
    if row["back"] is not None:
        return f"at {row['back']} (AUROC {proportion(row['back_auroc'])})"
    if not row["n_later"]:
        return "no later layer observed"
    return "no" if row["n_told"] else "not told"


def _random(row: Row) -> str:
    """``.01 (2 x 99 draws)``: the larger mean of two kinds of random ones; nothing where there are none."""
    return "" if row["random"] is None else f"{proportion(row['random'])} (2 x {count(row['n_random'], 'draw')})"


def _steered_sheet(rows: pl.DataFrame) -> list[Sheet]:
    slopes = rows.filter(pl.col("intervention") == Steer.name, pl.col("kind").str.ends_with(SLOPE))
    if slopes.is_empty():
        return []
    # The nearest observer behind the layer; of many outputs the one that answers most, which is chosen by its size.
    readings = slopes.filter(pl.col("measure") == READING).unique(SUBJECT, keep="first", maintain_order=True)
    outputs = slopes.filter(pl.col("measure") == OUTPUT).sort(-pl.col("effect").abs(), maintain_order=True)
    outputs = outputs.unique(SUBJECT, keep="first", maintain_order=True)
    listed = pl.concat([readings, outputs]).sort(*SUBJECT, "measure", descending=False, nulls_last=True)
    columns: list[Column] = [
        ("what is steered", _steered),
        sheet.where(listed),
        WHAT,
        ("what answers", _answers),
        ("slope", lambda row: _slope(row)),
        ("random", lambda row: f"{_figures(row['random'])} ({count(row['n_random'], 'direction')})"),
        ("p", lambda row: _tested(row, "p_value")),
        ("q", lambda row: _tested(row, "q_value")),
        sheet.NOTES,
    ]
    return [sheet.sheet("steered", columns, listed)]


def _steered(row: Row) -> str:
    if row["subject_kind"] == NEURON:
        return f"neuron {row['subject']}, off and on"
    return f"along what {sheet.probe(row)} reads"


def _answers(row: Row) -> str:
    if row["measure"] == READING:
        return f"what the same probe reads at {row['target']}"
    return f"output {row['target']}, the largest slope"


def _slope(row: Row) -> str:
    found = Estimate.of(row, "effect")
    if found.low != found.low:
        return _figures(found.value)
    return f"{_figures(found.value)} [{_figures(found.low)}, {_figures(found.high)}]"


def _tested(row: Row, column: str) -> str:
    """A p-value; outputs, of which one is chosen by its size, are described."""
    return "described" if row["measure"] == OUTPUT else small(row[column])


def _figures(value: float | None) -> str:
    """A slope, of any size, with three figures."""
    return NULL if value is None or value != value else f"{value:.3g}"


def _number(value: float | None) -> str:
    return NULL if value is None else proportion(value)
