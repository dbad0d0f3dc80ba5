"""Figures that a caller in Python asks for, of one observation or of a sweep; imported when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from denote.config.figure_settings import DARK, LIGHT
from denote.errors import ConfigError, one_of
from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.curves import choose
from denote.figures.dark import darken
from denote.figures.label_proportion import draw_label_proportion_by_depth
from denote.observation import Observation
from denote.observers.kinds import reads_state
from denote.runs.denotation_figures import verdict_of
from denote.runs.module_classes import with_module_classes
from denote.runs.record import finished_jobs
from denote.runs.relied import Reading, Relied, networks_with_maps, put_together, relied_on


def observation_heatmap(observation: Observation, attribute: str, layer: str | None, **look: Any) -> Figure:
    """Draw what the observers of an attribute in one network rely on; see `_heatmap`."""
    networks = networks_with_maps(observation.cells)
    relied = put_together(networks[0], [Reading.of(observation)], observation.cells) if networks else None
    return _heatmap(relied, attribute, layer, **look)


def sweep_heatmap(
    folder: Path, cells: pl.DataFrame, attribute: str, layer: str | None, chosen: Mapping[str, Any], **look: Any
) -> Figure:
    """Draw what the observers of an attribute in a network of a sweep rely on; see `_heatmap`.

    Args:
        folder: Of the sweep.
        cells: Its cells.
        attribute: Its name.
        layer: One layer, or None for all.
        chosen: Of ``seed``, ``architecture`` and ``dataset`` what tells the network; the first that answers is drawn.
        **look: As of `_heatmap`.

    Raises:
        ConfigError: if no network answers, or no observer of it weighs every neuron.
    """
    networks = networks_with_maps(cells)
    asked = {key: value for key, value in chosen.items() if value is not None}
    answering = [each for each in networks if all(getattr(each, key) == value for key, value in asked.items())]
    if asked and not answering:
        came = ", ".join(f"{key}={value}" for key, value in asked.items())
        raise ConfigError("heatmap", f"no network has {came}", one_of(came, [each.title for each in networks]))
    network = answering[0] if answering else None
    return _heatmap(relied_on(list(finished_jobs(folder)), cells, network), attribute, layer, **look)


def _heatmap(
    relied: Relied | None, attribute: str, layer: str | None, *, shared_scale: bool = False, style: str = LIGHT
) -> Figure:
    """Draw what observers of an attribute rely on.

    Args:
        relied: Of one network; None where no observer weighs every neuron.
        attribute: Its name.
        layer: One layer, or None for all.
        shared_scale: Whether one colour is one relevance in all layers.
        style: ``light`` or ``dark``.

    Raises:
        ConfigError: if no observer of it weighs every neuron, or no such layer.
    """
    maps = {} if relied is None else relied.relevance
    if relied is None or attribute not in maps:
        raise ConfigError("heatmap", f"no observer of {attribute!r} weighs every neuron", one_of(attribute, maps))
    if layer is not None and layer not in maps[attribute]:
        raise ConfigError("layer", f"{layer!r}", one_of(layer, maps[attribute]))
    return in_style(relied.figure(attribute, layer, shared_scale=shared_scale), style)


def in_style(figure: Figure, style: str) -> Figure:
    """Return a figure in light or dark.

    Args:
        figure: A light one, which is changed.
        style: ``light`` or ``dark``.

    Raises:
        ConfigError: for another style.
    """
    if style not in (LIGHT, DARK):
        raise ConfigError("style", f"{style!r} is unknown", one_of(str(style), (LIGHT, DARK)))
    return darken(figure) if style == DARK else figure


def attribute_figure(tables: Mapping[str, pl.DataFrame], style: str = LIGHT) -> Figure:
    """Draw how well every attribute is read at every depth."""
    tables = with_module_classes(tables)
    drawn = tables["cells"].filter(reads_state() & pl.col("depth").is_not_null())
    return in_style(draw_attribute_by_depth(drawn, tables["first_decisive"]), style)


def depth_figure(tables: Mapping[str, pl.DataFrame], style: str = LIGHT, **chosen: Any) -> Figure:
    """Draw the label proportion by depth; ``chosen`` as `figures.curves.choose` takes it."""
    tables = with_module_classes(tables)
    by_depth, by_model = (tables[f"label_proportion_by_{what}"] for what in ("depth", "model"))
    curve = None if by_depth.is_empty() else choose(by_depth, **{"trained": True, **chosen})
    verdict = "" if curve is None else verdict_of(tables["depth_verdicts"], tables["depth_tests"], curve)
    figure = draw_label_proportion_by_depth(tables["neurons"], by_depth, by_model, curve=curve, verdict=verdict)
    return in_style(figure, style)
