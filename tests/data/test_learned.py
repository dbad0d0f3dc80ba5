"""What is taught may differ from what observers see: which rows, which classes, under which name and key."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from denote.data.learned import Learned, Lesson
from denote.data.samples import Samples, TensorInputs
from denote.data.sources.digits import DigitsModule
from denote.errors import DataError


def samples_of(n: int, rows: int = 60) -> Samples:
    targets = np.arange(rows) % n
    table = pl.DataFrame({"class": targets})
    return Samples("world", TensorInputs(np.zeros((rows, 2))), targets, tuple(map(str, range(n))), table, "class", "k")


def module(**settings: Any) -> DigitsModule:
    digits = DigitsModule(**settings)
    digits.setup()
    return digits


@given(n=st.integers(2, 20), k=st.integers(2, 20))
def test_groups_are_neighbours_of_about_equal_size(n: int, k: int) -> None:
    if k > n:
        with pytest.raises(DataError, match=rf"dataset.merge_classes: {k} groups of {n} classes; .*from 2 to {n}"):
            Lesson(k)(samples_of(n), np.arange(10), 0)
        return
    _, learned = Lesson(k)(samples_of(n), np.arange(10), 0)
    groups = np.array([c * k // n for c in range(n)])
    np.testing.assert_array_equal(learned.targets, groups[samples_of(n).targets])
    sizes = np.bincount(groups, minlength=k)
    assert learned.n_classes == k
    assert np.all(np.diff(groups) >= 0)
    assert sizes.max() - sizes.min() <= 1


@given(seed=st.integers(0, 10**6), first=st.integers(0, 40))
def test_shuffling_moves_targets_inside_the_object_part_only(seed: int, first: int) -> None:
    samples, rows = samples_of(5), np.arange(first, first + 20)
    learned = Learned.of(samples).permuted(rows, seed)
    others = np.setdiff1d(np.arange(len(samples)), rows)
    np.testing.assert_array_equal(learned.targets[others], samples.targets[others])
    np.testing.assert_array_equal(np.sort(learned.targets[rows]), np.sort(samples.targets[rows]))
    np.testing.assert_array_equal(samples.targets, samples_of(5).targets)


def test_training_and_stopping_see_shuffled_targets_and_observers_the_truth() -> None:
    plain, shuffled = module(), module(shuffle_targets=True)
    for loader in (shuffled.train_dataloader(), shuffled.val_dataloader()):
        right = torch.cat([t.eq(torch.from_numpy(shuffled.samples.targets[rows])) for _, t, rows in loader])
        # Agreement by chance is .1 of 611 and 107 rows; P(Bin(107, .1) > 25) < 1e-4.
        assert right.float().mean() < 0.24
    np.testing.assert_array_equal(shuffled.samples.targets, plain.samples.targets)
    np.testing.assert_array_equal(shuffled.parts.test, plain.parts.test)
    test = shuffled.parts.test
    np.testing.assert_array_equal(shuffled.learned.targets[test], plain.samples.targets[test])


def test_every_world_has_a_name_and_a_key_of_its_own() -> None:
    worlds: list[dict[str, Any]] = [
        {}, {"shuffle_targets": True}, {"merge_classes": 5}, {"merge_classes": 2},
        {"merge_classes": 2, "shuffle_targets": True}, {"shuffle_targets": True, "split": {"seed": 1}},
    ]  # fmt: skip
    seen = [module(**settings).samples for settings in worlds]
    names = ["digits", "digits-shuffled", "digits-5classes", "digits-2classes", "digits-2classes-shuffled"]
    assert [samples.name for samples in seen] == [*names, "digits-shuffled"]
    assert len({samples.key for samples in seen}) == len(worlds)
    assert all(len(samples.classes) == 10 for samples in seen)


def test_as_many_groups_as_classes_are_the_classes() -> None:
    plain, same = module(), module(merge_classes=10)
    assert (same.samples.name, same.samples.key) == (plain.samples.name, plain.samples.key)
    assert same.learned.n_classes == 10


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"merge_classes": 1}, r"dataset.merge_classes: 1 came; allowed: null, or a whole number from 2"),
        ({"merge_classes": 2.5}, r"dataset.merge_classes: 2.5 came"),
        ({"merge_classes": True}, r"dataset.merge_classes: True came"),
        ({"shuffle_targets": "yes"}, r"dataset.shuffle_targets: 'yes' came; allowed: true, false"),
    ],
)
def test_nonsense_is_refused_before_anything_is_loaded(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError, match=f"^{line}"):
        DigitsModule(**settings)


def test_without_an_object_part_there_is_nothing_to_shuffle() -> None:
    with pytest.raises(DataError, match=r"dataset.shuffle_targets: there is no object part"):
        module(shuffle_targets=True, needs_object=False)
