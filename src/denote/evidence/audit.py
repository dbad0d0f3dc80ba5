"""Compare layers with the raw input: does a network keep, lose or bring out an attribute (METHOD sections 4, 5)?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from jaxtyping import Float64

from denote.evidence.bootstrap import AurocBootstrap, Resampling
from denote.evidence.cells import BySize, StatesElsewhere
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.first_decisive import KEY
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import t_interval
from denote.evidence.measuring import Columns, auroc_of, scored_together
from denote.evidence.rule import LESS, MORE, UNDECIDED
from denote.evidence.scores import PerAttribute, Ranking, Reasons
from denote.notes import Note, note, stored_note
from denote.numbers import Estimate
from denote.observers.kinds import reads_state
from denote.observers.observer import Observer, Probe
from denote.tables import AUDIT, NOTE, empty, table

_INTERVALS = ("auroc", "input_gain")
_NUMBERS = [f"{name}{end}" for name in _INTERVALS for end in ("", "_low", "_high")]
_MEANS = [*_NUMBERS, "input_auroc", "untrained_auroc", "label_proportion"]


def audit(cells: pl.DataFrame, neurons: pl.DataFrame) -> pl.DataFrame:
    """Every layer's observers beside the same observers of the raw input, over object models.

    Args:
        cells: Columns of ``tables.CELLS``; networks and probes without a raw input are left out.
        neurons: Columns of ``tables.NEURONS``, decided.

    Returns:
        Columns of ``tables.AUDIT``, layers by depth.
    """
    has_input = pl.col("input_gain").is_not_null().any().over("object_model", "probe")
    with_input = cells.filter(has_input, reads_state())
    if with_input.is_empty():
        return empty(AUDIT)
    models = with_input.group_by([*KEY, "object_model"], maintain_order=True).agg(
        pl.col(_MEANS).mean(),
        pl.col("n_positive_test", "n_test").max(),
        pl.col("input_name", *NOTE).drop_nulls().first(),
    )
    compared = pl.col("input_gain").is_not_null()
    kept = compared | ~compared.any().over(KEY)  # where no model could be compared the row says why
    grouped = (
        models.with_columns(pl.col(NOTE).filter(~compared).drop_nulls().first().over(KEY), every=pl.len().over(KEY))
        .filter(kept)
        .group_by(KEY, maintain_order=True)
        .agg(
            compared.sum().alias("n_models"),
            pl.col("n_positive_test", "n_test").max(),
            pl.col("untrained_auroc").count().alias("n_untrained"),
            pl.col("every", *NOTE).first(),
            pl.col("input_auroc", "untrained_auroc", "label_proportion").mean(),
            pl.col(_NUMBERS),
            pl.col("input_name").drop_nulls().first(),
        )
    )
    told = [_over_models(row) for row in grouped.iter_rows(named=True)]
    numbers = table(told, {name: AUDIT[name] for name in (*_NUMBERS, "verdict", *NOTE)})
    frame = pl.concat([grouped.drop(_NUMBERS, *NOTE, "every", "n_untrained"), numbers], how="horizontal")
    counted = frame.join(_denoting(neurons), on=_PLACE, how="left", nulls_equal=True, maintain_order="left")
    searched = neurons.select(_LAYER, searched=pl.lit(value=True)).unique()
    counted = counted.join(searched, on=_LAYER, how="left", nulls_equal=True, maintain_order="left").with_columns(
        n_denoting=pl.when("searched").then(pl.col("n_denoting").fill_null(0))
    )
    ordered = counted.sort("depth", nulls_last=True, maintain_order=True)
    return ordered.select(pl.col(name).cast(kind) for name, kind in AUDIT.items())


def over_rows_and_models(
    values: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]
) -> Estimate[float]:
    """Mean over object models that share their test rows, with an interval for other rows and other networks.

    Rows that are shared do not average out: the mean half-width over rows stays as it is, and that of the t-interval
    over models is added in squares, on each side by itself.

    Args:
        values: One per object model.
        low: Lower ends of their intervals over test rows.
        high: Upper ends.

    Returns:
        The mean and its bounds, NaN where a model has none; with a single model those over rows.
    """
    value, ends = float(np.mean(values)), np.array([low, high], dtype=float)
    models = t_interval(values)
    half = models.high - models.value if len(values) > 1 else 0.0
    down, up = np.hypot(np.abs(ends - np.asarray(values)).mean(axis=1), half)
    return Estimate(value, value - float(down), value + float(up))


def _over_models(row: Mapping[str, Any]) -> dict[str, Any]:
    """Means with their intervals, and what the interval of the difference says."""
    if not row["n_models"]:
        return {"note": stored_note(row)}
    found: dict[str, Any] = {}
    for name in _INTERVALS:
        found |= over_rows_and_models(row[name], row[f"{name}_low"], row[f"{name}_high"]).columns(name)
    found |= {f"auroc_{end}": _cut(found[f"auroc_{end}"]) for end in ("low", "high")}
    low, high = found["input_gain_low"], found["input_gain_high"]
    remarks = [
        *_left_out(row),
        Note.of("one_model_over_rows") if row["n_models"] < 2 else None,
    ]
    if low is None or high is None:
        return found | {"note": note(Note.of("no_input_interval"), *_left_out(row))}
    return found | {"verdict": MORE if low > 0 else LESS if high < 0 else UNDECIDED, "note": note(*remarks)}


def _left_out(row: Mapping[str, Any]) -> list[Note]:
    """Object models that a number of this row is not made of."""
    n, every, untrained = row["n_models"], row["every"], row["n_untrained"]
    why = stored_note(row) or Note.of("not_compared")
    left_out = Note.of("models_left_out", left_out=every - n, models=every, why=why)
    return [
        *([Note(left_out, ["models_left_out", *why.codes[1:]])] if n < every else []),
        *([Note.of("some_models", column="untrained_auroc", known=untrained, models=n)] if 0 < untrained < n else []),
    ]


def _cut(end: float | None) -> float | None:
    return None if end is None else min(max(end, 0.0), 1.0)


_LAYER = ["dataset", "architecture", "trained", "epoch", "layer", "pooling", "family"]
_PLACE = [*_LAYER, "attribute"]


def _denoting(neurons: pl.DataFrame) -> pl.DataFrame:
    """How many neurons of a layer denote each attribute or its negation, over all object models."""
    denoted = neurons.filter("denotes").with_columns(attribute=pl.col("property").str.strip_prefix("NOT "))
    return denoted.group_by(_PLACE).agg(n_denoting=pl.struct("object_model", "neuron").n_unique())


Names: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, eq=False)
class Redrawn:
    """AUROCs of one size under draws of the test rows.

    Attributes:
        auroc: On all test rows, with their intervals.
        areas: In every draw.
    """

    auroc: Estimate[PerAttribute]
    areas: Float64[np.ndarray, "attribute draw"]


@dataclass(frozen=True)
class InputReading(StatesElsewhere):
    """One probe on the raw input, read once for all layers; observers are matched by `Observer.size`.

    Attributes:
        auroc: On *test*, per size and attribute.
        names: Per size the input that each observer reads, where it reads one and inputs have names.
        redrawn: Per size the same under draws of the test rows; empty without draws.
    """

    auroc: Mapping[int | None, PerAttribute]
    names: Mapping[int | None, Names] = field(default_factory=dict)
    redrawn: Mapping[int | None, Redrawn] = field(default_factory=dict)

    kind = RawInput

    @classmethod
    def read(
        cls,
        observers: Sequence[Observer],
        inputs: FitTestData,
        names: Sequence[str] | None = None,
        resampling: Resampling | None = None,
    ) -> InputReading:
        """Score observers that were fitted on the input.

        Args:
            observers: One per size.
            inputs: The flattened inputs in the place of a state.
            names: Of every input value; None where they have none.
            resampling: Draws of the test rows, those of the layers' observers; None for none.
        """
        labels = inputs.test_labels
        auroc, redrawn = {}, {}
        for observer in observers:
            bootstrap = None if resampling is None else AurocBootstrap(resampling, len(observer.bias))
            parts = []
            for part in scored_together(labels, inputs.resources):
                ranking = Ranking(observer.at(part).scores(inputs.state.test), labels[:, part])
                parts.append(ranking.auroc)
                if bootstrap is not None:
                    bootstrap.hear(part, ranking)
            size = observer.size
            auroc[size] = np.concatenate(parts)
            if bootstrap is not None:
                redrawn[size] = Redrawn(bootstrap.interval(auroc[size])[0], bootstrap.areas)
        return cls(auroc, {observer.size: read_names(observer, names) for observer in observers}, redrawn)

    def aurocs(self, probe: Probe, data: FitTestData) -> list[BySize]:
        """See `StatesElsewhere`."""
        return [self.auroc]

    def further(self, size: int | None, real: Columns, bootstrap: AurocBootstrap | None) -> Columns:
        """``input_name``, and ``input_gain`` with its interval from the draws that were used here."""
        auroc = auroc_of(real)
        if size not in self.auroc:
            return {"note": None}
        names = self.names.get(size, (None,) * len(auroc.value))
        columns: dict[str, Any] = {"input_name": list(names), "input_gain": auroc.value - self.auroc[size]}
        reasons: Reasons = (Note.of("no_bootstrap").about("input_gain_low, input_gain_high"),) * len(auroc.value)
        if bootstrap is not None and size in self.redrawn:
            other = self.redrawn[size]
            gain, reasons = bootstrap.gain(auroc, other.auroc, other.areas)
            columns |= gain.columns("input_gain")
        return {**columns, "note": list(reasons)}


def read_names(observer: Observer, names: Sequence[str] | None) -> Names:
    """The input that each observer reads; None without a fit, names, or where it reads several."""
    if observer.neuron is None or names is None:
        return (None,) * len(observer.bias)
    return tuple(
        names[neuron] if fitted else None for neuron, fitted in zip(observer.neuron, observer.fitted, strict=True)
    )
