"""Mixing against the rule applied to every pair by the ordinary way, one attribute at a time."""

import numpy as np
import polars as pl
import pytest

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves
from denote.denotation.judging.attributes_passed import attributes_passed
from denote.denotation.judging.decisions import decide_neurons
from denote.denotation.neurons import Controls, Neurons, observe_neurons
from denote.evidence.rule import Rule
from denote.observers.reading import Resources
from denote.observers.sorted_columns import least_memory
from denote.states.layers import Layer
from denote.states.state import StoredState

N = 1200
NAMES = ("rare", "few", "half", "most", "patchy", "noise")


def planted() -> tuple[np.ndarray, np.ndarray]:
    """Neurons at various distances from attributes of various shares, in both directions; two attributes are alike.

    Some are borderline, so that every condition of the rule decides somewhere.
    """
    rng = np.random.default_rng(0)
    values = (rng.random((N, 6)) < np.array([0.015, 0.08, 0.5, 0.85, 0.4, 0.3])).astype(np.int8)
    values[:, 4] = np.where(rng.random(N) < 0.2, -1, np.where(rng.random(N) < 0.02, 1 - values[:, 2], values[:, 2]))
    signs, sizes = rng.choice([-1, 1], 48), np.repeat([3.3, 3.6, 4.0, 4.5, 6.0, 9.0], 8)
    signal = np.abs(values[:, np.arange(48) % 5]) * signs * sizes
    state = (signal + rng.standard_normal((N, 48))).astype(np.float32)
    state[:, 47] = 1
    return state, values


def halves(state: np.ndarray, values: np.ndarray) -> tuple[Halves[np.ndarray], Halves[Labels]]:
    whole = Labels(NAMES, ("named",) * 6, values)
    fit, test = np.arange(N // 2), np.arange(N // 2, N)
    return Halves(state[fit], state[test]), Halves(whole.at(fit), whole.at(test))


def one_by_one(
    state: Halves[np.ndarray], labels: Halves[Labels], groups: Halves[np.ndarray] | None
) -> tuple[np.ndarray, int]:
    """Every attribute searched and judged by itself, all pairs then corrected as one family."""
    n = state.fit.shape[1]
    neurons = Neurons(Layer("b", 0, None, (n,), "none", (n,)), [str(i) for i in range(n)], groups=groups)
    frames = []
    for a, name in enumerate(NAMES):
        each = (Labels((name,), ("pairs",), part.values[:, [a]]) for part in (labels.fit, labels.test))
        family = Halves(*(Family("pairs", part) for part in each))
        frames.append(observe_neurons(neurons, state, family, Controls(shuffles=0)))
    decided = decide_neurons(pl.concat(frames), Rule())
    passes = decided["denotes"].fill_null(False).to_numpy().reshape(len(NAMES), n).T
    return passes, decided["p_value"].is_not_null().sum()


@pytest.mark.parametrize("size", [None, 3, 24])  # of the 25 groups of 24 rows too few hold the rarer labels
def test_pairs_pass_as_they_would_one_by_one(size: int | None) -> None:
    state, labels = halves(*planted())
    groups = Halves(np.arange(N // 2) // size, np.arange(N // 2) // size) if size else None
    passes, n_tests = one_by_one(state, labels, groups)
    found = attributes_passed(state, labels, Rule(), groups=groups)
    np.testing.assert_array_equal(found.attributes_passed, passes.sum(axis=1))
    np.testing.assert_array_equal(found.neurons_passing, passes.sum(axis=0))
    assert (found.attributes, found.n_tests) == (NAMES, n_tests)
    assert {0, 1, 2} <= set(found.attributes_passed), "the case decides something"
    assert found.neurons_passing[0] == found.neurons_passing[5] == found.attributes_passed[47] == 0


def test_on_disk_in_little_memory_it_is_the_same() -> None:
    state, labels = halves(*planted())
    whole = np.concatenate([state.fit, state.test])
    disk = Halves(StoredState(whole, np.arange(N // 2)), StoredState(whole, np.arange(N // 2, N)))
    little = Resources(memory=least_memory(disk.fit, labels.fit.values))
    one, other = attributes_passed(state, labels, Rule()), attributes_passed(disk, labels, Rule(), little)
    np.testing.assert_array_equal(one.attributes_passed, other.attributes_passed)
    np.testing.assert_array_equal(one.neurons_passing, other.neurons_passing)


def test_it_becomes_a_column_of_live_neurons() -> None:
    state, labels = halves(*planted())
    mixing = attributes_passed(state, labels, Rule())
    neurons = Neurons(Layer("b", 0, None, (48,), "none", (48,)), [str(i) for i in range(48)])
    family = Halves(Family("named", labels.fit), Family("named", labels.test))
    rows = observe_neurons(neurons, state, family, Controls(shuffles=0), mixing)
    assert rows["attributes_passed"].to_list() == [*mixing.attributes_passed[:47].tolist(), None]


def test_without_an_attribute_nothing_is_passed() -> None:
    state, _ = halves(*planted())
    empty = Labels((), (), np.zeros((N // 2, 0), np.int8))
    found = attributes_passed(state, Halves(empty, empty), Rule())
    assert not found.attributes_passed.any()
    assert found.n_tests == 0
