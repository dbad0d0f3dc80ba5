"""Label proportion of what neurons denote, layer by layer; the unit is the object model (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from denote.denotation.power import smallest_detectable_proportion
from denote.denotation.properties import complement
from denote.denotation.rule import realised_cutoffs
from denote.evidence.intervals import t_interval
from denote.evidence.rule import Rule
from denote.tables import LABEL_PROPORTION_BY_DEPTH, LABEL_PROPORTION_BY_DEPTH_KEY, TEXT, note, table

LEAST_DISTINCT = 5
"""Distinct denoted properties below which a (model, layer) is a gap."""
KEY = list(LABEL_PROPORTION_BY_DEPTH_KEY)
Model = dict[str, Any]


def label_proportion_by_depth(neurons: pl.DataFrame, controls: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Summarise what neurons denote by depth.

    Each number is computed within an object model first and then averaged over models; neurons are never pooled. A
    property that several neurons of a layer denote counts once; for the folded value so does a complement. An object
    model with fewer than ``LEAST_DISTINCT`` distinct denoted properties in a layer is a gap there.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided by :func:`decide_neurons`.
        controls: Columns of ``tables.CONTROLS``, decided by :func:`decide_replicates`; rows of ``untrained`` and
            ``rotated`` neurons are used. They carry the identity of the object model they stand beside; each of its
            draws is summarised by itself and the draws are averaged within the model.
        rule: Thresholds of the rule.

    Returns:
        Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``, by depth. Numbers of neurons and of distinct properties are
        sums over models.
    """
    cutoffs = realised_cutoffs(neurons, rule)
    replicates = controls.filter(pl.col("neuron").is_not_null() & pl.col("layer").is_not_null())
    beside = {
        control: _grouped(replicates.filter(pl.col("control") == control)) for control in ("untrained", "rotated")
    }
    rows = []
    for key, group in neurons.group_by(KEY, maintain_order=True):
        controls_here = {control: groups.get(key) for control, groups in beside.items()}
        rows.append({**dict(zip(KEY, key, strict=True)), **_layer(group, controls_here, cutoffs, rule)})
    return table(rows, LABEL_PROPORTION_BY_DEPTH).sort(
        "dataset", "architecture", "trained", "epoch", "family", "depth", "layer"
    )


def denoted_properties(neurons: pl.DataFrame) -> pl.DataFrame:
    """The distinct denoted properties of one (model, layer), with both label proportions.

    ``pair`` names a property and its complement alike, so that the folded value counts them once.
    """
    return (
        neurons.filter(pl.col("denotes").fill_null(False))
        .unique("property", keep="first", maintain_order=True)
        .select("property", "label_proportion", "folded_label_proportion", pair=_pair(pl.col("property")))
    )


def _grouped(frame: pl.DataFrame) -> dict[tuple[Any, ...], pl.DataFrame]:
    return {} if frame.is_empty() else frame.partition_by(KEY, as_dict=True)


def _layer(
    group: pl.DataFrame, beside: Mapping[str, pl.DataFrame | None], cutoffs: Mapping[str, float], rule: Rule
) -> dict[str, Any]:
    models = _summaries(group, "object_model")
    n_live, n_denoting = (sum(model[name] for model in models) for name in ("n_live", "n_denoting"))
    untrained, rotated = (_draws(beside[control]) for control in ("untrained", "rotated"))
    first = group.row(0, named=True)
    gaps = sum(model["label_proportion"] is None for model in models)
    detectable = _detectable(group, cutoffs, rule)
    proportion, folded = (
        t_interval(_values(models, name), within=within)
        for name, within in (("label_proportion", (0.0, 1.0)), ("folded", (0.0, 0.5)))
    )
    return {
        "depth": first["depth"], "relative_depth": first["relative_depth"],
        "n_models": len(models), "n_neurons": group.height, "n_live": n_live, "n_denoting": n_denoting,
        "n_distinct": sum(model["n_distinct"] for model in models),
        "share_denoting": n_denoting / n_live if n_live else None,
        "rotated_share_denoting": _mean(rotated, "share_denoting"),
        "untrained_share_denoting": _mean(untrained, "share_denoting"),
        **proportion.columns("label_proportion_mean", bounds="label_proportion"),
        **folded.columns("folded_mean", bounds="folded"),
        "rotated_folded_mean": _mean(rotated, "folded"),
        "majority_side_share": _mean(models, "majority_side"),
        "on_proportion_mean": _mean(models, "on_proportion"),
        "unconditional_label_proportion_mean": _mean(models, "unconditional"),
        "unconditional_folded_mean": _mean(models, "unconditional_folded"),
        "untrained_label_proportion_mean": _mean(untrained, "label_proportion"),
        "untrained_folded_mean": _mean(untrained, "folded"),
        "smallest_detectable_proportion": detectable,
        "note": note(
            f"{gaps} of {len(models)} models a gap: fewer than {LEAST_DISTINCT} distinct denoted properties"
            if gaps else None,
            "no interval: fewer than 2 models" if len(models) - gaps < 2 else None,
            _why_null("rotated", rotated),
            _why_null("untrained", untrained),
            None if detectable is not None else "no label proportion can be detected with these rows",
        ),
    }  # fmt: skip


def _summaries(frame: pl.DataFrame, *unit: str) -> list[Model]:
    return [_summary(part) for _, part in frame.group_by(list(unit), maintain_order=True)]


def _summary(neurons: pl.DataFrame) -> Model:
    """One object model's layer (or one draw of its control); None where a number is undefined."""
    live, distinct = neurons.filter("live"), denoted_properties(neurons)
    n_live, n_denoting = live.height, int(live.get_column("denotes").sum() or 0)
    summary: Model = {
        "object_model": neurons.item(0, "object_model"), "n_live": n_live, "n_denoting": n_denoting,
        "n_distinct": distinct.height, "share_denoting": n_denoting / n_live if n_live else None,
        "on_proportion": live.get_column("on_proportion").mean(),
        "unconditional": live.get_column("label_proportion").mean(),
        "unconditional_folded": live.get_column("folded_label_proportion").mean(),
        "label_proportion": None, "folded": None, "majority_side": None,
    }  # fmt: skip
    if distinct.height >= LEAST_DISTINCT:
        proportions = distinct.get_column("label_proportion")
        summary["label_proportion"] = proportions.mean()
        summary["majority_side"] = (proportions > 0.5).mean()
        summary["folded"] = distinct.unique("pair").get_column("folded_label_proportion").mean()
    return summary


def _draws(frame: pl.DataFrame | None) -> list[Model] | None:
    """A control's summaries, averaged over the draws of each object model; None where the control was not run."""
    if frame is None or frame.is_empty():
        return None
    by_model: dict[str, list[Model]] = {}
    for summary in _summaries(frame, "object_model", "draw"):
        by_model.setdefault(summary["object_model"], []).append(summary)
    names = ("share_denoting", "label_proportion", "folded")
    return [{name: _mean(draws, name) for name in names} for draws in by_model.values()]


def _values(models: list[Model] | None, name: str) -> list[float]:
    return [model[name] for model in models or [] if model[name] is not None]


def _mean(models: list[Model] | None, name: str) -> float | None:
    values = _values(models, name)
    return float(np.mean(values)) if values else None


def _why_null(control: str, models: list[Model] | None) -> str | None:
    if models is None:
        return f"{control}: not run"
    if _mean(models, "label_proportion") is None:
        return f"{control}: fewer than {LEAST_DISTINCT} distinct denoted properties"
    return None


def _detectable(group: pl.DataFrame, cutoffs: Mapping[str, float], rule: Rule) -> float | None:
    rows = group.filter("live").select(pl.col("n_fit", "n_test").median()).row(0)
    if None in rows:
        return None
    return smallest_detectable_proportion(int(rows[0]), int(rows[1]), cutoffs[group.item(0, "family")], rule)


def _pair(name: pl.Expr) -> pl.Expr:
    """The same text for a property and its complement: the one without ``NOT``."""
    return name.map_elements(lambda text: min(text, complement(text), key=len), return_dtype=TEXT)
