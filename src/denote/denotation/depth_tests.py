"""Does the label proportion of what neurons denote depend on depth? Tests over object models (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from denote.denotation.analysis import GAP, LEAST_LAYERS, LEAST_MODELS, Analysis, models_needed
from denote.denotation.depth import averaged_within_models
from denote.denotation.depth_words import (
    BEYOND,
    DESCRIPTIVE,
    EQUIVALENCE,
    EXPLORATORY,
    FOLDED,
    PRIMARY,
    QUESTION,
    SECONDARY,
    SHARE,
    SIGN_FLIP,
    TREND,
    UNFOLDED,
)
from denote.denotation.layer_pairs import LayerPairs
from denote.denotation.profiles import Profiles, profiles
from denote.denotation.sign_flips import NOTHING, WeightedProfiles, sign_flip_test, smallest_p
from denote.evidence.corrections import holm
from denote.evidence.intervals import t_interval
from denote.numbers import count
from denote.tables import DEPTH_TESTS, FLAG, NUMBER, joined_notes, note, table

CONFIDENCE = 0.90
"""Of the intervals of equivalence: two one-sided tests at .05."""

DECIMALS = 12
"""Beyond which two numbers are ranked as equal: what rounding alone tells apart has no order."""

Row = dict[str, Any]
Question = tuple[Any, ...]
Test = Callable[[Sequence[Profiles], str], Row]


def depth_tests(by_model: pl.DataFrame, analysis: Analysis) -> pl.DataFrame:
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


def questions(by_model: pl.DataFrame, analysis: Analysis) -> Iterator[tuple[Question, list[Profiles]]]:
    """Yield every ``QUESTION`` with the profiles of its architectures."""
    models = averaged_within_models(by_model, complete=True)
    for key, own in models.group_by(QUESTION, maintain_order=True):
        yield key, list(profiles(own, analysis))


def tests_of(asked: Iterable[tuple[Question, Sequence[Profiles]]], analysis: Analysis) -> pl.DataFrame:
    """Make and correct the tests of some questions; see `depth_tests`."""
    rows = [
        {**dict(zip(QUESTION, key, strict=True)), **row} for key, every in asked for row in _tests(every, key, analysis)
    ]
    return _corrected(table(rows, DEPTH_TESTS), analysis)


def _corrected(made: pl.DataFrame, analysis: Analysis) -> pl.DataFrame:
    """The tests with Holm's correction and what follows from it."""
    # Data sets are the family of the primary tests; the others are corrected among themselves, within theirs.
    within = pl.when(pl.col("role") == PRIMARY).then(None).otherwise("dataset")
    family = ["trained", "epoch", "family", within, "role"]
    n_tests = pl.col("p_value").count().over(family)
    return made.with_columns(
        p_holm=pl.col("p_value").map_batches(_holm, return_dtype=NUMBER).over(family)
    ).with_columns(
        testable=pl.when(pl.col("test") == EQUIVALENCE).then("testable")
        .when(pl.col("role") == DESCRIPTIVE).then(pl.lit(None, FLAG))
        .otherwise(pl.col("p_value").is_not_null() & (pl.col("smallest_p").fill_null(0.0) * n_tests <= analysis.level)),
        significant=pl.when(pl.col("test") == EQUIVALENCE).then(pl.col("statistic") <= analysis.equivalence)
        .otherwise(pl.col("p_holm") <= analysis.level).cast(FLAG),
        planned=pl.col("trained") & pl.col("role").is_in([PRIMARY, SECONDARY])
        & pl.col("family").eq_missing(pl.lit(analysis.family, pl.String)),
    ).with_columns(note=joined_notes("note", _out_of_reach()))  # fmt: skip


def _holm(p: pl.Series) -> pl.Series:
    return pl.Series(holm(p.fill_null(np.nan).to_numpy())).fill_nan(None)


def _out_of_reach() -> pl.Expr:
    floor = pl.col("p_value").is_not_null() & ~pl.col("testable")
    return pl.when(floor).then(
        pl.format("cannot be significant with {} networks and so many tests", pl.col("n_models"))
    )


def _tests(every: Sequence[Profiles], key: Question, analysis: Analysis) -> Iterator[Row]:
    """All rows of one question."""
    flips = partial(_sign_flip, key=tuple(map(str, key)))
    deciding = [own for own in every if own.decides]
    for own in every:
        if not own.decides:
            alone = own.architecture if len(every) > 1 else None
            for quantity in (FOLDED, BEYOND):
                yield _made(_describe_trend, [own], quantity) | {"test": TREND, "architecture": alone}
    if not deciding:
        return
    meaning = [own for own in deciding if own.sign_identified]
    silent = [own.architecture for own in deciding if not own.sign_identified]
    few = [f"{own.architecture} ({own.n_models})" for own in every if not own.decides]
    primary = _made(flips, deciding, BEYOND) | {"test": SIGN_FLIP, "role": PRIMARY}
    left_out = f"left out, fewer than {LEAST_MODELS} networks: {', '.join(few)}" if few else None
    yield primary | {"note": note(primary["note"], left_out)}
    for quantity, test, name in (
        (FOLDED, flips, SIGN_FLIP), (UNFOLDED, flips, SIGN_FLIP), (SHARE, flips, SIGN_FLIP),
        (FOLDED, _trend, TREND), (BEYOND, _trend, TREND),
    ):  # fmt: skip
        of = meaning if quantity == UNFOLDED else deciding
        if not of:
            continue
        row = _made(test, of, quantity) | {"test": name, "role": SECONDARY}
        if test is flips and quantity == FOLDED and silent:
            said = f"{UNFOLDED} is not tested: the sign means nothing, or is not known to, in {', '.join(silent)}"
            row["note"] = note(row["note"], said)
        yield row
    for quantity in (BEYOND, FOLDED):
        yield _made(_equivalence, deciding, quantity) | {"test": EQUIVALENCE, "role": SECONDARY}
    for own in deciding if len(deciding) > 1 else ():
        for quantity in (BEYOND, UNFOLDED) if own.sign_identified else (BEYOND,):
            made = _made(flips, [own], quantity)
            yield made | {"test": SIGN_FLIP, "role": EXPLORATORY, "architecture": own.architecture}


def _made(test: Test, every: Sequence[Profiles], quantity: str) -> Row:
    """A test's row, of the architectures that have the quantity at enough layers."""
    usable = [(own, values) for own in every if (values := own.of(quantity)) is not None]
    kept = [own for own, _ in usable]
    row: Row = {
        "quantity": quantity, "role": DESCRIPTIVE,
        "n_models": sum(values.n_models for _, values in usable) or sum(own.n_models for own in every),
    }  # fmt: skip
    reasons = [f"{own.architecture} {why_not(own, quantity)}" for own in every if own not in kept]
    if not kept:
        return row | {"note": note("; ".join(reasons) or "no layer")}
    names = [", ".join(own.names) for own in kept]
    named = names if len(kept) == 1 else [f"{own.architecture}: {of}" for own, of in zip(kept, names, strict=True)]
    gaps = [f"{own.architecture} {', '.join(own.left_out)}" for own in kept if own.left_out]
    made = test(kept, quantity)
    return row | {"n_layers": sum(int(own.compared.sum()) for own in kept), "layers": "; ".join(named)} | made | {
        "note": note(
            f"left out, too few networks have a value ({GAP}): {'; '.join(gaps)}" if gaps else None,
            f"left out: {'; '.join(reasons)}" if reasons else None,
            made.get("note"),
        )
    }  # fmt: skip


def why_not(own: Profiles, quantity: str) -> str:
    """Say why a quantity cannot be compared over the layers of an architecture."""
    if quantity in (BEYOND, SHARE) and np.isnan(own.numbers[SHARE]).all():
        return "without the rotated control"
    needed = count(models_needed(own.n_models), "network")
    if quantity == BEYOND and own.of(FOLDED) is not None:
        return f"with fewer than {LEAST_LAYERS} layers where directions of {needed} denote enough to compare with"
    return f"with fewer than {LEAST_LAYERS} layers where {needed} have a value: {GAP}"


def _values(every: Sequence[Profiles], quantity: str) -> list[WeightedProfiles]:
    return [values for own in every if (values := own.of(quantity)) is not None]


def _sign_flip(every: Sequence[Profiles], quantity: str, key: tuple[str, ...]) -> Row:
    values = _values(every, quantity)
    statistic, p = sign_flip_test(values, *key, *(own.architecture for own in every), quantity)
    low, high = LayerPairs.of([own.values for own in values]).largest()
    return {
        "statistic": statistic, "p_value": p, "smallest_p": smallest_p([own.n_models for own in values]),
        **_ends(low, high),
    }  # fmt: skip


def _ends(low: float, high: float) -> Row:
    return {"effect_low": None if np.isnan(low) else low, "effect_high": None if np.isnan(high) else high}


def _trend(every: Sequence[Profiles], quantity: str) -> Row:
    """The rise of each model's line over depth, tested against 0 over models; Spearman's correlation beside it.

    The lines are least-squares lines with the weights of the layers. Rank correlations are described and not tested: a
    skewed law makes a mean of few neurons lie below its expectation more often than above, which ranks take for a trend
    (with nine sets of one class in ten, and six neurons in the first layer, a t-test of them rejects in .2 of draws).
    """
    rises, correlations = [], []
    for own, values in zip(every, _values(every, quantity), strict=True):
        depth = own.depth[own.compared].astype(float)
        rises.append(values.rises(depth))
        correlations.append(_spearman(values.values, depth))
    rise, correlation = np.concatenate(rises), np.concatenate(correlations)
    known = correlation[~np.isnan(correlation)]
    row: Row = {
        **t_interval(rise).columns("effect"), "statistic": float(known.mean()) if len(known) else None,
        "p_value": None, "note": None,
    }  # fmt: skip
    if len(rise) >= 2 and np.ptp(rise) > NOTHING:
        row["p_value"] = float(stats.ttest_1samp(rise, 0.0).pvalue)
    elif len(rise) >= 2 and abs(rise[0]) > NOTHING:
        # Without spread t is infinite; that all models agree in sign has this chance.
        row |= {"p_value": 2.0 ** (1 - len(rise)), "smallest_p": 2.0 ** (1 - len(rise))}
        row["note"] = "all networks rise alike: p of a sign test"
    elif len(rise) >= 2:
        row |= {"p_value": 1.0, "note": "flat in all networks"}
    return row


def _describe_trend(every: Sequence[Profiles], quantity: str) -> Row:
    """The rises without a test, where there are too few models for a verdict."""
    made = _trend(every, quantity)
    few = f"descriptive: fewer than {LEAST_MODELS} networks of one architecture"
    return made | {"p_value": None, "smallest_p": None, "note": note(made["note"], few)}


def _spearman(
    values: Float[np.ndarray, "model layer"], depth: Float[np.ndarray, " layer"]
) -> Float[np.ndarray, " model"]:
    """Rank correlation of every model's profile with depth; nan where it is flat or has fewer than three layers."""
    return np.array([_correlation(own[known], depth[known]) for own in values for known in [np.isfinite(own)]])


def _correlation(values: Float[np.ndarray, " layer"], depth: Float[np.ndarray, " layer"]) -> float:
    rounded = np.round(values, DECIMALS)
    if len(values) < LEAST_LAYERS or np.ptp(rounded) == 0:
        return float("nan")
    return float(stats.spearmanr(rounded, depth).statistic)


def _equivalence(every: Sequence[Profiles], quantity: str) -> Row:
    """The farthest end from 0 of the 90 % intervals of the difference between any two layers."""
    pairs = LayerPairs.of([own.values for own in _values(every, quantity)])
    end = pairs.farthest_end(LEAST_MODELS, CONFIDENCE)
    known = not np.isnan(end)
    return {
        "statistic": end if known else None, "testable": known,
        "note": None if known else f"two layers that fewer than {LEAST_MODELS} networks both have",
    }  # fmt: skip
