"""Rarefied means against the mean over every subset of neurons."""

from itertools import combinations

import numpy as np
import pytest

from denote.denotation.depth.by_model import inclusion_probability
from denote.streams import stream


def weights(holders: list[int], n_drawn: int) -> np.ndarray:
    m = np.array(holders)
    return inclusion_probability(m, np.full(len(m), m.sum()), np.full(len(m), n_drawn))


@pytest.mark.parametrize("n_drawn", range(1, 9))
def test_the_chance_is_that_of_every_subset(n_drawn: int) -> None:
    holders = [4, 2, 1, 1]
    neurons = np.repeat(np.arange(4), holders)
    subsets = [set(neurons[list(own)]) for own in combinations(range(8), n_drawn)]
    expected = [np.mean([name in own for own in subsets]) for name in range(4)]
    assert weights(holders, n_drawn) == pytest.approx(expected)


def test_one_neuron_gives_the_mean_over_neurons_and_all_neurons_that_over_properties() -> None:
    values, holders = np.array([0.1, 0.3, 0.5]), [5, 2, 1]
    assert np.average(values, weights=weights(holders, 1)) == pytest.approx(np.average(values, weights=holders))
    assert np.average(values, weights=weights(holders, 8)) == pytest.approx(values.mean())


def test_the_mean_does_not_depend_on_how_many_neurons_denote() -> None:
    """The plain mean over distinct properties rises where neurons double; the rarefied one stays.

    Of 60 properties, common ones are small. 400 layers have a standard error of .0015 for each mean.
    """
    law = 1 / np.arange(1, 61) ** 1.5
    values = np.linspace(0.1, 0.5, 60)
    plain, rarefied = [], []
    for total in (20, 40):
        drawn = stream("test rarefaction", total).multinomial(total, law / law.sum(), 400)
        present = [(own[own > 0], values[own > 0]) for own in drawn]
        plain.append(np.mean([value.mean() for _, value in present]))
        rarefied.append(np.mean([np.average(value, weights=weights(list(m), 10)) for m, value in present]))
    assert plain[1] - plain[0] > 0.015
    assert abs(rarefied[1] - rarefied[0]) < 0.01


def test_thousands_of_neurons_do_not_overflow() -> None:
    own = weights([4_000, 1], 5)
    assert own == pytest.approx([1.0, 5 / 4_001])
