"""Differences against SciPy's tests, and where there is nothing to test."""

import numpy as np
import pytest
import scipy

from denote.comparison.differences import over_networks, over_pairs, over_rows
from denote.comparison.family import OVER_ROWS, Family, compared
from denote.comparison.pairing import NETWORKS, Pairing
from denote.numbers import Estimate
from denote.streams import stream


def scores(name: str, networks: int) -> np.ndarray:
    return stream("test differences", name).normal(0.8, 0.05, (networks, 3))


def test_pairs_are_compared_as_scipy_compares_them() -> None:
    ours, others = scores("a", 6), scores("b", 6)
    found, known = over_pairs(ours, others), scipy.stats.ttest_rel(others, ours)
    assert found.p_value == pytest.approx(known.pvalue)
    interval = known.confidence_interval()
    assert found.low == pytest.approx(interval.low)
    assert found.high == pytest.approx(interval.high)


def test_networks_are_compared_as_scipy_compares_them() -> None:
    ours, others = scores("a", 8), scores("b", 3)
    found, known = over_networks(ours, others), scipy.stats.ttest_ind(others, ours, equal_var=False)
    assert found.value == pytest.approx(others.mean(0) - ours.mean(0))
    assert found.p_value == pytest.approx(known.pvalue)
    interval = known.confidence_interval()
    assert found.low == pytest.approx(interval.low)
    assert found.high == pytest.approx(interval.high)


def test_a_network_without_a_value_is_left_out_of_that_test() -> None:
    ours, others = scores("a", 6), scores("b", 6)
    some = others.copy()
    some[2, 1] = np.nan
    found, without = over_pairs(ours, some), over_pairs(np.delete(ours, 2, 0), np.delete(others, 2, 0))
    assert found.p_value[1] == pytest.approx(without.p_value[1])
    assert found.p_value[0] == pytest.approx(over_pairs(ours, others).p_value[0])


@pytest.mark.parametrize("compare", [over_pairs, over_networks])
def test_what_equals_itself_differs_by_nothing_and_is_no_finding(compare: object) -> None:
    alike = np.full((3, 2), 0.9)
    found = compare(alike, alike)  # type: ignore[operator]
    for numbers, expected in ((found.value, 0), (found.low, 0), (found.high, 0), (found.p_value, 1)):
        assert (numbers == expected).all()


@pytest.mark.parametrize("compare", [over_pairs, over_networks])
def test_where_all_networks_differ_alike_there_is_no_test(compare: object) -> None:
    found = compare(np.full((3, 1), 0.9), np.full((3, 1), 0.8))  # type: ignore[operator]
    assert found.value[0] == pytest.approx(-0.1)
    assert np.isnan(found.p_value[0])


def test_the_interval_over_rows_ends_at_0_at_the_level_of_its_p_value() -> None:
    """Newcombe's ends: .03 below the other, .04 above the baseline, .05 apart."""
    ours, others = (Estimate(np.array([[v]]), np.array([[low]]), np.array([[high]])) for v, low, high in
                    ((0.80, 0.76, 0.84), (0.85, 0.82, 0.88)))  # fmt: skip
    found = over_rows(ours, others)
    assert found.low[0] == pytest.approx(0.05 - np.hypot(0.03, 0.04))
    assert found.p_value[0] == pytest.approx(0.05)
    assert (found.low[0] <= 1e-12) == (found.p_value[0] >= 0.05 - 1e-9)


def test_scores_over_the_same_rows_count_as_one() -> None:
    """Ten attributes that share their rows are no surer than one."""
    one = Estimate(np.full((1, 1), 0.8), np.full((1, 1), 0.76), np.full((1, 1), 0.84))
    ten = Estimate(*(np.repeat(part, 10, axis=0) for part in (one.value, one.low, one.high)))
    assert over_rows(ten, ten).high[0] == pytest.approx(over_rows(one, one).high[0])
    assert over_rows(one, one).p_value[0] == 1


def test_why_a_difference_was_not_tested_is_told_by_its_interval() -> None:
    """One network on a side has no spread to be told of; three that differ alike have none; scores may lack ends."""
    one, three = Pairing(NETWORKS, ("a",), ("d", "e", "f"), ""), Pairing(NETWORKS, ("a", "b", "c"), ("d", "e", "f"), "")
    for pairing, ours, code in ((one, [0.9, np.nan, np.nan], "too_few_with_score"), (three, [0.9] * 3, "no_spread")):
        note = Family.of_means(pairing, np.array(ours)[:, None], np.full((3, 1), 0.8)).why_untested(0)
        assert note is not None
        assert note.codes == (code,)
    bare = Estimate(np.full((1, 1), 0.8), *np.full((2, 1, 1), np.nan))
    note = Family.of(over_rows(bare, bare), OVER_ROWS).why_untested(0)
    assert note is not None
    assert note.codes == ("no_interval_compared",)


def test_no_interval_reaches_beyond_what_shares_can_differ_by() -> None:
    """Three networks of which one has the property: Student's interval would be wider than all that is possible."""
    shares = np.array([[0.0], [1.0], [0.0]])
    wild = over_networks(shares, 1 - shares)
    assert wild.high[0] > 1
    pairing = Pairing(NETWORKS, ("a", "b", "c"), ("d", "e", "f"), "as asked")
    found = compared(pairing, shares, 1 - shares)
    assert (found.low[0], found.high[0]) == (wild.low[0], 1.0)
    halves = compared(pairing, shares / 2, (1 - shares) / 2, np.array([0.5]))
    assert halves.high[0] == 0.5
    assert halves.p_value[0] == pytest.approx(wild.p_value[0])
