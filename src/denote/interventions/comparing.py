"""Hold what an ablation costs against moving every row as far elsewhere: along neurons that are alike, and at random.

Neurons of a layer are few, so that a rank among those that are alike is a coarse p-value: beside 24 of them none is
below 1/25, which no correction over many tests leaves standing. They have a say, and random directions the p-value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from denote.interventions.directions import TOGETHER, RandomDirections, axis
from denote.interventions.drops import FIRST, rank_p_value, sequential_p_value
from denote.interventions.edits import Displace, Distance, Edit, Resample, ResampleAlong
from denote.interventions.matching import LEAST, NEAREST, matched
from denote.notes import Note
from denote.numbers import count
from denote.streams import stream

Rows = Bool[np.ndarray, " row"]

Costs = Callable[[Sequence[Edit], Rows], Float[np.ndarray, " edit"]]
"""Runs edits and gives the mean drop of the score over some rows, of each."""

LEVEL = 0.05
"""Share of the matched neurons that may cost as much."""

NARROW = 0.05
"""Probability from which on random directions lie too often half along any other to tell it from them."""

COMPARED_ROWS = 200
"""Most rows with the property on which random ones are compared: enough for a drop of .05, and fast."""

RESERVE = 2
"""How many times smaller a p-value may become than a correction over the tests of one network asks for, as a sweep has
more networks, not all of which use as much."""

MOST_DIRECTIONS = 20_000
"""Random directions that are drawn at most, whatever was asked for less."""


@dataclass(frozen=True)
class Comparison:
    """The headline of a subject beside random ones.

    Attributes:
        random: Mean effect of the matched neurons; where they are too few, of the first `FIRST` directions.
        n_random: Number of those that the p-value is of.
        p_value: How often one has as large an effect.
        note: What they are.
    """

    random: float
    n_random: int
    p_value: float
    note: Note | None

    @property
    def is_at_floor(self) -> bool:
        """Whether no random one has as large an effect, so that the p-value says how many there were."""
        return self.p_value <= (1 + 1e-9) / (self.n_random + 1)


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Attributes:
        like: How its rows are moved.
        chosen: Rows with the property.
        neurons: The neurons; empty for a direction.
    """

    like: Resample | ResampleAlong
    chosen: Rows
    neurons: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Beside:
    """What random ones of a layer cost, moved as far as a subject moves.

    Resampling a matched neuron instead would move it less: the rows are those where the subject is on, and not where
    the other is.

    Attributes:
        costs: Runs edits.
        layer: Name of the layer, which names the draws.
        features: Of every neuron what it is matched by.
        live: Neurons that vary: random directions are among these.
        directions: Random directions of equal norm.
        nearest: Largest standardised distance of a matched neuron, in each feature.
        least: Matched neurons below which they have no say.
        seed: Names the draws.
    """

    costs: Costs
    layer: str
    features: Mapping[str, Float[np.ndarray, " neuron"]]
    live: Bool[np.ndarray, " neuron"]
    directions: int = 999
    nearest: float = NEAREST
    least: int = LEAST
    seed: int = 0

    def compared(self, subject: Subject, references: Sequence[int], directions: int | None = None) -> Comparison | Note:
        """Compare a subject with random ones.

        Of 19 matched neurons or more, p is their rank where more than one in 20 costs as much. Otherwise, and where
        they are fewer or the subject is no single neuron, it is the rank among random directions.

        Args:
            subject: What is ablated.
            references: Neurons that may be matched with it.
            directions: How many are drawn at most; None: as it is set.

        Returns:
            The comparison, or why none can be made.
        """
        found, some = self._matched(subject, references), self._compared_rows(subject.chosen)
        (observed,) = self.costs([subject.like], some)
        alike = np.empty(0)
        if len(found) >= self.least:
            alike = self._along(lambda at: axis(int(found[at]), len(self.live)), slice(0, len(found)), subject, some)
            if (p_value := rank_p_value(observed, alike)) > LEVEL:
                told = Note.of("matched_neurons", number=len(alike), floor=f"1/{len(alike) + 1}")
                return Comparison(float(alike.mean()), len(alike), p_value, told)
        if is_narrow(self.drawn.n_live):
            return Note.of("narrow_layer", neurons=count(self.drawn.n_live, "neuron"))
        most = directions or self.directions
        p_value, random = sequential_p_value(
            observed, lambda part: self._along(self.drawn.__getitem__, part, subject, some), most
        )
        if len(alike):
            told = Note.of("neurons_and_directions", number=len(alike), larger=int((alike >= observed).sum()))
            return Comparison(float(alike.mean()), len(random), p_value, told)
        told = Note.of("random_directions")
        if len(subject.neurons) == 1:
            told = Note.of("few_matched_neurons", number=len(found), least=self.least)
        return Comparison(float(random[:FIRST].mean()), len(random), p_value, told)

    def needed(self, n_at_floor: int, n_tests: int) -> int:
        """Return how many directions tell those that no random one has cost as much from each other's chance.

        Of n tests, k of which are at the floor of 1/(directions + 1), Benjamini and Hochberg's correction multiplies
        it by n / k. So few are there in all, however large the family: n / `LEVEL` times `RESERVE`.

        Args:
            n_at_floor: Subjects of the layer of which that is so.
            n_tests: Subjects of the network.
        """
        wanted = RESERVE * n_tests / (LEVEL * n_at_floor) if n_at_floor else 0
        return max(self.directions, min(MOST_DIRECTIONS, int(wanted)))

    @cached_property
    def drawn(self) -> RandomDirections:
        """Random directions, the same for all subjects of the layer."""
        return RandomDirections(self.live, (self.seed, self.layer))

    def _along(
        self, direction: Callable[[int], Float[Tensor, " neuron"]], part: slice, subject: Subject, some: Rows
    ) -> Float[np.ndarray, " direction"]:
        """What moving some rows along a range of directions costs; no more of these are held at once than is needed."""
        moved, far = torch.from_numpy(some), Distance(subject.like)
        found = [np.empty(0)]
        for start in range(part.start, part.stop, TOGETHER):
            these = range(start, min(start + TOGETHER, part.stop))
            found.append(self.costs([Displace(direction(at), far, moved) for at in these], some))
        return np.concatenate(found)

    def _matched(self, subject: Subject, references: Sequence[int]) -> Int[np.ndarray, " match"]:
        """Neurons like the one that is ablated; none where it is not one."""
        if len(subject.neurons) != 1:
            return np.empty(0, dtype=np.int64)
        allowed = np.zeros(len(self.live), dtype=bool)
        allowed[list(references)] = True
        return matched(self.features, subject.neurons[0], allowed, self.nearest)

    def _compared_rows(self, chosen: Rows) -> Rows:
        """Some of the rows, drawn where they are many."""
        rows = np.flatnonzero(chosen)
        if len(rows) <= COMPARED_ROWS:
            return chosen
        some = np.zeros(len(chosen), dtype=bool)
        drawn = stream("compared rows", self.seed, self.layer)
        some[drawn.choice(rows, COMPARED_ROWS, replace=False)] = True
        return some


def is_narrow(n_neurons: int) -> bool:
    """Whether random directions of so few neurons that vary are too much like any one direction to be compared with it.

    The square of the cosine between a random direction and another has a beta distribution. Where it is above 1/2 more
    often than `NARROW`, moving along random ones is moving along that one, and whatever it costs, they cost as much.
    """
    return n_neurons < 2 or float(scipy.stats.beta.sf(0.5, 0.5, (n_neurons - 1) / 2)) > NARROW
