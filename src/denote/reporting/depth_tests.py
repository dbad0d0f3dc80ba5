"""Tests of the dependence of label proportion on depth: verdict, tests and their limits, for the report."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.denotation.depth.plan import EQUIVALENCE, TOO_FEW
from denote.estimate import Estimate
from denote.figures.curves import curves
from denote.numbers import bound, count, proportion, signed_interval, small, span
from denote.reporting.depth_course import course_sentences, too_few_sentences
from denote.reporting.page import Column, Row, Sheet, note, sheet, text, whole, yes

Tables = Mapping[str, pl.DataFrame]

TOO_OFTEN = (
    "Whatever the number of rows, by the default rule a neuron that errs as often on rows without the property as on "
    "those with it (TPR = TNR = .98) is on too often to denote one rarer than about .08: curves and tests say little "
    "of rarer ones."
)
WORDS = {
    "sign_flip": "flips",
    "folded - rotated_folded": "folded - rotated",
    "label_proportion": "unfolded",
    "share_denoting - rotated_share_denoting": "share - rotated",
}
"""Names of tests and quantities that are shorter than those of the table."""
LEAST_PAIRS = 10
"""Pairs of network and layer below which a correlation is not worth telling."""
WEAK = 0.3
"""Correlation up to which nobody would say that one follows the other."""


def depth_sentences(tables: Tables) -> list[str]:
    """Say whether label proportion depends on depth: what is seen, what it is made of, and the verdict.

    Args:
        tables: With ``depth_description depth_parts depth_tests depth_verdicts label_proportion_by_model``. Untrained
            networks get no sentence.
    """
    verdicts = tables["depth_verdicts"].filter(pl.col("trained").fill_null(value=True), pl.col("verdict") != TOO_FEW)
    said = [*too_few_sentences(tables), *course_sentences(tables)]
    said += [_verdict(row) for row in verdicts.iter_rows(named=True)]
    return [*said, *_polarity(tables["label_proportion_by_model"]), *([TOO_OFTEN] if said else [])]


def depth_tests_sheet(tests: pl.DataFrame) -> Sheet:
    """Every test with what it could have shown at all.

    Args:
        tests: Columns of ``tables.DEPTH_TESTS``.
    """
    columns: list[Column] = [
        ("of", _of), ("family", text("family")), ("test", _named), ("role", text("role")),
        ("models", whole("n_models")), ("layers", whole("n_layers")), ("effect", _effect),
        ("p", lambda row: small(row["p_value"])), ("Holm", lambda row: small(row["p_holm"])),
        ("least p", lambda row: small(row["smallest_p"])), ("testable", yes("testable")),
        ("significant", yes("significant")), ("planned", yes("planned")), ("which layers", text("layers")),
        ("note", note),
    ]  # fmt: skip
    caption = (
        "Networks are the observations. flips: are layers alike, when the profile of every network may have either "
        "sign; effect: interval of the largest difference between two layers. trend: rise of every network's line from "
        "the first to the last layer, mean with its t-interval. equivalence: the farthest end of the 90 % intervals of "
        "the difference between any two layers. Holm: p after Holm's correction. least p: what so many networks can "
        "reach at best. planned: fixed before the sweep; all else is exploratory, or describes."
    )
    shown = tests.filter(pl.col("trained").fill_null(value=True))
    return sheet("Does it depend on depth?", caption, columns, shown.iter_rows(named=True), "depth_tests.parquet")


def _verdict(row: Row) -> str:
    place = f"{_of(row)}, family '{row['family']}'"
    p = "" if row["p_value"] is None else f"primary p = {small(row['p_value'])}, after Holm {small(row['p_holm'])}; "
    planned = "planned" if row["planned"] else "exploratory"
    why = f" Of the primary test: {row['note']}." if row["note"] else ""
    numbers = f"{p}{count(row['n_models'], 'network')}; {planned}"
    return f"{place}: does label proportion depend on depth? Verdict: {row['verdict']} ({numbers}).{why}"


def _polarity(by_model: pl.DataFrame) -> list[str]:
    """Of every curve the correlation of the raw value with how often neurons are on."""
    known = by_model.filter(
        pl.col("trained").fill_null(value=True),
        ~pl.col("is_head").fill_null(value=False),
        pl.col("label_proportion").is_not_null() & pl.col("on_proportion").is_not_null(),
    )
    sentences = []
    for curve in curves(known):
        own = curve.of(known)
        r = own.select(pl.corr("label_proportion", "on_proportion")).item()
        if len(own) >= LEAST_PAIRS and r is not None and r == r:
            sentences.append(
                f"{curve.title}: raw label proportion correlates by r = {proportion(r)} with the on-proportion of live "
                f"neurons, over {count(len(own), 'pair')} of network and layer; {_follows(r)}"
            )
    return sentences


def _follows(r: float) -> str:
    return "what follows it is polarity, not meaning." if r > WEAK else "it does not simply follow polarity here."


def _of(row: Row) -> str:
    epoch = f", epoch {row['epoch']}" if row["epoch"] is not None else ""
    return f"{row['dataset']}{epoch}" + (f", {row['architecture']}" if row.get("architecture") else "")


def _named(row: Row) -> str:
    test, quantity = row["test"], row["quantity"]
    return f"{WORDS.get(test, test)} of {WORDS.get(quantity, quantity)}"


def _effect(row: Row) -> str:
    if row["test"] == EQUIVALENCE:
        return f"at most {bound(row['statistic'])}" if row["statistic"] is not None else proportion(None)
    if row["effect"] is not None:
        return signed_interval(Estimate.of(row, "effect"))
    if row["effect_low"] is None:
        return proportion(None)
    return span(row["effect_low"], row["effect_high"], 3)
