"""The analysis of depth where one law draws every property, at a small size; limits miss once in 1,000 at most."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom
from simulations.depth_laws import (
    APART,
    CHANGING,
    ONE_LAW,
    RISING,
    TESTS,
    World,
    coverage,
    drawn,
    no_change,
    profiles_of,
    rate,
)
from simulations.depth_laws import (
    tested as depth_tests,
)

from denote.streams import stream

DRAWS = 40


@pytest.mark.parametrize("name", ["shares apart", "early layers of 3 to 8 neurons", "two architectures"])
def test_tests_seldom_find_what_is_not_there(name: str) -> None:
    tests = depth_tests(f"small, {name}", ONE_LAW[name], DRAWS)
    most = binom.isf(0.001 / (3 * len(TESTS)), DRAWS, 0.05) / DRAWS
    assert max(rate(tests, test) for test in TESTS) <= most


def test_a_true_rise_is_found() -> None:
    """Of 30 draws at a power of .95, fewer than 23 come less than once in 1,000 times."""
    world, _ = RISING["shares flat"]
    assert rate(depth_tests("small, rise", (world,), 30), "primary") >= 23 / 30


def test_no_change_is_said_without_one_and_never_at_09() -> None:
    assert no_change("small, none", World(neurons=512), 20) >= 14 / 20
    assert no_change("small, .09", World(neurons=512, rise=0.09), 20) == 0


@pytest.mark.parametrize("name", CHANGING)
def test_intervals_of_the_parts_hold_the_truth(name: str) -> None:
    found = coverage(f"small, {name}", CHANGING[name], DRAWS)
    assert len(found) == 8
    assert min(found.values()) >= binom.ppf(0.001 / 24, DRAWS, 0.95) / DRAWS


def test_means_over_neurons_are_those_of_the_law_whatever_share_denotes() -> None:
    """60 x 8 means of 10 neurons at least, of SD .12: a standard error of .002."""
    own = drawn(World(**APART), 60, stream("test depth laws"))
    folded = np.nanmean(own.folded, axis=(0, 1))
    assert np.abs(folded - 0.207).max() < 0.01
    assert own.n_denoting[..., -1].mean() > 5 * own.n_denoting[..., 0].mean()


def test_gaps_come_where_few_neurons_denote() -> None:
    (every,) = profiles_of("small, gaps", (replace(ONE_LAW["gaps that follow the share"][0]),), 1)
    known = np.isfinite(every[0].numbers["folded"]).sum(axis=0)
    assert known[0] < known[-1] == 8


def test_architectures_are_put_together() -> None:
    tests = depth_tests("small, two", ONE_LAW["two architectures"], 1)
    joint = tests.filter(pl.col("role") == "primary")
    assert joint.select("n_models", "n_layers").rows() == [(14, 15)]
