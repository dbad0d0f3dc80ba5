"""Figures that a caller in Python asks for, of one observation or of a sweep; imported when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from denote.errors import ConfigError, one_of
from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.curves import choose
from denote.figures.label_proportion import draw_label_proportion_by_depth
from denote.observation import Observation
from denote.observers.kinds import reads_state
from denote.runs.present import Reading, Relied, put_together, relied_on
from denote.runs.record import finished_jobs


def observation_heatmap(observation: Observation, attribute: str, layer: str | None) -> Figure:
    """Draw what the observers of an attribute in one network rely on; see `_heatmap`."""
    return _heatmap(put_together(lambda _: [Reading.of(observation)], observation.cells), attribute, layer)


def sweep_heatmap(folder: Path, cells: pl.DataFrame, attribute: str, layer: str | None) -> Figure:
    """Draw what the observers of an attribute in the first trained network of a sweep rely on; see `_heatmap`."""
    return _heatmap(relied_on(list(finished_jobs(folder)), cells), attribute, layer)


def _heatmap(relied: Relied | None, attribute: str, layer: str | None) -> Figure:
    """Draw what observers of an attribute rely on.

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
    """Draw how well every attribute is read at every depth."""
    drawn = tables["cells"].filter(reads_state() & pl.col("depth").is_not_null())
    return draw_attribute_by_depth(drawn, tables["first_decisive"])


def depth_figure(tables: Mapping[str, pl.DataFrame], **chosen: Any) -> Figure:
    """Draw the label proportion by depth; ``chosen`` as `figures.curves.choose` takes it."""
    by_depth, by_model = (tables[f"label_proportion_by_{what}"] for what in ("depth", "model"))
    curve = None if by_depth.is_empty() else choose(by_depth, **{"trained": True, **chosen})
    return draw_label_proportion_by_depth(tables["neurons"], by_depth, by_model, curve=curve)
