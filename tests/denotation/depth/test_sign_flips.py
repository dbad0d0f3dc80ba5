"""The sign-flip test against all patterns by hand and against scipy's permutation test."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from denote.denotation.depth.depth_profiles import DRAWS, WeightedProfiles, sign_flip_test, smallest_p
from denote.streams import stream


def noise(*key: int | str, models: int = 5, layers: int = 4) -> np.ndarray:
    return stream("test sign flips", *key).standard_normal((models, layers))


def weighted(values: np.ndarray, weights: np.ndarray | None = None) -> WeightedProfiles:
    equal = np.ones(values.shape[1]) if weights is None else weights
    return WeightedProfiles(values, equal / equal.sum())


def by_hand(profiles: list[WeightedProfiles]) -> tuple[float, float]:
    """T and p as METHOD section 6 says them, pattern by pattern and sum by sum."""

    def centred(own: WeightedProfiles) -> list[list[float | None]]:
        rows: list[list[float | None]] = []
        for values in own.values:
            known = [layer for layer, value in enumerate(values) if value == value]
            mean = sum(own.weights[at] * values[at] for at in known) / sum(own.weights[at] for at in known)
            rows.append([values[at] - mean if at in known else None for at in range(len(values))])
        return rows

    def statistic(signs: list[int]) -> float:
        left, total = list(signs), 0.0
        for own, rows in zip(profiles, every, strict=True):
            flips = [left.pop(0) for _ in rows]
            for layer, weight in enumerate(own.weights):
                present = [sign * row[layer] for sign, row in zip(flips, rows, strict=True) if row[layer] is not None]
                total += len(rows) / everyone * weight * (sum(present) / len(present)) ** 2
        return total

    every = [centred(own) for own in profiles]
    everyone = sum(len(rows) for rows in every)
    observed = statistic([1] * everyone)
    at_least = [statistic(list(signs)) >= observed - 1e-12 for signs in product((1, -1), repeat=everyone)]
    return observed, sum(at_least) / len(at_least)


@pytest.mark.parametrize("seed", range(4))
def test_every_pattern_of_every_architecture_is_counted(seed: int) -> None:
    """Architectures of unequal numbers of models and layers: weights and signs are their own."""
    profiles = [weighted(noise(seed, "one", models=4, layers=3)), weighted(noise(seed, "two", models=3, layers=5))]
    for some in (profiles, profiles[:1]):
        assert sign_flip_test(some) == pytest.approx(by_hand(some))


@pytest.mark.parametrize("seed", range(4))
def test_gaps_and_weights_are_those_of_the_layers(seed: int) -> None:
    """A gap counts in no sum, and each mean is over the models that have the layer."""
    one, two = noise(seed, "gap", models=4, layers=4), noise(seed, "gap too", models=3, layers=3)
    one[0, 1] = one[1, 3] = one[2, 1] = two[2, 0] = np.nan
    weights = stream("test weights", seed).uniform(0.1, 3, 4)
    profiles = [weighted(one, weights), weighted(two, weights[:3])]
    for some in (profiles, profiles[:1]):
        assert sign_flip_test(some) == pytest.approx(by_hand(some))


def test_a_profile_is_centred_at_its_weighted_mean_over_the_layers_it_has() -> None:
    own = WeightedProfiles(np.array([[0.1, 0.3, np.nan], [0.2, 0.2, 0.5]]), np.array([0.25, 0.25, 0.5]))
    np.testing.assert_allclose(own.centred(), [[-0.1, 0.1, 0.0], [-0.15, -0.15, 0.15]])


def test_one_architecture_agrees_with_scipy() -> None:
    own = weighted(noise("scipy", models=8, layers=6) + np.linspace(0, 0.6, 6))
    profile = own.centred()

    # Of one sample scipy flips signs: those of the models are the sample, so that a model flips as a whole.
    signs = np.ones(8)
    result = stats.permutation_test(
        (signs,), lambda flips, axis=-1: ((flips @ profile / 8) ** 2).mean(axis=-1), permutation_type="samples",
        n_resamples=np.inf, vectorized=True, alternative="greater",
    )  # fmt: skip
    assert sign_flip_test([own]) == pytest.approx((float(result.statistic), float(result.pvalue)))


@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.1, 10))
def test_levels_units_and_sign_of_all_change_nothing(seed: int, level: float, unit: float) -> None:
    profile = noise(seed)
    levels = level * np.arange(len(profile))[:, None]  # what a model has at all layers alike
    _, p = sign_flip_test([weighted(profile)])
    for changed in (profile + levels, unit * profile, -profile, profile[::-1], profile[:, ::-1]):
        assert sign_flip_test([weighted(changed)])[1] == p


def test_models_that_agree_reach_the_smallest_p_and_flat_ones_show_nothing() -> None:
    rise = np.tile(np.arange(4.0), (8, 1))
    assert sign_flip_test([weighted(rise)])[1] == smallest_p([8]) == 1 / 2**7
    assert smallest_p([6]) == pytest.approx(0.03125)
    assert sign_flip_test([weighted(rise[:4]), weighted(rise[:3])])[1] == smallest_p([4, 3]) == 4 / 2**7
    assert smallest_p([40]) == 1 / (1 + DRAWS)
    assert sign_flip_test([weighted(rise[:1])])[1] == smallest_p([1]) == 1
    rounding = 0.3 + 1e-16 * noise("rounding", models=8)
    assert sign_flip_test([weighted(rounding)]) == (0, 1)


def test_patterns_of_many_models_are_drawn_once_and_for_all() -> None:
    """13 models: the exact p is that of 2^13 patterns; a draw of 9,999 is within 5 standard errors (1e-6)."""
    own = weighted(noise("many", models=13) + 0.35 * np.arange(4))
    _, drawn = sign_flip_test([own], "a")
    assert sign_flip_test([own], "a")[1] == drawn
    assert sign_flip_test([own], "b")[1] != drawn
    signs = np.array(list(product((1.0, -1.0), repeat=13)))
    statistics = ((signs @ own.centred() / 13) ** 2).mean(axis=1)
    exact = (statistics >= statistics[0] - 1e-12).mean()
    assert 0.001 < exact < 0.5
    assert abs(drawn - exact) < 5 * np.sqrt(exact * (1 - exact) / DRAWS) + 1 / DRAWS


@pytest.mark.parametrize("seed", range(4))
def test_the_rise_is_that_of_the_weighted_least_squares_line(seed: int) -> None:
    depth, weights = np.array([1.0, 2.0, 5.0, 9.0]), stream("test rises", seed).uniform(0.1, 3, 4)
    values = noise(seed, "rises")
    values[0, 3] = values[1, 1] = values[2, :2] = np.nan
    expected = []
    for own in values:
        known = np.isfinite(own)
        # np.polyfit squares its weights.
        expected.append(np.polyfit(depth[known], own[known], 1, w=np.sqrt(weights[known]))[0] * 8)
    assert weighted(values, weights).rises(depth) == pytest.approx(expected)
