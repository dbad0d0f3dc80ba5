"""The inner parts keep groups whole: what is chosen there is chosen on rows that the weights have not seen."""

from __future__ import annotations

import numpy as np
import pytest

from denote.observers.linear import LinearProbe
from denote.observers.mlp import MlpProbe
from denote.observers.observer import Probe
from denote.observers.solvers.batches import SHARE, inner_parts
from denote.observers.sparse import SparseProbe
from denote.streams import stream

COPIES = 4
STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)


def test_without_groups_the_draw_is_what_it_was() -> None:
    order = stream("inner validation", 3).permutation(50)
    held, rest = inner_parts(50, 3)
    np.testing.assert_array_equal(held, np.sort(order[:10]))
    np.testing.assert_array_equal(rest, np.sort(order[10:]))


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_dealt_whole_and_in_their_share(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(rng.permutation(90) * 7 - 100, rng.integers(1, 12, 90)))
    held, rest = inner_parts(len(groups), seed, groups)
    assert not set(groups[held]) & set(groups[rest])
    np.testing.assert_array_equal(np.sort(np.concatenate([held, rest])), np.arange(len(groups)))
    assert len(held) / len(groups) == pytest.approx(SHARE, abs=0.02)
    again, other = inner_parts(len(groups), seed, groups)[0], inner_parts(len(groups), seed + 100, groups)[0]
    assert (held == again).all()
    assert set(groups[held]) != set(groups[other])


def copies(n: int = 60, d: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise in which every row stands several times, as one group: what is learned by heart comes again."""
    rng = np.random.default_rng(0)
    state, label = rng.standard_normal((n, d)), rng.integers(0, 2, (n, 3))
    place = rng.permutation(np.repeat(np.arange(n), COPIES))
    return state[place].astype(np.float32), label[place].astype(np.int8), place


def test_copies_leak_into_the_choice_of_the_penalty_unless_they_are_a_group() -> None:
    state, labels, groups = copies()
    probe = LinearProbe(l2=STRENGTHS)
    leaked, sound = probe.fit(state, labels), probe.fit(state, labels, groups=groups)
    assert leaked.l2 is not None
    assert sound.l2 is not None
    assert (leaked.l2 == min(STRENGTHS)).all()  # what is learned by heart is "confirmed" by its copies
    assert (sound.l2 == max(STRENGTHS)).all()  # on noise nothing is worth learning


def test_copies_leak_into_when_training_stops_unless_they_are_a_group() -> None:
    state, labels, groups = copies()
    probe = MlpProbe(width=16, max_epochs=40, batch_size=64)
    leaked, sound = (np.abs(probe.fit(state, labels, groups=g).scores(state)).mean() for g in (None, groups))
    assert leaked > 3 * sound


def test_an_unbalanced_fit_sets_its_threshold_on_groups_of_their_own() -> None:
    state, labels, groups = copies()
    held, rest = inner_parts(len(groups), 0, groups)
    observer = LinearProbe(balance=False).fit(state, labels, groups=groups)
    spoiled = labels.copy()
    spoiled[held] = 1 - spoiled[held]
    after = LinearProbe(balance=False).fit(state, spoiled, groups=groups)
    np.testing.assert_array_equal(observer.weights, after.weights)  # held rows move the threshold alone
    assert (observer.bias != after.bias).all()
    moved = labels.copy()
    moved[rest] = 1 - moved[rest]
    assert (LinearProbe(balance=False).fit(state, moved, groups=groups).weights != observer.weights).any()


@pytest.mark.parametrize("n_groups", [1, 2])
def test_too_few_groups_to_hold_one_out_are_said_to_be(n_groups: int) -> None:
    state, labels, _ = copies()
    groups = np.arange(len(state)) % n_groups
    observer = LinearProbe(l2=STRENGTHS).fit(state, labels, groups=groups)
    assert observer.fitted.all()
    assert "l2: not chosen, the largest" in str(observer.notes[0])
    assert "inner validation part" in str(MlpProbe(max_epochs=2).fit(state, labels, groups=groups).notes[0])


@pytest.mark.parametrize("probe", [LinearProbe(), SparseProbe(sizes=(2,))])
def test_a_probe_that_holds_nothing_out_ignores_groups(probe: Probe) -> None:
    state, labels, groups = copies()
    np.testing.assert_array_equal(probe.fit(state, labels).weights, probe.fit(state, labels, groups=groups).weights)
