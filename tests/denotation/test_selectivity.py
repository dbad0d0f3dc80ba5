"""Selectivity against its formula, and its interval on noise."""

import numpy as np
import pytest

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves
from denote.denotation.neurons import Controls, Neurons, observe_neurons, selectivity
from denote.denotation.search.properties import family_halves
from denote.numbers import mean_of_defined
from denote.states.layers import Layer


def test_it_is_the_formula() -> None:
    score, low, high = np.array([0.9, 0.8]), np.array([0.85, 0.7]), np.array([0.93, 0.88])
    draws = np.array([[0.5, 0.52], [0.48, 0.47], [0.55, 0.5]])
    found = selectivity(score, low, high, draws)
    variance = np.mean([np.var(draws[:, neuron], ddof=1) for neuron in range(2)])
    np.testing.assert_allclose(found["selectivity"], score - draws.mean(axis=0))
    for end, distance, sign in (("low", score - low, -1), ("high", high - score, 1)):
        expected = found["selectivity"] + sign * np.sqrt(distance**2 + 1.959964**2 * variance / 3)
        np.testing.assert_allclose(found[f"selectivity_{end}"], expected, rtol=1e-6)


def test_draws_that_are_undefined_count_for_nothing() -> None:
    draws = np.array([[0.5, np.nan, np.nan], [0.4, 0.6, np.nan]])
    np.testing.assert_array_equal(mean_of_defined(draws), [0.45, 0.6, np.nan])
    found = selectivity(np.full(3, 0.7), np.full(3, 0.6), np.full(3, 0.8), draws)
    assert np.isnan(found["selectivity_low"]).tolist() == [False, False, True]
    assert np.isnan(selectivity(*np.full((3, 3), 0.7), draws[:1])["selectivity_low"]).all(), "one draw has no spread"
    assert np.isnan(selectivity(*np.full((3, 3), 0.7), draws[:0])["selectivity"]).all()


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_on_noise_the_interval_covers_0(share: float) -> None:
    """1,000 neurons of noise: at a true coverage of 95 % the share has a standard error of .7 %; .023 are 3.3 of it."""
    rng = np.random.default_rng(0)
    values = (rng.random((1000, 4)) < share).astype(np.int8)
    family = family_halves(
        Family("named", Labels(tuple("abcd"), ("named",) * 4, values)), *np.arange(1000).reshape(2, -1)
    )
    state = rng.standard_normal((1000, 1000)).astype(np.float32)
    neurons = Neurons(Layer("b", 0, None, (1000,), "none", (1000,)), [str(i) for i in range(1000)])
    rows = observe_neurons(neurons, Halves(state[:500], state[500:]), family, Controls(3))
    covered = ((rows["selectivity_low"] <= 0) & (rows["selectivity_high"] >= 0)).mean()
    assert covered == pytest.approx(0.95, abs=0.023)
