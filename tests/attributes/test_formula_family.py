"""The family of formulas: where its atoms come from, which of them count once, and the mistakes of its settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from denote.attributes.families import check_spec, families, formulas
from denote.attributes.labels import Family, Formulas
from denote.data.samples import Samples, TensorInputs
from denote.errors import AttributeLabelError

N = 120


def samples(**columns: Any) -> Samples:
    targets = np.arange(N, dtype=np.int64) % 3
    table = pl.DataFrame({"class": targets, **columns})
    return Samples("toy", TensorInputs(np.zeros((N, 1), np.uint8)), targets, tuple("012"), table, "class", "k")


def of(found: Family) -> Formulas:
    assert found.formulas is not None
    return found.formulas


def test_atoms_come_from_all_kinds_that_the_data_has_and_make_no_cells() -> None:
    data = samples(flag=[0, 1] * (N // 2), ink=list(range(N)))
    (found,) = families({"formulas": {"kind": "formulas", "where": {"low": "ink < 40"}}}, data)
    names = of(found).atoms.names
    assert names[:4] == ("class=0", "class=1", "class=2", "flag")
    assert "ink top 20%" in names
    assert names[-1] == "low"
    assert (found.name, len(found.labels), found.labels.values.shape) == ("formulas", 0, (N, 0))
    assert found.combines
    np.testing.assert_array_equal(of(found).atoms.values[:, -1], np.arange(N) < 40)
    assert of(formulas("x", samples())).atoms.names == ("class=0", "class=1", "class=2")


def test_equal_atoms_and_complements_count_once_and_constants_not_at_all() -> None:
    holes = [True, None, False] * (N // 3)
    where = {
        "first": "class = 0", "not first": "class <> 0", "all": "class >= 0", "again": "holes", "not": "NOT holes",
    }  # fmt: skip
    found = formulas("x", samples(holes=holes), atoms=["classes", "columns"], where=where)
    assert of(found).atoms.names == ("class=0", "class=1", "class=2", "holes")


def test_settings_arrive() -> None:
    found = of(formulas("x", samples(), length=2, beam=5, length_penalty=0.1))
    assert (found.length, found.beam, found.penalty) == (2, 5, 0.1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"length": 0}, r"attribute\.x\.length: 0; allowed: a whole number from 1 to 5"),
        ({"length": 6}, r"attribute\.x\.length: 6"),
        ({"length": 2.0}, r"attribute\.x\.length: 2\.0"),
        ({"beam": 0}, r"attribute\.x\.beam: 0; allowed: a whole number, 1 or more"),
        ({"beam": True}, r"attribute\.x\.beam: True"),
        ({"length_penalty": 0}, r"length_penalty: 0; .*without a penalty every neuron takes the longest formula"),
        ({"length_penalty": 0.5}, r"attribute\.x\.length_penalty: 0\.5; allowed: above 0 and below \.5"),
        ({"atoms": ["clases"]}, r"attribute\.x\.atoms: 'clases' is no kind of atom; did you mean 'classes'"),
        ({"atoms": "classes"}, r"attribute\.x\.atoms: 'classes'; allowed: a list of classes, columns, quantiles"),
        ({"atoms": []}, r"attribute\.x\.atoms: \[\]"),
        ({"where": "class = 1"}, r"attribute\.x\.where: 'class = 1'; allowed: a mapping"),
        ({"where": {"a": "SUM(class) > 1"}}, r"attribute\.x\.where: .*aggregate"),
        ({"where": {"NOT a": "class > 1"}}, r"attribute\.x\.where: 'NOT a' is a name that starts with NOT"),
        ({"depth": 3}, r"attribute\.x\.depth: is no setting of kind formulas"),
    ],
)
def test_wrong_settings_are_one_line(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(AttributeLabelError, match=said):
        check_spec({"x": {"kind": "formulas", **settings}})


def test_data_without_any_atom_are_refused() -> None:
    with pytest.raises(AttributeLabelError, match=r"attribute\.x\.atoms: the data has no attributes of kinds columns"):
        formulas("x", samples(), atoms=["columns"])
    assert len(of(formulas("x", samples(), atoms=[], where={"a": "class = 1"})).atoms) == 1
