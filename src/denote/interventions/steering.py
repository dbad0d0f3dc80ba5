"""Push a layer's state along the direction of an observer, or switch a neuron, and see what answers downstream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, Int

from denote.data.parts import Halves
from denote.errors import LayerError
from denote.interventions.drops import drop_interval, rank_p_value
from denote.interventions.edited_runs import NetworkRows, edited_runs, edited_states
from denote.interventions.edits import random_directions
from denote.interventions.measures import Measures, Reader
from denote.interventions.steered import ROUNDING, Steered, SteeringSettings
from denote.interventions.task_scores import TaskScores
from denote.notes import Note
from denote.numbers import Estimate
from denote.states.layers import Layer
from denote.streams import stream

STEER = "steer"
"""Kind of intervention."""


@dataclass(frozen=True)
class DoseResponse:
    """How one measure answers.

    Attributes:
        measure: ``reading``, ``output``, ``score`` or ``loss``.
        name: Of the layer or the output (by index); empty for the others.
        baseline: Mean over *test* rows as they are.
        changes: Mean change at every dose.
        slope: Mean over rows of each row's least squares line through its baseline: change per raw unit of the push,
            with its 95 % interval.
        random: Mean absolute slope of random directions of equal norm.
        n_random: Number of them.
        p_value: How often one has as large an absolute slope, on the compared rows.
    """

    measure: str
    name: str
    baseline: float
    changes: tuple[float, ...]
    slope: Estimate[float]
    random: float
    n_random: int
    p_value: float


@dataclass(frozen=True)
class SteeringResult:
    """How a network answers to the steering of one subject.

    Attributes:
        doses: In standard deviations along the direction; of a neuron 0 for off and 1 for on.
        pushes: Mean push at every dose, in raw units of the state.
        responses: Of every measure.
        compared_rows: Number of rows on which random directions were compared.
        note: Why measures are missing.
    """

    doses: tuple[float, ...]
    pushes: tuple[float, ...]
    responses: tuple[DoseResponse, ...]
    compared_rows: int
    note: Note | None = None

    def of(self, measure: str, name: str = "") -> DoseResponse:
        """Return the response of one measure."""
        return next(each for each in self.responses if (each.measure, each.name) == (measure, name))


class LayerSteering:
    """Steering at one layer.

    Args:
        data: The network and its samples.
        layer: Where states are pushed: at all its positions.
        scores: The task, and the targets of the *test* rows; None where there is no task.
        settings: How.
        groups: Group of every *test* row; rows of a group count as one draw.
    """

    def __init__(
        self,
        data: NetworkRows,
        layer: Layer,
        scores: TaskScores | None = None,
        settings: SteeringSettings | None = None,
        groups: Int[np.ndarray, " row"] | None = None,
    ) -> None:
        self.data, self.layer, self.scores, self.groups = data, layer, scores, groups
        self.settings = settings or SteeringSettings()

    def subject(self, steered: Steered, readers: Sequence[Reader] = ()) -> SteeringResult:
        """Steer in every dose, and compare with random directions.

        Args:
            steered: A direction or a neuron.
            readers: Observers of the same attribute at later layers.

        Raises:
            LayerError: if nothing can be put in the layer's place, the subject cannot be steered, or nobody reads the
                layer: no reader, and outputs that do not depend on it.
        """
        pushes = steered.pushes(self.state, self.settings)
        rows, n = self.data.rows.test, len(pushes.doses)
        some = self._compared_rows
        directions = random_directions(
            self.settings.directions, self.layer.n_neurons, "steering", self.settings.seed, self.layer.name
        )
        with edited_runs(self.data, self.layer, list(dict.fromkeys(each.layer for each in readers))) as runs:
            table = Measures(runs, rows, readers, self.scores)
            (base,) = table.values(np.arange(len(rows)), [None])
            weight = pushes.amount / np.maximum((pushes.amount**2).sum(0), np.finfo(np.float64).tiny)
            slopes, changes = np.zeros_like(base), np.empty((n, base.shape[1]))
            for dose, edit in enumerate(pushes.edits):
                change = table.values(np.arange(len(rows)), [edit])[0] - base
                slopes += weight[dose][:, None] * change
                changes[dose] = change.mean(0)
            random = np.zeros((len(directions), base.shape[1]))
            largest = np.zeros(base.shape[1])
            step = max(1, self.data.stacked // max(1, len(some)))
            asked = [(draw, dose) for draw in range(len(directions)) for dose in range(n)]
            for start in range(0, len(asked), step):
                part = asked[start : start + step]
                values = table.values(some, [pushes.like(directions[draw], dose) for draw, dose in part])
                for (draw, dose), each in zip(part, values, strict=True):
                    change = each - base[some]
                    random[draw] += (weight[dose, some][:, None] * change).mean(0)
                    largest = np.maximum(largest, np.abs(change).max(0))
        self._check_is_read(readers, base, largest)
        size = np.sqrt((pushes.amount**2).mean())
        small = ROUNDING * np.abs(base).max(0, initial=0.0) / max(size, np.finfo(np.float64).tiny)
        responses = tuple(
            self._response(name, base[:, place], changes[:, place], slopes[:, place], random[:, place], small[place])
            for place, name in enumerate(table.names)
        )
        mean_push = tuple(float(each) for each in pushes.amount.mean(1))
        return SteeringResult(pushes.doses, mean_push, responses, len(some), table.note)

    @cached_property
    def state(self) -> Halves[Float32[np.ndarray, "sample neuron"]]:
        """State of the layer as it is."""
        return edited_states(self.data, self.layer, [self.layer], None)[self.layer]

    @cached_property
    def _compared_rows(self) -> Int[np.ndarray, " row"]:
        n, most = len(self.data.rows.test), self.settings.rows
        if n <= most:
            return np.arange(n)
        return np.sort(stream("steered rows", self.settings.seed, self.layer.name).choice(n, most, replace=False))

    def _check_is_read(
        self,
        readers: Sequence[Reader],
        base: Float64[np.ndarray, "row measure"],
        largest: Float64[np.ndarray, " measure"],
    ) -> None:
        """Refuse a layer that nobody reads."""
        if readers or (largest > ROUNDING * np.abs(base).max(0, initial=0.0)).any():
            return
        problem = "nobody reads it: no later layer is observed, and the network's outputs do not depend on it"
        raise LayerError(f"layer {self.layer.name}", problem, "a layer before an observed one, or before the outputs")

    def _response(
        self,
        name: tuple[str, str],
        base: Float64[np.ndarray, " row"],
        changes: Float64[np.ndarray, " dose"],
        slopes: Float64[np.ndarray, " row"],
        random: Float64[np.ndarray, " draw"],
        small: float,
    ) -> DoseResponse:
        observed = np.abs(slopes[self._compared_rows].mean())
        sizes = np.abs(random)
        # Of slopes that are rounding errors none is larger than another.
        p_value = rank_p_value(float(observed) if observed > small else 0.0, np.where(sizes > small, sizes, 0.0))
        slope = drop_interval(slopes, self.groups, bounded=False)
        return DoseResponse(
            *name, float(base.mean()), tuple(map(float, changes)), slope, float(sizes.mean()), len(random), p_value
        )
