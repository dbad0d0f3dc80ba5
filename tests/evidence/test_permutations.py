"""The shuffled control keeps what it must keep, and no more."""

from __future__ import annotations

import numpy as np

from denote.data.parts import Halves
from denote.evidence.label_controls import group_constant, labels_held, shuffled


def labels(n: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1, 2, (n, 4)).astype(np.int8)


def test_each_part_keeps_its_rows_and_they_move_together() -> None:
    both = Halves(labels(60, 0), labels(80, 1))
    moved = shuffled(both, probe_seed=0, draw=0)
    for before, after in ((both.fit, moved.fit), (both.test, moved.test)):
        assert sorted(map(tuple, before)) == sorted(map(tuple, after))
        assert (before != after).any()


def test_draws_are_named_and_leave_the_global_generators_alone() -> None:
    both = Halves(labels(), labels())
    np.random.seed(0)  # noqa: NPY002 (the global generator is what must stay untouched)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other, seed = (shuffled(both, *key) for key in ((0, 1), (0, 1), (0, 2), (1, 1)))
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert (first.fit == again.fit).all()
    assert (first.fit != other.fit).any()
    assert (first.fit != seed.fit).any()
    assert (first.fit != first.test).any()  # parts of equal size do not share their order


def test_whole_groups_move_where_the_attribute_is_theirs() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), rng.integers(1, 6, 20))
    theirs = rng.integers(0, 2, 20)[groups]
    theirs[::7] = -1
    inside = rng.integers(0, 2, len(groups))
    side = np.stack([theirs, inside], axis=1).astype(np.int8)
    both, of = Halves(side, side), Halves(groups, groups)
    assert group_constant(both, of).tolist() == [True, False]
    moved = shuffled(both, 0, 0, of)
    assert group_constant(moved, of)[0]
    assert (moved.fit[:, 0] != side[:, 0]).any()
    assert ((moved.fit[:, 0] < 0) == (side[:, 0] < 0)).all()
    per_group = [[set(c[groups == g]) - {-1} for g in range(20)] for c in (side[:, 0], moved.fit[:, 0])]
    assert sum(s == {1} for s in per_group[0]) == sum(s == {1} for s in per_group[1])
    assert inside.sum() == moved.fit[:, 1].sum()


def test_a_group_holds_the_labels_of_its_rows() -> None:
    values, groups = labels(60), np.random.default_rng(1).integers(0, 12, 60) * 3 - 1
    yes, no = labels_held(values, groups)
    for place, group in enumerate(np.unique(groups)):
        assert (yes[place] == (values[groups == group] == 1).any(0)).all()
        assert (no[place] == (values[groups == group] == 0).any(0)).all()
    assert [held.shape for held in labels_held(values[:0], groups[:0])] == [(0, 4), (0, 4)]
