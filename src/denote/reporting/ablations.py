"""What ablation says of neurons and observers, in a sentence each and as a table: used, or only readable?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.evidence.rule import Rule
from denote.interventions.words import (
    DIRECTIONS,
    ELSEWHERE,
    NEURON,
    NOT_SHOWN,
    OBSERVER,
    OF_CELL,
    OF_NEURON,
    TOGETHER,
    TOGETHER_ONLY,
    TOP,
    UNTESTED,
    USED,
    VERDICTS,
    others,
    resampled,
    untested,
    used,
    verdict,
)
from denote.notes import codes_in
from denote.numbers import Estimate, count, proportion, setting, signed_interval, small
from denote.reporting import sheet
from denote.reporting.answer.words import family_words, plain_property
from denote.reporting.sheet import Column, Row, Sheet
from denote.tables import says

MOST_NAMED = 5
"""Neurons of a subject that are named."""

BRIEFLY = {
    UNTESTED[code]: words
    for code, words in {
        "output_unit": "an output", "unread_layer": "not used: unread", "narrow_layer": "not testable: narrow",
        "few_ablation_rows": "not tested: few rows", "not_decided": "not tested: fails the rule",
    }.items()
} | {TOGETHER_ONLY: "used only together", ELSEWHERE: "used, not along it"}  # fmt: skip
"""Verdicts as they stand in a column."""


def neurons_told(neurons: pl.DataFrame, interventions: pl.DataFrame) -> pl.DataFrame:
    """Return neurons with ``used``, a sentence on what ablation showed; null where it was not tested.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        interventions: Columns of ``tables.INTERVENTIONS``, decided.
    """
    return _told(neurons, interventions.filter(pl.col("subject_kind") == NEURON), OF_NEURON)


def cells_told(cells: pl.DataFrame, interventions: pl.DataFrame) -> pl.DataFrame:
    """Return cells with ``used``, as `neurons_told` does neurons."""
    own = interventions.filter(pl.col("subject_kind") == OBSERVER).rename({"property": "attribute"})
    return _told(cells, own, OF_CELL)


def _told(rows: pl.DataFrame, interventions: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    before, rest = resampled(interventions), others(interventions)
    scores = ["n_rows", "baseline", "value", "random", "q_value"]
    own = before.with_columns(beside_directions=says(*DIRECTIONS)).select(*key, *scores, "beside_directions")
    without = rest.select(*key, other_baseline="baseline", other_value="value").unique(key)
    found = own.unique(key).join(without, on=key, how="left", nulls_equal=True)
    named = {name: f"ablated_{name}" for name in (*scores, "beside_directions", "other_baseline", "other_value")}
    joined = rows.join(found.rename(named), on=key, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(used=_sentence()).drop(named.values())


def _sentence() -> pl.Expr:
    """``Used: ... takes the score on the 108 rows with the property from .97 to .41, random neurons to .96; ...``."""
    verdicts = pl.coalesce(verdict(), untested())
    first = pl.concat_str(verdicts.str.slice(0, 1).str.to_uppercase(), verdicts.str.slice(1))
    after_random = pl.col("ablated_baseline") - pl.col("ablated_random")
    random = pl.when("ablated_beside_directions").then(pl.lit("directions")).otherwise(pl.lit("neurons"))
    elsewhere = pl.format(
        ", that on the others from {} to {}", _written("ablated_other_baseline"), _written("ablated_other_value")
    )
    beside = pl.format(" (random {}: to {})", random, after_random.map_elements(proportion, return_dtype=pl.String))
    corrected = pl.format("; corrected p {}", pl.col("ablated_q_value").map_elements(small, return_dtype=pl.String))
    return pl.format(
        "{}: resampling it from other inputs takes the network's score on the {} test rows with the property from {} "
        "to {}{}{}{}.",
        first,
        pl.col("ablated_n_rows").map_elements(count, return_dtype=pl.String),
        _written("ablated_baseline"),
        _written("ablated_value"),
        beside.fill_null(""),
        elsewhere.fill_null(""),
        corrected.fill_null(""),
    )


def _written(column: str) -> pl.Expr:
    return pl.col(column).map_elements(proportion, return_dtype=pl.String)


def used_sheet(tables: Mapping[str, pl.DataFrame], rule: Rule) -> list[Sheet]:
    """List ablated neurons and observers, the most costly first and outputs last; no table where nothing was ablated.

    Args:
        tables: With ``cells``, ``neurons``, ``layers`` and ``interventions``.
        rule: The rule that decided them.
    """
    rows = _subjects(tables, rule)
    if rows.is_empty():
        return []
    columns: list[Column] = [
        ("what is resampled", _what),
        ("of what", lambda row: plain_property(row["property"], short=True)),
        sheet.where(rows),
        ("score on its rows", lambda row: f"{proportion(row['baseline'])} to {proportion(row['value'])}"),
        ("random", _random),
        ("verdict", lambda row: BRIEFLY.get(row["word"]) or row["word"]),
        ("read", lambda row: "" if row["read"] is None else proportion(row["read"])),
        *sheet.between("effect", effect="costs"),
        *sheet.whole(n_rows="rows"),
        *sheet.columns(small, p_value="p", q_value="q"),
        ("p is of", _beside),
    ]
    tested = rows.filter(pl.col("word").is_in(VERDICTS))
    n_used = int(tested["word"].is_in([USED, TOGETHER_ONLY]).sum())
    words = {"subjects": count(len(tested), "subject"), "n_used": count(n_used), "q": setting(rule.q)}
    return [sheet.sheet("used", columns, rows, link=_link, **words)]


def use_sentences(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Say of every architecture whether its networks use denoting neurons beyond random ones, tested over networks.

    Args:
        tables: With ``use_tests``.
    """
    tests = tables["use_tests"]
    if tests.is_empty():
        return []
    from denote.interventions.use import EXCESS, use_verdict  # loads scipy: without ablation nothing waits for it

    said = []
    for (dataset, architecture, _, _, family), own in tests.group_by(
        "dataset", "architecture", "trained", "epoch", "family", maintain_order=True
    ):
        row = own.row(by_predicate=pl.col("quantity") == EXCESS, named=True)
        p = f", p {small(row['p_value'])}" if row["p_value"] is not None else ""
        beyond = signed_interval(Estimate.of(row, "effect"))
        said.append(
            f"{architecture} on {dataset}, neurons that denote {family_words(str(family), one=True)}: to resample one "
            f"costs {beyond} of the score on its rows beyond random (mean over "
            f"{count(row['n_models'], 'network')}{p}): {use_verdict(own)}."
        )
    return said


def _subjects(tables: Mapping[str, pl.DataFrame], rule: Rule) -> pl.DataFrame:
    """Headlines with ``read``, the balanced accuracy of a neuron or observer, and ``word``, their verdict."""
    found = resampled(tables["interventions"])
    of_cells = tables["cells"].select(*OF_CELL, "balanced_accuracy", cell_family="family", cell_word=verdict())
    of_cells = of_cells.rename({"attribute": "property"})
    of_neurons = tables["neurons"].select(*OF_NEURON, neuron_score="balanced_accuracy", neuron_word=verdict())
    heads = tables["layers"].select("object_model", "layer", "is_head").unique(["object_model", "layer"])
    joined = found.join(heads, on=["object_model", "layer"], how="left", maintain_order="left")
    for of_kind, key in ((of_cells, of_cells.columns[: len(OF_CELL)]), (of_neurons, OF_NEURON)):
        joined = joined.join(of_kind.unique(key), on=key, how="left", nulls_equal=True, maintain_order="left")
    is_used = used(rule)
    tested = pl.when(is_used).then(pl.lit(USED)).when(pl.col("q_value").is_not_null()).then(pl.lit(NOT_SHOWN))
    is_observer, is_neuron = (pl.col("subject_kind") == kind for kind in (OBSERVER, NEURON))
    return joined.with_columns(
        read=pl.when(is_observer).then("balanced_accuracy").when(is_neuron).then("neuron_score"),
        word=pl.coalesce(
            untested(), pl.when(is_neuron).then("neuron_word"), pl.when(is_observer).then("cell_word"), tested
        ),
        link_family=pl.coalesce("family", "cell_family"),
    ).sort(pl.col("is_head").fill_null(value=False), -pl.col("effect"), nulls_last=True, maintain_order=True)


def _random(row: Row) -> str:
    """``to .96``: the score after the same was done to random ones."""
    return "" if row["random"] is None else f"to {proportion(row['baseline'] - row['random'])}"


def _beside(row: Row) -> str:
    """``24 neurons``: what p is the rank among."""
    if row["n_random"] is None:
        return ""
    return count(row["n_random"], "direction" if set(DIRECTIONS) & set(codes_in(row)) else "neuron")


def _what(row: Row) -> str:
    names = str(row["subject"]).split(", ")
    named = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    said = {
        NEURON: f"neuron {named}",
        TOGETHER: f"neurons {named} together",
        OBSERVER: f"what {sheet.probe(row)} reads",
        TOP: f"{sheet.probe(row)}'s top {named}",
    }
    return said[row["subject_kind"]]


def _link(row: Row) -> str:
    place: tuple[Any, ...] = (row["object_model"], row["layer"], row["pooling"], row["probe_seed"])
    if row["subject_kind"] == NEURON:
        return sheet.explorer_link("neuron", *place, row["neuron"], row["family"])
    if row["subject_kind"] == TOGETHER:
        return ""
    probe = row["probe"] if row["k"] is None else f"{row['probe']} k={row['k']}"
    return sheet.explorer_link("cell", *place, row["property"], row["link_family"], probe)
