"""The sentences of what was found, the same wherever they are shown; they claim what the tables show, no more."""

from __future__ import annotations

import polars as pl

from denote.figures.curves import Curve, curves, some
from denote.figures.profiles import one_size
from denote.numbers import count, proportion
from denote.observers.kinds import reads_state

PAPER = (
    "denote's numbers are our operationalisation of E. E. Allen, Neural Networks and Denotation (arXiv 2103.08315), "
    "of which only the abstract was available."
)


def findings(cells: pl.DataFrame, neurons: pl.DataFrame, by_depth: pl.DataFrame) -> list[str]:
    """Return what these tables say, one fact a sentence.

    Args:
        cells: Rows of ``cells.parquet``.
        neurons: Rows of ``neurons.parquet``.
        by_depth: Rows of ``label_proportion_by_depth.parquet``.

    Returns:
        Sentences: what was observed; per curve which share denotes, beside its controls; what is undefined and why.
    """
    sentences = observed(cells, neurons)
    for curve in curves(by_depth):
        sentences += _denoting(curve, curve.of(by_depth))
    if not cells.is_empty():
        sentences += _undefined(cells)
    return sentences


def observed(cells: pl.DataFrame, neurons: pl.DataFrame) -> list[str]:
    """Say how many models, layers and neurons the tables hold."""
    columns = ["dataset", "architecture", "trained", "epoch", "object_model", "object_accuracy", "layer"]
    rows = pl.concat([cells.select(columns), neurons.select(columns)]).unique(maintain_order=True)
    rows = rows.sort("dataset", "architecture", "epoch", maintain_order=True)
    if rows.is_empty():
        return ["Nothing was observed: the tables are empty."]
    several = rows.filter("trained")["epoch"].n_unique() > 1
    sentences = []
    for (dataset, architecture, trained, epoch), part in rows.group_by(columns[:4], maintain_order=True):
        models, layers = part["object_model"].n_unique(), part["layer"].n_unique()
        state = "" if trained else "untrained "
        at = f" at epoch {epoch}" if trained and epoch is not None and several else ""
        own = neurons.join(part, on=columns[:4], how="semi", nulls_equal=True).unique(
            ["object_model", "layer", "pooling", "neuron"]
        )
        seen = f", {count(len(own), 'neuron')} in all, {own['live'].sum():,} live" if len(own) else ""
        sentences.append(
            f"{count(models, f'{state}object model')}{at} ({architecture} on {dataset}), "
            f"{count(layers, 'layer')}{seen}; held-out accuracy {_range(part['object_accuracy'])}."
        )
    return sentences


def _range(values: pl.Series) -> str:
    known = values.drop_nulls()
    low, high = known.min(), known.max()
    if not isinstance(low, float) or not isinstance(high, float):
        return "null (not measured)"
    return proportion(low) if proportion(low) == proportion(high) else f"{proportion(low)} to {proportion(high)}"


def _denoting(curve: Curve, rows: pl.DataFrame) -> list[str]:
    """Say what neurons of one curve denote, and its controls."""
    rows = rows.sort("depth", nulls_last=True)
    denoting, live = int(rows["n_denoting"].sum()), int(rows["n_live"].sum())
    if denoting == 0:
        return [
            f"{curve.title}: no neuron denotes by the rule; all {count(live, 'live neuron')} abstain.{_floor(rows)}"
        ]
    shares = [
        f"{proportion(share)} at {layer}"
        for layer, share in rows.filter(pl.col("n_denoting") > 0).select("layer", "share_denoting").iter_rows()
    ]
    sentences = [
        f"{curve.title}: {denoting:,} of {count(live, 'live neuron')} denote, the others abstain; "
        f"share denoting {some(shares, 12)}."
    ]
    return [*sentences, *_controls(curve, rows)]


def _floor(rows: pl.DataFrame) -> str:
    """Say which properties could not have been found, where nothing was."""
    limit = rows["smallest_detectable_proportion"].min()
    if not isinstance(limit, float):
        return ""
    return f" With these rows hardly any neuron could have been found for a property rarer than {proportion(limit)}."


def _controls(curve: Curve, rows: pl.DataFrame) -> list[str]:
    sentences = []
    untrained, rotated = (_mean_share(rows, f"{control}_share_denoting") for control in ("untrained", "rotated"))
    if curve.trained:
        said = "not computed" if untrained is None else f"{proportion(untrained)} of the live neurons denote"
        sentences.append(f"{curve.title}, untrained control: {said}.")
    if rotated is None:
        sentences.append(
            f"{curve.title}, rotated control: not computed, so that single neurons are special is not supported here."
        )
    else:
        own = _mean_share(rows.filter(pl.col("rotated_share_denoting").is_not_null()), "share_denoting")
        sentences.append(f"{curve.title}, rotated control: {_against_rotated(own or 0.0, rotated)}")
    return sentences


def _against_rotated(own: float, rotated: float) -> str:
    """Compare the share of neurons that denote with that of random directions."""
    said = f"{proportion(rotated)} of random directions denote against {proportion(own)} of neurons; "
    if proportion(own) != proportion(rotated) and own > rotated:
        return said + f"only the excess, {proportion(own - rotated, 3)}, supports that single neurons are special."
    return said + "there is no excess, so nothing supports that single neurons are special."


def _mean_share(rows: pl.DataFrame, column: str) -> float | None:
    """Share over all layers, weighted by their live neurons."""
    known = rows.filter(pl.col(column).is_not_null())
    live = float(known["n_live"].sum())
    return float((known[column] * known["n_live"]).sum()) / live if live > 0 else None


def _undefined(cells: pl.DataFrame) -> list[str]:
    missing = one_size(cells).filter(pl.col("auroc").is_null(), reads_state())
    if missing.is_empty():
        return []
    reasons = missing["note"].fill_null("no reason given").unique(maintain_order=True).to_list()
    return [f"{count(len(missing), 'cell')} without a score (null): {some(reasons, 3)}."]
