"""How often every neuron is on in every class, on *test*: what an atlas of a layer is drawn from."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from denote.attributes.labels import Family, SubsetFamily
from denote.denotation.thresholds import MEMORY
from denote.observers.reading import State
from denote.observers.sorted_columns import column_blocks
from denote.tables import ON_RATES, empty


def on_rates(neurons: pl.DataFrame, test: State, family: Family, memory: int = MEMORY) -> pl.DataFrame:
    """On-rates of the neurons of one layer in the classes of a family of subsets.

    Args:
        neurons: Columns of ``tables.NEURONS``, one row per neuron of the layer, with the thresholds chosen on *fit*.
        test: Their activations on the test rows; a block of neurons is read at a time.
        family: The family at the same rows; only one of subsets has on-rates.
        memory: Bytes that a block may take.

    Returns:
        Columns of ``tables.ON_RATES``, one row per live neuron with a threshold and class with rows.
    """
    kept = neurons.filter(pl.col("live"), pl.col("threshold").is_not_null())
    if not isinstance(family, SubsetFamily) or kept.is_empty():
        return empty(ON_RATES)
    n_rows = np.bincount(family.codes[family.codes >= 0], minlength=len(family.class_names))
    thresholds = neurons["threshold"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    rates = _rates(test, thresholds, family.codes, n_rows, memory)[kept["neuron"].to_numpy()]
    classes = pl.DataFrame(
        {"class": family.class_names, "n_rows": n_rows}, schema={"class": pl.String, "n_rows": pl.Int64}
    )
    crossed = kept.join(classes, how="cross").with_columns(on_rate=pl.Series(rates.ravel(), dtype=pl.Float64))
    own = [name for name in ON_RATES if name in crossed.columns]
    return crossed.filter(pl.col("n_rows") > 0).select(own)


def _rates(
    test: State, thresholds: Float[np.ndarray, " neuron"], codes: Int[np.ndarray, " row"],
    n_rows: Int[np.ndarray, " class"], memory: int,
) -> Float[np.ndarray, "neuron class"]:  # fmt: skip
    """Share of each class's rows above each neuron's threshold; nan for a class without rows."""
    members = (codes[:, None] == np.arange(len(n_rows))).astype(np.float32)
    width = max(1, memory // max(1, 8 * len(codes)))
    on = [
        (values > thresholds[start : start + width, None]).astype(np.float32) @ members
        for start, values in column_blocks(test, width)
    ]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.concatenate(on) / np.where(n_rows > 0, n_rows, np.nan))
