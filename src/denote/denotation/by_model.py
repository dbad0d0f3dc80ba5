"""What the neurons of each object model's layer denote: the unit that depth is analysed by (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from denote.denotation.properties import complement
from denote.tables import INTEGER, LABEL_PROPORTION_BY_MODEL, LAYERS_KEY, NUMBER, TEXT, empty

LEAST_DISTINCT = 5
"""Distinct denoted properties below which a (model, layer) is a gap."""

KEY = ["object_model", "layer", "pooling", "family", "probe_seed"]
BESIDE = {
    "share_denoting": "{}_share_denoting", "label_proportion": "{}_label_proportion", "folded": "{}_folded",
}  # fmt: skip
"""What is also known of a control, and the column that it has beside the layer's own."""


def label_proportion_by_model(neurons: pl.DataFrame, controls: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Summarise what every layer of every object model denotes.

    A property that several neurons of a layer denote counts once; for the folded value, and for the entropy, so does a
    complement. With fewer than ``LEAST_DISTINCT`` distinct denoted properties a layer is a gap: its label proportions
    are null.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        controls: Columns of ``tables.CONTROLS``, decided; rows of ``untrained`` and ``rotated`` neurons are used. They
            carry the identity of the object model they stand beside; each draw is summarised by itself, and the draws
            are averaged.
        layers: Columns of ``tables.LAYERS``.

    Returns:
        Columns of ``tables.LABEL_PROPORTION_BY_MODEL``, in the order of the neurons.
    """
    if neurons.is_empty():
        return empty(LABEL_PROPORTION_BY_MODEL)
    names = [name for name in LABEL_PROPORTION_BY_MODEL if name in neurons.columns and name not in KEY]
    identity = [name for name in names if name not in ("label_proportion", "n_members", "on_proportion", "note")]
    frame = neurons.unique(KEY, keep="first", maintain_order=True).select(*KEY, *identity)
    frame = _joined(frame, _summarised(neurons, KEY), KEY)
    replicates = controls.filter(pl.col("neuron").is_not_null() & pl.col("layer").is_not_null())
    for control in ("rotated", "untrained"):
        known = _over_draws(replicates.filter(pl.col("control") == control), control)
        frame = _joined(frame, known, KEY)
    of_layers = ["participation_ratio", "active_share", "sign_identified", "is_head"]
    frame = _joined(frame, layers.select(*LAYERS_KEY, *of_layers).unique(LAYERS_KEY), list(LAYERS_KEY))
    # Where nothing is known of the layer the last one is the head, as it is for every network that is listed.
    frame = frame.with_columns(is_head=pl.col("is_head").fill_null(pl.col("relative_depth") == 1))
    return frame.with_columns(note=_notes()).select(
        pl.col(name).cast(kind) if name in frame.columns or name == "note" else pl.lit(None, kind).alias(name)
        for name, kind in LABEL_PROPORTION_BY_MODEL.items()
    )


def denoted_properties(neurons: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """The distinct denoted properties of each (model, layer), with both label proportions.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        by: What tells layers apart; with nothing all neurons are one layer's.

    Returns:
        ``by``, ``property``, ``label_proportion``, ``folded_label_proportion``, ``n_members``, ``n_neurons`` that
        denote it, and ``pair``, which names a property and its complement alike.
    """
    kept = ["label_proportion", "folded_label_proportion", "n_members"]
    found = (
        neurons.filter(pl.col("denotes").fill_null(value=False))
        .group_by(*by, "property", maintain_order=True)
        .agg(pl.col(kept).first(), n_neurons=pl.len())
    )
    distinct = found["property"].unique()
    pairs = {name: min(name, complement(name), key=len) for name in distinct}
    pair = pl.col("property").replace_strict(pairs or {"": ""}, default=None, return_dtype=TEXT)
    return found.with_columns(pair=pair)


def _summarised(neurons: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Counts, shares and means of every group of neurons."""
    live = pl.col("live").fill_null(value=False)
    counted = neurons.group_by(*by, maintain_order=True).agg(
        n_neurons=pl.len().cast(INTEGER), n_live=live.sum().cast(INTEGER),
        n_denoting=(live & pl.col("denotes")).sum().cast(INTEGER),
        on_proportion=pl.col("on_proportion").filter(live).mean(),
        unconditional_label_proportion=pl.col("label_proportion").filter(live).mean(),
        unconditional_folded=pl.col("folded_label_proportion").filter(live).mean(),
    )  # fmt: skip
    return _joined(counted, _denoting(neurons, by), by).with_columns(
        n_distinct=pl.col("n_distinct").fill_null(0),
        share_denoting=pl.when(pl.col("n_live") > 0).then(pl.col("n_denoting") / pl.col("n_live")),
    )


def _denoting(neurons: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """What is denoted in every group; means over distinct properties are null in a gap."""
    distinct = denoted_properties(neurons, by)
    pairs = distinct.group_by(*by, "pair", maintain_order=True).agg(
        pl.col("folded_label_proportion").first(), pl.col("n_neurons").sum()
    )
    share = pl.col("n_neurons") / pl.col("n_neurons").sum()
    entropy = -(share * share.log(2)).sum()
    of_pairs = pairs.group_by(*by).agg(folded=pl.col("folded_label_proportion").mean(), property_entropy=entropy)
    p = pl.col("label_proportion")
    means = distinct.group_by(*by).agg(
        n_distinct=pl.len().cast(INTEGER), label_proportion=p.mean(), majority_side_share=(p > 0.5).mean(),
        n_members=pl.col("n_members").mean(),
    )  # fmt: skip
    whole = _joined(means, of_pairs, by)
    conditional = ["label_proportion", "majority_side_share", "folded", "n_members"]
    return whole.with_columns(pl.when(pl.col("n_distinct") >= LEAST_DISTINCT).then(pl.col(conditional)))


def _over_draws(replicates: pl.DataFrame, control: str) -> pl.DataFrame:
    """Means over a control's draws, each summarised by itself; a draw that is a gap is left out of its mean."""
    named = {column: pattern.format(control) for column, pattern in BESIDE.items()}
    draws = _summarised(replicates, [*KEY, "draw"])
    return draws.group_by(*KEY, maintain_order=True).agg(pl.col(old).mean().alias(new) for old, new in named.items())


def _joined(frame: pl.DataFrame, other: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    return frame.join(other, on=list(on), how="left", nulls_equal=True, maintain_order="left")


def _notes() -> pl.Expr:
    """Why numbers are null."""

    def gap(column: str, whose: str) -> pl.Expr:
        few = f"{whose}fewer than {LEAST_DISTINCT} distinct denoted properties"
        return pl.when(pl.col(column).is_null()).then(pl.lit(few, TEXT))

    controls = (
        pl.when(pl.col(f"{name}_share_denoting").is_null())
        .then(pl.lit(f"{name}: not run", TEXT))
        .otherwise(gap(f"{name}_folded", f"{name}: "))
        for name in ("rotated", "untrained")
    )
    text = pl.concat_str(gap("folded", "gap: "), *controls, separator="; ", ignore_nulls=True)
    return pl.when(text != "").then(text)


def numbers() -> list[str]:
    """Columns that are means of an object model, which pooling and probe seeds may be averaged over."""
    left_out = {"epoch", "seed", "depth", "relative_depth", "object_accuracy", "probe_seed"}
    kinds = (INTEGER, NUMBER)
    return [name for name, kind in LABEL_PROPORTION_BY_MODEL.items() if kind in kinds and name not in left_out]
