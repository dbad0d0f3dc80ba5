"""How attributes go together, so that it shows where one may stand in for another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64

from denote.attributes.labels import Labels
from denote.notes import Note, codes_of, note
from denote.numbers import ratio
from denote.observers.reading import Values
from denote.tables import ATTRIBUTE_CORRELATION, frame_of

MANY = 200
"""Of more attributes than this only pairs with a strong correlation are kept: a table of all would be read by none."""

STRONG = 0.5
"""Least absolute phi of a pair that is then kept."""

ROWS = 1 << 13
"""Rows that are counted at once."""

_Counts = Float64[np.ndarray, "attribute attribute"]


@dataclass(frozen=True)
class Association:
    """What every pair of attributes shares, on the rows where both are known.

    Attributes:
        n_rows: Rows where both labels are known.
        n_both: Rows that have both attributes.
        phi: Pearson's correlation of the two labels, in [-1, 1]; NaN where one of them is constant on these rows.
        jaccard: Rows with both over rows with any, in [0, 1]; NaN where no row has one.
    """

    n_rows: _Counts
    n_both: _Counts
    phi: _Counts
    jaccard: _Counts


def association(labels: Values) -> Association:
    """Count all pairs of attributes by matrix products.

    Args:
        labels: 1 yes, 0 no, -1 null.
    """
    shape = labels.shape[1], labels.shape[1]
    known, positive, both = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for start in range(0, len(labels), ROWS):
        block = labels[start : start + ROWS]
        yes, there = (block == 1).astype(np.float32), (block >= 0).astype(np.float32)
        known += there.T @ there
        positive += yes.T @ there
        both += yes.T @ yes
    other = positive.T
    spread = np.sqrt(positive * (known - positive) * other * (known - other))
    return Association(
        known, both, ratio(known * both - positive * other, spread), ratio(both, positive + other - both)
    )


def attribute_correlation(labels: Labels, dataset: str) -> pl.DataFrame:
    """Correlation of every pair of attributes, each pair once.

    Of more than `MANY` attributes only pairs with |phi| >= `STRONG` are kept, and each of them says so in ``note``.

    Args:
        labels: Of the test rows.
        dataset: Its name.

    Returns:
        Columns of ``tables.ATTRIBUTE_CORRELATION``, in the order of the attributes.
    """
    pairs = association(labels.values)
    many = len(labels) > MANY
    wanted = np.triu(np.ones(pairs.phi.shape, dtype=bool), k=1)
    if many:
        wanted &= np.abs(np.nan_to_num(pairs.phi)) >= STRONG
    first, second = np.nonzero(wanted)
    phi, jaccard = pairs.phi[wanted], pairs.jaccard[wanted]
    names, families = np.array(labels.names, dtype=object), np.array(labels.families, dtype=object)
    left_out = Note.of("strong_pairs", attributes=len(labels), phi=STRONG) if many else None
    notes = [
        note(Note.of("no_phi") if no_phi else None, Note.of("no_jaccard") if no_jaccard else None, left_out)
        for no_phi, no_jaccard in zip(np.isnan(phi), np.isnan(jaccard), strict=True)
    ]
    columns = {
        "dataset": dataset,
        "attribute": names[first].tolist(),
        "family": families[first].tolist(),
        "other": names[second].tolist(),
        "other_family": families[second].tolist(),
        "phi": phi,
        "jaccard": jaccard,
        **{name: getattr(pairs, name)[wanted].astype(np.int64) for name in ("n_both", "n_rows")},
        "note": notes,
        "note_codes": codes_of(notes),
    }
    return frame_of(columns, ATTRIBUTE_CORRELATION)
