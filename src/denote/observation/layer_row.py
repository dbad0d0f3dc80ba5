"""What is said of a layer as a whole, before anything is read from it."""

from __future__ import annotations

import polars as pl

from denote.data.parts import Halves
from denote.evidence.participation import active_share, participation_ratio
from denote.observers.neuron import live_neurons
from denote.observers.reading import State
from denote.states.layers import Layer
from denote.tables import LAYERS, note, table


def layer_row(layer: Layer, state: Halves[State]) -> pl.DataFrame:
    """A row of ``tables.LAYERS`` without the columns that tell the object model.

    Args:
        layer: The layer.
        state: Its activations; which neurons are live is said of *fit*, everything else of *test*.
    """
    live = live_neurons(state.fit)
    ratio, remark = participation_ratio(state.test, live, layer.name, layer.pooling)
    row = {
        "layer": layer.name, "depth": layer.depth, "relative_depth": layer.relative_depth, "pooling": layer.pooling,
        "n_neurons": layer.n_neurons, "n_live": int(live.sum()),
        "participation_ratio": ratio, "active_share": active_share(state.test, live),
        "sign_identified": layer.sign_identified, "is_head": layer.is_head,
        "module_class": layer.module_class or None, "axes": layer.axes_text,
        "note": note(
            remark, None if live.any() else "active_share: no live neuron",
            "sign_identified: not known of this layer" if layer.sign_identified is None else None,
        ),
    }  # fmt: skip
    return table([row], LAYERS).with_columns(pl.col("participation_ratio", "active_share").fill_nan(None))
