"""Push a layer's state along the direction of an observer, or switch a neuron, and see what answers downstream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, Int

from denote.data.parts import Halves
from denote.errors import LayerError
from denote.interventions.comparing import is_narrow
from denote.interventions.directions import RandomDirections
from denote.interventions.drops import rank_p_value
from denote.interventions.edited_runs import NetworkRows, edited_runs, edited_states
from denote.interventions.measures import Measures, Reader
from denote.interventions.steered import ROUNDING, Pushes, Steered, SteeringSettings
from denote.interventions.task_scores import TaskScores
from denote.interventions.unit_sums import UnitSums
from denote.notes import Note
from denote.numbers import Estimate
from denote.observers.neuron import live_neurons
from denote.states.layers import Layer
from denote.streams import stream

TIED = 1e-9
"""Share of a slope by which another is no larger."""

HELD = 128 << 20
"""Most bytes of measures that are held at once: of 2,048 rows with 1,000 outputs, and of random directions."""


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
        p_value: How often one has as large an absolute slope, on the compared rows; NaN where the measure does not
            depend on the layer, or the layer is too narrow to tell its directions apart.
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
                layer: no later layer that is observed, nor the outputs, depend on it.
        """
        pushes = steered.pushes(self.state, self.settings)
        with edited_runs(self.data, self.layer, list(dict.fromkeys(each.layer for each in readers))) as runs:
            table = Measures(runs, self.data.rows.test, readers, self.scores)
            answers = self._answers(table, pushes)
            random, moved = self._random(table, pushes, answers.compared_base)
        self._check_is_read(answers.largest, moved)
        n_live = int(live_neurons(self.state.fit).sum())
        size = np.sqrt((pushes.amount**2).mean())
        small = ROUNDING * answers.largest / max(size, np.finfo(np.float64).tiny)
        n, observed = len(self.data.rows.test), np.abs(answers.compared_slopes.mean(0))
        responses = []
        for place, (name, slope) in enumerate(zip(table.names, answers.slopes.estimates(), strict=True)):
            sizes = np.abs(random[:, place])
            # Of slopes that are rounding errors none is larger than another.
            real = np.where(sizes > small[place], sizes, 0.0)
            p_value = rank_p_value(float(observed[place]) * (1 - TIED), real) if observed[place] > small[place] else 1.0
            is_told = not is_narrow(n_live) and moved[place] > ROUNDING * answers.largest[place]
            p_value = p_value if is_told else float("nan")
            changes = tuple(float(each) / n for each in answers.changes[:, place])
            base = float(answers.base[place]) / n
            responses.append(DoseResponse(*name, base, changes, slope, float(sizes.mean()), len(random), p_value))
        mean_push = tuple(float(each) for each in pushes.amount.mean(1))
        return SteeringResult(pushes.doses, mean_push, tuple(responses), len(self._compared_rows), table.note)

    def _answers(self, table: Measures, pushes: Pushes) -> _Answers:
        """Push all rows, block by block: those of a group lie together."""
        n, compared = len(self.data.rows.test), self._compared_rows
        groups = np.arange(n) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
        order = np.argsort(groups, kind="stable")
        answers = _Answers(len(compared))
        for start in range(0, n, self.data.batch_size):
            chosen = order[start : start + self.data.batch_size]
            (base,) = table.values(chosen, [None])
            weight, slopes = _weight(pushes, chosen), np.zeros_like(base)
            changes = np.empty((len(pushes.doses), base.shape[1]))
            for dose, edit in enumerate(pushes.edits):
                change = table.values(chosen, [edit])[0] - base
                slopes += weight[dose][:, None] * change
                changes[dose] = change.sum(0)
            place = np.searchsorted(compared, chosen).clip(max=len(compared) - 1)
            answers.add(base, changes, slopes, groups[chosen], np.where(compared[place] == chosen, place, -1))
        return answers

    def _random(
        self, table: Measures, pushes: Pushes, base: Float64[np.ndarray, "compared measure"]
    ) -> tuple[Float64[np.ndarray, "direction measure"], Float64[np.ndarray, " measure"]]:
        """Push some rows along random directions: mean slopes, and the largest change of any row."""
        some, settings = self._compared_rows, self.settings
        weight = _weight(pushes, some)
        directions = RandomDirections(live_neurons(self.state.fit), ("steering", settings.seed, self.layer.name))
        random, largest = np.zeros((settings.directions, base.shape[1])), np.zeros(base.shape[1])
        step = max(1, self.data.stacked // max(1, len(some)))
        asked = [(draw, dose) for draw in range(settings.directions) for dose in range(len(pushes.doses))]
        for start in range(0, len(asked), step):
            part = asked[start : start + step]
            values = table.values(some, [pushes.like(directions[draw], dose) for draw, dose in part])
            for (draw, dose), each in zip(part, values, strict=True):
                change = each - base
                random[draw] += (weight[dose][:, None] * change).mean(0)
                largest = np.maximum(largest, np.abs(change).max(0))
        return random, largest

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
        base: Float64[np.ndarray, " measure"],
        moved: Float64[np.ndarray, " measure"],
    ) -> None:
        """Refuse a layer that nobody reads.

        Args:
            base: Largest size of every measure as it is.
            moved: Largest change of any row.
        """
        if (moved > ROUNDING * base).any():
            return
        problem = "nobody reads it: neither the network's outputs nor any later layer that is observed depends on it"
        raise LayerError(f"layer {self.layer.name}", problem, "a layer before an observed one, or before the outputs")


class _Answers:
    """Sums over rows of how measures answer, and the rows themselves where random directions are compared.

    Attributes:
        base: Sum over rows as they are.
        largest: Their largest size.
        changes: Sum of the changes, by dose.
        slopes: Of each row's least squares line through its baseline.
        compared_base: The compared rows as they are.
        compared_slopes: Their slopes.
    """

    base: Float64[np.ndarray, " measure"]
    largest: Float64[np.ndarray, " measure"]
    changes: Float64[np.ndarray, "dose measure"]
    compared_base: Float64[np.ndarray, "compared measure"]
    compared_slopes: Float64[np.ndarray, "compared measure"]

    def __init__(self, n_compared: int) -> None:
        self._n_compared, self.slopes = n_compared, UnitSums()

    def add(
        self,
        base: Float64[np.ndarray, "row measure"],
        changes: Float64[np.ndarray, "dose measure"],
        slopes: Float64[np.ndarray, "row measure"],
        groups: Int[np.ndarray, " row"],
        place: Int[np.ndarray, " row"],
    ) -> None:
        """Add a block of rows.

        Args:
            base: As they are.
            changes: Sums over the rows, by dose.
            slopes: Of the rows.
            groups: Their groups, as `UnitSums.add` asks for them.
            place: Of every row among the compared ones; -1 where it is none.
        """
        if self.slopes.n == 0:
            n_measures = base.shape[1]
            self.base, self.largest = np.zeros(n_measures), np.zeros(n_measures)
            self.changes = np.zeros_like(changes)
            self.compared_base, self.compared_slopes = np.empty((2, self._n_compared, n_measures))
        self.base += base.sum(0)
        self.largest = np.maximum(self.largest, np.abs(base).max(0))
        self.changes += changes
        self.slopes.add(slopes, groups)
        chosen = place >= 0
        self.compared_base[place[chosen]], self.compared_slopes[place[chosen]] = base[chosen], slopes[chosen]


def _weight(pushes: Pushes, rows: Int[np.ndarray, " row"]) -> Float64[np.ndarray, "dose row"]:
    """What the change at every dose counts in the least squares line of a row."""
    amount = pushes.amount[:, rows]
    weight: np.ndarray = amount / np.maximum((amount**2).sum(0), np.finfo(np.float64).tiny)
    return weight
