"""Columns as callers hold them: every library gives the same values, exact, with null for what is not known."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import denote
from denote.data.columns.text_numbers import spelled_alike
from denote.data.memory.given_columns import given_column, given_frame
from denote.errors import DataError

LONG = 12345678901234567890
"""20 digits: beyond what a float or a signed integer of 64 bits holds."""

QUICK: dict[str, Any] = {"permutations": 0, "bootstraps": 5, "stability": False, "examples": 0, "controls": []}


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let polars believe that pyarrow, which denote does not need, is not installed."""
    monkeypatch.setattr("polars._utils.construction.series._PYARROW_AVAILABLE", False)


def read(values: Any) -> pl.Series:
    return given_column("a", values, "attributes['a']")


TEXTS = {
    "list": ["m", None, "f"],
    "NaN in a list": ["m", np.nan, "f"],
    "NumPy objects": np.array(["m", np.nan, "f"], dtype=object),
    "NumPy mask": np.ma.array(["m", "x", "f"], mask=[0, 1, 0]),
    "NumPy text": np.array(["m", np.nan, "f"], dtype=np.dtypes.StringDType(na_object=np.nan)),
    "bytes": [b"m", None, b"f"],
    "pandas text": pd.Series(["m", None, "f"]),
    "pandas object": pd.Series(["m", pd.NA, "f"], dtype=object, index=[7, 3, 9]),
    "pandas string": pd.Series(["m", None, "f"], dtype="string"),
    "pandas Python text": pd.Series(["m", None, "f"], dtype=pd.StringDtype("python", na_value=np.nan)),
    "pandas category": pd.Series(["m", None, "f"], dtype="category"),
    "pandas Categorical": pd.Categorical(["m", None, "f"], categories=["m", "f"], ordered=True),
    "pandas Index": pd.Index(["m", None, "f"]),
    "polars Categorical": pl.Series(["m", None, "f"], dtype=pl.Categorical),
    "polars Enum": pl.Series(["m", None, "f"], dtype=pl.Enum(["m", "f"])),
    "polars Binary": pl.Series([b"m", None, b"f"]),
    "polars Object": pl.Series(["m", None, "f"], dtype=pl.Object),
}


@pytest.mark.usefixtures("without_pyarrow")
@pytest.mark.parametrize("values", TEXTS.values(), ids=TEXTS)
def test_texts_of_every_library(values: Any) -> None:
    column = read(values)
    assert column.dtype == pl.String
    assert column.to_list() == ["m", None, "f"]


NUMBERS = {
    "list": [1, None, 0],
    "floats in a list": [1, np.nan, 0.0],
    "NumPy floats": np.array([1, np.nan, 0]),
    "long doubles": np.array([1, np.nan, 0], dtype=np.longdouble),
    "half precision": np.array([1, np.nan, 0], dtype=">f2"),
    "NumPy mask": np.ma.array([1, 9, 0], mask=[0, 1, 0]),
    "NumPy objects": np.array([True, None, False], dtype=object),
    "NumPy numbers in a list": [np.int64(1), np.float32(np.nan), np.bool_(False)],
    "tensors in a list": [torch.tensor(1), None, torch.tensor(0)],
    "pandas Int64": pd.Series([1, None, 0], dtype="Int64"),
    "pandas boolean": pd.Series([True, None, False], dtype="boolean"),
    "pandas Float64": pd.Series([1, None, 0], dtype="Float64"),
    "pandas object": pd.Series([True, pd.NA, False], dtype=object),
    "pandas array": pd.array([1, None, 0]),
    "Decimal": [Decimal(1), None, Decimal("0.00")],
    "Decimal NaN": [Decimal(1), Decimal("NaN"), 0],
    "polars Decimal": pl.Series([Decimal("1.0"), None, Decimal(0)]),
    "polars half precision": pl.Series([1, np.nan, 0], dtype=pl.Float16),
    "bfloat16": torch.tensor([1, torch.nan, 0], dtype=torch.bfloat16),
    "float8": torch.tensor([1, torch.nan, 0]).to(torch.float8_e4m3fn),
}


@pytest.mark.usefixtures("without_pyarrow")
@pytest.mark.parametrize("values", NUMBERS.values(), ids=NUMBERS)
def test_numbers_and_yes_or_no_of_every_library(values: Any) -> None:
    column = read(values)
    assert column.dtype.is_numeric() or column.dtype == pl.Boolean
    assert column.to_list() == [1, None, 0]


@pytest.mark.parametrize(
    "values",
    [
        [LONG, LONG + 1, None],
        [Decimal(LONG), Decimal(LONG + 1), None],
        np.array([LONG, LONG + 1, None], dtype=object),
        pl.Series([LONG, LONG + 1, None], dtype=pl.Int128),
        pl.Series([LONG, LONG + 1, None], dtype=pl.UInt64),
        pl.Series([Decimal(LONG), Decimal(LONG + 1), None]),
        pd.Series([LONG, LONG + 1, None], dtype="UInt64"),
        pd.Series([Decimal(LONG), Decimal(LONG + 1), None]),
    ],
)
def test_long_numbers_stay_exact(values: Any) -> None:
    column = read(values)
    assert column.to_list() == [LONG, LONG + 1, None]
    assert column.rank("dense").to_list() == [1, 2, None]


def test_categories_are_texts_and_dates_are_dates() -> None:
    assert read(pd.cut(pd.Series([3, 10, 50, None]), [0, 20, 60])).to_list() == ["(0, 20]", "(0, 20]", "(20, 60]", None]
    assert read(pd.Series([3, 10, None], dtype="category")).to_list() == ["3", "10", None]
    days = [dt.datetime(2020, 1, 1), None]
    for dated in (days, pd.Series(days), np.array(["2020-01", "NaT"], dtype="M8[M]"), [np.datetime64(days[0]), pd.NaT]):
        assert read(dated).to_list() == days


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["m", 1, "f"], r"row 1 holds a number \(1\), earlier rows text; values of one kind"),
        (np.array([1, "m"], dtype=object), "row 1 holds text"),
        ([[1], [2]], r"row 0 holds \[1\], of type list"),
        ([2**60 + 1, 0.5], "row 0 holds 1152921504606846977, which is no float"),
        ([10**50, 1], "makes no column .OverflowError"),
        ([b"\xff"], "makes no column .UnicodeDecodeError"),
        (np.array([1j]), "an array of complex128"),
        (torch.tensor([1j]), "an array of complex64"),
        (np.zeros((3, 1)), "several values per row"),
        (pd.DataFrame({"a": [1]}), "several values per row"),
        (pl.Series([[1], [2]]), "several values per row"),
        (pd.Series(pd.period_range("2020", periods=2, freq="M")), "of type Period"),
        ({1, 2}, "set is no column"),
        ("text", "str is no column"),
        (3, "int is no column"),
        (torch.zeros(2, device="meta"), "makes no column"),
    ],
)
def test_what_is_no_column_is_told_in_one_line(values: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(values)
    assert len(str(error.value).splitlines()) == 1


def test_frames_of_every_library() -> None:
    for frame in ({"a": [1, 2]}, pl.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[5, 3])):
        named = given_frame(frame)
        assert named is not None
        assert {name: read(column).to_list() for name, column in named.items()} == {"a": [1, 2]}
    for frame, said in (
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"attributes\['a'\]: is there twice"),
        ({1: [1], "1": [2]}, r"attributes\['1'\]: is there twice"),
        (pl.LazyFrame({"a": [1]}), r"a LazyFrame.*attributes.collect"),
        (pd.Series([1]), "attributes: Series; a mapping of names to columns"),
    ):
        with pytest.raises(DataError, match=said):
            given_frame(frame)


@pytest.fixture(scope="module")
def states() -> dict[str, np.ndarray]:
    """One neuron that is high where the row's number is odd, beside noise."""
    drawn = np.random.default_rng(0).normal(size=(200, 3))
    drawn[:, 1] += 6 * (np.arange(200) % 2)
    return {"only": drawn}


@pytest.mark.usefixtures("without_pyarrow")
def test_every_holder_gives_the_same_observation(states: dict[str, np.ndarray]) -> None:
    texts = [None, *(["f", "m"] * 100)[1:]]
    ways = [texts, pd.Series(texts), pd.Series(texts, dtype="category"), pl.Series(texts, dtype=pl.Categorical)]
    found = [denote.observe(states=states, attributes={"sex": each}, **QUICK) for each in ways]
    found.append(denote.observe(states=states, attributes=pd.DataFrame({"sex": texts}), **QUICK))
    assert all(each.cells.equals(found[0].cells) for each in found)
    (cell,) = found[0].cells.rows(named=True)
    assert (cell["attribute"], cell["n_fit"] + cell["n_test"]) == ("sex=m", 199)
    assert cell["auroc"] > 0.99


@pytest.mark.usefixtures("without_pyarrow")
def test_classes_and_groups_of_pandas(states: dict[str, np.ndarray]) -> None:
    classes = pd.Series(["f", "m"] * 100, index=np.arange(200)[::-1], dtype="category")
    groups = pd.Series(np.repeat([f"p{each}" for each in range(50)], 4), dtype="string", index=classes.index)
    seen = denote.observe(states=states, classes=classes, groups=groups, **QUICK)
    assert seen.cells.filter(pl.col("attribute") == "class=m")["auroc"][0] > 0.99


def test_long_ids_are_classes_attributes_and_groups(states: dict[str, np.ndarray]) -> None:
    ids = [LONG + row % 2 for row in range(200)]
    for held in (ids, pl.Series(ids, dtype=pl.UInt64), pl.Series([Decimal(each) for each in ids])):
        seen = denote.observe(states=states, attributes={"id": held}, classes=held, **QUICK)
        assert set(seen.cells["attribute"]) == {f"id={LONG + 1}", f"class={LONG}", f"class={LONG + 1}"}
        assert seen.cells["auroc"].min() > 0.99
    owners = [LONG + row // 4 for row in range(200)]
    denote.observe(states=states, attributes={"odd": np.arange(200) % 2}, groups=owners, **QUICK)


def test_classes_that_are_a_quantity_are_refused(states: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match=r"classes: numbers such as 0\.5; whole numbers"):
        denote.observe(states=states, classes=np.arange(200) / 2, **QUICK)
    with pytest.raises(DataError, match="classes: 1001 different values, ids or a quantity; allowed: at most 1000"):
        denote.observe(states={"a": np.ones((1001, 1))}, classes=np.arange(1001), **QUICK)


def test_rows_of_pandas_in_another_order_are_refused(states: dict[str, np.ndarray]) -> None:
    frame = pd.DataFrame({"odd": np.arange(200) % 2, "class": ["f", "m"] * 100})
    mixed = frame.sample(frac=1, random_state=0)
    with pytest.raises(DataError, match=r"classes: its index has the rows of attributes\['odd'\] in another order"):
        denote.observe(states=states, attributes=frame[["odd"]], classes=mixed["class"], **QUICK)
    denote.observe(states=states, attributes=frame[["odd"]], classes=frame["class"].set_axis(range(9, 209)), **QUICK)


def test_spellings_that_are_perhaps_one_value_are_said(
    states: dict[str, np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    assert spelled_alike(["Yes", "yes", "yes.", " yes", "no", "y\u00a0es", "y es", ".", "?"]) == [
        [" yes", "Yes", "yes", "yes."],
        ["y es", "y\u00a0es"],
    ]
    classes = ["Cat", "cat", "dog", "dog."] * 50
    with caplog.at_level(logging.WARNING):
        denote.observe(states=states, attributes={"sex": ["m", "f", "nan", "?"] * 50}, classes=classes, **QUICK)
    assert "classes: 'Cat' and 'cat', 'dog' and 'dog.' differ in case, blanks or a full stop only" in caplog.text
    assert "attributes['sex']: '?', 'nan' in 100 rows is read as a value; give None" in caplog.text


@pytest.mark.parametrize("code", ["-", ".", "unknown", "None", "n/a"])
def test_texts_that_may_stand_for_no_value_are_said(
    states: dict[str, np.ndarray], caplog: pytest.LogCaptureFixture, code: str
) -> None:
    with caplog.at_level(logging.WARNING):
        denote.observe(states=states, attributes={"sex": ["m", "f", code, "m"] * 50}, **QUICK)
    assert f"attributes['sex']: {code!r} in 50 rows is read as a value; give None" in caplog.text
