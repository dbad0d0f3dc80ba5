"""Power against simulation, and what is detectable against the power it is to have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from denote.evidence.intervals import newcombe_balanced_accuracy
from denote.evidence.power import POWER, cell_power, detectable_auroc, detectable_proportion, mann_whitney_power
from denote.evidence.rule import Rule
from denote.observers.neuron import rank_neurons

RULE = Rule()


@pytest.mark.parametrize(
    ("shift", "n_pos", "n_neg", "cutoff"),
    [(1.0, 20, 980, 1e-4), (1.0, 10, 490, 5e-3), (0.3, 200, 300, 1e-2), (1.6, 25, 100, 1e-7)],
)
def test_power_is_that_of_simulated_tests(shift: float, n_pos: int, n_neg: int, cutoff: float) -> None:
    """4,000 data sets: a standard error of at most .008; .06 leaves room for the normal approximation."""
    rng = np.random.default_rng(0)
    labels = (np.arange(n_pos + n_neg) < n_pos).astype(np.int8)[:, None]
    state = rng.standard_normal((n_pos + n_neg, 4000)).astype(np.float32) + np.float32(shift) * labels
    found = np.mean(rank_neurons(state, labels).p_value <= cutoff)
    predicted = mann_whitney_power(stats.norm.cdf(shift / 2**0.5), n_pos, n_neg, cutoff, two_sided=True)
    assert 0.1 < found < 0.95, "a point where power says something"
    assert predicted == pytest.approx(found, abs=0.06)


def test_the_variance_is_the_integral_over_two_normal_classes() -> None:
    """Q from its definition: the chance that two positives exceed one negative is the mean of P(exceed)^2."""
    x = np.linspace(-9, 10, 20_001)
    q = np.trapezoid(stats.norm.pdf(x) * stats.norm.sf(x - 1) ** 2, x)
    area, n_pos, n_neg, z = stats.norm.cdf(0.5**0.5), 30, 70, stats.norm.isf(0.01)
    spread = np.sqrt((area * (1 - area) + 98 * (q - area**2)) / 2100)
    plain = stats.norm.sf((z * np.sqrt(101 / (12 * 2100)) - (area - 0.5)) / spread)
    assert mann_whitney_power(area, n_pos, n_neg, 0.01, two_sided=False) == pytest.approx(plain, abs=1e-6)


def test_under_the_null_power_is_the_level() -> None:
    # At AUROC .5 the two variances are (n + 1) / 12 and (n - 2) (1/3 - 1/4) + 1/4: the same.
    assert mann_whitney_power(0.5, 40, 60, 0.03, two_sided=True) == pytest.approx(0.03)
    assert mann_whitney_power(0.5, 40, 60, 0.03, two_sided=False) == pytest.approx(0.03)


@given(n_pos=st.integers(10, 5000), n_neg=st.integers(10, 5000), exponent=st.floats(-8, -1.3), two_sided=st.booleans())
def test_the_detectable_auroc_has_the_power_and_less_has_not(
    n_pos: int, n_neg: int, exponent: float, two_sided: bool
) -> None:
    cutoff = 10**exponent
    found = detectable_auroc(n_pos, n_neg, cutoff, two_sided=two_sided)
    if np.isnan(found):
        assert mann_whitney_power(1.0, n_pos, n_neg, cutoff, two_sided=two_sided) < POWER
    else:
        assert 0.5 < found <= 1
        assert mann_whitney_power(found, n_pos, n_neg, cutoff, two_sided=two_sided) >= POWER
        assert mann_whitney_power(found - 1e-6, n_pos, n_neg, cutoff, two_sided=two_sided) < POWER


def test_all_attributes_at_once_are_one_by_one() -> None:
    n_pos, n_neg, cutoff = np.array([20, 100, 3, 0]), np.array([980, 900, 4, 50]), 1e-3
    together = detectable_auroc(n_pos, n_neg, cutoff)
    alone = [float(detectable_auroc(p, n, cutoff)) for p, n in zip(n_pos, n_neg, strict=True)]
    assert together == pytest.approx(alone, nan_ok=True)
    assert np.isnan(together).tolist() == [False, False, True, True], "3 and 4 rows have no p below .028"
    assert together[1] < together[0]


def test_a_cell_is_decisive_as_often_as_simulated() -> None:
    """20,000 draws: a standard error of at most .0036; .015 is more than 4 of them."""
    rng, n_pos, n_neg = np.random.default_rng(0), 60, 440
    p = n_pos / (n_pos + n_neg)
    tp, tn = rng.binomial(n_pos, 1 - 0.04 * (1 - p), 20_000), rng.binomial(n_neg, 1 - 0.04 * p, 20_000)
    low = newcombe_balanced_accuracy(tp, n_pos, tn, n_neg, confidence=0.95, one_sided=True).low
    passes = ((tp / n_pos + tn / n_neg) / 2 >= RULE.decisive) & (low >= RULE.null)
    assert 0.05 < passes.mean() < 0.999
    assert cell_power(n_pos, n_neg, RULE) == pytest.approx(passes.mean(), abs=0.015)


def test_the_detectable_proportion_has_the_power_and_half_of_it_has_not() -> None:
    strict = Rule(decisive=0.96, null=0.94)
    found = detectable_proportion(2000, 2000, strict).item()
    n_pos = round(found * 2000)
    assert cell_power(n_pos, 2000 - n_pos, strict) >= POWER
    assert cell_power(n_pos // 2, 2000 - n_pos // 2, strict) < POWER


def test_detectable_proportions_by_attribute() -> None:
    found = detectable_proportion([2000, 2000, 40, 0], [2000, 8000, 2000, 2000], RULE)
    assert found[1] <= found[0], "more rows see smaller proportions"
    assert np.isnan(found[2:]).all(), "fewer than 25 positives or negatives on fit at any label proportion"
    assert found[0] >= RULE.min_rows / 2000
