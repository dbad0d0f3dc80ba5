"""Correlation of attributes against numpy and scikit-learn, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score, matthews_corrcoef

from denote.attributes.labels import Labels
from denote.evidence import attribute_correlation as module
from denote.evidence.attribute_correlation import association, attribute_correlation
from denote.tables import ATTRIBUTE_CORRELATION


def labels_of(values: np.ndarray) -> Labels:
    return Labels(tuple(f"a{i}" for i in range(values.shape[1])), ("named",) * values.shape[1], values)


@given(seed=st.integers(0, 1000), rows=st.integers(1, 40))
@settings(max_examples=40)
def test_every_pair_is_that_of_scikit_learn(seed: int, rows: int) -> None:
    values = np.random.default_rng(seed).integers(-1, 2, (rows, 4)).astype(np.int8)
    found = association(values)
    for a in range(4):
        for b in range(4):
            both = (values[:, a] >= 0) & (values[:, b] >= 0)
            x, y = values[both, a], values[both, b]
            assert found.n_rows[a, b] == both.sum()
            assert found.n_both[a, b] == (x & y).sum()
            constant = len(x) == 0 or np.ptp(x) == 0 or np.ptp(y) == 0
            assert found.phi[a, b] == pytest.approx(np.nan if constant else matthews_corrcoef(x, y), nan_ok=True)
            none = not (x | y).any()
            assert found.jaccard[a, b] == pytest.approx(np.nan if none else jaccard_score(x, y), nan_ok=True)


def test_rows_are_counted_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(-1, 2, (50, 5)).astype(np.int8)
    whole = association(values)
    monkeypatch.setattr(module, "ROWS", 7)
    assert np.array_equal(association(values).phi, whole.phi, equal_nan=True)


def test_the_table_has_each_pair_once_and_says_why_a_number_is_missing() -> None:
    values = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]], dtype=np.int8)
    found = attribute_correlation(labels_of(values), "toy")
    assert found.columns == list(ATTRIBUTE_CORRELATION)
    assert [(r["attribute"], r["other"], r["phi"], r["jaccard"]) for r in found.iter_rows(named=True)] == [
        ("a0", "a1", 1, 1), ("a0", "a2", -1, 0), ("a0", "a3", None, 0),
        ("a1", "a2", -1, 0), ("a1", "a3", None, 0), ("a2", "a3", None, 0),
    ]  # fmt: skip
    assert found["note"].to_list()[:3] == [None, None, "phi: an attribute is constant on the rows where both are known"]
    empty = attribute_correlation(labels_of(np.zeros((4, 2), np.int8)), "toy")
    assert "jaccard: no row has either" in empty["note"][0]


def test_of_many_attributes_only_strong_pairs_stay() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2, (300, module.MANY + 1)).astype(np.int8)
    values[:, 7], values[:, 9] = values[:, 3], 1 - values[:, 5]
    found = attribute_correlation(labels_of(values), "toy")
    assert set(found.select("attribute", "other").iter_rows()) == {("a3", "a7"), ("a5", "a9")}
    assert found["note"][0] == "of 201 attributes only pairs with |phi| >= 0.5 are kept"
