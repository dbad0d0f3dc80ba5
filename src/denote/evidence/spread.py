"""How scores spread over object models and over probe seeds, kept apart: they answer different questions."""

from __future__ import annotations

import polars as pl

from denote.evidence.intervals import t_interval
from denote.tables import SEED_SPREAD, note

SCORES = ("auroc", "balanced_accuracy", "selectivity")
KEY = [
    "dataset", "architecture", "trained", "epoch", "layer", "depth", "relative_depth", "pooling", "probe", "k",
    "attribute", "family",
]  # fmt: skip
_MODEL = [*KEY, "object_model"]


def seed_spread(cells: pl.DataFrame) -> pl.DataFrame:
    """Mean of every score over object models, with its interval and both spreads.

    The unit is the object model: a model's score is the mean over its probe seeds, and the t-interval is over models
    (METHOD section 4). Another probe seed is another observer of the same network, so its spread is no error of what
    networks like these do on average.

    Args:
        cells: Columns of ``tables.CELLS``.

    Returns:
        Columns of ``tables.SEED_SPREAD``: ``*_sd_models`` is the standard deviation of the models' scores (null for one
        model), ``*_sd_probe_seeds`` the root of the mean variance over probe seeds within a model (null where every
        model has one).
    """
    scored = cells.filter(pl.col("auroc").is_not_null())
    models = scored.group_by(_MODEL, maintain_order=True).agg(
        pl.col("probe_seed").n_unique().alias("n_probe_seeds"),
        *(pl.col(score).mean() for score in SCORES),
        *(pl.col(score).var().alias(f"{score}_within") for score in SCORES),
    )
    grouped = models.group_by(KEY, maintain_order=True).agg(
        pl.len().alias("n_models"),
        pl.col("n_probe_seeds").max(),
        *(pl.col(score).mean().alias(f"{score}_mean") for score in SCORES),
        *(pl.col(score).std().alias(f"{score}_sd_models") for score in SCORES),
        *(pl.col(f"{score}_within").mean().sqrt().alias(f"{score}_sd_probe_seeds") for score in SCORES),
        *(pl.col(score).count().alias(f"{score}_models") for score in SCORES),
        *(pl.col(score) for score in SCORES),
    )
    bounds = [_bounds(grouped[score], score) for score in SCORES]
    frame = pl.concat([grouped.drop(SCORES), *bounds], how="horizontal").with_columns(
        pl.struct("n_models", "n_probe_seeds", *(f"{score}_models" for score in SCORES))
        .map_elements(_why, return_dtype=pl.String)
        .alias("note")
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in SEED_SPREAD.items())


def _bounds(values: pl.Series, score: str) -> pl.DataFrame:
    """Low and high end of the t-interval of every list of scores."""
    within = (-1.0, 1.0) if score == "selectivity" else (0.0, 1.0)
    ends = [t_interval(each.drop_nulls().to_numpy(), within=within) for each in values]
    series = [pl.Series(f"{score}_{end}", [getattr(each, end) for each in ends], dtype=pl.Float64)
              for end in ("low", "high")]  # fmt: skip
    return pl.DataFrame(series).fill_nan(None)


def _why(counts: dict[str, int]) -> str | None:
    return note(
        "one object model: no interval, no spread over models" if counts["n_models"] < 2 else None,
        "one probe seed: no spread over probe seeds" if counts["n_probe_seeds"] < 2 else None,
        *(
            f"{score}: of {counts[f'{score}_models']} of {counts['n_models']} object models"
            for score in SCORES
            if 0 < counts[f"{score}_models"] < counts["n_models"]
        ),
    )
