"""Pictures that a caller in Python asks for, of one observation or of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from denote.errors import ConfigError, one_of
from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.curves import choose
from denote.figures.label_proportion import draw_label_proportion_by_depth
from denote.runs.present import Relied


def heatmap_of(relied: Relied | None, attribute: str, layer: str | None) -> Figure:
    """What observers of an attribute rely on.

    Args:
        relied: Of one network; None where no observer weighs every neuron.
        attribute: Its name.
        layer: One layer, or None for all.

    Raises:
        ConfigError: if no observer of it weighs every neuron, or no such layer.
    """
    maps = {} if relied is None else relied.relevance
    if relied is None or attribute not in maps:
        raise ConfigError("heatmap", f"no observer of {attribute!r} weighs every neuron", one_of(attribute, maps))
    if layer is not None and layer not in maps[attribute]:
        raise ConfigError("layer", f"{layer!r}", one_of(layer, maps[attribute]))
    return relied.figure(attribute, layer)


def attribute_figure(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """How well every attribute is read at every depth, of the tables of a sweep."""
    drawn = tables["cells"].filter((pl.col("probe") != "majority") & pl.col("depth").is_not_null())
    return draw_attribute_by_depth(drawn, tables["first_decisive"])


def depth_figure_of(tables: Mapping[str, pl.DataFrame], **chosen: Any) -> Figure:
    """Label proportion by depth, of the tables of a sweep; ``chosen`` as `figures.curves.choose` takes it."""
    by_depth, by_model = (tables[f"label_proportion_by_{what}"] for what in ("depth", "model"))
    curve = None if by_depth.is_empty() else choose(by_depth, **{"trained": True, **chosen})
    return draw_label_proportion_by_depth(tables["neurons"], by_depth, by_model, curve=curve)
