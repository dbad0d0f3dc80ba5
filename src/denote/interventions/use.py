"""Are denoting neurons used more than random ones, and does that go with depth and label proportion? (METHOD section 7)

The unit is the network: neurons of one network are no replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import scipy
from jaxtyping import Float

from denote.evidence.corrections import holm
from denote.evidence.intervals import t_interval
from denote.notes import Note
from denote.numbers import Estimate
from denote.streams import stream
from denote.tables import USE_TESTS, empty, table

LEAST_MODELS = 6
"""Networks that a test needs, as for a verdict on depth."""

LEAST_NEURONS = 5
"""Ablated neurons that a network needs for a rank correlation."""

FLIPS = 9_999
"""Draws of signs where there are more than that many patterns."""

EXCESS, WITH_DEPTH, WITH_PROPORTION = "excess", "depth", "label proportion"
QUANTITIES = {
    EXCESS: "effect beyond random",
    WITH_DEPTH: "rank correlation with depth",
    WITH_PROPORTION: "rank correlation with label proportion within layers",
}

_CURVE = ["dataset", "trained", "epoch", "architecture", "family"]


def ablated_neurons(neurons: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Return the denoting neurons that were ablated, outputs left out, with ``excess``: their effect beyond random.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        layers: Columns of ``tables.LAYERS``.
    """
    heads = layers.filter("is_head").select("object_model", "layer").unique()
    kept = neurons.filter("denotes", pl.col("ablation_effect").is_not_null(), pl.col("ablation_random").is_not_null())
    kept = kept.join(heads, on=["object_model", "layer"], how="anti")
    return kept.with_columns(excess=pl.col("ablation_effect") - pl.col("ablation_random"))


def use_tests(neurons: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Test over the networks of a kind whether denoting neurons are used beyond random ones, and where.

    The primary question is the excess; its rank correlations with depth, and with folded label proportion within
    layers, are secondary and corrected by Holm. p-values are those of sign flips over networks.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        layers: Columns of ``tables.LAYERS``.

    Returns:
        Columns of ``tables.USE_TESTS``; no row where nothing was ablated.
    """
    ablated = ablated_neurons(neurons, layers)
    rows = [
        row
        for key, own in ablated.group_by(_CURVE, maintain_order=True)
        for row in _tests(dict(zip(_CURVE, key, strict=True)), own)
    ]
    return table(rows, USE_TESTS) if rows else empty(USE_TESTS)


def _tests(curve: dict[str, Any], ablated: pl.DataFrame) -> Iterator[dict[str, Any]]:
    measures: dict[str, Callable[[pl.DataFrame], float]] = {
        EXCESS: lambda rows: float(rows["excess"].mean()),  # type: ignore[arg-type]
        WITH_DEPTH: lambda rows: _rank_correlation(rows["excess"], rows["depth"]),
        WITH_PROPORTION: _within_layers,
    }
    made = []
    for quantity, measure in measures.items():
        values = np.array([measure(own) for _, own in ablated.group_by("object_model", maintain_order=True)])
        values = values[~np.isnan(values)]
        within = (-np.inf, np.inf) if quantity == EXCESS else (-1.0, 1.0)
        mean = t_interval(values, within=within) if len(values) else Estimate(np.nan, np.nan, np.nan)
        p_value = sign_flip_p(values, *map(str, curve.values()), quantity) if len(values) >= LEAST_MODELS else np.nan
        made.append((quantity, values, mean, p_value))
    corrected = dict(zip((WITH_DEPTH, WITH_PROPORTION), holm([p for *_, p in made[1:]]), strict=True))
    for quantity, values, mean, p_value in made:
        few = Note.of("few_networks_of_use", networks=len(values), least=LEAST_MODELS)
        yield {
            **curve,
            "quantity": quantity,
            "role": "primary" if quantity == EXCESS else "secondary",
            "n_models": len(values),
            "n_neurons": ablated.height,
            **mean.columns("effect"),
            "p_value": _or_none(p_value),
            "p_holm": _or_none(p_value if quantity == EXCESS else corrected[quantity]),
            "note": few if len(values) < LEAST_MODELS else None,
        }


def sign_flip_p(values: Float[np.ndarray, " model"], *key: str) -> float:
    """Return the two-sided p-value of a mean of 0 under flips of sign: of all patterns, or of drawn ones where many.

    Args:
        values: One number per network.
        *key: Names the draw.
    """
    if not values.any():
        return 1.0
    generator = stream("flips of use", *key)
    found = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=FLIPS, vectorized=False, rng=generator
    )
    return float(found.pvalue)


def _rank_correlation(values: pl.Series, along: pl.Series) -> float:
    if len(values) < LEAST_NEURONS or along.n_unique() < 2 or values.n_unique() < 2:
        return float("nan")
    return float(scipy.stats.spearmanr(values.to_numpy(), along.to_numpy()).statistic)


def _within_layers(rows: pl.DataFrame) -> float:
    """Rank correlation of excess with folded label proportion, both less the mean of their layer."""
    apart = [pl.col(name) - pl.col(name).mean().over("layer") for name in ("excess", "folded_label_proportion")]
    values = rows.select(apart)
    return _rank_correlation(values["excess"], values["folded_label_proportion"])


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def use_verdict(tests: pl.DataFrame, level: float = 0.05) -> str:
    """Say in one sentence what the tests of one kind of network say; empty where nothing was ablated.

    Args:
        tests: Rows of `use_tests` of one curve.
        level: Of the tests.
    """
    by_quantity = {row["quantity"]: row for row in tests.iter_rows(named=True)}
    if EXCESS not in by_quantity:
        return ""
    main = by_quantity[EXCESS]
    if main["p_value"] is None:
        return f"descriptive: {main['note']}"
    is_used = main["p_value"] <= level and main["effect"] > 0
    said = ["used more than random ones" if is_used else "not shown to be used more than random ones"]
    for quantity, words in ((WITH_DEPTH, "with depth"), (WITH_PROPORTION, "with label proportion")):
        row = by_quantity[quantity]
        if row["p_holm"] is not None and row["p_holm"] <= level:
            said.append(f"{'more' if row['effect'] > 0 else 'less'} {words}")
    return ", ".join(said)
