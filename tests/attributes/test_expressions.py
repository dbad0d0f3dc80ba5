"""An expression labels each row by that row alone; anything else is refused in one line."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.attributes import expressions
from denote.attributes.expressions import evaluate_where, parse_where
from denote.errors import AttributeLabelError

TABLE = pl.DataFrame(
    {
        "class": [0, 1, 6, None, 3, 8],
        "ink": [0.1, 0.5, float("nan"), 0.3, None, 0.9],
        "name": ["ann", "bob", None, "own", "ann", "eve"],
        "order": [1, 2, 3, 4, 5, 6],
        "smoker": [True, False, True, None, False, False],
    }
)


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("class IN (0, 6, 8, 9)", [1, 0, 1, -1, 0, 1]),
        ("class % 2 = 1", [0, 1, 0, -1, 1, 0]),
        ("class BETWEEN 1 AND 6 AND name <> 'bob'", [0, 0, -1, -1, 1, 0]),
        ("ink > 0.2", [0, 1, -1, 1, -1, 1]),
        ("ink IS NULL", [0, 0, 1, 0, 1, 0]),
        ("name = 'own'", [0, 0, -1, 1, 0, 0]),
        ("name LIKE 'a%'", [1, 0, -1, 0, 1, 0]),
        ('"order" > 3', [0, 0, 0, 1, 1, 1]),
        ("smoker", [1, 0, 1, -1, 0, 0]),
        ("NOT smoker OR class = 6", [0, 1, 1, -1, 1, 1]),
        ("CASE WHEN class > 2 THEN TRUE ELSE FALSE END", [0, 0, 1, 0, 1, 1]),
        ("COALESCE(class, 7) = 7", [0, 0, 0, 1, 0, 0]),
        ("name = 'select'", [0, 0, -1, 0, 0, 0]),
    ],
)
def test_labels(expression, labels):
    found = evaluate_where(expression, TABLE)
    assert found.dtype == np.int8
    assert found.tolist() == labels


@pytest.mark.parametrize(
    "expression",
    [
        "SUM(class) > 3",
        "class > AVG(class)",
        "class = MAX(class) OR ink > 0.5",
        "COUNT(*) > class",
        "class > FIRST(class)",
        "ink > QUANTILE_CONT(ink, 0.5)",
        "ink > MEDIAN(ink)",
        "ROW_NUMBER() OVER (ORDER BY ink) > 2",
        "LAG(class) OVER (ORDER BY ink) = 1",
        "SUM(ink) OVER (PARTITION BY name) > 1",
        "RANK() OVER (ORDER BY ink) > 2",
        "CORR(ink, class) > 0 OR ink > 1",
        "UNNEST(class) > 1",
        "COLUMNS('.*') > 1",
        "class IN (SELECT class FROM self)",
        "EXISTS (select 1)",
    ],
)
def test_reading_other_rows_is_refused_before_there_is_a_table(expression):
    with pytest.raises(AttributeLabelError, match=r"attribute\.where.*one Boolean per row"):
        parse_where(expression)


@pytest.mark.parametrize("expression", ["class > AVG(class)", "ink >= MAX(ink)", "LEAD(class) OVER (ORDER BY ink) > 1"])
def test_reading_other_rows_is_found_without_knowing_the_shape_of_the_tree(expression, monkeypatch):
    monkeypatch.setattr(expressions, "_READS_ROWS", {})
    with pytest.raises(AttributeLabelError, match="reads other rows"):
        evaluate_where(expression, TABLE)


def test_a_subquery_opens_no_file():
    # Handed to polars, this would fail on the missing file.
    with pytest.raises(AttributeLabelError, match="subquery"):
        parse_where("class IN (SELECT class FROM read_csv('missing.csv'))")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("clas = 3", r"'clas'; did you mean 'class'\? allowed: class, ink, name, order, smoker"),
        ('name = "own"', r'"own" in double quotes is a column, text takes single quotes'),
        ("class IN (0, 6", r"not an SQL expression.*quotes inside the shell's"),
        ("order > 3", r"not an SQL expression.*called order or group needs double quotes"),
        ("class > 1; DROP TABLE self", "not an SQL expression"),
        ("", "not an SQL expression"),
        ("FOO(class) > 1", "not an SQL expression"),
        ("class + 1", r"gives Int64, not yes or no; compare it, for example class = 1"),
        ("name", r"gives String, not yes or no; compare it, for example name = 'ann'; its values: ann, bob, eve, own"),
        ("name > 1", r"cannot be evaluated.*its columns: name String"),
        ("TRUE", "reads no column"),
        (3, "is no text"),
    ],
)
def test_a_mistake_gets_one_line_with_the_key(expression, said):
    with pytest.raises(AttributeLabelError, match=said) as caught:
        evaluate_where(expression, TABLE, "attribute.odd.where")
    assert str(caught.value).startswith("attribute.odd.where: ")
    assert "\n" not in str(caught.value)


@given(
    st.permutations(range(TABLE.height)), st.sampled_from(["class > 2", "ink < 0.4 OR name = 'bob'", "smoker IS NULL"])
)
@settings(max_examples=25)
def test_labels_move_with_their_rows(order, expression):
    assert np.array_equal(evaluate_where(expression, TABLE[order]), evaluate_where(expression, TABLE)[order])


ARITHMETIC = pl.DataFrame(
    {
        "class": [0, 1, 4, None],
        "x": [0.0, -1.0, 2.5, None],
        "byte": pl.Series([0, 1, 200, 3], dtype=pl.UInt8),
        "big": [2**62, 2**62, 1, None],
        "huge": pl.Series([0, 1, 2, 2**63 + 5], dtype=pl.UInt64),
        "code": ["1", "2", "x", None],
    }
)


@pytest.mark.parametrize(
    ("expression", "labels", "undefined"),
    [
        ("1 / class > 0", [-1, 1, 1, -1], 1),
        ("NOT 1 / class > 0", [-1, 0, 0, -1], 1),
        ("0 / class = 0", [-1, 1, 1, -1], 1),
        ("1.0 / class > 0.5", [-1, 1, 0, -1], 1),
        ("class % class = 0", [-1, 1, 1, -1], 1),
        ("MOD(class, class) = 0", [-1, 1, 1, -1], 1),
        ("DIV(4, class) = 1", [-1, 0, 1, -1], 1),
        ("LN(x) < 1", [-1, -1, 1, -1], 2),
        ("LOG10(class) < 0.5", [-1, 1, 0, -1], 1),
        ("SQRT(x) > 1", [0, -1, 1, -1], 1),
        ("POW(x, -1) < 1", [-1, 1, 1, -1], 1),
        ("ACOS(class) >= 0", [1, 1, -1, -1], 1),
        ("EXP(x * 1000) >= 0", [1, 1, -1, -1], 1),
        ("x * 1e308 * 10 > 0", [0, -1, -1, -1], 2),
        ("big + big > 0", [-1, -1, 1, -1], 2),
        ("class * 4611686018427387904 > 0", [0, 1, -1, -1], 1),
        ("COALESCE(1 / class, 7) = 7", [1, 0, 0, 1], 1),
        ("CASE WHEN class = 0 THEN FALSE ELSE 1 / class > 0.5 END", [0, 1, 0, -1], 1),
        ("class = 0 OR 1 / class > 0.5", [1, 1, 0, -1], 1),
        ("byte - 1 < 0", [1, 0, 0, 0], 0),
        ("byte + 100 > 250", [0, 0, 1, 0], 0),
        ("huge - 1 < 0", [1, 0, 0, 0], 0),
        ("class / 2 = 0.5", [0, 1, 0, -1], 0),
        ("NULLIF(class, 0) > 0", [-1, 1, 1, -1], 0),
        ("TRY_CAST(code AS INT) > 1", [0, 1, -1, -1], 0),
        ("LENGTH(code) = 1", [1, 1, 1, -1], 0),
        ("class IN (1 / 0, 4)", [-1, -1, 1, -1], 0),
    ],
)
def test_what_has_no_value_is_null_and_counted(expression, labels, undefined, caplog):
    """In polars they are infinity, NaN (larger than any number) or whole numbers that wrap around."""
    assert evaluate_where(expression, ARITHMETIC).tolist() == labels
    assert (f"in {undefined} of 4 rows: null there" in caplog.text) == (undefined > 0)


@pytest.mark.parametrize("expression", ["1 / (class - class) > 0", "SQRT(-1 - class * class) > 0", "class % 0 = 1"])
def test_an_expression_without_a_value_in_any_row_is_refused(expression):
    table = ARITHMETIC.filter(pl.col("class").is_not_null())
    with pytest.raises(AttributeLabelError, match=r"division by 0, a root or logarithm.* in every row"):
        evaluate_where(expression, table)


@pytest.mark.parametrize(
    ("expression", "said"),
    [("class > '1'", "cannot compare string with numeric"), ("CAST(code AS INT) > 1", "conversion .* failed")],
)
def test_texts_are_not_compared_with_numbers(expression, said):
    with pytest.raises(AttributeLabelError, match=said):
        evaluate_where(expression, ARITHMETIC)


def test_dates_are_compared_with_dates_and_by_their_parts():
    days = pl.Series(["2020-01-31", "2021-12-05", None]).str.to_date()
    table = pl.DataFrame({"day": days, "day.year": days.dt.year()})
    assert evaluate_where("day > DATE '2020-06-01'", table).tolist() == [0, 1, -1]
    assert evaluate_where('"day.year" = 2020', table).tolist() == [1, 0, -1]
