"""Labels that carry nothing: permuted within *fit* and within *test* (METHOD section 5, ``shuffled``)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from denote.attributes.labels import Family
from denote.data.parts import Halves
from denote.streams import stream


def shuffled(
    family: Halves[Family], groups: Halves[Int[np.ndarray, " row"]] | None, probe_seed: int, draw: int
) -> Halves[Family]:
    """The family with its rows permuted jointly, in each part separately, so that attributes stay correlated.

    Args:
        family: The family at the fit and at the test rows.
        groups: Group of every row. Where all labels are constant in every group whole groups are permuted.
        probe_seed: Seed of the draws.
        draw: Which draw; the same for every layer, so that layers are compared under the same labels.
    """

    def permuted(part: Family, name: str, group: Int[np.ndarray, " row"] | None) -> Family:
        rng = stream("shuffled neurons", probe_seed, part.name, draw, name)
        n_rows = len(part.labels.values) if part.codes is None else len(part.codes)
        rows = rng.permutation(n_rows) if group is None else _permute_groups(part, group, rng)
        labels = part.labels.at(rows) if len(part.labels.values) == n_rows else part.labels
        return replace(part, labels=labels, codes=None if part.codes is None else part.codes[rows])

    return Halves(
        permuted(family.fit, "fit", None if groups is None else groups.fit),
        permuted(family.test, "test", None if groups is None else groups.test),
    )


def _permute_groups(part: Family, group: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " row"]:
    """For every row the row whose labels it takes."""
    _, first, index = np.unique(group, return_index=True, return_inverse=True)
    known = part.labels.values if part.codes is None else part.codes[:, None]
    if (known != known[first][index]).any():
        return rng.permutation(len(group))
    return np.asarray(first[rng.permutation(len(first))][index])
