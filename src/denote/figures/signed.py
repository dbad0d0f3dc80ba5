"""A colour scale for signed values, with a band of values that are no evidence in its middle."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap

# Blue against orange is told apart by every kind of colour vision. In a grey print the two ends look alike: they then
# read as "much relevance", and the sign is lost; zero stays the lightest shade. What is no neuron is hatched, since any
# grey of its own would be that of some relevance.
_ENDS = ["#0b3c78", "#5b9bd5", "#f7f7f7", "#e8913c", "#8a3c00"]
SIGNED = LinearSegmentedColormap.from_list("relevance", _ENDS).with_extremes(bad="none")

EDGE = 0.25
"""Where on the colour scale the band ends: the palest colour outside is told from the neutral shade at a glance."""


def banded(signed: Colormap) -> ListedColormap:
    """Return a map of signed values with nothing to see inside the band."""
    scale = np.linspace(-1, 1, 256)
    return ListedColormap(signed(np.where(np.abs(scale) < EDGE, 0.5, (scale + 1) / 2)), name=f"banded {signed.name}")


BANDED = banded(SIGNED)
"""The scale of panels that have a band."""


def outside_band(relevance: Float[np.ndarray, "*neuron"], band: float | None) -> Bool[np.ndarray, "*neuron"]:
    """Return which neurons weigh more than the band of shuffled labels; none where no band is known."""
    if band is None:
        return np.zeros(relevance.shape, dtype=bool)
    outside: np.ndarray = np.abs(relevance) > band
    return outside


def shades(
    relevance: Float[np.ndarray, " neuron"], band: float | None, shared: float | None = None
) -> Float[np.ndarray, " neuron"]:
    """Places on the colour scale from -1 to 1: 0 inside the band, from `EDGE` at its end to 1 at the largest.

    Without a band the scale is relevance / largest.

    Args:
        relevance: Of every neuron of a layer; not finite = left out.
        band: Its end, or None where none is known.
        shared: The largest magnitude of all layers. With it the scale is relevance / shared, 0 inside the band, so
            that one colour is one relevance in every layer.
    """
    if shared is not None:
        inside = np.zeros(relevance.shape, bool) if band is None else ~outside_band(relevance, band)
        kept = np.where(np.isfinite(relevance), np.where(inside, 0.0, relevance), np.nan)
        return kept / (shared or 1.0)
    magnitude = np.where(np.isfinite(relevance), np.abs(relevance), np.nan)
    top = largest(relevance)
    if band is None:
        return np.where(np.isfinite(relevance), relevance, np.nan) / (top or 1.0)
    beyond = np.clip((magnitude - band) / ((top - band) or 1.0), 0, 1)
    shade = np.where(outside_band(relevance, band), EDGE + (1 - EDGE) * beyond, 0.0)
    signed: np.ndarray = np.where(np.isfinite(magnitude), shade * np.sign(relevance), np.nan)
    return signed


def largest(relevance: Float[np.ndarray, " neuron"]) -> float:
    """Largest magnitude of what is finite; 0 where nothing is."""
    return float(np.abs(relevance[np.isfinite(relevance)]).max(initial=0.0))
