"""What interventions put in the place of a state: a value, another input's state, a displacement along a direction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from denote.interventions.sites import SiteRows
from denote.streams import stream


class Edit(ABC):
    """What an intervention puts in the place of a layer's state."""

    @property
    def changed_neurons(self) -> Int[Tensor, " neuron"] | None:
        """The neurons that it changes; None: all of them."""
        return None

    @property
    def changed_rows(self) -> Bool[Tensor, " row"] | None:
        """The samples that it may change; None: all of them."""
        return None

    @abstractmethod
    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """Return the new state.

        Args:
            values: What the network gives, of `changed_neurons` alone; not to be changed.
            at: Whose the sites are.
        """


@dataclass(frozen=True, eq=False)
class OfNeurons(Edit):
    """An edit of some neurons.

    Attributes:
        neurons: The neurons.
    """

    neurons: Sequence[int]

    @cached_property
    def changed_neurons(self) -> Int[Tensor, " neuron"]:
        """See `Edit`."""
        return torch.as_tensor(self.neurons)


@dataclass(frozen=True, eq=False)
class SetTo(OfNeurons):
    """Set neurons to a value each.

    Attributes:
        values: Their values.
    """

    values: Float[Tensor, " neuron"]

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return self.values.to(values.dtype).expand_as(values)


@dataclass(frozen=True, eq=False)
class SetByRow(OfNeurons):
    """Set neurons to values that differ from sample to sample.

    Attributes:
        values: Their values for every sample that is run.
    """

    values: Float[Tensor, "row neuron"]

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return self.values[at.row].to(values.dtype)


@dataclass(frozen=True, eq=False)
class Donors:
    """States of other inputs, one of them for every sample that is run.

    Attributes:
        values: State of the donors at all their sites, those of a donor side by side.
        first: First site of every donor.
        count: Number of its sites.
    """

    values: Float[Tensor, "site neuron"]
    first: Int[Tensor, " donor"]
    count: Int[Tensor, " donor"]

    @classmethod
    def of(cls, values: Float[Tensor, "site neuron"], at: SiteRows) -> Donors:
        """Make donors of the state of samples, see `LayerPasses.values`."""
        count = torch.bincount(at.row)
        return cls(values, count.cumsum(0) - count, count)

    def __len__(self) -> int:
        """Return the number of donors."""
        return len(self.first)

    def drawn(self, n_rows: int, *seed: int | str) -> Int[Tensor, " row"]:
        """Draw a donor for every sample, by a stream of its own."""
        return torch.from_numpy(stream("donors", *seed).integers(len(self), size=n_rows))

    def at(self, donor: Int[Tensor, " row"], at: SiteRows, neurons: Int[Tensor, " neuron"] | None) -> Tensor:
        """Return the state of the donors at the positions of the sites; a shorter donor starts again.

        Args:
            donor: Donor of every sample.
            at: Whose the sites are.
            neurons: Which neurons; None: all.
        """
        own = donor.index_select(0, at.row)
        site = self.first.index_select(0, own) + at.position % self.count.index_select(0, own)
        if neurons is None:
            return self.values.index_select(0, site)
        place = site[:, None] * self.values.shape[1] + neurons
        return self.values.flatten().index_select(0, place.flatten()).view(place.shape)


@dataclass(frozen=True, eq=False)
class Resample(OfNeurons):
    """Give neurons the state that another input has there.

    Attributes:
        donors: The other inputs.
        donor: Which of them every sample gets.
    """

    donors: Donors
    donor: Int[Tensor, " row"]

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return self.donors.at(self.donor, at, self.changed_neurons).to(values.dtype)

    def changes(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site part"]:
        """Return by how much each of the neurons changes, of the state of all neurons."""
        return self.new(values, at) - values[:, self.changed_neurons]


@dataclass(frozen=True, eq=False)
class ResampleAlong(Edit):
    """Give the state another input's component along directions, and leave the rest as it is.

    Attributes:
        basis: Orthonormal directions.
        donors: The other inputs.
        donor: Which of them every sample gets.
    """

    basis: Float[Tensor, "neuron direction"]
    donors: Donors
    donor: Int[Tensor, " row"]

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return values + self.changes(values, at) @ self.basis.to(values.dtype).T

    def changes(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site part"]:
        """Return by how much the component along each direction changes."""
        there = self.donors.at(self.donor, at, None).to(values.dtype)
        return (there - values) @ self.basis.to(values.dtype)


class Moving(Protocol):
    """An edit that says by how much it changes a state."""

    def changes(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site part"]:
        """Return by how much each part of the state changes."""


@dataclass(eq=False)
class Distance:
    """How far another edit would move the state.

    Attributes:
        like: The edit. One neuron or direction keeps the sign of its change.
    """

    like: Moving
    _last: tuple[SiteRows, Float[Tensor, "site 1"]] | None = field(default=None, init=False)

    def of(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site 1"]:
        """Return the distance at every site; those of the last sites are kept, as all directions ask for the same.

        Args:
            values: State of all neurons.
            at: Whose the sites are.
        """
        if self._last is None or self._last[0] is not at:
            changes = self.like.changes(values, at)
            self._last = at, changes if changes.shape[1] == 1 else torch.linalg.vector_norm(changes, dim=1)[:, None]
        return self._last[1]


@dataclass(frozen=True, eq=False)
class Displace(Edit):
    """Move the state of some samples along a direction, each as far as another edit would move it.

    Attributes:
        direction: A unit vector.
        far: Says how far.
        moved: The samples that move; the others stay as they are; None: all.
    """

    direction: Float[Tensor, " neuron"]
    far: Distance
    moved: Bool[Tensor, " row"] | None = None

    @property
    def changed_rows(self) -> Bool[Tensor, " row"] | None:
        """See `Edit`."""
        return self.moved

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return torch.addcmul(values, self.far.of(values, at), self.direction.to(values.dtype))
