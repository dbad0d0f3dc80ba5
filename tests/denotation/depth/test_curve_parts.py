"""What the raw course is made of: parts that add up, lines and bows, and the layers that are left out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.denotation.depth.depth_profiles import PARTS, Parts, Profiles, bow, change, parts_of
from denote.denotation.depth.plan import (
    ANY_BASIS,
    BEYOND,
    BOW,
    CHANGE,
    FOLDED,
    OWN,
    POLARITY,
    RAW,
    ROTATED_FOLDED,
    SHARE,
    UNFOLDED,
)
from denote.evidence.intervals import t_interval
from denote.streams import stream


def planted(models: int = 8, layers: int = 6, gaps: list[tuple[int, int]] | None = None, **more: Any) -> Profiles:
    draws = stream("test parts", models, layers).uniform(0.1, 0.4, (3, models, layers))
    folded, rotated, polarity = draws
    raw = folded + polarity * (1 - 2 * folded)
    for place in gaps or []:
        folded[place] = raw[place] = np.nan
    numbers = {
        FOLDED: folded, UNFOLDED: raw, ROTATED_FOLDED: rotated, BEYOND: folded - rotated,
        SHARE: np.zeros_like(folded),
    } | more  # fmt: skip
    every = np.ones(layers, dtype=bool)
    ones = {name: np.where(np.isfinite(own), 1.0, np.nan) for name, own in numbers.items()}
    return Profiles("x", tuple(f"l{i}" for i in range(layers)), np.arange(layers) * 2, every, every, numbers, ones)


def split(profiles: Profiles) -> Parts:
    parts = parts_of(profiles)
    assert isinstance(parts, Parts)
    return parts


@pytest.mark.parametrize("models", [3, 5, 8])
@pytest.mark.parametrize("layers", [3, 4, 6, 9])
def test_parts_add_up_in_every_network_and_in_the_mean(models: int, layers: int) -> None:
    parts = split(planted(models, layers))
    for contrast in (change(parts.depth), bow(layers)):
        own = sum(parts.values[name] @ contrast for name in PARTS)
        np.testing.assert_allclose(own, parts.values[RAW] @ contrast, atol=1e-12)
    value = {(part, shape): estimate.value for part, shape, estimate in parts.estimates()}
    for shape in (CHANGE, BOW):
        assert sum(value[part, shape] for part in PARTS) == pytest.approx(value[RAW, shape])


def test_parts_are_polarity_any_basis_and_the_neurons_own() -> None:
    profiles = planted()
    parts, numbers = split(profiles), profiles.numbers
    np.testing.assert_allclose(parts.values[POLARITY], numbers[UNFOLDED] - numbers[FOLDED])
    np.testing.assert_allclose(parts.values[ANY_BASIS], numbers[ROTATED_FOLDED])
    np.testing.assert_allclose(parts.values[OWN], numbers[BEYOND])


@given(st.lists(st.integers(0, 60), min_size=3, max_size=9, unique=True), st.integers(0, 10**6))
def test_the_change_is_the_rise_of_the_least_squares_line(depths: list[int], seed: int) -> None:
    depth = np.array(sorted(depths))
    values = stream("test change", seed).normal(size=len(depth))
    slope = np.polyfit(depth, values, 1)[0]
    assert values @ change(depth) == pytest.approx(slope * (depth[-1] - depth[0]), abs=1e-8)


MIDDLE = {3: [1], 4: [1, 2], 5: [2], 6: [2, 3], 7: [2, 3, 4], 8: [3, 4], 9: [3, 4, 5]}


@pytest.mark.parametrize(("layers", "middle"), MIDDLE.items())
def test_the_bow_is_the_middle_third_minus_the_others(layers: int, middle: list[int]) -> None:
    values = stream("test bow", layers).normal(size=layers)
    expected = values[middle].mean() - np.delete(values, middle).mean()
    assert values @ bow(layers) == pytest.approx(expected)
    assert np.arange(layers) @ bow(layers) == pytest.approx(0)  # a line has no bow


def test_intervals_are_over_networks() -> None:
    parts = split(planted())
    estimates = {(part, shape): estimate for part, shape, estimate in parts.estimates()}
    assert estimates[OWN, CHANGE] == t_interval(parts.values[OWN] @ change(parts.depth))
    assert estimates[RAW, BOW] == t_interval(parts.values[RAW] @ bow(6))


def test_only_networks_with_all_layers_enter_and_the_layer_fewest_have_is_left_out() -> None:
    """8 networks; 2 lack l1, so that 6 have all: nothing is left out. A third gap, at l4, leaves 5: l1 goes."""
    gaps = [(0, 1), (1, 1)]
    parts = split(planted(gaps=gaps))
    assert (parts.n_models, parts.left_out) == (6, ())
    parts = split(planted(gaps=[*gaps, (2, 4)]))
    assert (parts.n_models, parts.left_out) == (7, ("l1",))
    assert parts.layers == ("l0", "l2", "l3", "l4", "l5")
    np.testing.assert_array_equal(parts.depth, [0, 4, 6, 8, 10])
    spread = [(0, 0), (1, 1), (2, 2), (3, 3)]
    few = parts_of(planted(models=6, layers=4, gaps=spread[:2]))
    assert few == "fewer than 3 layers at which the same 6 networks have a value"


def test_no_parts_without_directions_or_networks() -> None:
    nothing = np.full((8, 6), np.nan)
    said = parts_of(planted(**{ROTATED_FOLDED: nothing, BEYOND: nothing}))
    assert isinstance(said, str)
    assert "control=rotated" in said
    assert parts_of(planted(models=2)) == "fewer than 3 networks"
