"""Subjects of steering: the direction of an observer, along which a state is pushed, and a neuron that is switched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from denote.data.parts import Halves
from denote.errors import ConfigError, LayerError
from denote.interventions.edits import Edit, SetTo
from denote.interventions.sites import SiteRows
from denote.observers.observer import Observer

DOSES = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
"""Pushes, in standard deviations of the state along the direction on *fit*."""

COMPARED_ROWS = 200
"""Most rows on which random directions are compared."""

LEAST_DIRECTIONS = 19
"""Random directions below which no p-value reaches .05."""

ROUNDING = 1e-5
"""Share of a measure's largest value below which its change is rounding."""


@dataclass(frozen=True)
class SteeringSettings:
    """How states are steered.

    Attributes:
        doses: Of a push along a direction, in standard deviations of the state along it on *fit*; none is 0.
        directions: Random directions of equal norm.
        rows: Most *test* rows on which these are compared, drawn at random.
        seed: Names the draws.

    Raises:
        ConfigError: if a dose is 0, there is none, or there are too few directions for a p-value.
    """

    doses: tuple[float, ...] = DOSES
    directions: int = 99
    rows: int = COMPARED_ROWS
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what gives no slope or no p-value."""
        if not self.doses or 0.0 in self.doses:
            raise ConfigError("doses of steering", f"{list(self.doses)}", "numbers other than 0, one at least")
        if self.directions < LEAST_DIRECTIONS:
            raise ConfigError("directions of steering", f"{self.directions}", f"{LEAST_DIRECTIONS} at least")


class Steered(Protocol):
    """What is steered at a layer."""

    def pushes(self, state: Halves[Float32[np.ndarray, "sample neuron"]], settings: SteeringSettings) -> Pushes:
        """Say how every *test* row is pushed at every dose.

        Args:
            state: Of the layer.
            settings: With the doses.

        Raises:
            LayerError: if it cannot be steered.
        """


@dataclass(frozen=True, eq=False)
class Pushes:
    """A dose-response experiment.

    Attributes:
        doses: In standard deviations along the direction; of a neuron 0 for off and 1 for on.
        edits: One per dose.
        amount: How far each *test* row is moved, in raw units of the state.
        like: Makes, of a unit vector and the index of a dose, the edit that moves every row as far along that.
    """

    doses: tuple[float, ...]
    edits: tuple[Edit, ...]
    amount: Float64[np.ndarray, "dose row"]
    like: Like


class Like(Protocol):
    """Makes an edit along another direction."""

    def __call__(self, direction: Float[Tensor, " neuron"], dose: int) -> Edit:
        """Return the edit."""


@dataclass(frozen=True, eq=False)
class SteeredDirection:
    """The direction of an observer, along which its score rises.

    Attributes:
        direction: A unit vector, in raw units of the state.
        layer: Name of the layer, for errors.
    """

    direction: Float64[np.ndarray, " neuron"]
    layer: str

    @classmethod
    def of(cls, observer: Observer, layer: str, column: int = 0) -> SteeredDirection:
        """Take the direction of an observer's weights.

        Args:
            observer: Of the layer.
            layer: Its name.
            column: The attribute.

        Raises:
            LayerError: if the observer has no direction: it has a hidden layer, reads nothing, or has no fit.
        """
        where = f"layer {layer}"
        if observer.hidden is not None:
            raise LayerError(where, f"an observer of probe {observer.probe} has no one direction", "a linear observer")
        weights = observer.weights[:, column].astype(np.float64)
        norm = float(np.linalg.norm(weights))
        if not np.isfinite(norm):
            reason = observer.notes[column] or "not fitted"
            raise LayerError(where, f"the observer of probe {observer.probe} has no direction: {reason}")
        if norm == 0:
            raise LayerError(where, f"the observer of probe {observer.probe} reads no neuron", "a linear observer")
        return cls(weights / norm, layer)

    def pushes(self, state: Halves[Float32[np.ndarray, "sample neuron"]], settings: SteeringSettings) -> Pushes:
        """See `Steered`."""
        spread = float((state.fit.astype(np.float64) @ self.direction).std())
        largest = float(np.abs(state.fit).max(initial=0.0))
        if not spread > ROUNDING * largest:
            raise LayerError(f"layer {self.layer}", "its state does not vary on fit along the observer's direction")
        far = [dose * spread for dose in settings.doses]
        own = torch.from_numpy(self.direction)

        def like(direction: Float[Tensor, " neuron"], dose: int) -> Edit:
            return Push(direction, far[dose])

        amount = np.repeat(np.array(far)[:, None], len(state.test), axis=1)
        return Pushes(settings.doses, tuple(like(own, dose) for dose in range(len(far))), amount, like)


@dataclass(frozen=True)
class SteeredNeuron:
    """A neuron that is switched off and on: set to its mean where it is off or on, on *fit*.

    Attributes:
        neuron: The neuron.
        threshold: It is on strictly above it.
        layer: Name of the layer, for errors.
    """

    neuron: int
    threshold: float
    layer: str

    def pushes(self, state: Halves[Float32[np.ndarray, "sample neuron"]], settings: SteeringSettings) -> Pushes:
        """See `Steered`."""
        values, where = state.fit[:, self.neuron].astype(np.float64), f"layer {self.layer}, neuron {self.neuron}"
        if np.ptp(values) == 0:
            raise LayerError(where, "is constant on fit, so it has no on value")
        on = values > self.threshold
        if on.all() or not on.any():
            problem = f"is {'on' if on.all() else 'off'} in every fit row"
            raise LayerError(where, problem, "a threshold between its activations")
        levels = [float(values[chosen].mean()) for chosen in (~on, on)]
        amount = np.array(levels)[:, None] - state.test[:, self.neuron].astype(np.float64)
        edits = tuple(SetTo([self.neuron], torch.tensor([level])) for level in levels)

        def like(direction: Float[Tensor, " neuron"], dose: int) -> Edit:
            return PushAsFar(direction, self.neuron, levels[dose])

        return Pushes((0.0, 1.0), edits, amount, like)


@dataclass(frozen=True, eq=False)
class Push(Edit):
    """Push every site of every sample along a direction.

    Attributes:
        direction: A unit vector.
        amount: How far, in raw units.
    """

    direction: Float[Tensor, " neuron"]
    amount: float

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return values + (self.amount * self.direction.double()).to(values.dtype)


@dataclass(frozen=True, eq=False)
class PushAsFar(Edit):
    """Push every site along a direction, as far as a neuron would go that is set to a value.

    Attributes:
        direction: A unit vector.
        neuron: The neuron.
        value: What it would be set to.
    """

    direction: Float[Tensor, " neuron"]
    neuron: int
    value: float

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return torch.addcmul(values, self.value - values[:, self.neuron, None], self.direction.to(values.dtype))
