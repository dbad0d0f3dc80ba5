"""The layer at which an attribute becomes decisive, and the spread of scores over object models and probe seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from denote.notes import Note, note
from denote.numbers import Estimate
from denote.observers.kinds import reads_state
from denote.tables import FIRST_DECISIVE, LAYERS_KEY, SEED_SPREAD, remarks, table

CURVE = ["dataset", "architecture", "trained", "epoch", "probe", "k"]
"""What attributes are compared within."""

ATTRIBUTE = [*CURVE, "attribute", "family"]
LAYER = ["depth", "relative_depth", "layer"]
ROWS = ("n_fit", "n_positive_fit", "n_test", "n_positive_test")

Row = dict[str, Any]


def first_decisive(cells: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Find the first of two consecutive layers at which every attribute is decisive, and its median over models.

    One pass may be luck where many layers are looked at, two in a row hardly. An object model in which there are none
    is censored: the layer lies beyond its last one. Every layer that was observed counts but for heads, whose
    attributes are given by the task, and for all layers side by side. Architectures stand apart, since their layers do.

    Where only one hidden layer was observed, or none, there are no two in a row: ``n_censored`` and ``first_*`` are
    null, the note says why, and ``decisive_at`` holds what is known.

    Args:
        cells: Columns of ``tables.CELLS``, decided.
        layers: Columns of ``tables.LAYERS``, which say what is a head; a layer without a row is none.

    Returns:
        Columns of ``tables.FIRST_DECISIVE``, the earliest attributes of every curve first. ``first_layer`` names the
        median, ``between A and B`` where it lies between two layers; ``decisive_at`` lists every layer at which half of
        the object models or more are decisive.
    """
    observed = cells.filter(reads_state())
    hidden = hidden_cells(observed, layers)
    without = observed.join(hidden.select(CURVE), on=CURVE, how="anti", nulls_equal=True, maintain_order="left")
    rows = [*_rows(hidden, _over_layers), *_rows(without, _without_hidden)]
    order = ("first_depth", "n_censored", "attribute")
    return table(rows, FIRST_DECISIVE).sort(*CURVE, *order, nulls_last=True, maintain_order=True)


def hidden_cells(cells: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of hidden layers: without heads and without all layers side by side.

    Args:
        cells: Columns of ``tables.CELLS``.
        layers: Columns of ``tables.LAYERS``, which say what is a head.
    """
    heads = layers.filter("is_head").select(LAYERS_KEY)
    return cells.filter(pl.col("depth").is_not_null()).join(heads, on=LAYERS_KEY, how="anti", maintain_order="left")


def decisive_layers(cells: pl.DataFrame) -> pl.DataFrame:
    """Say of every attribute and layer whether it is decisive there: in half or more of the object models scored there.

    Args:
        cells: Columns of ``tables.CELLS``, decided.

    Returns:
        One row per attribute of a curve and layer with a score: ``n_models``, those scored, and ``passes``; by depth.
    """
    scored = cells.filter(pl.col("decisive").is_not_null())
    models = scored.group_by(*ATTRIBUTE, "object_model", "depth", "layer").agg(passes=passes())
    half = models.group_by(*ATTRIBUTE, "depth", "layer").agg(n_models=pl.len(), passes=pl.col("passes").mean() >= 0.5)
    return half.sort("depth", "layer", "attribute", nulls_last=True)


def _rows(cells: pl.DataFrame, tell: Callable[[pl.DataFrame, bool], Row]) -> list[Row]:
    """One row per attribute of every curve."""
    equal = _equal_rows(cells)
    return [
        {
            **dict(zip(ATTRIBUTE, key, strict=True)),
            "label_proportion": own["label_proportion"].mean(),
            "equal_rows": equal[key[: len(CURVE)]],
            "decisive_at": _decisive_at(own),
            **tell(own.filter(pl.col("decisive").is_not_null().any().over("object_model")), equal[key[: len(CURVE)]]),
        }
        for key, own in cells.group_by(ATTRIBUTE, maintain_order=True)
    ]


def _equal_rows(cells: pl.DataFrame) -> dict[tuple[Any, ...], bool]:
    """Whether all attributes of a curve that have a score were observed on the same numbers of rows of each label."""
    scored = pl.struct(ROWS).filter(pl.col("decisive").is_not_null())
    kinds = cells.group_by(CURVE, maintain_order=True).agg(kinds=scored.n_unique())
    return {tuple(row[:-1]): row[-1] <= 1 for row in kinds.iter_rows()}


def _without_hidden(scored: pl.DataFrame, equal: bool) -> Row:
    return {"n_models": scored["object_model"].n_unique(), "note": Note.of("no_hidden_layer")}


def _over_layers(scored: pl.DataFrame, equal: bool) -> Row:
    """What is known of an attribute from the object models in which it has a score at any layer."""
    if scored.is_empty():
        return {"n_models": 0, "n_censored": 0, "note": Note.of("no_cell_scored")}
    if scored["depth"].n_unique() == 1:
        return {"n_models": scored["object_model"].n_unique(), "note": Note.of("one_layer")}
    firsts = [_first(model) for _, model in scored.group_by("object_model", maintain_order=True)]
    depth, relative = (median_interval([first[name] for first in firsts]) for name in ("depth", "relative_depth"))
    layer_at = {first["depth"]: first["layer"] for first in reversed(firsts)}
    return {
        "n_models": len(firsts),
        "n_censored": sum(np.isinf(first["depth"]) for first in firsts),
        **_seen(depth).columns("first_depth"),
        **_seen(relative).columns("first_relative_depth"),
        "first_layer": _median_layer(firsts),
        **{f"first_layer_{end}": layer_at.get(getattr(depth, end)) for end in ("low", "high")},
        "note": note(*_beyond(depth, len(firsts)), _gaps(scored), None if equal else Note.of("unequal_rows")),
    }


def _median_layer(firsts: Sequence[Row]) -> str | None:
    """The layer of the median; the two in the middle where it lies between them, nothing beyond the last layer."""
    ordered = sorted(firsts, key=lambda first: float(first["depth"]))
    below, above = (ordered[place]["layer"] for place in ((len(firsts) - 1) // 2, len(firsts) // 2))
    if above is None:
        return None
    return str(above) if below == above else f"between {below} and {above}"


def passes() -> pl.Expr:
    """Whether an object model is decisive at a layer; of several probe seeds or poolings half of those scored do.

    Null where none has a score.
    """
    return pl.col("decisive").mean() >= 0.5


def _decisive_at(own: pl.DataFrame) -> str | None:
    """Every layer at which half of the object models that have a score there, or more, are decisive."""
    return ", ".join(decisive_layers(own).filter("passes")["layer"]) or None


def _first(model: pl.DataFrame) -> Row:
    """The first of two consecutive layers that are decisive."""
    layers = model.group_by(LAYER).agg(passes=passes().fill_null(value=False)).sort("depth", "layer")
    found = layers.filter(pl.col("passes") & pl.col("passes").shift(-1, fill_value=False))
    if found.is_empty():
        return {"depth": np.inf, "relative_depth": np.inf, "layer": None}
    return found.row(0, named=True)


def _seen(estimate: Estimate[float]) -> Estimate[float]:
    """Undefined where it lies beyond the last layer."""
    ends = (estimate.value, estimate.low, estimate.high)
    return Estimate(*(end if np.isfinite(end) else float("nan") for end in ends))


def _beyond(depth: Estimate[float], n_models: int) -> Sequence[str]:
    """Why numbers are null."""
    ends = {"first_depth": depth.value, "first_depth_low": depth.low, "first_depth_high": depth.high}
    later = [name for name, end in ends.items() if np.isinf(end)]
    return [
        *([Note.of("beyond_last_layer").about(", ".join(later))] if later else []),
        *([Note.of("few_for_median", models=n_models)] if np.isnan(depth.low) else []),
    ]


def _gaps(scored: pl.DataFrame) -> str | None:
    """Whether two in a row need not be neighbours in the network."""
    steps = scored["depth"].unique().sort().diff().drop_nulls()
    return Note.of("layers_between") if (steps > 1).any() else None


def median_interval(values: ArrayLike, confidence: float = 0.95) -> Estimate[float]:
    """Median of independent values, and the interval between two order statistics.

    The k-th smallest and k-th largest of n values hold the median of their distribution between them with probability
    1 - 2 P(Bin(n, 1/2) < k) at least, whatever the distribution, ties included (David and Nagaraja 2003, section 7.1).
    k is the largest for which that reaches ``confidence``; for 95 % there is one from six values on.

    Args:
        values: One number per object model; infinity for one that is beyond all that was looked at.
        confidence: Of the interval, in (0, 1).

    Returns:
        The median, the mean of the two middle values where their number is even, infinite where the larger of these is;
        and the ends, which may be infinite, nan where there are too few values. All nan without values.
    """
    # Here, as reports read the rule of this module's table without the second that SciPy takes.
    from scipy import stats

    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if not n:
        return Estimate(float("nan"), float("nan"), float("nan"))
    median = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
    left_out = stats.binom.cdf(np.arange(n // 2), n, 0.5)  # chance that the median lies below the k-th value, k from 1
    k = int(np.count_nonzero(left_out <= (1 - confidence) / 2))
    if not k:
        return Estimate(median, float("nan"), float("nan"))
    return Estimate(median, float(ordered[k - 1]), float(ordered[n - k]))


SCORES = ("auroc", "balanced_accuracy", "selectivity")
KEY = [
    "dataset",
    "architecture",
    "trained",
    "epoch",
    "layer",
    "depth",
    "relative_depth",
    "pooling",
    "probe",
    "k",
    "attribute",
    "family",
]
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
    frame = pl.concat([grouped.drop(SCORES), *bounds], how="horizontal")
    frame = frame.with_columns(*remarks([_why(row) for row in grouped.drop(SCORES).iter_rows(named=True)]))
    return frame.select(pl.col(name).cast(kind) for name, kind in SEED_SPREAD.items())


def _bounds(values: pl.Series, score: str) -> pl.DataFrame:
    """Low and high end of the t-interval of every list of scores."""
    from denote.evidence.intervals import t_interval  # here, as it loads SciPy (see `median_interval`)

    within = (-1.0, 1.0) if score == "selectivity" else (0.0, 1.0)
    ends = [t_interval(each.drop_nulls().to_numpy(), within=within) for each in values]
    series = [
        pl.Series(f"{score}_{end}", [getattr(each, end) for each in ends], dtype=pl.Float64) for end in ("low", "high")
    ]
    return pl.DataFrame(series).fill_nan(None)


def _why(counts: dict[str, int]) -> Note | None:
    return note(
        Note.of("one_model") if counts["n_models"] < 2 else None,
        Note.of("one_probe_seed") if counts["n_probe_seeds"] < 2 else None,
        *(
            Note.of("some_models", column=score, known=counts[f"{score}_models"], models=counts["n_models"])
            for score in SCORES
            if 0 < counts[f"{score}_models"] < counts["n_models"]
        ),
    )
