"""The sign-flip test against all patterns by hand and against scipy's permutation test."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from denote.denotation.sign_flips import DRAWS, centred, sign_flip_test, smallest_p
from denote.streams import stream


def noise(*key: int | str, models: int = 5, layers: int = 4) -> np.ndarray:
    return stream("test sign flips", *key).standard_normal((models, layers))


def by_hand(profiles: list[np.ndarray]) -> tuple[float, float]:
    """T and p as METHOD section 6 says them, pattern by pattern and sum by sum."""

    def statistic(flipped: list[np.ndarray]) -> float:
        everyone = sum(len(own) for own in flipped)
        total = 0.0
        for own in flipped:
            squares = [(sum(row[layer] for row in own) / len(own)) ** 2 for layer in range(own.shape[1])]
            total += len(own) / everyone * sum(squares) / own.shape[1]
        return total

    rows = [np.array([row - sum(row) / len(row) for row in own]) for own in profiles]
    observed, at_least, patterns = statistic(rows), 0, 0
    for signs in product((1, -1), repeat=sum(len(own) for own in rows)):
        left = list(signs)
        flipped = [np.array([left.pop(0) * row for row in own]) for own in rows]
        patterns += 1
        at_least += statistic(flipped) >= observed - 1e-12
    return observed, at_least / patterns


@pytest.mark.parametrize("seed", range(4))
def test_every_pattern_of_every_architecture_is_counted(seed: int) -> None:
    """Architectures of unequal numbers of models and layers: weights and signs are their own."""
    profiles = [noise(seed, "one", models=4, layers=3), noise(seed, "two", models=3, layers=5)]
    for some in (profiles, profiles[:1]):
        assert sign_flip_test(some) == pytest.approx(by_hand(some))


def test_one_architecture_agrees_with_scipy() -> None:
    profile = centred(noise("scipy", models=8, layers=6) + np.linspace(0, 0.6, 6))

    # Of one sample scipy flips signs: those of the models are the sample, so that a model flips as a whole.
    signs = np.ones(8)
    result = stats.permutation_test(
        (signs,), lambda flips, axis=-1: ((flips @ profile / 8) ** 2).mean(axis=-1), permutation_type="samples",
        n_resamples=np.inf, vectorized=True, alternative="greater",
    )  # fmt: skip
    found = sign_flip_test([profile])
    assert found == pytest.approx((float(result.statistic), float(result.pvalue)))


@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.1, 10))
def test_levels_units_and_sign_of_all_change_nothing(seed: int, level: float, unit: float) -> None:
    profile = noise(seed)
    levels = level * np.arange(len(profile))[:, None]  # what a model has at all layers alike
    _, p = sign_flip_test([profile])
    for changed in (profile + levels, unit * profile, -profile, profile[::-1], profile[:, ::-1]):
        assert sign_flip_test([changed])[1] == p


def test_models_that_agree_reach_the_smallest_p_and_flat_ones_show_nothing() -> None:
    rise = np.tile(np.arange(4.0), (8, 1))
    assert sign_flip_test([rise])[1] == smallest_p([8]) == 1 / 2**7
    assert smallest_p([6]) == pytest.approx(0.03125)
    assert sign_flip_test([rise[:4], rise[:3]])[1] == smallest_p([4, 3]) == 4 / 2**7
    assert smallest_p([40]) == 1 / (1 + DRAWS)
    assert sign_flip_test([rise[:1]])[1] == smallest_p([1]) == 1
    rounding = 0.3 + 1e-16 * noise("rounding", models=8)
    assert sign_flip_test([rounding]) == (0, 1)


def test_patterns_of_many_models_are_drawn_once_and_for_all() -> None:
    """13 models: the exact p is that of 2^13 patterns; a draw of 9,999 is within 5 standard errors (1e-6)."""
    profile = noise("many", models=13) + 0.35 * np.arange(4)
    _, drawn = sign_flip_test([profile], "a")
    assert sign_flip_test([profile], "a")[1] == drawn
    assert sign_flip_test([profile], "b")[1] != drawn
    signs = np.array(list(product((1.0, -1.0), repeat=13)))
    statistics = ((signs @ centred(profile) / 13) ** 2).mean(axis=1)
    exact = (statistics >= statistics[0] - 1e-12).mean()
    assert 0.001 < exact < 0.5
    assert abs(drawn - exact) < 5 * np.sqrt(exact * (1 - exact) / DRAWS) + 1 / DRAWS
