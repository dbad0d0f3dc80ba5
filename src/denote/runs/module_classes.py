"""The class of each layer's module, joined to the tables that figures draw from."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

_TABLES = ("cells", "label_proportion_by_depth", "stability", "depth_parts", "audit", "curves", "first_decisive")
_LAYER = ("dataset", "architecture", "layer")


def with_module_classes(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return tables in which a layer's ``module_class`` stands beside its name; null where it is not known.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``; an older denote wrote no classes.
    """
    layers = tables["layers"]
    if "module_class" not in layers.columns:
        return dict(tables)
    known = layers.filter(pl.col("module_class") != "").select(*_LAYER, "module_class").unique(_LAYER, keep="first")
    return {
        name: frame.join(known, on=_LAYER, how="left", maintain_order="left")
        if name in _TABLES and set(_LAYER) <= set(frame.columns)
        else frame
        for name, frame in tables.items()
    }
