"""Does the label proportion of what neurons denote depend on depth? Tests over object models (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from denote.denotation.analysis import LEAST_LAYERS, Analysis
from denote.denotation.depth import averaged_within_models
from denote.denotation.profiles import BEYOND, FOLDED, SHARE, UNFOLDED, Profiles, profiles
from denote.denotation.sign_flips import centred, sign_flip_test, smallest_p
from denote.evidence.corrections import holm
from denote.evidence.intervals import t_interval
from denote.tables import DEPTH_TESTS, FLAG, NUMBER, note, table

QUESTION = ["dataset", "trained", "epoch", "family"]
"""A verdict is given for each."""

SIGN_FLIP, TREND, EQUIVALENCE = "sign_flip", "trend", "equivalence"
PRIMARY, SECONDARY, EXPLORATORY = "primary", "secondary", "exploratory"
CONFIDENCE = 0.90
"""Of the intervals of equivalence: two one-sided tests at .05."""

DECIMALS = 12
"""Beyond which two numbers are ranked as equal: what rounding alone tells apart has no order."""

Row = dict[str, Any]
Test = Callable[[Sequence[Profiles], str], Row]


def depth_tests(by_model: pl.DataFrame, analysis: Analysis) -> pl.DataFrame:
    """Test whether what is denoted depends on depth, for every data set and family.

    Args:
        by_model: Columns of ``tables.LABEL_PROPORTION_BY_MODEL``; rows of several poolings or probe seeds of one object
            model are averaged first; a gap of one of them is a gap of the model.
        analysis: What was planned.

    Returns:
        Columns of ``tables.DEPTH_TESTS``. A test that could not be made has a null p-value with the reason.
    """
    models = averaged_within_models(by_model, complete=True)
    rows = [
        {**dict(zip(QUESTION, key, strict=True)), **row}
        for key, own in models.group_by(QUESTION, maintain_order=True)
        for row in _tests(list(profiles(own, analysis)), key, analysis)
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
        .otherwise(pl.col("p_value").is_not_null() & (pl.col("smallest_p").fill_null(0.0) * n_tests <= analysis.level)),
        significant=pl.when(pl.col("test") == EQUIVALENCE).then(pl.col("statistic") <= analysis.equivalence)
        .otherwise(pl.col("p_holm") <= analysis.level).cast(FLAG),
        planned=pl.col("trained") & (pl.col("role") != EXPLORATORY)
        & pl.col("family").eq_missing(pl.lit(analysis.family, pl.String)),
    ).with_columns(
        note=pl.concat_str("note", _not_testable(), separator="; ", ignore_nulls=True).replace("", None)
    )  # fmt: skip


def _holm(p: pl.Series) -> pl.Series:
    return pl.Series(holm(p.fill_null(np.nan).to_numpy())).fill_nan(None)


def _not_testable() -> pl.Expr:
    floor = pl.col("p_value").is_not_null() & ~pl.col("testable")
    return pl.when(floor).then(pl.format("not testable with {} models", pl.col("n_models")))


def _tests(every: list[Profiles], key: tuple[Any, ...], analysis: Analysis) -> Iterator[Row]:
    """All rows of one question."""
    flips = partial(_sign_flip, key=tuple(map(str, key)))
    yield _made(flips, every, BEYOND) | {"test": SIGN_FLIP, "role": PRIMARY}
    meaning = [own for own in every if own.sign_identified]
    silent = [own.architecture for own in every if not own.sign_identified]
    for test, name, quantity, of in (
        (flips, SIGN_FLIP, FOLDED, every), (flips, SIGN_FLIP, UNFOLDED, meaning), (flips, SIGN_FLIP, SHARE, every),
        (_trend, TREND, FOLDED, every), (_trend, TREND, BEYOND, every),
    ):  # fmt: skip
        if quantity == UNFOLDED and not meaning:
            continue
        row = _made(test, of, quantity) | {"test": name, "role": SECONDARY}
        if test is flips and quantity == FOLDED and silent:
            said = f"{UNFOLDED} is not tested: the sign means nothing, or is not known to, in {', '.join(silent)}"
            row["note"] = note(row["note"], said)
        yield row
    yield _made(_equivalence, every, BEYOND) | {"test": EQUIVALENCE, "role": SECONDARY}
    for own in every if len(every) > 1 else ():
        made = _made(flips, [own], BEYOND)
        yield made | {"test": SIGN_FLIP, "role": EXPLORATORY, "architecture": own.architecture}


def _made(test: Test, every: Sequence[Profiles], quantity: str) -> Row:
    """A test's row, of the architectures that have the quantity at enough layers."""
    usable = [own for own in every if own.of(quantity) is not None]
    row: Row = {"quantity": quantity, "n_models": sum(own.n_models for own in usable or every)}
    reasons = [f"{own.architecture} {_why_not(own, quantity)}" for own in every if own not in usable]
    if not usable:
        return row | {"note": note("not testable: " + ("; ".join(reasons) or "no layer"))}
    layers = [", ".join(np.array(own.layers)[own.compared]) for own in usable]
    named = (
        layers if len(usable) == 1 else [f"{own.architecture}: {of}" for own, of in zip(usable, layers, strict=True)]
    )
    gaps = [f"{own.architecture} {', '.join(own.left_out)}" for own in usable if own.left_out]
    made = test(usable, quantity)
    return row | {"n_layers": sum(int(own.compared.sum()) for own in usable), "layers": "; ".join(named)} | made | {
        "note": note(
            f"left out, a model has a gap: {'; '.join(gaps)}" if gaps else None,
            f"left out: {'; '.join(reasons)}" if reasons else None,
            made.get("note"),
        )
    }  # fmt: skip


def _why_not(own: Profiles, quantity: str) -> str:
    if quantity in (BEYOND, SHARE) and np.isnan(own.numbers[SHARE]).all():
        return "without the rotated control"
    if quantity == BEYOND and own.of(FOLDED) is not None:
        return f"with fewer than {LEAST_LAYERS} layers where random directions denote enough to compare with"
    return f"with fewer than {LEAST_LAYERS} layers where no model has a gap"


def _values(every: Sequence[Profiles], quantity: str) -> list[Float[np.ndarray, "model layer"]]:
    return [values for own in every if (values := own.of(quantity)) is not None]


def _sign_flip(every: Sequence[Profiles], quantity: str, key: tuple[str, ...]) -> Row:
    values = _values(every, quantity)
    statistic, p = sign_flip_test(values, *key, *(own.architecture for own in every), quantity)
    return {
        "statistic": statistic, "p_value": p, "smallest_p": smallest_p([len(own) for own in values]),
        "effect": max(float(np.ptp(own.mean(axis=0))) for own in values),
    }  # fmt: skip


def _trend(every: Sequence[Profiles], quantity: str) -> Row:
    """Each model's rank correlation with depth, tested against 0 over models."""
    found = np.concatenate([
        _spearman(values, own.depth[own.compared])
        for own, values in zip(every, _values(every, quantity), strict=True)
    ])  # fmt: skip
    known = found[~np.isnan(found)]
    interval = t_interval(known, within=(-1.0, 1.0))
    row: Row = {
        "statistic": interval.columns("effect")["effect"], **interval.columns("effect"), "p_value": None, "note": note(
            f"{len(found) - len(known)} models are flat and have no correlation" if len(known) < len(found) else None,
        ),
    }  # fmt: skip
    if len(known) >= 2 and np.ptp(known) > 0:
        row["p_value"] = float(stats.ttest_1samp(known, 0.0).pvalue)
    elif len(known) >= 2:
        # Without spread t is infinite; that all models agree in sign has this chance.
        row |= {"p_value": 2.0 ** (1 - len(known)), "smallest_p": 2.0 ** (1 - len(known))}
        row["note"] = note(row["note"], "all models have the same correlation: p of a sign test")
    return row


def _spearman(
    values: Float[np.ndarray, "model layer"], depth: Float[np.ndarray, " layer"]
) -> Float[np.ndarray, " model"]:
    """Rank correlation of every model's profile with depth; nan where it is flat."""
    ranks = centred(stats.rankdata(np.round(values, DECIMALS), axis=1))
    order = stats.rankdata(depth) - (len(depth) + 1) / 2
    length = np.sqrt((ranks**2).sum(axis=1) * (order**2).sum())
    return np.asarray(np.divide(ranks @ order, length, out=np.full(len(values), np.nan), where=length > 0))


def _equivalence(every: Sequence[Profiles], quantity: str) -> Row:
    """The farthest end from 0 of the layers' intervals of the centred profiles."""
    layers = [t_interval(layer, CONFIDENCE) for values in _values(every, quantity) for layer in centred(values).T]
    largest = float(max(max(abs(each.low), abs(each.high)) for each in layers))
    known = not any(np.isnan(each.low) for each in layers)
    return {
        "statistic": largest if known else None, "testable": known,
        "note": None if known else "no interval: fewer than 2 models",
    }  # fmt: skip
