"""Threads of our own: results keep their order, torch gets its threads back, and no bit depends on their number."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest
import torch

from denote.observers.linear import LinearProbe
from denote.observers.reading import Resources, moments
from denote.observers.solvers import logistic
from denote.observers.threads import AHEAD, given_back, own_threads, taken_over, threads_available


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("four_threads")
def test_results_keep_the_order_of_the_tasks() -> None:
    later = Event()

    def work(task: int) -> int:
        if task == 0:
            assert later.wait(10)  # the first task ends after the second
        later.set()
        return task * task

    with own_threads() as threads:
        assert threads.count == 4
        assert list(threads.in_order(work, range(50))) == [task * task for task in range(50)]


@pytest.mark.usefixtures("four_threads")
def test_few_tasks_are_taken_up_before_their_results_are_asked_for() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(100):
            taken.append(task)
            yield task

    with own_threads() as threads:
        results = threads.in_order(abs, tasks())
        assert next(results) == 0
        assert len(taken) == AHEAD * 4
        assert list(results) == list(range(1, 100))


@pytest.mark.usefixtures("four_threads")
def test_torch_uses_one_thread_inside_and_as_many_as_before_afterwards() -> None:
    with own_threads() as threads:
        assert torch.get_num_threads() == 1
        assert set(threads.in_order(lambda _: torch.get_num_threads(), range(8))) == {1}
        with own_threads() as inner:
            assert inner.count == 1
    assert torch.get_num_threads() == 4

    def fails(task: int) -> None:
        raise ValueError("a task that fails")

    with pytest.raises(ValueError, match="a task that fails"), own_threads() as threads:
        list(threads.in_order(fails, range(8)))
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_an_observation_leaves_torch_one_thread_and_work_of_its_own_all_of_them() -> None:
    with taken_over():
        assert (torch.get_num_threads(), threads_available()) == (1, 4)
        with own_threads() as threads:
            assert threads.count == 4
            assert threads_available() == 1  # inside a piece of work there are no more
        with given_back():
            assert torch.get_num_threads() == 4
        assert (torch.get_num_threads(), threads_available()) == (1, 4)
        with taken_over():
            assert threads_available() == 4
    assert (torch.get_num_threads(), threads_available()) == (4, 4)
    with pytest.raises(ValueError, match="an error"), taken_over():
        raise ValueError("an error")
    assert (torch.get_num_threads(), threads_available()) == (4, 4)


@pytest.mark.parametrize("most", [0, 0.5, 1])
def test_there_are_no_threads_without_use(most: float) -> None:
    with own_threads(most) as threads:
        assert threads.pool is None
        assert list(threads.in_order(abs, [-3, 2])) == [3, 2]


def layer(rows: int = 6_000) -> tuple[np.ndarray, np.ndarray]:
    """Rectified correlated neurons, and labels of which some are rare, so that all parts of the solver have work."""
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((rows, 8))
    state = np.maximum(causes @ rng.standard_normal((8, 150)) + rng.standard_normal((rows, 150)) - 0.5, 0)
    shares = np.linspace(0.02, 0.5, 9)
    noisy = causes @ rng.standard_normal((8, 9)) + rng.logistic(size=(rows, 9))
    return state.astype(np.float32), (noisy > np.quantile(noisy, 1 - shares, axis=0)[range(9), range(9)]).astype(
        np.int8
    )


def test_no_bit_depends_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "WORTHWHILE", 1)
    monkeypatch.setattr(logistic, "SHARED", 1)
    monkeypatch.setattr("denote.observers.reading.BLOCK", 1 << 16)
    monkeypatch.setattr("denote.observers.observer.BLOCK", 1 << 16)
    monkeypatch.setattr("denote.observers.solvers.design.BLOCK", 1 << 16)
    state, labels = layer()
    before = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            observer, neurons = LinearProbe().fit(state, labels), moments(state)
            found.append((observer.weights, observer.bias, observer.scores(state), neurons.variance.numpy()))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all((a == b).all() for a, b in zip(found[0], other, strict=True))


def test_fits_of_one_state_share_what_they_make_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []
    design_of = logistic.Design.spectrum.func  # type: ignore[attr-defined]

    def counted(design: logistic.Design) -> object:
        made.append(design.shape)
        return design_of(design)

    monkeypatch.setattr(logistic.Design.spectrum, "func", counted)
    state, labels = layer(500)
    alone = LinearProbe().fit(state, labels)
    kept = Resources(memory=1 << 28).keeping(state)
    assert kept.memory == (1 << 28) - state.nbytes
    made.clear()
    first = LinearProbe().fit(state, labels, resources=kept)
    second = LinearProbe().fit(state, labels[:, :3], resources=kept)
    assert len(made) == 1
    assert (first.weights == alone.weights).all()
    assert second.weights == pytest.approx(alone.weights[:, :3], rel=1e-3, abs=1e-4)
    LinearProbe().fit(state.copy(), labels, resources=kept)  # another object, though an equal one
    LinearProbe(standardise=False).fit(state, labels, resources=kept)
    assert len(made) == 3
