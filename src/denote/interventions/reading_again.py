"""Read an attribute off states that something was done to, by the same probe fitted anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int8

from denote.data.parts import Halves
from denote.evidence.bootstrap import AurocBootstrap, Resampling
from denote.evidence.intervals import auroc_interval
from denote.evidence.scores import Ranking, mann_whitney_greater
from denote.interventions.leace import EPS
from denote.notes import Note, note
from denote.numbers import Estimate
from denote.observers.linear import LinearProbe
from denote.observers.observer import FitData

ROUNDING = 100 * EPS
"""Spread of a neuron, as a share of its largest activation, that rounding errors of several layers make."""

States = Halves[Float32[np.ndarray, "sample neuron"]]


@dataclass(frozen=True)
class ReadAgain:
    """How well the same probe reads an attribute at a layer before and after its erasure, on *test*.

    Attributes:
        layer: Name of the layer.
        depth: Its depth.
        before: AUROC before; NaN where it is undefined.
        after: AUROC after, with its 95 % interval.
        p_value: One-sided against .5, after; NaN where it is undefined.
        p_holm: The same, corrected over the later layers; NaN for the erased layer itself.
        is_read: Whether it is read after the erasure: significantly, and by a share of what was read before.
        moved: Whether the erasure moves the layer's state at all.
        note: What is to be said of it.
    """

    layer: str
    depth: int | None
    before: float
    after: Estimate[float]
    p_value: float
    p_holm: float
    is_read: bool
    moved: bool
    note: Note | None = None


@dataclass(frozen=True)
class Reading:
    """How states are read.

    Attributes:
        probe: What is fitted.
        seed: Names what the probe and the bootstrap draw.
        groups: Rows of a group count as one draw.
    """

    probe: LinearProbe
    seed: int
    groups: Halves[Int[np.ndarray, " row"]] | None = None

    def read(
        self, state: States, labels: Halves[Int8[np.ndarray, " row"]]
    ) -> tuple[Estimate[float], float, Note | None]:
        """Fit on *fit*, score on *test*: AUROC with its interval, its p-value, and what is to be said of them.

        Args:
            state: Of one layer.
            labels: 1, 0, or -1 where it is not known.
        """
        groups = self.groups
        fit = FitData(
            state.fit, labels.fit[:, None], self.seed, groups=None if groups is None else groups.fit
        )  # fmt: skip
        observer = self.probe.fit_data(fit)
        scores, wanted = observer.scores(state.test), labels.test[:, None]
        of_test = None if groups is None else groups.test
        ranking = Ranking(scores, wanted)
        p_value, reasons = mann_whitney_greater(scores, wanted, of_test, ranking)
        area = ranking.auroc
        if of_test is None:
            interval = auroc_interval(area, ranking.n_positive, ranking.n_negative)
        else:
            bootstrap = AurocBootstrap(Resampling.of(len(wanted), of_test, self.seed), 1)
            bootstrap.hear(slice(0, 1), ranking)
            interval, more = bootstrap.interval(area)
            reasons = (note(reasons[0], more[0]),)
        estimate = Estimate(*(float(each[0]) for each in (interval.value, interval.low, interval.high)))
        return estimate, float(p_value[0]), note(observer.notes[0], reasons[0])


def without_rounding(state: States, plain: States) -> States:
    """Return a state whose neurons are constant where they vary by no more than rounding.

    A probe that scales every neuron to unit variance would read what is left of a constant neuron.
    """
    largest = np.abs(plain.fit).max(0)
    flat = state.fit.std(0, dtype=np.float64) <= ROUNDING * largest
    if not flat.any():
        return state
    middle = state.fit[:1]
    return Halves(*(np.where(flat, middle, side) for side in (state.fit, state.test)))


def same(one: Float32[np.ndarray, "sample neuron"], other: Float32[np.ndarray, "sample neuron"]) -> bool:
    """Whether states are equal but for rounding."""
    return bool((np.abs(one - other) <= ROUNDING * np.abs(one).max(0)).all())
