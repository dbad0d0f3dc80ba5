"""Rows that a network from outside was trained on: said, read, left out of fit and test, or unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from denote.data.parts import Parts, SplitSettings
from denote.data.samples import Samples, TensorInputs
from denote.data.trained_on import TrainedOn
from denote.errors import DataError

N = 200


def samples(groups: np.ndarray | None = None, predefined: np.ndarray | None = None) -> Samples:
    classes = np.arange(N) % 4
    table = pl.DataFrame({"class": classes, "group": np.arange(N) if groups is None else groups})
    inputs = TensorInputs(np.random.default_rng(0).standard_normal((N, 3)).astype(np.float32))
    return Samples("drawn", inputs, classes, ("a", "b", "c", "d"), table, "class", "key", predefined)


@pytest.mark.parametrize(
    "given",
    [
        [3, 1, 4],
        np.array([4, 3, 1]),
        torch.tensor([1, 3, 4, 4]),
        pl.Series([1, 3, 4]),
        np.isin(np.arange(N), [1, 3, 4]),
    ],
)
def test_ids_and_masks_of_any_kind_are_the_same(given: Any) -> None:
    found = TrainedOn.of(given, N)
    assert found.rows is not None
    assert found.rows.tolist() == [1, 3, 4]
    assert found.word == "rows left out"


def test_words() -> None:
    assert TrainedOn.of("unknown", N).rows is None
    assert "unknown" in str(TrainedOn.of("unknown", N).remark)
    none = TrainedOn.of("none", N)
    assert none.rows is not None
    assert (len(none.rows), none.word, none.remark) == (0, "none", None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("unknwon", "did you mean 'unknown'?"), ([0, N], f"there is no row {N} (entry 2 of 2); allowed: 0 to {N - 1}"),
        ([-1], "there is no row -1"), ([0.5], "float64"),
        (np.ones(N - 1, bool), f"a mask of {N - 1} rows, but there are"),
        ((np.arange(N) < 9).astype(int), f"{N} numbers that are all 0 or 1 are a mask"),
        (np.zeros((2, 2), int), "(2, 2)"), (None, "object"), ({"a": 1}, "allowed: row ids"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(given: Any, said: str) -> None:
    with pytest.raises(DataError, match="trained_on") as caught:
        TrainedOn.of(given, N)
    assert said in str(caught.value)


def test_files(tmp_path: Path) -> None:
    ids = np.array([7, 5])
    (tmp_path / "a.txt").write_text("\ufeff7\r\n5\n\n", encoding="utf-8")
    np.save(tmp_path / "b.npy", ids)
    np.save(tmp_path / "mask.npy", np.isin(np.arange(N), ids))
    pl.DataFrame({"row": ids}).write_csv(tmp_path / "c.csv")
    pl.DataFrame({"row": ids}).write_parquet(tmp_path / "d.parquet")
    for file in tmp_path.iterdir():
        found = TrainedOn.read(str(file), N, "architecture.trained_on").rows
        assert found is not None
        assert found.tolist() == [5, 7], file


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "1\nseven\n", "line 2 is 'seven'"), ("b.txt", "1\n-2\n", "line 2 is '-2'"),
        ("c.csv", "row,other\n1,2\n", "has 2 columns"), ("d.csv", "row\nx\n", "String"),
        ("e.npy", "x", "cannot be read"),
        ("f.txt", "500\n", "there is no row 500"), ("g.txt", "\n\n", "holds no row id"),
        ("h.txt", f"{10**20}\n", "cannot be read"), ("i.txt", "1\n" + "0\n" * (N - 1), "are a mask"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"architecture.trained_on=.*{name}") as caught:
        TrainedOn.read(str(tmp_path / name), N, "architecture.trained_on")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read"):
        TrainedOn.read(str(tmp_path / "a.npy"), N, "architecture.trained_on")


def parts(found: Samples, rows: np.ndarray, **settings: Any) -> Parts:
    return SplitSettings(**settings)(found, needs_object=False, trained=TrainedOn(rows))


def test_its_rows_are_object_and_the_others_are_halved() -> None:
    rows = np.arange(0, 80)
    found = parts(samples(), rows)
    assert found.object.tolist() == rows.tolist()
    assert (len(found.fit), len(found.test)) == (60, 60)
    assert np.bincount(np.arange(N)[found.fit] % 4).tolist() == [15] * 4
    assert np.array_equal(np.sort(np.concatenate([found.object, found.fit, found.test])), np.arange(N))


def test_unknown_and_none_change_no_split() -> None:
    plain = SplitSettings()(samples(), needs_object=False)
    for rows in (None, np.empty(0, np.int64)):
        other = SplitSettings()(samples(), needs_object=False, trained=TrainedOn(rows))
        assert all(np.array_equal(getattr(plain, name), getattr(other, name)) for name in ("object", "fit", "test"))


def test_a_group_leaves_whole() -> None:
    groups = np.arange(N) // 4
    found = parts(samples(groups), np.array([0, 9]), group="group")
    assert found.object.tolist() == [0, 1, 2, 3, 8, 9, 10, 11]


def test_a_predefined_train_part_stays_object() -> None:
    predefined = (np.arange(N) >= 100).astype(np.int64)
    found = parts(samples(predefined=predefined), np.array([0, 150]))
    assert found.object.tolist() == [*range(100), 150]
    assert 150 not in found.observed


def test_too_few_rows_left_is_a_mistake_with_counts() -> None:
    trained = TrainedOn(np.arange(190))
    with pytest.raises(DataError) as caught:
        trained.check_left(SplitSettings()(samples(), needs_object=False, trained=trained), 25)
    assert str(caught.value) == (
        "trained_on: 190 of 200 rows are trained on, which leaves 5 for fit and 5 for test; "
        "needed: 50 in each, 25 of either label"
    )
    for left in (0, 1):
        with pytest.raises(
            DataError, match=f"{N - left} of {N} rows are trained on, which leaves {left} for fit and 0"
        ):
            parts(samples(), np.arange(N - left))
