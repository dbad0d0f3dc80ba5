"""Power of the rule against simulation."""

import numpy as np
import pytest
from scipy import stats

from denote.denotation.judging.decisions import (
    Passing,
    detectable_balanced_accuracy,
    rule_power,
    smallest_detectable_proportion,
)
from denote.evidence.intervals import balanced_accuracy_p_value
from denote.evidence.power import ERROR, POWER
from denote.evidence.rule import Rule

RULE = Rule()


@pytest.mark.parametrize(("n_positive", "n_negative", "cutoff"), [(60, 940, 0.002), (40, 960, 0.02)])
def test_power_is_that_of_simulated_neurons(n_positive: int, n_negative: int, cutoff: float) -> None:
    """20,000 draws: a standard error of at most .0036; .015 is more than 4 of them."""
    rng, n = np.random.default_rng(0), n_positive + n_negative
    p = n_positive / n
    tp = rng.binomial(n_positive, 1 - ERROR * (1 - p), 20_000)
    tn = rng.binomial(n_negative, 1 - ERROR * p, 20_000)
    balanced, on = (tp / n_positive + tn / n_negative) / 2, (tp + n_negative - tn) / n
    p_value = balanced_accuracy_p_value(tp, n_positive, tn, n_negative)
    passes = (balanced >= 0.95) & (p_value <= cutoff) & (abs(on - p) <= 0.25 * p)
    assert 0.05 < passes.mean() < 0.999, "a point where power says something"
    assert rule_power(n_positive, n_negative, cutoff, RULE) == pytest.approx(passes.mean(), abs=0.015)


def test_the_smallest_proportion_has_the_power_and_half_of_it_has_not() -> None:
    found = smallest_detectable_proportion(2000, 2000, 0.001, RULE)
    assert found is not None
    n_positive = round(found * 2000)
    assert rule_power(n_positive, 2000 - n_positive, 0.001, RULE) >= POWER
    assert rule_power(n_positive // 2, 2000 - n_positive // 2, 0.001, RULE) < POWER


def test_more_rows_see_smaller_proportions_and_stricter_cutoffs_see_less() -> None:
    some, more = (smallest_detectable_proportion(n, n, 0.001, RULE) for n in (1000, 8000))
    strict = smallest_detectable_proportion(1000, 1000, 1e-8, RULE)
    assert some is not None
    assert more is not None
    assert strict is not None
    assert more < some < strict


def test_what_cannot_be_seen_is_none() -> None:
    assert smallest_detectable_proportion(40, 1000, 0.05, RULE) is None, "fewer than 25 positives on fit at any p"
    assert smallest_detectable_proportion(1000, 60, 1e-6, RULE) is None
    assert smallest_detectable_proportion(1000, 1000, float("nan"), RULE) is None


@pytest.mark.parametrize(("n_positive", "n_negative"), [(26, 300), (45, 60), (30, 30), (300, 40)])
@pytest.mark.parametrize("cutoff", [0.02, 1e-3])
def test_power_is_the_sum_over_all_pairs_of_counts_that_pass(n_positive: int, n_negative: int, cutoff: float) -> None:
    n, p = n_positive + n_negative, n_positive / (n_positive + n_negative)
    tp, tn = np.meshgrid(np.arange(n_positive + 1), np.arange(n_negative + 1), indexing="ij")
    passes = (
        ((tp / n_positive + tn / n_negative) / 2 >= 0.95 - 1e-12)
        & (balanced_accuracy_p_value(tp, n_positive, tn, n_negative) <= cutoff)
        & (abs((tp + n_negative - tn) / n - p) <= 0.25 * min(p, 1 - p) + 1e-12)
    )
    for error in (0.0, 0.02, 0.07):
        chance = np.outer(
            stats.binom.pmf(np.arange(n_positive + 1), n_positive, 1 - error * (1 - p)),
            stats.binom.pmf(np.arange(n_negative + 1), n_negative, 1 - error * p),
        )
        found = Passing.of(n_positive, n_negative, cutoff, RULE).probability(error)
        assert found == pytest.approx(chance[passes].sum(), abs=1e-9)


def test_the_detectable_balanced_accuracy_has_the_power_and_a_little_less_has_not() -> None:
    for few, many, cutoff in ((60, 940, 0.002), (500, 500, 1e-3), (40, 200, 0.03)):
        found = detectable_balanced_accuracy(few, many, cutoff, RULE)
        assert found is not None
        assert 0.94 < found < 1
        passing = Passing.of(few, many, cutoff, RULE)
        assert passing.probability(2 * (1 - found - 1e-4)) > POWER > passing.probability(2 * (1 - found + 1e-4))
        assert found == detectable_balanced_accuracy(many, few, cutoff, RULE), "a complement is as easily seen"


def test_more_rows_detect_smaller_effects_and_stricter_cutoffs_larger_ones_only() -> None:
    some, more = (detectable_balanced_accuracy(n // 10, n - n // 10, 0.01, RULE) for n in (500, 4000))
    strict = detectable_balanced_accuracy(50, 450, 1e-3, RULE)
    assert some is not None
    assert more is not None
    assert strict is not None
    assert more < some < strict


def test_where_a_perfect_neuron_would_not_pass_nothing_is_detectable() -> None:
    """METHOD section 3: a perfect neuron's p is .006 at 25 positives."""
    assert detectable_balanced_accuracy(25, 475, 0.005, RULE) is None
    assert detectable_balanced_accuracy(25, 475, 0.007, RULE) is not None
    assert detectable_balanced_accuracy(24, 476, 0.05, RULE) is None, "too few rows for the rule"
    assert detectable_balanced_accuracy(100, 100, float("nan"), RULE) is None
    assert detectable_balanced_accuracy(0, 100, 0.05, RULE) is None
