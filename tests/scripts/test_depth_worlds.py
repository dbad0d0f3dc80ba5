"""The tests of depth in worlds without dependence, and with one, at a small size."""

from collections import Counter

import polars as pl
import pytest
from scipy.stats import binom
from simulations.depth_worlds import NULL_WORLDS, PRIMARY, TESTS, TREND, drawn, naive_positives, positives

DRAWS = 30


@pytest.mark.parametrize("name", NULL_WORLDS)
def test_tests_of_depth_seldom_find_what_is_not_there(name: str) -> None:
    """At a true rate of .05 any of the six tests of the four worlds crosses the line less than once in 1,000 times."""
    counted = Counter(hit for draw in range(DRAWS) for hit in positives(name, NULL_WORLDS[name], draw))
    assert max(counted[test] for test in TESTS) <= binom.isf(0.001 / (len(TESTS) * len(NULL_WORLDS)), DRAWS, 0.05)


def test_the_planted_trend_is_found() -> None:
    """A slope of .2 beside an SD of .03: at a power of .99 fewer than 8 of 10 come once in 9,000 times."""
    found = Counter(hit for draw in range(10) for hit in positives("trend", TREND, draw))
    assert found[PRIMARY] >= 8


def test_pooled_neurons_see_what_is_not_there() -> None:
    """The mistake that all this avoids: at a true rate of .05, 10 of 30 have a chance below 1e-6."""
    world = NULL_WORLDS["copies of 3"]
    hits = Counter(hit for draw in range(DRAWS) for hit in naive_positives("copies of 3", world, draw))
    assert max(hits.values()) >= 10


def test_copies_are_neurons_of_one_property() -> None:
    neurons, controls = drawn("copies of 3", NULL_WORLDS["copies of 3"], 0)
    layers = neurons.group_by("object_model", "layer").agg(pl.len(), pl.col("property").n_unique())
    assert layers.select("len", "property").unique().rows() == [(90, 30)]
    assert controls.height == 3 * neurons.height
