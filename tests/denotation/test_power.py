"""Power of the rule against simulation."""

import numpy as np
import pytest

from denote.denotation.power import rule_power, smallest_detectable_proportion
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
