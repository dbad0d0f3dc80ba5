"""Lines over depth as records: one record per layer of a network, whose keys hold probe or family and quantity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from denote.figures.curves import one_size

Tables = Mapping[str, pl.DataFrame]

NETWORK = ("dataset", "architecture", "trained", "epoch")
"""Columns in which the rows of one line agree; its points are means over seeds."""

PER_PROBE = ("auroc", "balanced_accuracy", "untrained_auroc", "decisive_share")
"""Quantities of every probe: means over its cells."""

PER_FAMILY = (
    *("share_denoting", "rotated_share_denoting", "untrained_share_denoting"),
    *("label_proportion", "folded", "rotated_folded", "on_proportion"),
)
"""Quantities of every family of attributes: means over networks of ``label_proportion_by_model``."""

MOST_NAMED = 10
"""Attributes of a sweep that have keys of their own."""

TAKEN = ("best", "mean")
"""Names that no attribute's key has: ``auroc/best`` and ``auroc/mean`` are over all of them."""

MOST_OF_PROBES = 60
"""Keys of single attributes in one run: with more probes and poolings fewer attributes have keys."""


PLACE = ("depth", "relative_depth", "layer")
"""Keys of every record."""


@dataclass(frozen=True)
class Curve:
    """What is known over depth of the networks of one dataset, architecture and epoch.

    Attributes:
        dataset: Name of the dataset.
        architecture: Readable id of the architecture.
        trained: Whether the networks were trained.
        epoch: The epoch that was observed; None for the chosen one.
        tables: Rows of these networks.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    tables: Tables

    @property
    def name(self) -> str:
        """``digits mlp-2x16-relu epoch 3``."""
        state = "untrained" if not self.trained else "" if self.epoch is None else f"epoch {self.epoch}"
        return " ".join(part for part in (self.dataset, self.architecture, state) if part)

    @property
    def key(self) -> str:
        """What tells it from the others of its sweep."""
        return f"{self.dataset} / {self.architecture} / {self.trained} / {self.epoch}"


def curves(tables: Tables) -> Iterator[Curve]:
    """Yield the curves of a sweep's tables, by dataset, architecture and epoch.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
    """
    keys = tables["layers"].select(NETWORK).unique().sort(*NETWORK, nulls_last=True)
    for dataset, architecture, trained, epoch in keys.iter_rows():
        values = zip(NETWORK, (dataset, architecture, trained, epoch), strict=True)
        of_network = [pl.col(name).eq_missing(pl.lit(value)) for name, value in values]
        held = {name: frame.filter(*of_network) if _names(frame) else frame for name, frame in tables.items()}
        held["depth_verdicts"] = tables["depth_verdicts"].filter(
            pl.col("dataset") == dataset, pl.col("trained").eq_missing(trained), pl.col("epoch").eq_missing(epoch)
        )
        yield Curve(dataset, architecture, bool(trained), epoch, held)


def _names(frame: pl.DataFrame) -> bool:
    return set(NETWORK) <= set(frame.columns)


def depth_records(tables: Tables, named: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return one record per depth, in order: ``depth``, ``relative_depth``, ``layer`` and what is known there.

    Keys are ``PROBE/QUANTITY``, ``PROBE/auroc/ATTRIBUTE`` and ``FAMILY/QUANTITY``; where a layer was observed under
    several poolings, ``PROBE/POOLING/QUANTITY``. What is undefined has no key.

    Args:
        tables: With ``cells`` and ``label_proportion_by_model``, of the networks of one `Curve`.
        named: Attributes that have keys of their own.
    """
    cells = one_size(tables["cells"]).filter(pl.col("depth").is_not_null())
    by_model = tables["label_proportion_by_model"].filter(pl.col("depth").is_not_null())
    pooled = any(_has_several_poolings(frame) for frame in (cells, by_model))
    records: dict[int, dict[str, Any]] = {}

    def add(place: tuple[Any, ...], group: str, values: Mapping[str, Any]) -> None:
        layer, depth, relative, pooling = place
        record = records.setdefault(depth, {"depth": depth, "layer": layer})
        record |= {} if relative is None else {"relative_depth": relative}
        prefix = f"{group}/{pooling}" if pooled else group
        record |= {f"{prefix}/{name}": value for name, value in values.items() if value is not None}

    place = ["layer", "depth", "relative_depth", "pooling"]
    means = cells.with_columns(decisive_share=pl.col("decisive").cast(pl.Float64))
    for (*at, probe), rows in means.group_by([*place, "probe"]):
        add(tuple(at), str(probe), {name: rows[name].mean() for name in PER_PROBE})
    most = MOST_OF_PROBES // max(1, cells["probe"].n_unique() * (cells["pooling"].n_unique() if pooled else 1))
    few = [attribute for attribute in named if attribute not in TAKEN][:most]
    for (*at, probe, attribute), rows in cells.filter(pl.col("attribute").is_in(few)).group_by(
        [*place, "probe", "attribute"]
    ):
        add(tuple(at), str(probe), {f"auroc/{attribute}": rows["auroc"].mean()})
    within = by_model.group_by([*place, "family", "object_model"]).agg(pl.col(PER_FAMILY).mean())
    for (*at, family), rows in within.group_by([*place, "family"]):
        add(tuple(at), str(family), {name: rows[name].mean() for name in PER_FAMILY})
    return [records[depth] for depth in sorted(records)]


def _has_several_poolings(frame: pl.DataFrame) -> bool:
    """Return whether any layer has rows of several poolings."""
    return bool((frame.group_by("depth").agg(pl.col("pooling").n_unique())["pooling"] > 1).any())
