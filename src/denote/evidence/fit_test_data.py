"""What is observed: a state, its labels and groups, on *fit* and on *test*."""

from __future__ import annotations

from dataclasses import dataclass, replace

from denote.attributes.labels import Labels
from denote.data.parts import Groups, Halves
from denote.observers.observer import FitData
from denote.observers.reading import UNBOUNDED, Resources, State, Values


@dataclass(frozen=True)
class FitTestData:
    """A state with its labels, and how observers are fitted to it.

    Attributes:
        state: Activations ``[sample, neuron]``.
        labels: The attributes, names and families alike on both sides.
        groups: Group of every row, where rows of a group are not independent.
        probe_seed: Names what is drawn.
        resources: What fits and scores may use.
    """

    state: Halves[State]
    labels: Halves[Labels]
    groups: Halves[Groups] | None = None
    probe_seed: int = 0
    resources: Resources = UNBOUNDED

    @property
    def fit(self) -> FitData:
        """The part that observers are fitted to."""
        groups = None if self.groups is None else self.groups.fit
        return FitData(self.state.fit, self.labels.fit.values, self.probe_seed, self.resources, groups)

    @property
    def test_groups(self) -> Groups | None:
        """Group of every row of *test*."""
        return None if self.groups is None else self.groups.test

    @property
    def test_labels(self) -> Values:
        """Labels of *test*."""
        return self.labels.test.values

    def with_less_memory(self, taken: float) -> FitTestData:
        """Return the same with so many bytes less to be used."""
        return replace(self, resources=replace(self.resources, memory=self.resources.memory - taken))
