"""Intervals against references, by their defining equations, and by coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from denote.evidence.intervals import (
    auroc_interval,
    balanced_accuracy_p_value,
    balanced_accuracy_rejected,
    design_effect,
    newcombe_balanced_accuracy,
    t_interval,
    wilson,
)


@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(n: int, share: float, confidence: float) -> None:
    successes = round(share * n)
    expected = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    two, one = wilson(successes, n, confidence), wilson(successes, n, confidence, one_sided=True)
    np.testing.assert_allclose([two.low, two.high], [expected.low, expected.high], atol=1e-12)
    assert two.low <= one.low <= two.value == successes / n <= one.high <= two.high


def test_no_rows_no_interval() -> None:
    assert np.isnan(wilson([0, 1], [0, 2]).low).tolist() == [True, False]
    nothing = newcombe_balanced_accuracy(5, 5, 0, 0)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    assert np.isnan(balanced_accuracy_p_value(5, 5, 0, 0))
    assert np.isnan(auroc_interval([0.9, np.nan, 0.9], [0, 5, 5], 5).low).tolist() == [True, True, False]
    assert np.isnan(design_effect(np.zeros(0), np.zeros(0, int)))


@given(st.integers(25, 600), st.integers(25, 2000), st.floats(0.85, 1), st.floats(0.85, 1))
def test_p_value_is_the_level_at_which_the_lower_bound_is_the_null(
    n_pos: int, n_neg: int, tpr: float, tnr: float
) -> None:
    tp, tn = round(tpr * n_pos), round(tnr * n_neg)
    p = float(balanced_accuracy_p_value(tp, n_pos, tn, n_neg, null=0.9))
    if (tp / n_pos + tn / n_neg) / 2 <= 0.9:
        assert p == 0.5
    elif p > 1e-12:  # below, 1 - p cannot be told from 1
        bounds = newcombe_balanced_accuracy(tp, n_pos, tn, n_neg, confidence=1 - p, one_sided=True)
        assert bounds.low == pytest.approx(0.9, abs=1e-6)


@given(
    st.tuples(*[st.one_of(st.integers(1, 60), st.integers(1, 10**7))] * 2),
    st.tuples(*[st.one_of(st.just(1.0), st.floats(0.5, 1))] * 2),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_p_value_is_that_of_a_plain_root(n: tuple[int, int], shares: tuple[float, float], null: float) -> None:
    hits = tuple(round(share * of) for share, of in zip(shares, n, strict=True))
    rates = [k / of for k, of in zip(hits, n, strict=True)]
    p = float(balanced_accuracy_p_value(hits[0], n[0], hits[1], n[1], null))

    def low(z: float) -> float:
        level = [stats.norm.cdf(z)] * 2
        limits = [wilson(k, of, c, one_sided=True).low for k, of, c in zip(hits, n, level, strict=True)]
        return np.mean(rates) - np.hypot(rates[0] - limits[0], rates[1] - limits[1]) / 2 - null

    if np.mean(rates) > null and low(7.0) < 0:  # beyond, the level cannot be told from 1
        assert p == pytest.approx(stats.norm.sf(brentq(low, 1e-9, 7.0, xtol=1e-13)), rel=1e-4, abs=1e-9)


def test_numbers_do_not_depend_on_those_beside_them() -> None:
    rng = np.random.default_rng(0)
    n_pos, n_neg = rng.integers(1, 5000, (2, 500))
    tp, tn = rng.binomial(n_pos, 0.97), rng.binomial(n_neg, 0.99)
    area = rng.beta(5, 0.5, 500)
    together, bounds = balanced_accuracy_p_value(tp, n_pos, tn, n_neg), auroc_interval(area, n_pos, n_neg)
    for i in range(0, 500, 50):
        assert together[i] == balanced_accuracy_p_value(tp[i], n_pos[i], tn[i], n_neg[i])
        alone = auroc_interval(area[i], n_pos[i], n_neg[i])
        assert (bounds.low[i], bounds.high[i]) == (alone.low, alone.high)


@given(st.integers(25, 600), st.floats(0.85, 1), st.floats(0.85, 1), st.sampled_from([1e-30, 1e-6, 0.01, 0.4]))
def test_rejected_is_a_p_value_at_most_the_cutoff(n: int, tpr: float, tnr: float, cutoff: float) -> None:
    counts = round(tpr * n), n, round(tnr * n), n
    p = float(balanced_accuracy_p_value(*counts))
    if abs(p / cutoff - 1) > 1e-6:
        assert balanced_accuracy_rejected(*counts, cutoff) == (p <= cutoff)


def test_p_values_of_perfect_neurons_are_those_of_the_method() -> None:
    p = balanced_accuracy_p_value([25, 50], [25, 50], [475, 475], [475, 475])
    assert p[0] == pytest.approx(0.006, abs=0.0006)
    assert p[1] == pytest.approx(0.0002, abs=0.00005)


@pytest.mark.parametrize(("n_pos", "n_neg"), [(25, 475), (100, 400), (1000, 1000)])
def test_p_value_has_its_size(n_pos: int, n_neg: int) -> None:
    """Of 20,000 at the null, P(share below .05 above .056) < 1e-4 at a true size of .05."""
    rng = np.random.default_rng(1)
    tp, tn = rng.binomial(n_pos, 0.9, 20_000), rng.binomial(n_neg, 0.9, 20_000)
    size = (balanced_accuracy_p_value(tp, n_pos, tn, n_neg) <= 0.05).mean()
    assert 0.02 < size < 0.056


def test_design_effect_enters_as_smaller_numbers() -> None:
    whole = balanced_accuracy_p_value(48, 50, 96, 100)
    assert balanced_accuracy_p_value(96, 100, 192, 200, effects=(2, 2)) == pytest.approx(float(whole))


def test_null_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"null is 0\.4"):
        balanced_accuracy_p_value(5, 5, 5, 5, null=0.4)


def test_newcombe_covers() -> None:
    """Of 4,000 draws, coverage .95 has a standard error of .0034; .935 is 4.4 of them away."""
    rng = np.random.default_rng(2)
    tp, tn = rng.binomial(60, 0.9, 4000), rng.binomial(300, 0.8, 4000)
    found = newcombe_balanced_accuracy(tp, 60, tn, 300)
    assert 0.935 < ((found.low <= 0.85) & (found.high >= 0.85)).mean() < 0.975
    np.testing.assert_array_equal(found.value, (tp / 60 + tn / 300) / 2)


def test_design_effect_of_copies_is_their_number() -> None:
    hits = np.array([1, 1, 0, 1, 0, 1, 1, 1, 1, 0])
    groups = np.arange(10)
    single = design_effect(hits, groups)
    assert single == pytest.approx(10 / 9)
    assert design_effect(np.repeat(hits, 3), np.repeat(groups, 3)) == pytest.approx(3 * single)
    assert design_effect(np.ones(12), np.repeat(np.arange(4), 3)) == 3
    assert design_effect(hits, np.zeros(10, int)) == 10


def test_design_effect_is_at_least_one() -> None:
    hits, groups = np.tile([0, 1], 10), np.repeat(np.arange(10), 2)
    assert design_effect(hits, groups) == 1


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_auroc_bounds_solve_their_equation(area: float, n_pos: int, n_neg: int) -> None:
    z, m = stats.norm.ppf(0.975), (n_pos + n_neg) / 2 - 1
    found = auroc_interval(area, n_pos, n_neg)
    low, high = float(found.low), float(found.high)
    assert 0 <= low <= area == found.value <= high <= 1
    for bound in (low, high):
        variance = bound * (1 - bound) * (1 + m * (1 - bound) / (2 - bound) + m * bound / (1 + bound)) / n_pos / n_neg
        assert abs(area - bound) == pytest.approx(z * np.sqrt(variance), abs=1e-9)


def test_auroc_interval_covers_near_the_ceiling() -> None:
    """Classes at -d and +d, d = 1.5: AUROC .983. Of 1,000 draws P(coverage below .92) < 1e-4 at .95."""
    rng = np.random.default_rng(3)
    n, d = 40, 1.5
    positive, negative = rng.normal(d, 1, (1000, n)), rng.normal(-d, 1, (1000, n))
    area = (positive[:, :, None] > negative[:, None, :]).mean(axis=(1, 2))
    found = auroc_interval(area, n, n)
    truth = stats.norm.cdf(d * np.sqrt(2))
    assert ((found.low <= truth) & (truth <= found.high)).mean() > 0.92


def test_t_interval_equals_scipy_and_needs_two() -> None:
    values = [0.3, 0.5, 0.35, np.nan, 0.6]
    kept = np.array([0.3, 0.5, 0.35, 0.6])
    expected = stats.t.interval(0.9, 3, kept.mean(), stats.sem(kept))
    found, alone = t_interval(values, 0.9), t_interval([0.3, np.nan])
    np.testing.assert_allclose([found.low, found.high], expected)
    assert found.value == kept.mean()
    assert (alone.value, np.isnan([alone.low, alone.high]).all()) == (0.3, True)
    assert np.isnan(t_interval([]).value)
