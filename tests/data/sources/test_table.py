"""Tables: what becomes of their columns, which rows shape the inputs, and what is said of a file that is wrong."""

import logging

import numpy as np
import polars as pl
import pytest
import torch

from denote.data.columns.column_keys import ColumnKeys
from denote.data.columns.column_reading import ColumnReader
from denote.data.columns.features import fit_features
from denote.data.columns.table_files import read_columns
from denote.data.learned import classes_of
from denote.data.sources.table import TableModule
from denote.errors import DataError

SPLIT = {"fractions": {"object": 0.4, "fit": 0.3, "test": 0.3}}


def frame(n=400, seed=0):
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": random.normal(40, 12, n).round(1),
            "income": random.integers(0, 10**6, n),
            "owner": random.random(n) < 0.5,
            "housing": np.array(["own", "rent", "free"])[random.integers(0, 3, n)],
            "sex": np.array(["female", "male"])[random.integers(0, 2, n)],
            "credit": np.array(["good", "bad"])[random.integers(0, 2, n)],
        }
    )


def written(folder, table, name="people.csv"):
    path = folder / name
    table.write_parquet(path) if name.endswith(".parquet") else table.write_csv(path)
    return path


def read_table(path, missing=()):
    return read_columns(path, ColumnReader(ColumnKeys(missing))).checked()


def loaded(path, **settings):
    module = TableModule(path, "credit", **{"split": SPLIT, **settings})
    module.setup()
    return module


def everything(module):
    return module.samples.inputs[np.arange(len(module.samples))]


@pytest.mark.parametrize("name", ["people.csv", "people.parquet"])
def test_numbers_are_standardised_on_the_object_part_and_categories_are_one_hot(tmp_path, name):
    table = frame()
    module = loaded(written(tmp_path, table, name))
    inputs, rows = everything(module), module.parts.object
    assert module.samples.inputs.names[:3] == ("age", "income", "owner")
    torch.testing.assert_close(inputs[rows, :3].mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs[rows, :3].std(0, correction=0), torch.ones(3), atol=1e-5, rtol=0)
    age = table["age"].to_numpy()
    np.testing.assert_allclose(inputs[:, 0], (age - age[rows].mean()) / age[rows].std(), atol=1e-5)
    for place, column in enumerate(module.samples.inputs.names):
        if "=" in column:
            name, _, value = column.partition("=")
            assert inputs[:, place].bool().tolist() == (table[name] == value).to_list()


def test_other_rows_shape_no_input_and_the_object_part_shapes_the_key(tmp_path):
    table = frame()
    first = loaded(written(tmp_path, table))
    rows = np.arange(len(table))
    elsewhere = np.isin(rows, first.parts.observed)
    changed = table.with_columns(
        age=pl.when(pl.Series(elsewhere)).then(pl.col("age") * 1000).otherwise("age"),
        housing=pl.when(pl.Series(elsewhere)).then(pl.lit("boat")).otherwise("housing"),
    )
    second = loaded(written(tmp_path, changed, "changed.csv"))
    chosen = first.parts.object
    assert torch.equal(first.samples.inputs[chosen], second.samples.inputs[chosen])
    boats = [place for place, name in enumerate(second.samples.inputs.names) if name.startswith("housing=")]
    assert everything(second)[elsewhere][:, boats].sum() == 0
    other = loaded(written(tmp_path, table), split={**SPLIT, "seed": 1})
    assert other.samples.key != first.samples.key
    assert (
        loaded(written(tmp_path, table, "moved.csv").rename(tmp_path / "people.csv")).samples.key == first.samples.key
    )


def test_a_model_from_elsewhere_is_given_inputs_in_the_measure_of_fit(tmp_path):
    module = loaded(written(tmp_path, frame()), needs_object=False)
    assert abs(float(module.samples.inputs[module.parts.fit][:, 0].mean())) < 1e-5


def test_attributes_and_what_deals_rows_are_no_inputs_unless_asked_for(tmp_path):
    table = frame().with_columns(part=pl.Series(["train", "test"] * 200), visit=pl.Series(range(400)) // 2)
    path = written(tmp_path, table)

    def sources(**settings):
        names = loaded(path, **settings).samples.inputs.names
        return {name.partition("=")[0] for name in names}

    split = {"column": "part"}
    assert sources(attributes=["sex"], split=split) == {"age", "income", "owner", "housing", "visit"}
    assert "sex" in sources(attributes=["sex"], include_attributes=True, split=split)
    assert "visit" not in sources(split={**SPLIT, "group": "visit"})
    assert sources(features=["age", "sex"], split=split) == {"age", "sex"}
    module = loaded(path, attributes=["sex"], split=split)
    assert set(module.samples.table.columns) == set(table.columns)
    assert (np.array(table["part"])[module.parts.object] == "train").all()
    with pytest.raises(DataError, match=r"dataset\.features.*'sex'.*include_attributes"):
        loaded(path, attributes=["sex"], features=["age", "sex"], split=split)


def test_missing_values_are_the_mean_with_a_mark_and_a_category_of_their_own(tmp_path, caplog):
    rare = pl.Series(np.random.default_rng(1).random(400) < 0.3)
    table = frame().with_columns(
        *(pl.when(~rare).then(name).alias(name) for name in ("age", "housing", "sex")),
    )
    with caplog.at_level(logging.INFO):
        module = loaded(written(tmp_path, table), attributes=["sex"])
    inputs, names = everything(module), module.samples.inputs.names
    lacking = rare.to_numpy()
    assert (inputs[lacking, names.index("age")] == 0).all()
    assert inputs[:, names.index("age missing")].bool().tolist() == rare.to_list()
    assert inputs[:, names.index("housing=missing")].bool().tolist() == rare.to_list()
    assert module.samples.table["sex"].null_count() == rare.sum()
    assert f"sex {rare.sum()}" in caplog.text


def test_marks_of_missing_values_are_those_the_user_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n-9,?\n3,z\n")
    assert read_table(path, ("-9",))["a"].to_list() == [1, None, 3]
    assert read_table(path, (-9,))["a"].to_list() == [1, None, 3]  # as the command line gives it
    assert read_table(path)["b"].to_list() == ["x", None, "z"]


def test_numbers_that_are_categories_and_constant_columns(tmp_path, caplog):
    table = frame().with_columns(zip=pl.Series([1, 2, 3, 4] * 100), same=pl.lit(3))
    with caplog.at_level(logging.INFO):
        names = loaded(written(tmp_path, table), categories=["zip"]).samples.inputs.names
    assert [name for name in names if name.startswith("zip")] == ["zip=1", "zip=2", "zip=3", "zip=4"]
    assert "same" not in names
    assert "same with one value" in caplog.text
    with pytest.raises(DataError, match=r"none of same varies"):
        loaded(written(tmp_path, table), features=["same"])


def line_after(folder, content):
    path = folder / "broken.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", r"broken\.csv line 3 holds 2 values where the header has 3"),
        ("a,b,c\n1,2,3\n4,5,6,7\n", r"broken\.csv line 3 holds 4 values where the header has 3"),
        ('a,b,c\n1,"2\n2",3\n4,5\n', r"broken\.csv line 4 holds 2 values"),
        ("a,b,c\n1,2,3\n\n4,5,6\n", r"broken\.csv line 3 holds nothing"),
        ("a,a\n1,2\n", r"line 1 has two columns 'a'"),
        ("a,b, a\n1,2,3\n", r"line 1 has columns 'a' and ' a'.*blanks aside"),
        ("a;b|c\n1;2|3\n", r"one column, 'a;b\|c'; \.csv is read with ',' between values"),
        ('a,b\n1,2\n"3,4\n5,6\n', r"broken\.csv lines 3 to 4, in quotation marks, holds 1 value where"),
        (b"a,b\n1,2\n3,\xe9\n", r"broken\.csv line 3 is no text in UTF-8"),
        ("a,,c\n1,2,3\n", r"line 1 has a column without a name"),
        ("", r"is empty"),
        ("a,b\n", r"has no rows"),
        (b"a,b\n\xff\xfe,2\n", r"line 2 is no text in UTF-8"),
        ('a,b\n1,"2\n3,4\n', r"broken\.csv"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, content, said):
    with pytest.raises(DataError, match=said):
        read_table(line_after(tmp_path, content))


def test_values_that_are_missing_at_the_end_of_a_line_are_no_short_line(tmp_path):
    assert read_table(line_after(tmp_path, "a,b\n1,\n2,3\n"))["b"].to_list() == [None, 3]


def test_a_file_that_is_not_there_or_of_another_kind(tmp_path):
    written(tmp_path, frame())
    with pytest.raises(DataError, match=r"did you mean 'people\.csv'"):
        read_table(tmp_path / "peeple.csv")
    (tmp_path / "people.xlsx").write_text("?")
    with pytest.raises(DataError, match=r"allowed: files that end in \.csv"):
        read_table(tmp_path / "people.xlsx")
    (tmp_path / "people.parquet").write_text("?")
    with pytest.raises(DataError, match=r"people\.parquet cannot be read"):
        read_table(tmp_path / "people.parquet")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv is a folder"):
        read_table(tmp_path / "folder.csv")


def test_text_among_numbers_an_id_and_a_missing_target_name_the_line(tmp_path):
    table = frame()
    wrong = table.with_columns(income=pl.Series([str(v) for v in table["income"]]).set(pl.Series(range(400)) == 7, "x"))
    with pytest.raises(DataError, match=r"'income' holds numbers and 'x' .*line 9"):
        loaded(written(tmp_path, wrong))
    names = table.with_columns(name=pl.Series([f"person {i}" for i in range(400)]))
    with pytest.raises(DataError, match=r"'name' has 400 different texts.*dataset\.attributes"):
        loaded(written(tmp_path, names))
    assert "name" in loaded(written(tmp_path, names), attributes=["name"]).samples.table.columns
    no_target = table.with_columns(credit=pl.when(pl.Series(range(400)) != 5).then("credit"))
    with pytest.raises(DataError, match=r"dataset\.target.*missing in 1 of 400 rows, the first is .*line 7"):
        loaded(written(tmp_path, no_target))
    with pytest.raises(DataError, match=r"row 5 from 0"):
        loaded(written(tmp_path, no_target, "people.parquet"))
    assert read_columns(written(tmp_path, table), ColumnReader(ColumnKeys())).line_of(0).endswith("line 2")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.5, 1.5, 2.0] * 5, r"holds numbers such as 0\.5; .*dataset\.task=numeric"),
        (list(range(500)), r"has 500 different values .*dataset\.task=classes: 2 to 128.*dataset\.task=numeric"),
        ([1, 1, 1], r"has 1 different values"),
    ],
)
def test_a_target_that_is_no_class_is_refused(values, said):
    with pytest.raises(DataError, match=said):
        classes_of(pl.Series("y", values))


def test_names_are_lists_and_text_of_digits_only_is_a_category(tmp_path):
    codes = frame().with_columns(code=pl.Series([f"{i % 4}" for i in range(400)]))
    path = written(tmp_path, codes, "people.parquet")
    assert "code=3" in loaded(path).samples.inputs.names
    with pytest.raises(DataError, match=r"dataset\.attributes: 'sex' came; allowed: a list"):
        loaded(path, attributes="sex")


def test_classes_are_in_the_order_of_their_values():
    targets, classes = classes_of(pl.Series("y", [10, 9, 10, 2]))
    assert (targets.tolist(), classes) == ([2, 1, 2, 0], ("2", "9", "10"))
    assert classes_of(pl.Series("y", [True, False]))[1] == ("false", "true")
    assert classes_of(pl.Series("y", [1.0, 2.0, 1.0]))[0].tolist() == [0, 1, 0]
    assert classes_of(pl.Series("y", ["b", "a"], dtype=pl.Enum(["b", "a"])))[1] == ("a", "b")


def test_a_network_is_shown_the_attributes_under_another_name(tmp_path):
    path = written(tmp_path, frame())
    assert loaded(path, attributes=["sex"]).samples.name == "people"
    assert loaded(path, attributes=["sex"], include_attributes=True).samples.name == "people-with-attributes"
    with pytest.raises(DataError, match=r"dataset\.attributes: 'credit' is the target.*attribute=classes"):
        loaded(path, attributes=["credit"])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_name_with_brackets_is_that_of_a_file(tmp_path, ending):
    """Polars would take them for a pattern, and read another file."""
    written(tmp_path, frame(seed=1), f"people1.{ending}")
    table = frame(seed=2)
    assert read_table(written(tmp_path, table, f"people[1].{ending}")).equals(table)


def test_a_column_with_one_value_on_the_rows_that_train_is_left_out_whatever_its_rounding():
    """The spread of equal numbers may be a rounding error: another value on *test* would become 1e15."""
    table = pl.DataFrame({"rate": [0.1] * 1000 + [0.2] * 10, "age": np.arange(1010.0)})
    assert np.std([0.1] * 1000) > 0
    assert fit_features(table, ["rate", "age"], [], np.arange(1000)).names == ("age",)


def test_numbers_that_cannot_be_standardised_are_refused(tmp_path):
    table = frame().with_columns(huge=pl.Series(np.resize([1e308, -1e308], 400)))
    with pytest.raises(DataError, match=r"dataset.features: numbers of column 'huge' are too large"):
        loaded(written(tmp_path, table))


@pytest.mark.parametrize("key", ["attributes", "categories", "missing"])
@pytest.mark.parametrize(("value", "shown"), [(None, ""), ("sex", "sex")])
def test_a_list_is_a_list(tmp_path, key, value, shown):
    with pytest.raises(DataError, match=rf"dataset.{key}: {value!r} came; allowed: a list: dataset.{key}=\[{shown}\]"):
        loaded(written(tmp_path, frame()), **{key: value})


def test_a_column_that_gives_the_target_away_is_said(tmp_path, caplog):
    table = frame().with_columns(decision=pl.col("credit").replace({"good": "yes", "bad": "no"}))
    loaded(written(tmp_path, table))
    assert "credit is the same in other words in decision" in caplog.text
    caplog.clear()
    loaded(written(tmp_path, frame()))
    assert "in other words" not in caplog.text
