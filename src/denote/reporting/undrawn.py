"""Say which figures are not there, why, and how to get them."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from denote.attributes.family_words import family_name
from denote.config.figure_settings import NETWORKS
from denote.figures.curves import curves, something_denotes
from denote.figures.single_networks import not_drawn, single_networks


def how_to_draw(folder: Path) -> str:
    """Say that no figures were asked for, and which command draws them.

    Args:
        folder: That of the sweep or of the job, as the user would type it.
    """
    return f"No figures were asked for (figures=none). To draw them: denote-report sweep={shlex.quote(str(folder))}"


def undrawn(tables: Mapping[str, pl.DataFrame], most: int = NETWORKS) -> list[str]:
    """Say which networks have no figures of their own, and of which families label proportion by depth is not drawn.

    The latter are those in which neither a neuron nor a control denotes.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        most: How many networks have figures of their own.
    """
    left_out = not_drawn(single_networks(tables["neurons"]), most)
    by_depth = tables["label_proportion_by_depth"]
    families = defaultdict[str, list[str]](list)
    for curve in curves(by_depth):
        if not something_denotes(curve.of(by_depth)):
            families[curve.network].append(family_name(curve.family))
    sentences = [
        f"{network}: label proportion by depth is not drawn of {', '.join(names)}, where nothing denotes."
        for network, names in families.items()
    ]
    return [*([left_out] if left_out else []), *sentences]
