"""Planted data: what holds of an input stands in the table, and of exactly the share that was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from denote.data.sources.planted import PROPORTIONS, Layout, load_planted
from denote.errors import DataError

N = 2_000


def test_classes_factors_and_quantiles_have_their_share() -> None:
    samples = load_planted(n=N)
    assert np.bincount(samples.targets).tolist() == [N // 10] * 10
    for index, share in enumerate(PROPORTIONS, 1):
        assert samples.table[f"factor_{index}"].sum() == round(share * N)
    level = np.sort(samples.table["level"].to_numpy())
    np.testing.assert_allclose(level, (np.arange(N) + 0.5) / N)


def test_inputs_say_what_the_table_says() -> None:
    samples = load_planted(n=N, noise=7)
    layout, inputs = Layout(10, PROPORTIONS), samples.inputs[np.arange(N)]
    assert inputs.shape == (N, layout.n_facts + 1 + 7)
    facts = layout.facts(inputs).numpy()
    np.testing.assert_array_equal(facts[:, :10].argmax(axis=1), samples.targets)
    np.testing.assert_array_equal(facts[:, 10:], samples.table.select(layout.factors).to_numpy())
    np.testing.assert_allclose(inputs[:, layout.n_facts], samples.table["level"], rtol=1e-6)
    assert layout.noise(inputs).shape == (N, 7)


def test_columns_are_independent() -> None:
    """Of 66 correlations with a standard deviation of 1 / sqrt(2,000) one beyond 5 has a chance below 1e-4."""
    columns = load_planted(n=N).table.select(pl.all().cast(pl.Float64)).to_numpy()
    correlations = np.corrcoef(columns, rowvar=False)[np.triu_indices(12, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(N)


def test_a_factor_does_not_depend_on_what_stands_beside_it() -> None:
    some, more = load_planted(n=N, proportions=[0.3, 0.1]), load_planted(n=N, proportions=[0.3, 0.2, 0.1], noise=9)
    np.testing.assert_array_equal(some.table["factor_1"], more.table["factor_1"])
    np.testing.assert_array_equal(some.targets, more.targets)
    assert some.key != more.key


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"n": 0}, r"dataset.n: 0; allowed: 1 or more"),
        ({"classes": 1}, r"dataset.classes: 1; allowed: 2 or more"),
        ({"noise": 0}, r"dataset.noise: 0; allowed: 1 or more"),
        ({"proportions": [0.2, 1.0]}, r"dataset.proportions: \[0.2, 1.0\]; allowed: numbers above 0 and below 1"),
    ],
)
def test_nonsense_is_refused(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError, match=f"^{line}"):
        load_planted(**settings)
