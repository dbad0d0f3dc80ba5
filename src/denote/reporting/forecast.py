"""Say what a sweep would do, need and be able to show, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class PlannedWork:
    """One job of the plan.

    Attributes:
        name: Of its folder.
        state: ``finished``, ``to upgrade``, ``to redo``, ``to run`` or ``refused``.
        level: Level of the evidence that it has, or that is asked for.
        settings: Its resolved config; empty where that could not be had.
        reason: Why it is refused.
    """

    name: str
    state: str
    level: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def runs(self) -> bool:
        """True where the job would be run."""
        return self.state.startswith("to ")


@dataclass(frozen=True)
class Duration:
    """Seconds that jobs take one after another.

    Attributes:
        seconds: Of the jobs of which it can be told.
        n_known: How many these are.
        n_from: How many finished jobs tell it.
    """

    seconds: float
    n_known: int
    n_from: int


@dataclass(frozen=True)
class InterventionCost:
    """What interventions take, in passes over the rows of *test*; that of jobs is added up.

    Attributes:
        passes: Of ablation for every neuron, which is certain.
        of_observers: Of ablation at most besides for all observers.
        of_neuron: Of ablation at most besides for each neuron that will denote.
        of_erasures: Of erasures at most.
        of_steering: Of steering at most.
        n_rows: Rows of a pass.
        memory_bytes: Held at once, beside the network.
    """

    passes: int = 0
    of_observers: int = 0
    of_neuron: int = 0
    of_erasures: int = 0
    of_steering: int = 0
    n_rows: int = 0
    memory_bytes: int = 0

    def __add__(self, other: InterventionCost) -> InterventionCost:
        """Add the passes of two jobs, which run one after the other."""
        summed = ("passes", "of_observers", "of_erasures", "of_steering")
        both = {field.name: (getattr(self, field.name), getattr(other, field.name)) for field in fields(self)}
        return InterventionCost(**{name: sum(pair) if name in summed else max(pair) for name, pair in both.items()})


@dataclass
class Forecast:
    """The account of a plan.

    Attributes:
        folder: The sweep's folder, or that of the single job.
        work: Every job.
        trainings: Networks that jobs need whose data was loaded, and those of them that are in the store.
        recordings: Passes over the data that record states, likewise.
        states_bytes: Bytes of the states to record.
        weights_bytes: Bytes of the weights to train.
        table_bytes: Bytes of the tables of the jobs to run; None where no finished job tells it.
        free_bytes: Free bytes on the store's disk.
        interventions: What they take in the jobs whose data was loaded; None where none is asked for.
        duration: How long the jobs take.
        unsaid: What the sweep will not be able to say.
        unknown: What could not be told, or will fail, and why.
    """

    folder: str
    work: list[PlannedWork]
    trainings: tuple[int, int] = (0, 0)
    recordings: tuple[int, int] = (0, 0)
    states_bytes: int = 0
    weights_bytes: int = 0
    table_bytes: int | None = None
    free_bytes: int = 0
    interventions: InterventionCost | None = None
    duration: Duration = field(default_factory=lambda: Duration(0.0, 0, 0))
    unsaid: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def running(self) -> list[PlannedWork]:
        """Jobs that would be run."""
        return [work for work in self.work if work.runs]

    @property
    def disk_bytes(self) -> int:
        """Bytes that are known to be needed."""
        return self.states_bytes + self.weights_bytes + (self.table_bytes or 0)
