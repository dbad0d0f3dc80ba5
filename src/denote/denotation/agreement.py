"""How much of what a layer denotes another search finds: the sweep's table of stability (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from denote.denotation.by_model import denoted_properties
from denote.denotation.stability import AGREEMENT
from denote.evidence.intervals import t_interval
from denote.tables import NEURONS_KEY, STABILITY, note, table

LAYER = ["dataset", "architecture", "trained", "epoch", "layer", "depth", "relative_depth", "family"]
SEED = "seed"
ONE = (0.0, 1.0)

Row = dict[str, Any]


def stability(neurons: pl.DataFrame, controls: pl.DataFrame) -> pl.DataFrame:
    """Compare what every layer denotes with what other searches of it, and other networks, denote.

    The unit is the object model. Against another search every model is compared with itself. Against other networks of
    the same curve a model's number is its mean over them; as these means share their pairs, their t-interval is a rough
    one.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        controls: Columns of ``tables.CONTROLS``, decided; rows of ``second_fit`` and ``thresholds`` are used.

    Returns:
        Columns of ``tables.STABILITY``, by depth. Undefined numbers are null with the reason.
    """
    again = {name: _by_layer(controls.filter(pl.col("control") == name)) for name in AGREEMENT}
    rows: list[Row] = []
    for key, own in neurons.group_by(LAYER, maintain_order=True):
        place = dict(zip(LAYER, key, strict=True))
        rows += [
            {**place, "against": name.replace("_", " "), **_against_search(own, layers[key], AGREEMENT[name])}
            for name, layers in again.items() if key in layers
        ]  # fmt: skip
        rows.append({**place, "against": SEED, **_against_networks(own)})
    order = ("dataset", "architecture", "trained", "epoch", "family", "depth", "layer")
    return table(rows, STABILITY).sort(order, maintain_order=True)


def _by_layer(replicates: pl.DataFrame) -> dict[tuple[Any, ...], pl.DataFrame]:
    return {} if replicates.is_empty() else replicates.partition_by(LAYER, as_dict=True)


def _against_search(own: pl.DataFrame, other: pl.DataFrame, agreement: str) -> Row:
    mine, theirs = _denoted(own), _denoted(other)
    of_sets = np.array([_jaccard(denoted, theirs.get(model, frozenset())) for model, denoted in mine.items()])
    key = [*NEURONS_KEY]
    named = other.select(*key, found="property")
    denoting = own.filter("denotes").join(named, on=key, how="left", nulls_equal=True, maintain_order="left")
    same = (pl.col("property") == pl.col("found")).fill_null(value=False)
    models = denoting.group_by("object_model").agg(pl.col(agreement).mean(), same=same.mean())
    of_neurons = t_interval(models[agreement].cast(pl.Float64).fill_null(np.nan), within=ONE)
    n_fit, n_other = (float(frame["n_fit"].median() or 0) for frame in (own, other))  # type: ignore[arg-type]
    return {
        "n_pairs": _known(of_sets), "n_neurons": denoting.height,
        **t_interval(of_sets, within=ONE).columns("property_jaccard"), **of_neurons.columns("neuron_jaccard"),
        "same_property_share": models["same"].mean(),
        "note": note(
            _remark(of_sets, "in either search"),
            _fewer(models.height, _known(of_sets)),
            f"the other search has {n_other:.0f} rows to choose on, this one {n_fit:.0f}" if 2 * n_other < n_fit
            else None,
        ),
    }  # fmt: skip


def _against_networks(own: pl.DataFrame) -> Row:
    mine = _denoted(own)
    of_pairs = {(a, b): _jaccard(mine[a], mine[b]) for a, b in combinations(mine, 2)}
    means = np.array([_mean(value for pair, value in of_pairs.items() if model in pair) for model in mine])
    neither, n_pairs = int(np.count_nonzero(np.isnan(list(of_pairs.values())))), len(of_pairs)
    return {
        "n_pairs": n_pairs - neither, "n_neurons": int(own["denotes"].sum() or 0),
        **t_interval(means, within=ONE).columns("property_jaccard"),
        "note": note(
            "one object model: nothing to compare with" if len(mine) < 2 else _remark(means, "in any pair"),
            f"{neither} of {n_pairs} pairs left out: neither denotes" if 0 < neither < n_pairs else None,
            "neurons of two networks do not correspond: no neuron_jaccard, no same_property_share",
        ),
    }  # fmt: skip


def _denoted(neurons: pl.DataFrame) -> dict[str, frozenset[str]]:
    """What each object model denotes, in the order of the rows; nothing where it denotes nothing."""
    return {
        str(model): frozenset(denoted_properties(part, ["object_model"])["pair"])
        for (model,), part in neurons.group_by(["object_model"], maintain_order=True)
    }


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else float("nan")


def _mean(values: Iterator[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _known(values: np.ndarray) -> int:
    return int(np.count_nonzero(~np.isnan(values)))


def _fewer(n_denoting: int, n_pairs: int) -> str | None:
    """Say where only some models have neurons of their own to compare; sets are compared where either denotes."""
    if not 0 < n_denoting < n_pairs:
        return None
    return f"neuron_jaccard, same_property_share: of the {n_denoting} of {n_pairs} models in which a neuron denotes"


def _remark(values: np.ndarray, where: str) -> str | None:
    known = _known(values)
    if not known:
        return f"nothing denotes {where}"
    missing = f"{len(values) - known} of {len(values)} models: nothing denotes {where}" if known < len(values) else None
    return note(missing, "no interval: fewer than 2 models" if known < 2 else None)
