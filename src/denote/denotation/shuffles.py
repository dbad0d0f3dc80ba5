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
            class codes, and the atoms of formulas if all are.
        probe_seed: Seed of the draws.
        draw: Which draw; the same for every layer, so that layers are compared under the same labels.
    """
    members = Halves(_members(family.fit), _members(family.test))
    # A row's classes, or atoms, are one thing: they move with whole groups all together or not at all.
    apart = groups is not None and family.fit.combines and not permutations.group_constant(members, groups).all()
    moved = permutations.shuffled(members, probe_seed, draw, None if apart else groups)
    return Halves(_with(family.fit, moved.fit), _with(family.test, moved.test))


def _members(part: Family) -> Int8[np.ndarray, "row member"]:
    """What moves, as labels: attributes, atoms of formulas, or class codes as one attribute per class."""
    if part.formulas is not None:
        return part.formulas.atoms.values
    if part.codes is None:
        return part.labels.values
    codes = part.codes[:, None]
    return np.where(codes < 0, NULL, codes == np.arange(len(part.class_names))).astype(np.int8)


def _with(part: Family, members: Int8[np.ndarray, "row member"]) -> Family:
    if part.formulas is not None:
        return replace(part, formulas=replace(part.formulas, atoms=replace(part.formulas.atoms, values=members)))
    if part.codes is None:
        return replace(part, labels=replace(part.labels, values=members))
    return replace(part, codes=np.where((members < 0).any(axis=1), -1, members.argmax(axis=1)))
