"""The best coordinate of another state against a plain search over coordinates, thresholds and directions."""

from functools import cache

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from denote.attributes.labels import NULL
from denote.data.parts import Halves
from denote.denotation.judging.rivals import best_coordinates
from denote.denotation.search.properties import Properties, Settings, Thresholds, places

N, CLASSES = 300, 6
WHICH = np.array([3, 0, 7])


@cache
def world() -> tuple[Halves[np.ndarray], Properties]:
    """Continuous, rectified and constant coordinates; one class is null, some rows have none."""
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, CLASSES, N)
    state = rng.standard_normal((N, 9)) + 2 * rng.standard_normal((CLASSES + 1, 9))[codes]
    state[:, 4:7], state[:, 8] = np.maximum(state[:, 4:7], 0), 1
    masks = (np.arange(1, 11)[:, None] >> np.arange(CLASSES) & 1).astype(np.int8)
    masks[:, 5] = NULL
    values = state.astype(np.float32)
    halves = Halves(codes[: N // 2], codes[N // 2 :])
    return Halves(values[: N // 2], values[N // 2 :]), Properties(tuple(map(str, range(10))), masks, halves)


@cache
def expected(which: int, thresholds: Thresholds) -> float:
    """Best coordinate over the thresholds tried, then its best threshold of all; scored on test."""
    state, properties = world()
    fit, test = properties.fit_labels(which), properties.test_labels(which)
    known, rows, tried = fit != NULL, properties.codes.fit >= 0, []
    for neuron in range(state.fit.shape[1]):
        ordered = np.sort(state.fit[rows, neuron])
        able = [edge for edge in range(1, len(ordered)) if ordered[edge - 1] < ordered[edge]]
        for place in places(len(ordered), thresholds) if able else ():
            below = ordered[min(able, key=lambda edge: (abs(edge - place), edge)) - 1]
            score = balanced_accuracy_score(fit[known], state.fit[known, neuron] > below)
            tried.append((max(score, 1 - score), -neuron, score >= 0.5))
    _, minus, up = max(tried)
    sign = 1 if up else -1
    column, own = sign * state.fit[known, -minus], fit[known]
    distinct = np.unique(column)
    middles = (distinct[1:] + distinct[:-1]) / 2
    best = max(
        zip([balanced_accuracy_score(own, column > m) for m in middles], np.diff(distinct), middles, strict=True)
    )
    labelled = test != NULL
    return float(balanced_accuracy_score(test[labelled], sign * state.test[labelled, -minus] > best[2]))


@pytest.mark.parametrize("thresholds", [5, 64, "all"])
@pytest.mark.parametrize("memory", [1, 1 << 28])
def test_the_best_coordinate_is_that_of_a_plain_search(thresholds: Thresholds, memory: int) -> None:
    state, properties = world()
    found = best_coordinates(state, properties, WHICH, Settings(thresholds, memory=memory))
    assert found == pytest.approx([expected(which, thresholds) for which in WHICH])


def test_a_state_that_does_not_vary_has_no_coordinate() -> None:
    state, properties = world()
    constant = Halves(np.ones_like(state.fit), np.ones_like(state.test))
    assert np.isnan(best_coordinates(constant, properties, WHICH, Settings())).all()
