"""Families from plain config, against labels computed by hand, and the mistakes a config can hold."""

import itertools
import logging
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from denote.attributes.families import KINDS, check_spec, families
from denote.attributes.labels import Family, Labels, check_rows, merge_labels
from denote.attributes.rules import QUANTILE_TOLERANCE
from denote.cli import checks
from denote.data.parts import Parts
from denote.data.samples import Samples, TensorInputs
from denote.data.sources.digits import load_digits
from denote.errors import AttributeLabelError


def make(n=60, n_classes=3, **columns):
    targets = np.arange(n, dtype=np.int64) % n_classes
    return Samples(
        name="toy",
        inputs=TensorInputs(np.zeros((n, 1), dtype=np.uint8)),
        targets=targets,
        classes=tuple(str(value) for value in range(n_classes)),
        table=pl.DataFrame({"class": targets, **columns}),
        target="class",
        key="k",
    )


def one(spec, samples):
    (family,) = families({"option": spec}, samples)
    return family


def column(family, name):
    return family.labels.values[:, family.labels.names.index(name)]


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def test_classes(digits):
    family = one({"kind": "classes"}, digits)
    assert (family.name, type(family)) == ("classes", Family)
    assert family.labels.names[3] == "class=3"
    assert np.array_equal(column(family, "class=3"), digits.targets == 3)


@pytest.mark.parametrize("n_classes", [2, 3, 4, 5])
def test_subsets_hold_one_of_every_pair_of_complements_and_nothing_else(n_classes):
    samples = make(n_classes=n_classes)
    family = one({"kind": "subsets"}, samples)
    found = {frozenset(samples.targets[family.labels.values[:, i] == 1].tolist()) for i in range(len(family.labels))}
    everything = frozenset(range(n_classes))
    wanted = [frozenset(s) for k in range(1, n_classes) for s in itertools.combinations(range(n_classes), k)]
    assert len(found) == len(family.labels) == len(wanted) / 2
    assert all((subset in found) != (everything - subset in found) for subset in wanted)


def test_subsets_are_named_by_their_smaller_side_and_carry_codes(digits):
    family = one({"kind": "subsets"}, digits)
    assert len(family.labels) == 511
    assert family.labels.names[:12] == (*(f"class={i}" for i in range(10)), "class in {0,1}", "class in {0,2}")
    assert np.array_equal(column(family, "class in {0,6}"), np.isin(digits.targets, (0, 6)))
    assert np.array_equal(family.codes, digits.targets)
    assert family.class_names == digits.classes


def test_too_many_classes_as_cells_are_refused_with_the_count_but_searched_by_neurons():
    samples = make(n=170, n_classes=17)
    with pytest.raises(AttributeLabelError, match=r"17 classes have 65,535 subsets.*attribute\.option\.as_cells=false"):
        one({"kind": "subsets"}, samples)
    family = one({"kind": "subsets", "as_cells": False}, samples)
    assert len(family.labels) == 0
    assert family.labels.values.shape == (170, 0)
    assert (len(family.codes), len(family.class_names)) == (170, 17)


COLUMNS = {
    "smoker": [True, False, None] * 20,
    "flag": [0, 1] * 30,
    "sex": [1, 2] * 30,
    "shape": ["circle", "square", None] * 20,
    "age": list(range(60)),
    "constant": [5] * 60,
    "id": [f"row {i}" for i in range(60)],
}


def test_columns_with_two_values_and_values_of_text_columns():
    family = one({"kind": "columns", "names": ["smoker", "flag", "sex", "shape"]}, make(**COLUMNS))
    assert family.labels.names == ("smoker", "flag", "sex=2", "shape=square")
    assert column(family, "smoker").tolist() == [1, 0, -1] * 20
    assert column(family, "flag").tolist() == [0, 1] * 30
    assert column(family, "sex=2").tolist() == [0, 1] * 30
    assert column(family, "shape=square").tolist() == [0, 1, -1] * 20


def test_columns_are_those_that_the_dataset_asks_about_and_never_those_that_deal_the_rows():
    samples = make(n=60, n_classes=2, flag=[0, 1] * 30, other=[1, 0] * 30, part=["train", "test"] * 30)
    assert one({"kind": "columns"}, replace(samples, dealing=("part",))).labels.names == ("flag", "other")
    assert one({"kind": "columns"}, replace(samples, asked=("other",))).labels.names == ("other",)


def test_all_columns_leave_out_the_target_and_what_is_not_suitable():
    # 70 distinct values: an id.
    samples = make(n=70, n_classes=2, flag=[0, 1] * 35, id=[f"row {i}" for i in range(70)], age=list(range(70)))
    assert one({"kind": "columns"}, samples).labels.names == ("flag",)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("age", r"'age' has 60 values \(0, 1, 2, 3, 4, 5, \.\.\.\).*attribute\.where or attribute=quantiles"),
        ("constant", r"'constant' has one value only \(5\)"),
        ("flg", r"attribute\.option\.names: no column 'flg'; did you mean 'flag'\?"),
    ],
)
def test_an_unsuitable_column_asked_for_by_name_is_refused(name, said):
    with pytest.raises(AttributeLabelError, match=said):
        one({"kind": "columns", "names": [name]}, make(**COLUMNS))


def test_no_suitable_column_at_all_is_a_mistake():
    with pytest.raises(
        AttributeLabelError, match=r"no two-valued or text columns.*the table has: class Int64, age Int64"
    ):
        one({"kind": "columns"}, make(age=list(range(60))))


def test_a_plan_may_name_every_family_there_is(digits):
    samples = replace(digits, table=digits.table.with_columns(even=pl.col("class") % 2 == 0))
    specs = {kind: {"kind": kind} for kind in KINDS if kind != "where"} | {
        "odd": {"kind": "where", "where": "class = 1"}
    }
    assert {family.name for family in families(specs, samples)} == set(checks.FAMILIES)


def test_quantiles_realise_their_proportions(digits):
    proportions = [0.02, 0.1, 0.5]
    family = one({"kind": "quantiles", "columns": ["ink"], "proportions": proportions}, digits)
    assert family.labels.names == ("ink top 2%", "ink top 10%", "ink top 50%")
    np.testing.assert_allclose((family.labels.values == 1).mean(axis=0), proportions, atol=0.006)
    ink = digits.table["ink"].to_numpy()
    for values in family.labels.values.T:
        assert ink[values == 1].min() > ink[values == 0].max()


@given(st.lists(st.integers(0, 12), min_size=20, max_size=60), st.floats(0.05, 0.95))
@settings(max_examples=40)
def test_a_cut_is_the_nearest_that_ties_allow(values, share):
    assume(len(set(values)) > 2)
    realised = [np.mean(np.array(values) > cut) for cut in sorted(set(values))[:-1]]
    nearest = min(abs(p - share) for p in realised)
    assume(abs(nearest - QUANTILE_TOLERANCE * min(share, 1 - share)) > 1e-9)
    spec = {"kind": "quantiles", "columns": ["x"], "proportions": [share]}
    samples = make(n=len(values), x=values)
    if nearest > QUANTILE_TOLERANCE * min(share, 1 - share):
        with pytest.raises(AttributeLabelError, match="because of ties"):
            one(spec, samples)
    else:
        found = (one(spec, samples).labels.values == 1).mean()
        assert abs(found - share) == pytest.approx(nearest, abs=1e-12)


def test_columns_that_are_left_out_are_named_in_one_line(caplog):
    samples = make(yes=[0, 1] * 30, **{f"n{i}": range(60) for i in range(12)})
    with caplog.at_level(logging.INFO):
        assert one({"kind": "columns"}, samples).labels.names == ("yes",)
    (line,) = [message for message in caplog.messages if "left out" in message]
    assert "'n0' has 60 values" in line
    assert line.endswith("'n8' and 3 more")


def test_quantiles_keep_nulls_and_leave_out_what_cannot_be_cut(caplog):
    ties = [0] * 50 + [1] * 5 + [2] * 5
    samples = make(x=[None, float("nan"), *map(float, range(58))], ties=ties, constant=[1.0] * 60)
    with caplog.at_level(logging.INFO):
        family = one({"kind": "quantiles", "proportions": [0.1, 0.5]}, samples)
    assert family.labels.names == ("x top 10%", "x top 50%", "ties top 10%")
    assert column(family, "x top 50%")[:2].tolist() == [-1, -1]
    assert "'ties' cannot be cut at 50% (nearest 16.7%)" in caplog.text


def test_proportions_that_ties_cut_alike_are_one_attribute_under_the_nearer_name():
    samples = make(x=[0] * 36 + [1] * 20 + [2] * 4)
    family = one({"kind": "quantiles", "proportions": [0.3, 0.38, 0.5]}, samples)
    assert family.labels.names == ("x top 38%",)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"columns": ["constant"]}, r"option\.columns: column 'constant' has 1 different value, too few"),
        ({"columns": ["shape"]}, r"column 'shape' holds String, not numbers"),
        ({"proportions": 0.5}, r"option\.proportions: 0\.5; allowed: a list of shares"),
        ({"columns": []}, r"option\.columns: \[\]; allowed: all, a column, or a list of columns"),
        ({"proportions": [0.5, 1.0]}, r"option\.proportions: 1\.0; allowed: above 0 and below 1"),
    ],
)
def test_quantiles_that_cannot_be(spec, said):
    with pytest.raises(AttributeLabelError, match=said):
        one({"kind": "quantiles"} | spec, make(**COLUMNS))


def test_named_options_are_one_family_under_their_own_names(digits):
    spec = {
        "odd": {"kind": "where", "where": "class % 2 = 1"},
        "classes": {"kind": "classes"},
        "prime": {"kind": "where", "where": "class IN (2, 3, 5, 7)"},
        "unused": None,
        "where": None,
    }
    named, classes = families(spec, digits)
    assert (named.name, classes.name) == ("named", "classes")
    assert named.labels.names == ("odd", "prime")
    assert named.labels.families == ("named", "named")
    # ORACLES.md: label proportions over all 1,797 rows.
    assert named.labels.values.mean(axis=0) == pytest.approx([0.5042, 0.4012], abs=5e-5)


def test_where_replaces_the_options_and_is_its_own_name(digits):
    (family,) = families({"where": "class IN (0, 6, 8, 9)", "classes": {"kind": "classes"}}, digits)
    assert family.labels.names == ("class IN (0, 6, 8, 9)",)
    assert family.labels.values.mean() == pytest.approx(0.3968, abs=5e-5)
    (family,) = families({"where": {"loop": "class IN (0, 6, 8, 9)", "zero": "class = 0"}}, digits)
    assert family.labels.names == ("loop", "zero")


def test_merged_labels_have_each_name_once_from_the_first_family(digits):
    found = families({"classes": {"kind": "classes"}, "subsets": {"kind": "subsets"}}, digits)
    merged = merge_labels(found)
    assert len(merged) == 511 == len(set(merged.names))
    assert merged.families[:11] == ("classes",) * 10 + ("subsets",)
    assert np.array_equal(merged.values[:, merged.names.index("class in {0,6}")], np.isin(digits.targets, (0, 6)))


def test_merging_keeps_the_values_of_the_family_that_came_first():
    def family(name, value):
        return Family(name, Labels(("a",), (name,), np.full((4, 1), value, dtype=np.int8)))

    merged = merge_labels([family("named", 1), family("classes", 0)])
    assert (merged.names, merged.families, merged.values.tolist()) == (("a",), ("named",), [[1]] * 4)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, r"attribute: no attribute is chosen; choose an option"),
        ({"where": None, "odd": None}, "no attribute is chosen"),
        ({"where": {}}, r"attribute\.where: \{\}"),
        ({"x": {"kind": "clases"}}, r"attribute\.x\.kind: 'clases'.*did you mean 'classes'"),
        ({"x": {"where": "class = 1"}}, r"attribute\.x: .* has no kind; allowed kinds: where, classes"),
        ({"x": {"kind": "subsets", "ascells": True}}, r"attribute\.x\.ascells: .*did you mean 'as_cells'"),
        ({"x": {"kind": "where"}}, r"attribute\.x\.where: is missing"),
        ({"x": {"kind": "where", "where": "SUM(a) > 1"}}, r"attribute\.x\.where: .*aggregate"),
        ({"where": "a IN (1"}, r"attribute\.where: .*not an SQL expression"),
        ({"x": {"kind": "formulas"}, "y": {"kind": "formulas"}}, r"attribute: x and y are both of kind formulas"),
    ],
)
def test_a_spec_is_refused_before_there_are_data(spec, said):
    with pytest.raises(AttributeLabelError, match=said):
        check_spec(spec)


PARTS = Parts(np.arange(0, 20), np.arange(20, 40), np.arange(40, 60))


def labels(family, *columns):
    names = tuple(f"a{i}" for i in range(len(columns)))
    return Labels(names, (family,) * len(names), np.array(columns, dtype=np.int8).T)


def test_rows_of_a_family_are_counted_per_part_and_explained():
    enough = [0, 1] * 30
    few_in_test = [0, 1] * 20 + [1] * 3 + [0] * 17
    nulls_in_fit = [0, 1] * 10 + [1, 1, 1, -1] * 5 + [0, 1] * 10
    reasons = check_rows(labels("classes", enough, few_in_test, nulls_in_fit), PARTS, min_rows=5)
    assert list(reasons) == ["a1", "a2"]
    assert reasons["a1"] == "too few rows: fit 10 yes and 10 no, test 3 yes and 17 no, 5 of each needed"
    assert "fit 15 yes and 0 no" in reasons["a2"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1] * 60, r"attribute 'a0': true for every row, too few rows: fit 20 yes and 0 no, test 20 yes and 0 no"),
        ([0] * 60, r"false for every row"),
        ([-1] * 60, r"null for every row"),
        ([0] * 59 + [1], r"too few rows: fit 0 yes and 20 no, test 1 yes and 19 no; needed: 5 of each"),
    ],
)
def test_an_attribute_asked_for_by_name_must_have_rows(values, said):
    with pytest.raises(AttributeLabelError, match=said):
        check_rows(labels("named", values), PARTS, min_rows=5)


def test_every_attribute_with_rows_enough_passes():
    assert check_rows(labels("named", [0, 1] * 30), PARTS, min_rows=10) == {}
