"""Turn a finished figure into one on a dark ground."""

from __future__ import annotations

from collections.abc import Sequence
from colorsys import hls_to_rgb, rgb_to_hls
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from denote.figures.signed import BANDED, SIGNED, banded
from denote.figures.style import KEPT

GROUND, INK = "#16181d", "#ececec"
"""Of a dark figure; with contrast 15 between them."""

GREY = 0.08
"""Largest difference of red, green and blue in a colour that counts as grey."""

_SIGNED = LinearSegmentedColormap.from_list("dark relevance", ["#9ccbff", "#3d7cc0", "#262a31", "#c06a1c", "#ffc48a"])
_COLOURMAPS = {
    SIGNED.name: _SIGNED.with_extremes(bad="none"),
    BANDED.name: banded(_SIGNED),
    "Greys": mpl.colormaps["Greys_r"],
}
"""Dark counterparts of maps whose neutral end is white; the others are as readable on a dark ground."""


def darken(figure: Figure) -> Figure:
    """Exchange ink and ground of a figure, and lighten its colours; pictures of inputs stay as they are.

    Args:
        figure: Any figure of denote; it is changed, and must not be darkened twice.

    Returns:
        The figure.
    """
    for artist in figure.findobj():
        if artist.get_label() == KEPT:
            continue
        if isinstance(artist, ScalarMappable) and artist.get_array() is not None:
            artist.set_cmap(counterpart(artist.get_cmap()))
        elif isinstance(artist, Text):
            artist.set_color(turned(artist.get_color()))
            if (box := artist.get_bbox_patch()) is not None:
                _turn_patch(box)
        elif isinstance(artist, Line2D):
            _turn_line(artist)
        elif isinstance(artist, Patch):
            _turn_patch(artist)
        elif isinstance(artist, Collection):
            artist.set_facecolor(_each(artist.get_facecolor()))
            artist.set_edgecolor(_each(artist.get_edgecolor()))
    return figure


def counterpart(colours: Colormap) -> Colormap:
    """Return the colour map that stands for another one on a dark ground."""
    return _COLOURMAPS.get(colours.name, colours)


def turned(colour: Any) -> Any:
    """Return a colour for a dark ground: greys change places with their opposite, others become lighter.

    Args:
        colour: As matplotlib takes it; ``none`` and ``auto`` stay.
    """
    if isinstance(colour, str) and colour in ("none", "auto"):
        return colour
    red, green, blue, alpha = to_rgba(colour)
    if max(red, green, blue) - min(red, green, blue) < GREY:
        share, ground, ink = (red + green + blue) / 3, np.array(to_rgba(GROUND)[:3]), np.array(to_rgba(INK)[:3])
        return (*(share * ground + (1 - share) * ink), alpha)
    hue, lightness, saturation = rgb_to_hls(red, green, blue)
    return (*hls_to_rgb(hue, 0.5 + 0.45 * lightness, saturation), alpha)


def _each(colours: Any) -> Sequence[Any]:
    return [turned(tuple(colour)) for colour in np.atleast_2d(colours)] if len(colours) else []


def _turn_line(line: Line2D) -> None:
    face, edge = line.get_markerfacecolor(), line.get_markeredgecolor()
    line.set_color(turned(line.get_color()))
    line.set_markerfacecolor(turned(face))
    line.set_markeredgecolor(turned(edge))


def _turn_patch(patch: Patch) -> None:
    face, edge = patch.get_facecolor(), patch.get_edgecolor()
    patch.set_facecolor(turned(face))
    patch.set_edgecolor(turned(edge))
