"""The split: disjoint, stratified, groups whole, and the same whenever it is asked for."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.data.parts import SplitSettings, deal, validation_rows
from denote.data.samples import Samples, TensorInputs
from denote.errors import DataError

FRACTIONS = {"object": 0.5, "fit": 0.3, "test": 0.2}


def split(samples, *, needs_object=True, **settings):
    return SplitSettings(**settings)(samples, needs_object=needs_object)


def make(targets, predefined=None, **columns):
    targets = np.asarray(targets, dtype=np.int64)
    return Samples(
        name="toy",
        inputs=TensorInputs(np.zeros((len(targets), 1), dtype=np.uint8)),
        targets=targets,
        classes=tuple(str(value) for value in range(targets.max() + 1)),
        table=pl.DataFrame({"class": targets, **columns}),
        target="class",
        key="k",
        predefined=predefined,
    )


def rows_of(parts):
    return [parts.object, parts.fit, parts.test]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(0, 5), st.sampled_from([1.0, 0.7]))
@settings(max_examples=60)
def test_every_class_has_its_share_of_every_part(sizes, seed, total):
    targets = np.repeat(np.arange(len(sizes)), sizes)
    shares = [total * share for share in FRACTIONS.values()]
    dealt = deal(targets, shares, None, "test", seed)
    for part, share in enumerate(shares):
        assert abs((dealt == part).sum() - share * len(targets)) < 1.0 + 1e-9
        for value, size in enumerate(sizes):
            assert abs(((dealt == part) & (targets == value)).sum() - share * size) <= 2.0
    if total == 1.0:
        assert dealt.max() <= 2


def test_the_parts_are_disjoint_ascending_and_complete():
    parts = split(make(np.arange(500) % 7), seed=3, fractions=FRACTIONS)
    assert [len(rows) for rows in rows_of(parts)] == [250, 150, 100]
    assert np.array_equal(np.sort(np.concatenate(rows_of(parts))), np.arange(500))
    assert all((np.diff(rows) > 0).all() for rows in rows_of(parts))


def test_the_seed_and_nothing_global_chooses():
    samples = make(np.arange(200) % 3)
    first = split(samples, seed=1)
    np.random.seed(9)  # noqa: NPY002 - the global generator is what must not matter
    again, other = split(samples, seed=1), split(samples, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(rows_of(first), rows_of(again), strict=True))
    assert not np.array_equal(first.object, other.object)


def test_fractions_below_one_leave_rows_out():
    parts = split(make(np.arange(100) % 2), seed=0, fractions={"object": 0.2, "fit": 0.1, "test": 0.1})
    assert [len(rows) for rows in rows_of(parts)] == [20, 10, 10]


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_groups_are_dealt_whole_and_shares_stay_near(seed):
    draw = np.random.default_rng(seed)
    groups = np.repeat(np.arange(120), draw.integers(1, 12, 120))
    targets = draw.integers(0, 3, 120)[groups]
    parts = split(make(targets, writer=[f"w{g}" for g in groups]), seed=seed, fractions=FRACTIONS, group="writer")
    seen = [set(groups[rows]) for rows in rows_of(parts)]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    for rows, share in zip(rows_of(parts), FRACTIONS.values(), strict=True):
        for value in range(3):
            size = (targets == value).sum()
            # The largest group is 11 rows: no greedy deal should miss by more.
            assert abs((targets[rows] == value).sum() - share * size) <= 11


def test_a_predefined_split_is_kept_and_its_held_out_part_halved_by_class():
    predefined = np.array([0] * 60 + [1] * 40)
    samples = make(np.arange(100) % 2, predefined)
    parts = split(samples, seed=0)
    assert np.array_equal(parts.object, np.arange(60))
    assert (len(parts.fit), len(parts.test)) == (20, 20)
    assert samples.targets[parts.fit].sum() == 10


@pytest.mark.parametrize("words", [["train", "test"], ["TRAIN", "held_out"], ["0", "1"], [False, True], [0, 1]])
def test_a_column_may_say_who_is_held_out(words):
    column = [words[0]] * 30 + [words[1]] * 20
    parts = split(make(np.arange(50) % 2, part=column), seed=0, column="part")
    assert np.array_equal(parts.object, np.arange(30))
    assert np.array_equal(parts.observed, np.arange(30, 50))


def test_a_model_from_outside_needs_no_object_part():
    parts = split(make(np.arange(100) % 2), seed=0, fractions=FRACTIONS, needs_object=False)
    assert [len(rows) for rows in rows_of(parts)] == [0, 60, 40]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fractions": {"object": 0.5, "fit": 0.3, "test": 0.3}}, r"split.fractions: the shares sum to 1.1"),
        ({"fractions": {"object": 0.5, "fit": 0.5, "test": 0}}, r"split.fractions: test=0"),
        ({"fractions": {"object": 0.5, "fit": float("nan"), "test": 0.1}}, r"split.fractions: fit=nan"),
        ({"fractions": {"object": 0.5, "fit": 0.5}}, r"split.fractions: no share for test"),
        ({"fractions": {"train": 0.5}}, r"split.fractions: there is no part 'train'"),
        ({"fractions": {"object": 0.98, "fit": 0.01, "test": 0.01}}, r"a part has no rows: object"),
        ({"group": "writr"}, r"split.group.*did you mean 'writer'. allowed: class, writer, part"),
        ({"column": "nope"}, r"split.column.*allowed: class, writer, part"),
        ({"column": "writer"}, r"split.column: column 'writer' holds 'a', 'b'; allowed: train or test"),
        ({"column": "part", "group": "writer"}, r"split.group: 2 groups of column 'writer' lie on both sides"),
        ({"group": "hole"}, r"split.group: column 'hole' is null in 20 of 40 rows"),
    ],
)
def test_mistakes_name_the_key(changes, said):
    columns = {"writer": ["a", "b"] * 20, "part": ["train"] * 20 + ["test"] * 20, "hole": [None, "x"] * 20}
    samples = make(np.arange(40) % 2, **columns)
    with pytest.raises(DataError, match=said):
        split(samples, **({"seed": 0} | changes))


def test_settings_refuse_keys_they_do_not_know():
    with pytest.raises(DataError, match=r"split.sed.*did you mean 'seed'"):
        SplitSettings.of({"sed": 1})
    assert SplitSettings.of({"seed": 4}).seed == 4


def test_validation_rows_are_a_stratified_part_of_the_part_with_groups_whole():
    samples = make(np.arange(400) % 4, writer=np.arange(400) // 8)
    rows = split(samples, seed=0, group="writer").object
    train, validation = validation_rows(samples, rows, share=0.25, seed=0, group="writer")
    assert np.array_equal(np.sort(np.concatenate([train, validation])), rows)
    assert not set(train // 8) & set(validation // 8)
    assert abs(len(validation) - 0.25 * len(rows)) <= 8
    with pytest.raises(DataError, match=r"dataset\.validation"):
        validation_rows(samples, rows, share=1.0, seed=0)
