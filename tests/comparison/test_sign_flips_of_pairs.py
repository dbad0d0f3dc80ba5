"""Signs of paired differences flipped together, against a plain version; what cannot be said is not said."""

from itertools import product

import numpy as np
import pytest
import scipy

from denote.comparison.sign_flips import DRAWS, LEAST_PAIRS, MOST_ENUMERATED, sign_flip_p_values
from denote.streams import stream


def differences(networks: int = 7, tests: int = 4, planted: float = 0.0) -> np.ndarray:
    drawn = stream("test sign flips", networks, tests).normal(0, 1, (networks, tests))
    return drawn + planted * np.eye(1, tests)


def plainly(values: np.ndarray) -> list[float]:
    """Holm-like steps, one after the other, with loops in place of arrays; variances are drawn to the shared one."""
    n, tests = values.shape
    squares = (values**2).mean(axis=0)
    logs = np.log(squares) - scipy.special.digamma(n / 2) + np.log(n / 2)
    excess = logs.var(ddof=1) - scipy.special.polygamma(1, n / 2)
    freedom = 4.0 * n
    if excess > 0:
        twice = scipy.optimize.brentq(lambda x: scipy.special.polygamma(1, x) - excess, 1e-6, 1e6) * 2
        freedom = min(twice, freedom)
    shared = np.exp(logs.mean() + scipy.special.digamma(freedom / 2) - np.log(freedom / 2))

    def statistic(column: np.ndarray) -> float:
        variance = (column.var(ddof=1) * (n - 1) + freedom * shared) / (n - 1 + freedom)
        return float(abs(column.mean()) * np.sqrt(n / variance))

    observed = [statistic(values[:, test]) for test in range(tests)]
    order = sorted(range(tests), key=lambda test: -observed[test])
    corrected, least = [0.0] * tests, 0.0
    for place, test in enumerate(order):
        rest = order[place:]
        flipped = [max(statistic(values[:, other] * signs) for other in rest) for signs in product((1, -1), repeat=n)]
        least = max(least, float(np.mean(np.array(flipped) >= observed[test] - 1e-9)))
        corrected[test] = least
    return corrected


@pytest.mark.parametrize("planted", [0.0, 2.0])
def test_p_values_are_those_of_the_plain_version(planted: float) -> None:
    values = differences(planted=planted)
    alone, corrected = sign_flip_p_values(values)
    assert corrected == pytest.approx(plainly(values))
    assert (alone <= corrected).all()


def test_what_no_sign_changes_changes_no_p_value() -> None:
    values = differences()
    signs = np.array([1, -1] * 4)[:7, None] * 0 - 1
    assert sign_flip_p_values(values * signs)[1] == pytest.approx(sign_flip_p_values(values)[1])
    assert sign_flip_p_values(values * 1000)[1] == pytest.approx(sign_flip_p_values(values)[1])


def test_the_smallest_p_value_is_that_of_two_patterns() -> None:
    sure = np.full((8, 3), 0.1) + differences(8, 3) * 1e-3
    assert sign_flip_p_values(sure)[1] == pytest.approx([2 / 2**8] * 3)
    too_few = np.full((LEAST_PAIRS - 1, 1), 0.1)
    assert sign_flip_p_values(too_few)[1][0] > 0.05


@pytest.mark.parametrize("by", [0.1, -0.25, 0.3])
def test_one_test_with_the_same_difference_of_all_pairs_is_found(by: float) -> None:
    """No other signs reach a mean without any spread."""
    alone, corrected = sign_flip_p_values(np.full((8, 1), by))
    assert alone.tolist() == corrected.tolist() == [2 / 2**8]
    beside = np.column_stack([np.full(8, by), np.zeros(8)])
    assert sign_flip_p_values(beside)[1].tolist() == [2 / 2**8, 1.0]


def test_nothing_differs_or_nothing_is_known() -> None:
    alone, corrected = sign_flip_p_values(np.zeros((8, 3)))
    assert (alone == 1).all()
    assert (corrected == 1).all()
    some = differences(8, 2)
    some[:, 1] = np.nan
    assert np.isnan(sign_flip_p_values(some)[1][1])
    assert sign_flip_p_values(some)[1][0] == pytest.approx(sign_flip_p_values(some[:, :1])[1][0])


def test_signs_of_many_networks_are_drawn_and_the_draw_repeats() -> None:
    values = differences(MOST_ENUMERATED + 2, 2, planted=3.0)
    first, again = sign_flip_p_values(values)[1], sign_flip_p_values(values)[1]
    assert (first == again).all()
    assert first[0] <= 10 / (1 + DRAWS)
