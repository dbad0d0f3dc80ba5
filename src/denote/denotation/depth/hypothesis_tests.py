"""Does the label proportion of what neurons denote depend on depth? Tests over object models (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import scipy
from jaxtyping import Float

from denote.denotation.depth import depth_profiles, plan
from denote.denotation.depth.by_depth import averaged_within_models
from denote.evidence.corrections import holm
from denote.evidence.intervals import t_interval
from denote.notes import Note, note
from denote.numbers import count
from denote.tables import DEPTH_TESTS, FLAG, NUMBER, OF_ROW, NotePart, joined_notes, table

CONFIDENCE = 0.90
"""Of the intervals of equivalence: two one-sided tests at .05."""

DECIMALS = 12
"""Beyond which two numbers are ranked as equal: what rounding alone tells apart has no order."""

Row = dict[str, Any]
Question = tuple[Any, ...]
Test = Callable[[Sequence[depth_profiles.Profiles], str], Row]


def depth_tests(by_model: pl.DataFrame, analysis: plan.Analysis) -> pl.DataFrame:
    """Test whether what is denoted depends on depth, for every data set and family.

    Args:
        by_model: Columns of ``tables.LABEL_PROPORTION_BY_MODEL``; rows of several poolings or probe seeds of one object
            model are averaged first; a gap of one of them is a gap of the model.
        analysis: What was planned.

    Returns:
        Columns of ``tables.DEPTH_TESTS``. A test that could not be made has a null p-value with the reason; with fewer
        than ``LEAST_MODELS`` networks of every architecture none is made, and the rows describe.
    """
    return tests_of(questions(by_model, analysis), analysis)


def questions(
    by_model: pl.DataFrame, analysis: plan.Analysis
) -> Iterator[tuple[Question, list[depth_profiles.Profiles]]]:
    """Yield every ``QUESTION`` with the profiles of its architectures."""
    models = averaged_within_models(by_model, complete=True)
    for key, models_of_question in models.group_by(plan.QUESTION, maintain_order=True):
        yield key, list(depth_profiles.profiles(models_of_question, analysis))


def tests_of(
    asked: Iterable[tuple[Question, Sequence[depth_profiles.Profiles]]], analysis: plan.Analysis
) -> pl.DataFrame:
    """Make and correct the tests of some questions; see `depth_tests`."""
    rows = [
        {**dict(zip(plan.QUESTION, key, strict=True)), **row}
        for key, curves in asked
        for row in _tests(curves, key, analysis)
    ]
    return _corrected(table(rows, DEPTH_TESTS), analysis)


def _corrected(made: pl.DataFrame, analysis: plan.Analysis) -> pl.DataFrame:
    """The tests with Holm's correction and what follows from it."""
    # Data sets are the family of the primary tests; the others are corrected among themselves, within theirs.
    within = pl.when(pl.col("role") == plan.PRIMARY).then(None).otherwise("dataset")
    family = ["trained", "epoch", "family", within, "role"]
    n_tests = pl.col("p_value").count().over(family)
    within_reach = pl.col("p_value").is_not_null() & (pl.col("smallest_p").fill_null(0.0) * n_tests <= analysis.level)
    is_equivalence, is_descriptive = pl.col("test") == plan.EQUIVALENCE, pl.col("role") == plan.DESCRIPTIVE
    of_p_value = pl.when(is_descriptive).then(pl.lit(None, FLAG)).otherwise(within_reach)
    is_within_margin = pl.col("statistic") <= analysis.equivalence
    is_small = pl.col("p_holm") <= analysis.level
    of_plan = pl.col("family").eq_missing(pl.lit(analysis.family, pl.String))
    return (
        made.with_columns(p_holm=pl.col("p_value").map_batches(_holm, return_dtype=NUMBER).over(family))
        .with_columns(
            testable=pl.when(is_equivalence).then("testable").otherwise(of_p_value),
            significant=pl.when(is_equivalence).then(is_within_margin).otherwise(is_small).cast(FLAG),
            planned=pl.col("trained") & pl.col("role").is_in([plan.PRIMARY, plan.SECONDARY]) & of_plan,
        )
        .with_columns(**joined_notes(OF_ROW, _out_of_reach()))
    )


def _holm(p: pl.Series) -> pl.Series:
    return pl.Series(holm(p.fill_null(np.nan).to_numpy())).fill_nan(None)


def _out_of_reach() -> NotePart:
    floor = pl.when(pl.col("p_value").is_not_null() & ~pl.col("testable"))
    reached = Note.of("out_of_reach", networks="{}")
    return floor.then(pl.format(reached, "n_models")), floor.then(pl.lit(reached.codes[0]))


def _tests(curves: Sequence[depth_profiles.Profiles], key: Question, analysis: plan.Analysis) -> Iterator[Row]:
    """All rows of one question."""
    flips: Test = partial(_sign_flip, key=tuple(map(str, key)))
    deciding = [curve for curve in curves if curve.decides]
    for curve in curves:
        if not curve.decides:
            alone = curve.architecture if len(curves) > 1 else None
            for quantity in (plan.FOLDED, plan.BEYOND):
                yield _made(_describe_trend, [curve], quantity) | {"test": plan.TREND, "architecture": alone}
    if not deciding:
        return
    meaning = [curve for curve in deciding if curve.sign_identified]
    silent = [curve.architecture for curve in deciding if not curve.sign_identified]
    few = [f"{curve.architecture} ({curve.n_models})" for curve in curves if not curve.decides]
    primary = _made(flips, deciding, plan.BEYOND) | {"test": plan.SIGN_FLIP, "role": plan.PRIMARY}
    left_out = Note.of("few_networks", least=plan.LEAST_MODELS, networks=", ".join(few)) if few else None
    yield primary | {"note": note(primary["note"], left_out)}
    secondary = [(quantity, flips, plan.SIGN_FLIP) for quantity in (plan.FOLDED, plan.UNFOLDED, plan.SHARE)]
    secondary += [(quantity, _trend, plan.TREND) for quantity in (plan.FOLDED, plan.BEYOND)]
    for quantity, test, name in secondary:
        of = meaning if quantity == plan.UNFOLDED else deciding
        if not of:
            continue
        row = _made(test, of, quantity) | {"test": name, "role": plan.SECONDARY}
        if test is flips and quantity == plan.FOLDED and silent:
            row["note"] = note(row["note"], Note.of("no_sign", quantity=plan.UNFOLDED, architectures=", ".join(silent)))
        yield row
    for quantity in (plan.BEYOND, plan.FOLDED):
        yield _made(_equivalence, deciding, quantity) | {"test": plan.EQUIVALENCE, "role": plan.SECONDARY}
    for curve in deciding if len(deciding) > 1 else ():
        for quantity in (plan.BEYOND, plan.UNFOLDED) if curve.sign_identified else (plan.BEYOND,):
            made = _made(flips, [curve], quantity)
            yield made | {"test": plan.SIGN_FLIP, "role": plan.EXPLORATORY, "architecture": curve.architecture}


def _made(test: Test, curves: Sequence[depth_profiles.Profiles], quantity: str) -> Row:
    """A test's row, of the architectures that have the quantity at enough layers."""
    usable = [(curve, values) for curve in curves if (values := curve.of(quantity)) is not None]
    kept = [curve for curve, _ in usable]
    n_models = sum(values.n_models for _, values in usable) or sum(curve.n_models for curve in curves)
    row: Row = {"quantity": quantity, "role": plan.DESCRIPTIVE, "n_models": n_models}
    reasons = [
        Note.of("architecture_not_compared", architecture=curve.architecture, why=why_not(curve, quantity))
        for curve in curves
        if curve not in kept
    ]
    if not kept:
        return row | {"note": note(*reasons) or Note.of("no_layer")}
    names = [", ".join(curve.names) for curve in kept]
    named = names if len(kept) == 1 else [f"{curve.architecture}: {of}" for curve, of in zip(kept, names, strict=True)]
    gaps = [f"{curve.architecture} {', '.join(curve.left_out)}" for curve in kept if curve.left_out]
    row |= {"n_layers": sum(int(curve.compared.sum()) for curve in kept), "layers": "; ".join(named)}
    row |= test(kept, quantity)
    row["note"] = note(
        Note.of("layers_without_value", gap=plan.GAP, layers="; ".join(gaps)) if gaps else None,
        Note.of("architectures_left_out", reasons="; ".join(reasons)) if reasons else None,
        row.get("note"),
    )
    return row


def why_not(curve: depth_profiles.Profiles, quantity: str) -> str:
    """Say why a quantity cannot be compared over the layers of an architecture."""
    if quantity in (plan.BEYOND, plan.SHARE) and np.isnan(curve.numbers[plan.SHARE]).all():
        return "without the rotated control"
    needed = count(plan.models_needed(curve.n_models), "network")
    if quantity == plan.BEYOND and curve.of(plan.FOLDED) is not None:
        return f"with fewer than {plan.LEAST_LAYERS} layers where directions of {needed} denote enough to compare with"
    return f"with fewer than {plan.LEAST_LAYERS} layers where {needed} have a value: {plan.GAP}"


def _values(curves: Sequence[depth_profiles.Profiles], quantity: str) -> list[depth_profiles.WeightedProfiles]:
    return [values for curve in curves if (values := curve.of(quantity)) is not None]


def _sign_flip(curves: Sequence[depth_profiles.Profiles], quantity: str, key: tuple[str, ...]) -> Row:
    values = _values(curves, quantity)
    statistic, p = depth_profiles.sign_flip_test(values, *key, *(curve.architecture for curve in curves), quantity)
    low, high = depth_profiles.LayerPairs.of([of_curve.values for of_curve in values]).largest()
    smallest = depth_profiles.smallest_p([of_curve.n_models for of_curve in values])
    ends = {"effect_low": None if np.isnan(low) else low, "effect_high": None if np.isnan(high) else high}
    return {"statistic": statistic, "p_value": p, "smallest_p": smallest, **ends}


def _trend(curves: Sequence[depth_profiles.Profiles], quantity: str) -> Row:
    """The rise of each model's line over depth, tested against 0 over models; Spearman's correlation beside it.

    The lines are least-squares lines with the weights of the layers. Rank correlations are described and not tested: a
    skewed law makes a mean of few neurons lie below its expectation more often than above, which ranks take for a trend
    (with nine sets of one class in ten, and six neurons in the first layer, a t-test of them rejects in .2 of draws).
    """
    rises, correlations = [], []
    for curve, values in zip(curves, _values(curves, quantity), strict=True):
        depth = curve.depth[curve.compared].astype(float)
        rises.append(values.rises(depth))
        correlations.append(_spearman(values.values, depth))
    rise, correlation = np.concatenate(rises), np.concatenate(correlations)
    defined = correlation[~np.isnan(correlation)]
    row: Row = {**t_interval(rise).columns("effect"), "p_value": None, "note": None}
    row["statistic"] = float(defined.mean()) if len(defined) else None
    if len(rise) >= 2 and np.ptp(rise) > depth_profiles.NOTHING:
        row["p_value"] = float(scipy.stats.ttest_1samp(rise, 0.0).pvalue)
    elif len(rise) >= 2 and abs(rise[0]) > depth_profiles.NOTHING:
        # Without spread t is infinite; that all models agree in sign has this chance.
        row |= {"p_value": 2.0 ** (1 - len(rise)), "smallest_p": 2.0 ** (1 - len(rise))}
        row["note"] = Note.of("rise_alike")
    elif len(rise) >= 2:
        row |= {"p_value": 1.0, "note": Note.of("flat")}
    return row


def _describe_trend(curves: Sequence[depth_profiles.Profiles], quantity: str) -> Row:
    """The rises without a test, where there are too few models for a verdict."""
    made = _trend(curves, quantity)
    return made | {
        "p_value": None,
        "smallest_p": None,
        "note": note(made["note"], Note.of("described", least=plan.LEAST_MODELS)),
    }


def _spearman(
    values: Float[np.ndarray, "model layer"], depth: Float[np.ndarray, " layer"]
) -> Float[np.ndarray, " model"]:
    """Rank correlation of every model's profile with depth; nan where it is flat or has fewer than three layers."""
    return np.array([_correlation(row[np.isfinite(row)], depth[np.isfinite(row)]) for row in values])


def _correlation(values: Float[np.ndarray, " layer"], depth: Float[np.ndarray, " layer"]) -> float:
    rounded = np.round(values, DECIMALS)
    if len(values) < plan.LEAST_LAYERS or np.ptp(rounded) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(rounded, depth).statistic)


def _equivalence(curves: Sequence[depth_profiles.Profiles], quantity: str) -> Row:
    """The farthest end from 0 of the 90 % intervals of the difference between any two layers."""
    pairs = depth_profiles.LayerPairs.of([curve.values for curve in _values(curves, quantity)])
    end = pairs.farthest_end(plan.LEAST_MODELS, CONFIDENCE)
    if np.isnan(end):
        return {"statistic": None, "testable": False, "note": Note.of("few_shared", least=plan.LEAST_MODELS)}
    return {"statistic": end, "testable": True, "note": None}
