"""Labels that carry nothing: a family permuted within *fit* and within *test* (METHOD section 5, ``shuffled``)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Int, Int8

from denote.attributes.labels import NULL, Family
from denote.data.parts import Halves
from denote.evidence import permutations


def shuffled(
    family: Halves[Family], groups: Halves[Int[np.ndarray, " row"]] | None, probe_seed: int, draw: int
) -> Halves[Family]:
    """The family under one draw of the permutations that the cells' observers are refitted with, too.

    Args:
        family: The family at the fit and at the test rows.
        groups: Group of every row. Attributes that are constant in every group move with whole groups, and so do
            class codes.
        probe_seed: Seed of the draws.
        draw: Which draw; the same for every layer, so that layers are compared under the same labels.
    """
    if family.fit.codes is None:
        values = Halves(family.fit.labels.values, family.test.labels.values)
        moved = permutations.shuffled(values, probe_seed, draw, groups)
        return Halves(_labelled(family.fit, moved.fit), _labelled(family.test, moved.test))
    members = Halves(_members(family.fit), _members(family.test))
    # A code is one thing: its classes move with whole groups all together or not at all.
    whole = groups is not None and permutations.group_constant(members, groups).all()
    moved = permutations.shuffled(members, probe_seed, draw, groups if whole else None)
    return Halves(replace(family.fit, codes=_codes(moved.fit)), replace(family.test, codes=_codes(moved.test)))


def _labelled(part: Family, values: Int8[np.ndarray, "row attribute"]) -> Family:
    return replace(part, labels=replace(part.labels, values=values))


def _members(part: Family) -> Int8[np.ndarray, "row class"]:
    """Class codes as one attribute per class."""
    codes = np.asarray(part.codes)[:, None]
    return np.where(codes < 0, NULL, codes == np.arange(len(part.class_names))).astype(np.int8)


def _codes(members: Int8[np.ndarray, "row class"]) -> Int[np.ndarray, " row"]:
    return np.where((members < 0).any(axis=1), -1, members.argmax(axis=1))
