"""What an observation is asked to do: which observers, by which rule, held against which controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from denote.denotation.search.thresholds import ENTRY_ROWS, Settings, Thresholds
from denote.evidence import max_statistic, resampling
from denote.evidence.control import NegativeControl
from denote.evidence.controls.control_task import ControlTask
from denote.evidence.controls.random_subset import RandomSubset
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.controls.rotated import Rotated
from denote.evidence.controls.shuffled import Shuffled
from denote.evidence.controls.untrained import Untrained
from denote.evidence.own import Control, OwnControl
from denote.evidence.rule import Rule
from denote.observers.observer import Probe


@dataclass(frozen=True)
class Controls:
    """Which controls are run (METHOD section 5), by their most used settings; 0 or False leaves one out.

    Attributes:
        shuffles: Refits of every cell with permuted labels.
        neuron_shuffles: Searches of every neuron under permuted labels.
        rotations: Random rotations of every layer that are searched like the layer itself.
        twins: Untrained networks of the same architecture.
        raw_input: Whether the observers also read the input itself.
        subsets: Random class subsets of each size that a set of classes is compared with.
        tasks: Draws of the control task; its types come with the facts.
        own: Controls of the user's own, by name.
    """

    shuffles: int = Shuffled.draws
    neuron_shuffles: int = Shuffled.neuron_draws
    rotations: int = Rotated.rotations
    twins: int = Untrained.twins
    raw_input: bool = RawInput.enabled
    subsets: int = 0
    tasks: int = 0
    own: Mapping[str, Control] = field(default_factory=dict)

    def __iter__(self) -> Iterator[NegativeControl]:
        """Give the controls that are on, in their order."""
        every = (
            Shuffled(self.shuffles, self.neuron_shuffles),
            RandomSubset(self.subsets),
            ControlTask(draws=self.tasks),
            Untrained(self.twins),
            Rotated(self.rotations),
            RawInput(self.raw_input),
            *(OwnControl(name, control) for name, control in self.own.items()),
        )
        return (control for control in every if control.is_on)


@dataclass(frozen=True)
class Asked:
    """What is done with states, attributes and observers; all of it shapes results.

    Attributes:
        probes: The observers, by option.
        rule: When a cell is decisive and a neuron denotes.
        controls: Which controls are run: `Controls`, or a list of them.
        probe_seed: Names the random draws.
        thresholds: Quantile thresholds of the subset search, or ``all``.
        permutations: Draws of the max-statistic test of the pair scan; 0 leaves it out.
        bootstraps: Draws of the bootstrap over test rows.
        equal_rows: Rows of each label per part to which every attribute is resampled, ``auto``, or None for all rows.
        stability: Whether every neuron is searched again, on other rows and with other thresholds.
        examples: Denoting neurons per layer and family whose inputs are listed; 0 lists none.
        curves: Whether learning curves, redundancy and description length are computed.
    """

    probes: Mapping[str, Probe]
    rule: Rule = field(default_factory=Rule)
    controls: Iterable[NegativeControl] = field(default_factory=Controls)
    probe_seed: int = 0
    thresholds: Thresholds = 64
    permutations: int = max_statistic.DRAWS
    bootstraps: int = resampling.DRAWS
    equal_rows: int | Literal["auto"] | None = None
    stability: bool = True
    examples: int = 3
    curves: bool = False

    @property
    def search(self) -> Settings:
        """How neurons are searched."""
        return Settings(self.thresholds, self.rule.decisive, formula_rows=max(ENTRY_ROWS, self.rule.min_rows))
