"""Small files as people have them: each value is the right one, or the column, its line and a remedy are named."""

import csv
import io
import logging
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from denote.attributes.rules import columns
from denote.data.columns.column_keys import ColumnKeys
from denote.data.columns.column_reading import ColumnReader
from denote.data.columns.table_files import read_columns
from denote.data.sources.table import TableModule
from denote.errors import DataError, in_list


def csv_file(folder, values, *, name="table.csv", separator=","):
    """A column ``v`` beside a number ``x`` and a class ``y``, quoted where it must be."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(["v", "x", "y"])
    writer.writerows([value, row % 3, "ab"[row % 2]] for row, value in enumerate(values))
    path = folder / name
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def parquet_file(folder, values, name="table.parquet"):
    path = folder / name
    pl.DataFrame({"v": values, "y": ["ab"[row % 2] for row in range(len(values))]}, strict=False).write_parquet(path)
    return path


def read_table(path, missing=()):
    return read_columns(path, ColumnReader(ColumnKeys(missing))).checked()


def read(path, **keys):
    return TableModule(path, "y", **{"features": ["v"], **keys}).load().table["v"]


NUMBERS = {
    "plain": (["1", "2", "3"], [1, 2, 3], ""),
    "blanks around": ([" 1", "2 ", "\t3"], [1, 2, 3], ""),
    "no-break blanks around": (["\u00a01", "2\u00a0", "3"], [1, 2, 3], ""),
    "thousands and a million": (["1,234", "12", "1,234,567"], [1234, 12, 1234567], "marks between thousands"),
    "thousands and decimals": (["1,234.50", "12.25", "0.5"], [1234.5, 12.25, 0.5], "marks between thousands"),
    "decimal comma": (["36,6", "37,1", "40"], [36.6, 37.1, 40], "a comma before the decimals"),
    "decimal comma of three digits": (["0,125", "1,250", "2,500"], [0.125, 1.25, 2.5], "a comma before the decimals"),
    "points and comma": (["1.234,5", "12,25", "1.000.000"], [1234.5, 12.25, 1e6], "comma before the decimals, marks"),
    "blank thousands": (["1 234", "12", "1 234 567"], [1234, 12, 1234567], "marks between thousands"),
    "thin blank thousands": (["1\u2009234", "12", "1\u202f234,5"], [1234, 12, 1234.5], "marks between thousands"),
    "no-break thousands": (["1\u00a0234", "12", "13"], [1234, 12, 13], "marks between thousands"),
    "Swiss thousands": (["1'234.5", "12", "1\u2019000"], [1234.5, 12, 1000], "marks between thousands"),
    "Indian thousands": (["12,34,567", "1,234", "5"], [1234567, 1234, 5], "marks between thousands"),
    "dollars": (["$5", "$1,250.75", "-$3"], [5, 1250.75, -3], "numbers with marks between thousands, $"),
    "dollars, minus within": (["$5", "$-7", "$8"], [5, -7, 8], "numbers with $"),
    "euros behind": (["5 €", "7,5 €", "8€"], [5, 7.5, 8], "€"),
    "a code": (["USD 5", "USD 7", "USD 12"], [5, 7, 12], "USD"),
    "percent": (["5%", "7.5 %", "12%"], [5, 7.5, 12], "a percent sign"),
    "percent and 0": (["5%", "0", "12%"], [5, 0, 12], "a percent sign"),
    "brackets": (["(5)", "7", "(1,250.5)"], [-5, 7, -1250.5], "brackets for minus"),
    "dollars in brackets": (["($5)", "$7", "$8"], [-5, 7, 8], "brackets for minus"),
    "signs nobody sees": (["\u200b1", "2\ufeff", "3"], [1, 2, 3], ""),
    "plus": (["+5", "-7", "8"], [5, -7, 8], ""),
    "signs of typesetters": (["\u22125", "\u20137", "8"], [-5, -7, 8], ""),
    "scientific": (["1e3", "2.5E-2", "3"], [1000, 0.025, 3], ""),
    "points at the ends": (["5.", ".5", "3"], [5, 0.5, 3], ""),
    "a unit": (["5 kg", "7.5kg", "12 kg"], [5, 7.5, 12], "kg"),
    "codes for missing": (
        ["1", "-", "n/a", "2", "NULL", ".", "#N/A", "unknown", "?", "3", "None", "--"],
        [1, None, None, 2, None, None, None, None, None, 3, None, None],
        "'unknown' read as missing: v (1)",
    ),
    "codes beside percents": (["5%", "-", "7%", "Missing"], [5, None, 7, None], "'-' read as missing: v (1)"),
    "18 digits": (["123456789012345678", "123456789012345679"], [123456789012345678, 123456789012345679], ""),
}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("write", [csv_file, parquet_file], ids=["csv", "parquet"])
def test_numbers_are_read_and_it_is_said_how(tmp_path, caplog, kind, write):
    values, right, said = NUMBERS[kind]
    if write is parquet_file and kind in ("plain", "18 digits", "signs nobody sees"):
        pytest.skip("text of a few digits stays text where the file says what a column holds")
    with caplog.at_level(logging.INFO):
        column = read_table(write(tmp_path, values * 40))["v"]
    assert column.dtype.is_numeric(), column
    assert column[: len(right)].to_list() == pytest.approx(right)
    assert said.replace("(1)", "(40)") in caplog.text
    if not said:
        assert "read as" not in caplog.text


def test_one_blank_among_300_numbers_changes_nothing(tmp_path):
    values = [str(20 + row % 50) for row in range(300)]
    values[7] = " 7"
    samples = TableModule(csv_file(tmp_path, values), "y", features=["v"]).load()
    assert samples.table["v"].dtype == pl.Int64
    assert samples.inputs.fit(np.arange(300)).names == ("v",)


def test_a_file_with_blanks_after_its_commas(tmp_path, caplog):
    """As the Adult data of UCI are written."""
    rows = [
        f"{20 + i % 50}, {['Private', '?', 'State-gov'][i % 3]}, {i % 16 + 1}, {20 + i % 40}, {'<>'[i % 7 > 3]}50K"
        for i in range(300)
    ]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["age, workclass, education-num, hours, income", *rows]) + "\n", encoding="utf-8")
    with caplog.at_level(logging.INFO):
        samples = TableModule(path, "income").load()
    names = samples.inputs.fit(np.arange(300)).names
    assert names == ("age", "education-num", "hours", "workclass=Private", "workclass=State-gov", "workclass=missing")
    assert samples.classes == ("<50K", ">50K")
    assert "'?' read as missing: workclass (100)" in caplog.text
    observed = TableModule(path, "income", attributes=["hours", "workclass"]).load()
    assert columns("columns", observed, proportions=[0.25, 0.5, 0.75]).labels.names == (
        "hours top 25%",
        "hours top 50%",
        "hours top 75%",
        "workclass=State-gov",
    )


REFUSED = {
    "thousands or decimals": (
        ["12,000", "103,500", "96,125"],
        "'12,000', a thousand or three decimals",
        2,
        "dataset.decimal",
    ),
    "a stray text": (["1", "2", "3", "4", "x5", "6"], "numbers and 'x5'", 6, "dataset.missing"),
    "a stray unit": (["1", "2", "3", "4", "5 kg", "6"], "several units", 6, "dataset.categories"),
    "percents and shares": (["5%", "7%", "0.05", "9%"], "several units, such as '5%' and '0.05'", 4, "in one unit"),
    "two currencies": (["$5", "$7", "€8", "$9"], "several units, such as '$5' and '€8'", 4, "in one unit"),
    "two marks": (["1.5", "2,5", "3", "4"], "'1.5' with a point and '2,5' with a comma", 3, "in one way"),
    "infinity": (
        ["1", "2", "Infinity", "4"],
        "'Infinity', which no network can be shown",
        4,
        "dataset.missing=[Infinity]",
    ),
    "minus infinity": (
        ["1", "2", "3.5", "-inf"],
        "'-inf', which no network can be shown",
        5,
        'dataset.missing=["-inf"]',
    ),
    "too large": (["1", "2", "1e400", "4"], "'1e400', larger than any number", 4, 'dataset.missing=["1e400"]'),
    "the day or the month": (["01/02/2020", "03/04/2021", "11/12/2022"], "the day or the month first", 2, "2020-12-31"),
    "the day and the month": (
        ["31/12/2020", "12/31/2020", "01/02/2020"],
        "the day and with the month first",
        3,
        "2020-12-31",
    ),
    "years of two digits": (["01/02/20", "13/04/21", "11/12/22"], "years of two digits", 2, "2020-12-31"),
    "a stray date": (["2020-01-05", "2020-13-05", "2020-02-01"], "dates and '2020-13-05'", 3, "dataset.missing"),
    "a text among dates": (["2020-01-05", "soon", "2020-02-01"], "dates and 'soon'", 3, "dataset.missing"),
    "times of day": (["12:30", "13:45", "07:15"], "times of day", 2, "dataset.categories"),
    "zones and none": (
        ["2020-01-05T10:00Z", "2020-01-06T10:00", "2020-01-07T10:00Z"],
        "with and without a zone",
        3,
        "in one way",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("place", ["inputs", "attributes", "target"])
def test_what_is_in_doubt_is_refused_by_column_line_and_remedy(tmp_path, kind, place):
    values, why, line, remedy = REFUSED[kind]
    path = csv_file(tmp_path, values * 3)
    keys = {
        "inputs": {"target": "y"},
        "attributes": {"target": "y", "features": ["x"], "attributes": ["v"]},
        "target": {"target": "v"},
    }
    with pytest.raises(DataError) as caught:
        TableModule(path, **keys[place]).load()
    said = str(caught.value)
    assert "column 'v'" in said, said
    assert why in said, said
    assert f"line {line})" in said, said
    assert remedy in said, said
    assert ("'dataset.exclude=[v]'" in said) == (place != "target"), said
    assert "\n" not in said


def two_columns(folder, first, second, header="v,y", separator=","):
    path = folder / "table.csv"
    lines = [f"{one}{separator}{other}" for one, other in zip(first, second, strict=True)]
    path.write_text("\n".join([header.replace(",", separator), *lines]) + "\n", encoding="utf-8")
    return path


NAMES = {
    "codes": (["red", "NULL", "n/a", "blue", "#N/A", "?", "N/A"], ["red", None, None, "blue", None, None, None]),
    "dashes and points": (["red", "-", "--", "blue", "."], ["red", None, None, "blue", None]),
    "plus and minus": (["+", "-", "+"], ["+", "-", "+"]),
    "zip codes": (["01234", "90210", "10001"], ["01234", "90210", "10001"]),
    "20 digits": (["12345678901234567890", "12345678901234567891"], ["12345678901234567890", "12345678901234567891"]),
    "blanks around": ([" red", "red ", "blue"], ["red", "red", "blue"]),
    "quotes behind a blank": ([' "red"', ' "blue"'], ["red", "blue"]),
    "two durations": (["36 months", "60 months"], ["36 months", "60 months"]),
    "ranges": (["10-20", "20-30", "30-40"], ["10-20", "20-30", "30-40"]),
    "codes of letters and digits": (["A11", "A12", "A13"], ["A11", "A12", "A13"]),
    "ordinals": (["1st", "2nd", "3rd"], ["1st", "2nd", "3rd"]),
    "seats": (["12a", "13a", "14b"], ["12a", "13a", "14b"]),
    "versions": (["1.2.3", "1.2.4", "2.0.1"], ["1.2.3", "1.2.4", "2.0.1"]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_stay_names_without_codes_for_missing(tmp_path, kind):
    values, right = NAMES[kind]
    column = read_table(two_columns(tmp_path, values * 3, range(3 * len(values))))["v"]
    assert column.dtype == pl.String
    assert column[: len(right)].to_list() == right


@pytest.mark.parametrize("word", ["unknown", "none", "Missing", "na", "not available"])
def test_a_word_that_may_be_missing_is_said_and_refused_as_a_class(tmp_path, caplog, word):
    path = two_columns(tmp_path, ["red", "blue", word, "red"] * 5, ["a", "b", "a", "b"] * 5)
    samples = TableModule(path, "y", features=["v"]).load()
    assert (
        f"'v' holds {word!r}, taken as a value; where it stands for none: dataset.missing=[{in_list([word])}]"
        in caplog.text
    )
    assert word in samples.table["v"]
    assert TableModule(path, "y", features=["v"], missing=[word]).load().table["v"].null_count() == 5
    with pytest.raises(
        DataError, match=rf"column 'v' holds '{word}', which may stand for no value .*line 4.*missing=\[.?{word}"
    ):
        TableModule(path, "v", features=["y"]).load()
    assert word in TableModule(path, "v", features=["y"], categories=["v"]).load().classes


def test_31_classes_are_30(tmp_path):
    path = two_columns(tmp_path, range(62), [f"kind {row % 30}" if row % 31 else "#N/A" for row in range(62)], "x,v")
    with pytest.raises(
        DataError, match=r"dataset.target: column 'v' is missing in 2 of 62 rows, the first is .*line 2"
    ):
        TableModule(path, "v", features=["x"]).load()


def test_numbers_of_a_parquet_file_that_stand_for_missing(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "v": [1.5, -9, float("nan"), 2],
            "n": [1, -9, 3, 4],
            "t": ["a", "unknown", "b", "-9"],
            "d": [Decimal("1.50"), Decimal("-9"), None, Decimal("2.25")],
        }
    ).write_parquet(path)
    table = read_table(path, missing=[-9, "unknown"])
    assert table["v"].to_list() == [1.5, None, None, 2]
    assert table["n"].to_list() == [1, None, 3, 4]
    assert table["t"].to_list() == ["a", None, "b", None]
    assert (table["d"].dtype, table["d"].to_list()) == (pl.Float64, [1.5, None, None, 2.25])


def test_infinity_of_a_parquet_file_is_refused_or_missing(tmp_path):
    path = parquet_file(tmp_path, [1.0, 2.0, float("inf"), 3.0])
    with pytest.raises(DataError, match=r"column 'v' is infinite \(.*row 2 from 0\).*dataset.missing=\[inf\]"):
        read(path)
    assert read(path, missing=["inf"]).to_list() == [1, 2, None, 3]


def features_of(path, **keys):
    return TableModule(path, "y", **keys).load().inputs.fit(np.arange(60)).names


def table_of(folder, name, values, write="csv"):
    random = np.random.default_rng(0)
    n = len(values)
    table = pl.DataFrame({name: values, "x": random.normal(size=n), "y": ["a"] * (n // 2) + ["b"] * (n - n // 2)})
    path = folder / f"table.{write}"
    table.write_parquet(path) if write == "parquet" else table.write_csv(path)
    return path


@pytest.mark.parametrize("write", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("__index_level_0__", np.random.default_rng(1).permutation(60)),
        ("Unnamed: 0", range(60)),
        ("index", range(60)),
        ("index", range(1, 61)),
        ("level_0", range(60)),
        ("__index_level_1__", ["a", "b"] * 30),
    ],
)
def test_the_index_of_a_data_frame_is_left_out_and_that_is_said(tmp_path, caplog, name, values, write):
    path = table_of(tmp_path, name, list(values), write)
    with caplog.at_level(logging.INFO):
        assert features_of(path) == ("x",)
    assert f"left out, the index of a data frame: {name}" in caplog.text


RNG = np.random.default_rng(2)


@pytest.mark.parametrize("write", ["csv", "parquet"])
@pytest.mark.parametrize(
    "values",
    [
        range(60),
        range(1, 61),
        range(100, 40, -1),
        [float(row) for row in range(60)],
        RNG.permutation(60) + 1,
        np.sort(RNG.choice(100, 60, replace=False)),
        np.sort(RNG.choice(10**6, 60, replace=False)),
        [f"row {row}" for row in range(60)],
        [f"{row:04d}" for row in range(60)],
        [2**60 + row % 3 for row in range(60)],
    ],
    ids=["from 0", "from 1", "down", "float", "permuted", "gaps", "sorted ids", "text", "leading zeros", "19 digits"],
)
def test_what_numbers_the_rows_is_refused_unless_it_is_asked_for(tmp_path, values, write):
    path = table_of(tmp_path, "nr", list(values), write)
    with pytest.raises(DataError, match=r"column 'nr' .*'dataset.exclude=\[nr\]'"):
        features_of(path)
    assert features_of(path, exclude=["nr"]) == ("x",)
    assert features_of(path, attributes=["nr"]) == ("x",)


def test_a_number_of_rows_that_is_asked_for_is_an_input(tmp_path):
    assert features_of(table_of(tmp_path, "day", list(range(60))), features=["day", "x"]) == ("day", "x")


@pytest.mark.parametrize(
    "values", [RNG.integers(0, 40, 60), RNG.integers(0, 10**6, 60), RNG.normal(size=60).round(3), [3, 1, 2] * 20]
)
def test_numbers_that_number_no_rows_are_inputs(tmp_path, values):
    assert features_of(table_of(tmp_path, "v", list(values))) == ("v", "x")


def test_an_id_by_its_name(tmp_path):
    path = table_of(tmp_path, "customer_id", list(RNG.permutation(10**6)[:60]))
    with pytest.raises(DataError, match=r"'customer_id' has another number in every row.*an id"):
        features_of(path)


def test_a_time_that_rises_is_said(tmp_path, caplog):
    assert features_of(table_of(tmp_path, "t", list(np.cumsum(RNG.random(60))))) == ("t", "x")
    assert "'t' rises or falls through the rows" in caplog.text
    assert "dataset.exclude=[t]" in caplog.text


def test_the_first_columns_with_a_problem_are_told_with_the_key_that_leaves_out_all(tmp_path):
    n = 400
    table = pl.DataFrame(
        {
            "id": range(n),
            "full name": [f"person {row}" for row in range(n)],
            "x": RNG.normal(size=n),
            "income": [str(row % 50) if row != 7 else "lots" for row in range(n)],
            "spells": [[1, 2]] * n,
            "wait": [3] * n,
            "y": ["a", "b"] * (n // 2),
        }
    ).with_columns(pl.duration(days="wait").alias("wait"))
    path = tmp_path / "t.parquet"
    table.write_parquet(path)
    with pytest.raises(DataError) as caught:
        TableModule(path, "y").load()
    said = str(caught.value)
    assert "'income' holds numbers and 'lots' (" in said
    assert "'id' numbers the rows" in said
    assert "and 3 more columns; to leave out" in said
    assert 'dataset.exclude=[income,id,"full name",spells,wait]' in said
    excluded = ["income", "id", "full name", "spells", "wait"]
    assert TableModule(path, "y", exclude=excluded).load().inputs.fit(np.arange(n)).names == ("x",)
    assert TableModule(path, "y", exclude=["[ifsw]*"]).load().inputs.fit(np.arange(n)).names == ("x",)


def test_a_line_about_many_columns_can_be_read_and_gives_a_remedy_once(tmp_path):
    amounts = {name: [f"{1 + row % 9},{100 + row}" for row in range(300)] for name in ("income", "debt", "rent", "tax")}
    path = tmp_path / "t.csv"
    pl.DataFrame({**amounts, "y": ["a", "b"] * 150}).write_csv(path, separator=";")
    with pytest.raises(DataError) as caught:
        TableModule(path, "y").load()
    said = str(caught.value).replace(str(tmp_path), "")
    assert len(said) < 400
    assert said.count("dataset.decimal=,") + said.count('dataset.decimal=","') == 1
    assert said.index("'income'") < said.index("'debt'") < said.index("and 2 more columns")


def test_a_column_that_cannot_be_left_out_is_told_first(tmp_path):
    path = tmp_path / "t.csv"
    words = {name: [f"{1 + row % 9},{100 + row}" for row in range(300)] for name in ("a", "b", "y")}
    pl.DataFrame(words).write_csv(path, separator=";")
    with pytest.raises(DataError, match=r"column 'y' .*column 'a' .*and 1 more column; .*exclude=.a,b.") as caught:
        TableModule(path, "y").load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        (["agee"], r"dataset.exclude: the table has no column 'agee'; did you mean 'age'\?"),
        (["z*"], "no column 'z\\*'"),
        (["y"], r"dataset.exclude: 'y' is left out, and another key names it"),
        ("age", r"allowed: a list: dataset.exclude=\[age\]"),
    ],
)
def test_a_column_that_cannot_be_left_out(tmp_path, exclude, said):
    path = two_columns(tmp_path, [3, 5, 4, 3] * 5, ["a", "b"] * 10, "age,y")
    with pytest.raises(DataError, match=said):
        TableModule(path, "y", exclude=exclude).load()


DAYS = [date(2020, 1, 31), date(2021, 12, 5), date(2019, 7, 14)]
DATES = {
    "ISO": ("%Y-%m-%d", ""),
    "slashes": ("%Y/%m/%d", ""),
    "day first": ("%d/%m/%Y", ""),
    "month first": ("%m/%d/%Y", ""),
    "points": ("%d.%m.%Y", ""),
    "names": ("%d %b %Y", ""),
    "long names": ("%B %d, %Y", ""),
    "dashes": ("%d-%b-%Y", ""),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_become_days_years_months_and_weekdays(tmp_path, caplog, kind):
    form, _ = DATES[kind]
    path = csv_file(tmp_path, [day.strftime(form) for day in DAYS] * 20)
    with caplog.at_level(logging.INFO):
        samples = TableModule(path, "y", exclude=["x"]).load()
    table = samples.table
    assert table["v"][:3].to_list() == DAYS
    assert table["v.days"][:3].to_list() == [(day - date(1970, 1, 1)).days for day in DAYS]
    assert table["v.year"][:3].to_list() == [2020, 2021, 2019]
    assert table["v.month"][:3].to_list() == [1, 12, 7]
    assert table["v.weekday"][:3].to_list() == [day.isoweekday() for day in DAYS]
    assert "read as dates: v" in caplog.text
    assert samples.inputs.fit(np.arange(60)).names == (
        "v.days",
        "v.month=1",
        "v.month=12",
        "v.month=7",
        "v.weekday=5",
        "v.weekday=7",
    )
    observed = TableModule(path, "y", attributes=["v"]).load()
    assert observed.inputs.fit(np.arange(60)).names == ("x",)
    names = columns("columns", observed, proportions=[0.5]).labels.names
    assert set(names) >= {"v.year=2019", "v.year=2020", "v.month=12", "v.weekday=7"}


@pytest.mark.parametrize(
    ("texts", "moments"),
    [
        (
            ["2020-01-31 12:00", "2020-02-01 06:30:15.5"],
            [datetime(2020, 1, 31, 12), datetime(2020, 2, 1, 6, 30, 15, 500000)],
        ),
        (["2020-01-31T12:00:00Z", "2020-02-01T06:30:00Z"], [datetime(2020, 1, 31, 12), datetime(2020, 2, 1, 6, 30)]),
        (
            ["2020-01-31T12:00:00+02:00", "2020-02-01T06:30:00-0100"],
            [datetime(2020, 1, 31, 10), datetime(2020, 2, 1, 7, 30)],
        ),
        (["31/12/2020 12:00", "01/02/2020 06:30"], [datetime(2020, 12, 31, 12), datetime(2020, 2, 1, 6, 30)]),
        (["2020-01", "2019-12"], [date(2020, 1, 1), date(2019, 12, 1)]),
        (["2020-01-31", "NULL", "0000-00-00"], [date(2020, 1, 31), None, None]),
    ],
)
def test_times_zones_months_and_gaps(tmp_path, texts, moments):
    table = read_table(csv_file(tmp_path, texts * 3))
    assert table["v"][: len(moments)].to_list() == moments
    assert ("v.weekday" in table.columns) == (texts[0] != "2020-01")


def test_the_dates_of_a_parquet_file(tmp_path):
    path = parquet_file(tmp_path, DAYS * 10)
    assert TableModule(path, "y").load().inputs.fit(np.arange(30)).names[0] == "v.days"
    assert TableModule(path, "y", features=["v.year"]).load().inputs.fit(np.arange(30)).names == ("v.year",)
    assert "v.year" not in TableModule(path, "y", exclude=["v.year"]).load().table.columns


def test_yes_and_no_is_one_attribute(tmp_path):
    for values, dtype, name in (
        (["TRUE", "FALSE"], pl.Boolean, "v"),
        (["True", "false"], pl.Boolean, "v"),
        (["yes", "no"], pl.String, "v=yes"),
    ):
        samples = TableModule(csv_file(tmp_path, values * 10), "y", attributes=["v"]).load()
        assert samples.table["v"].dtype == dtype
        assert columns("columns", samples).labels.names == (name,)


@pytest.mark.parametrize("other", [">50K.", ">50k", ">50K ."])
def test_labels_that_differ_by_a_point_or_by_case_get_a_hint(tmp_path, caplog, other):
    path = two_columns(tmp_path, RNG.integers(0, 9, 40), ["<=50K", ">50K", other, "<=50K"] * 10)
    TableModule(path, "y").load()
    assert "differ by case, blanks or a point only" in caplog.text
    assert repr(other) in caplog.text


def test_few_whole_numbers_are_categories_where_that_is_said(tmp_path, caplog):
    path = two_columns(tmp_path, [3, 1, 2, 5] * 15, ["a", "b"] * 30, "rooms,y")
    samples = TableModule(
        path, "y", attributes=["rooms"], categories=["rooms"], features=["rooms"], include_attributes=True
    ).load()
    assert columns("columns", samples).labels.names == ("rooms=1", "rooms=2", "rooms=3", "rooms=5")
    assert samples.inputs.fit(np.arange(60)).names == ("rooms=1", "rooms=2", "rooms=3", "rooms=5")
    plain = TableModule(path, "y").load()
    with caplog.at_level(logging.INFO), pytest.raises(Exception, match="no two-valued or text columns"):
        columns("columns", plain)
    assert "cut it: attribute.columns.proportions=[0.25,0.5,0.75]" in caplog.text
    assert "dataset.categories=[rooms]" in caplog.text


FILES = {
    "semicolons": (b"v;y\n1,5;a\n2,25;b\n", [1.5, 2.25]),
    "semicolons and points between thousands": (b"v;w;y\n1,5;1.000;a\n2,25;2.500;b\n", None),
    "tabs": (b"v\ty\n1\ta\n2\tb\n", [1, 2]),
    "bars": (b"v|y\n1|a\n2|b\n", [1, 2]),
    "byte order mark": (b"\xef\xbb\xbfv,y\n1,a\n2,b\n", [1, 2]),
    "Windows lines": (b"v,y\r\n1,a\r\n2,b\r\n", [1, 2]),
    "old Mac lines": (b"v,y\r1,a\r2,b\r", [1, 2]),
    "no last line end": (b"v,y\n1,a\n2,b", [1, 2]),
    "blank lines at the end": (b"v,y\n1,a\n2,b\n\n\n", [1, 2]),
    "blanks at the end": (b"v,y\r\n1,a\r\n2,b\r\n   \r\n", [1, 2]),
    "missing values in the last line": (b"v,y\n1,a\n2,b\n,\n", [1, 2, None]),
    "a lone quotation mark": (b'v,y\n1,5" pipe\n2,b\n', [1, 2]),
    "quoted commas behind blanks": (b'v, y\n1, "x, z"\n2, "b"\n', [1, 2]),
    "quoted numbers": (b'v,y\n"1","a"\n"2","b"\n', [1, 2]),
}


@pytest.mark.parametrize("kind", FILES)
def test_how_a_text_file_is_written(tmp_path, kind):
    content, right = FILES[kind]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    if right is None:
        with pytest.raises(DataError, match=r"'w' holds points, and 'v' has a comma.*line 2.*dataset.decimal"):
            read_table(path)
        assert TableModule(path, "y", decimal=",").load().table["w"].to_list() == [1000, 2500]
    else:
        assert read_table(path)["v"].to_list() == right


@pytest.mark.parametrize(("decimal", "right"), [(".", [12000, 103500]), (",", [12, 103.5])])
def test_the_mark_before_the_decimals_can_be_said(tmp_path, decimal, right):
    assert read(csv_file(tmp_path, ["12,000", "103,500"]), decimal=decimal).to_list() == right


def test_what_can_be_read_in_one_way_only_is_read_so_whatever_the_mark(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("v;w;y\n1.5;1.500;a\n2.25;2.000;b\n", encoding="utf-8")
    table = TableModule(path, "y", decimal=",").load().table
    assert table["v"].to_list() == [1.5, 2.25]
    assert table["w"].to_list() == [1500, 2000]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1_000", "2_000", "3_000"], "texts such as '1_000' are no numbers and taken as names: v"),
        (["5-", "6-", "7-"], "texts such as '5-' are no numbers"),
        (["10-20", "20-30", "30-40"], "texts such as '10-20' are no numbers"),
        (["20200131", "20201224", "20190501"], "20200131, which look like days or months"),
        (["-999", "5", "6", "7"], "column 'v' holds -999 in several rows"),
        (["12.5", "99999", "6", "7"], "column 'v' holds 99999 in several rows"),
    ],
)
def test_what_may_be_something_else_is_said(tmp_path, caplog, values, said):
    with caplog.at_level(logging.INFO):
        read(csv_file(tmp_path, values * 5))
    assert said in caplog.text


def test_months_by_name(tmp_path):
    column = read_table(csv_file(tmp_path, ["Jan-2015", "Feb-2016", "Dec-2017"]))["v"]
    assert column.to_list() == [date(2015, 1, 1), date(2016, 2, 1), date(2017, 12, 1)]


def test_names_in_the_key_that_leaves_columns_out_are_those_of_the_command_line():
    parsed = OverridesParser.create().parse_override
    names = ["id", "full name", "größe", "a,b", "2019", "true", "x[1]", "a=b", 'say "x"', "n/a", "-inf", "#N/A"]
    assert [str(name) for name in parsed(f"dataset.exclude=[{in_list(names)}]").value()] == names


def sorted_by_class(tmp_path, name, values):
    """A file whose first half is one class: what numbers its rows gives the class away."""
    path = tmp_path / "table.csv"
    rows = [f"{value},{row % 5},{'ab'[2 * row // len(values)]}" for row, value in enumerate(values)]
    path.write_text("\n".join([f"{name},x,y", *rows]) + "\n", encoding="utf-8")
    return path


def test_the_index_without_a_name_that_pandas_writes_is_left_out(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert features_of(sorted_by_class(tmp_path, "", range(60))) == ("x",)
    assert "left out, the index of a data frame: Unnamed: 0" in caplog.text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n", ["" if row % 20 == 3 else row for row in range(60)]),
        ("n", ["" if row % 20 == 3 else f"r{row}" for row in range(60)]),
        ("n", [*RNG.permutation(60)[:59], 7]),
        ("n", [*range(59), 58]),
        ("Unnamed: 0", RNG.permutation(10**6)[:60]),
        ("", RNG.permutation(10**6)[:60]),
    ],
    ids=[
        "missing",
        "missing, text",
        "one twice",
        "one twice, in order",
        "rows of a larger file",
        "those without a name",
    ],
)
def test_numbers_of_rows_with_holes_or_copies_are_refused(tmp_path, name, values):
    with pytest.raises(DataError, match=r"numbers of rows do|numbers the rows|an id.*dataset\.exclude="):
        features_of(sorted_by_class(tmp_path, name, values))


def test_what_rises_with_the_rows_is_said_where_some_are_equal(tmp_path, caplog):
    assert features_of(sorted_by_class(tmp_path, "n", [row // 2 for row in range(60)])) == ("n", "x")
    assert "'n' rises or falls through the rows" in caplog.text


@pytest.mark.parametrize("values", [range(1960, 2020), RNG.permutation(range(1960, 2020))])
def test_a_row_per_year_is_no_number_of_rows(tmp_path, values):
    assert features_of(sorted_by_class(tmp_path, "year", values)) == ("year", "x")


@pytest.mark.parametrize("kind", [pl.Int128, pl.Decimal(38, 0)])
def test_whole_numbers_of_any_length_in_a_parquet_file(tmp_path, kind):
    path = tmp_path / "table.parquet"
    ids = pl.Series([10**19 + row * row for row in range(60)], dtype=kind)
    pl.DataFrame({"v": ids, "x": [row % 5 for row in range(60)], "y": ["a", "b"] * 30}).write_parquet(path)
    with pytest.raises(DataError, match=r"column 'v' .*dataset\.exclude=\[v\]"):
        features_of(path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["True", "False", "1", "0"], "'0', '1', 'false' and 'true' are yes and no in several ways"),
        (["Yes", "N", "No", "Y"], "'n', 'no', 'y' and 'yes' are yes and no in several ways"),
        ([">50K", "<=50K", ">50K.", "<=50K."], "'<=50K' and '<=50K.', '>50K' and '>50K.' differ by case"),
        (["0x1F", "0x2A", "0x00"], "texts such as '0x1F' are no numbers and taken as names: v"),
        (["36 months", "60 months"], "texts such as '36 months' are no numbers"),
        (["\u0661", "\u0662", "\u0663"], "texts such as '\u0661' are no numbers"),
        (["1.5D+02", "2.5D+02", "3.5D+02"], "texts such as '1.5D+02' are no numbers"),
        (["2020-02-28", "9999-12-31", "2020-03-01"], "'v' holds 9999-12-31 in several rows"),
        (["1970-01-01", "2020-02-28", "2020-03-05"], "dataset.missing=[1970-01-01]"),
        (["202001", "201912", "202006"], "202001, which look like days or months"),
    ],
)
def test_every_doubt_is_said(tmp_path, caplog, values, said):
    with caplog.at_level(logging.INFO):
        TableModule(csv_file(tmp_path, values * 20), "y").load()
    assert said in caplog.text


@pytest.mark.parametrize("text", ["5-Jan-20", "Dec-99", "Jan '05", "5 March 20"])
def test_months_by_name_with_years_of_two_digits_are_refused(tmp_path, text):
    with pytest.raises(DataError, match=r"years of two digits, such as .*line 2\)"):
        read_table(csv_file(tmp_path, [text] * 5))


def test_a_day_that_stands_for_none_can_be_named(tmp_path, caplog):
    path = csv_file(tmp_path, ["2020-02-28", "9999-12-31", "2020-03-01"] * 20)
    column = read(path, features=None, missing=["9999-12-31"])
    assert column.null_count() == 20
    assert "several rows" not in caplog.text
