"""Labels that carry nothing: a family permuted within *fit* and within *test* (METHOD section 5, ``shuffled``)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from denote.attributes.labels import Family
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
    members = Halves(family.fit.members, family.test.members)
    # A row's classes, or atoms, are one thing: they move with whole groups all together or not at all.
    apart = groups is not None and family.fit.combines and not permutations.group_constant(members, groups).all()
    moved = permutations.shuffled(members, probe_seed, draw, None if apart else groups)
    return Halves(family.fit.with_members(moved.fit), family.test.with_members(moved.test))
