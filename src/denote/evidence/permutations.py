"""The shuffled control: labels of *fit* and *test* permuted apart, whole groups where an attribute is theirs."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Int8

from denote.data.parts import Groups as Groups
from denote.data.parts import Halves
from denote.streams import stream

Values: TypeAlias = Int8[np.ndarray, "sample attribute"]

DRAWS = 20
"""Refits with shuffled labels (METHOD section 5)."""


def shuffled(
    labels: Halves[Values], probe_seed: int, draw: int, groups: Halves[Groups] | None = None
) -> Halves[Values]:
    """One draw of shuffled labels, all attributes moved together so that what they share with each other stays.

    Args:
        labels: Of both parts; each is permuted by a stream of its own.
        probe_seed: Which series of draws.
        draw: Which of them.
        groups: Group of each row. An attribute that is constant in every group of both parts moves with whole
            groups; its nulls stay where they are.
    """
    whole = None if groups is None else group_constant(labels, groups)

    def side(part: str, values: Values, members: Groups | None) -> Values:
        draws = stream("shuffled", probe_seed, draw, part)
        moved: Values = values[draws.permutation(len(values))]
        if whole is not None and members is not None and whole.any():
            moved[:, whole] = _by_group(values[:, whole], members, draws)
        return moved

    fit_groups, test_groups = (None, None) if groups is None else (groups.fit, groups.test)
    return Halves(side("fit", labels.fit, fit_groups), side("test", labels.test, test_groups))


def group_constant(labels: Halves[Values], groups: Halves[Groups]) -> Bool[np.ndarray, " attribute"]:
    """Which attributes have a single value, nulls aside, in every group of both parts."""
    return np.asarray(_constant_in(labels.fit, groups.fit) & _constant_in(labels.test, groups.test))


def _constant_in(values: Values, groups: Groups) -> Bool[np.ndarray, " attribute"]:
    yes, no = labels_held(values, groups)
    return np.asarray(~(yes & no).any(0))


def labels_held(
    values: Values, groups: Groups
) -> tuple[Bool[np.ndarray, "group attribute"], Bool[np.ndarray, "group attribute"]]:
    """Which groups, in ascending order, hold a positive, and which a negative, of every attribute."""
    order = np.argsort(groups, kind="stable")
    _, first = np.unique(groups[order], return_index=True)
    yes, no = (np.logical_or.reduceat(values[order] == label, first, axis=0) for label in (1, 0))
    return yes, no


def _by_group(values: Values, groups: Groups, draws: np.random.Generator) -> Values:
    """Deal the groups' labels among the groups that have one; one order of groups serves all attributes."""
    _, index = np.unique(groups, return_inverse=True)
    yes, no = labels_held(values, groups)
    order = draws.permutation(len(yes))
    dealt = np.full(values.shape, -1, dtype=np.int8)
    for a in range(values.shape[1]):
        labelled = yes[:, a] | no[:, a]
        taker, giver = np.flatnonzero(labelled), order[labelled[order]]
        label = np.full(len(yes), -1, dtype=np.int8)
        label[taker] = yes[giver, a]
        dealt[:, a] = np.where(values[:, a] >= 0, label[index], -1)
    return dealt
