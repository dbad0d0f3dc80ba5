"""What an observation is asked (observers, rule, controls) and given (network, samples, twins)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from warnings import warn

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from denote.attributes.labels import Classes, Family, Labels
from denote.config.levels import LEVELS, STANDARD
from denote.data.parts import Halves, Parts
from denote.data.samples import Inputs
from denote.denotation.search.properties import ENTRY_ROWS, Settings, Thresholds
from denote.evidence import bootstrap, corrections
from denote.evidence.control import ControlSamples, NegativeControl, StateControl
from denote.evidence.controls import built_in_controls, chosen_controls
from denote.evidence.controls.control_task import ControlTask
from denote.evidence.controls.random_subset import RandomSubset
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.controls.rotated import Rotated
from denote.evidence.controls.shuffled import Shuffled
from denote.evidence.controls.untrained import Untrained
from denote.evidence.rule import Rule
from denote.evidence.user_controls import Control, OwnControl
from denote.notes import Note
from denote.observers.observer import Probe
from denote.observers.reading import State
from denote.states.state import LayerState
from denote.tables import CELLS, OF_ROW, joined_notes, remark


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
        tasks: Draws of the control task; its types come with the samples.
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

    @staticmethod
    def of(
        options: Mapping[str, Mapping[str, Any] | None], own: Mapping[str, Control] | None = None
    ) -> Sequence[NegativeControl]:
        """Call `chosen_controls`, which took the place of this; it goes with the next release."""
        warn("Controls.of is called denote.evidence.controls.chosen_controls now", DeprecationWarning, stacklevel=2)
        return chosen_controls(options, own)

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
class ObservationSettings:
    """What is done with states, attributes and observers; all of it shapes results.

    Attributes:
        probes: The observers, by option.
        rule: When a cell is decisive and a neuron denotes.
        controls: Which controls are run: `Controls`, or a list of them.
        probe_seed: Names the random draws.
        thresholds: Quantile thresholds of the subset search, or ``all``.
        permutations: Draws of the max-statistic test of the pair scan; 0 leaves it out, None says that its level does.
        bootstraps: Draws of the bootstrap over test rows.
        equal_rows: Rows of each label per part to which every attribute is resampled, ``auto``, or None for all rows.
        randomisation: Whether every heat map is made again with the layers randomised from the top; None as above.
        stability: Whether every neuron is searched again, on other rows and with other thresholds; None as above.
        examples: Denoting neurons per layer and family whose inputs are listed; 0 lists none.
        curves: Whether learning curves, redundancy and description length are computed.
        level: How much evidence there is, by its name in ``evidence=``.
        left_out: Controls that the level leaves out.
    """

    probes: Mapping[str, Probe]
    rule: Rule = field(default_factory=Rule)
    controls: Iterable[NegativeControl] = field(default_factory=Controls)
    probe_seed: int = 0
    thresholds: Thresholds = 64
    permutations: int | None = corrections.DRAWS
    bootstraps: int = bootstrap.DRAWS
    equal_rows: int | Literal["auto"] | None = None
    randomisation: bool | None = True
    stability: bool | None = True
    examples: int = 24
    curves: bool = False
    level: str = STANDARD.name
    left_out: frozenset[str] = frozenset()

    @property
    def search(self) -> Settings:
        """How neurons are searched."""
        return Settings(self.thresholds, self.rule.decisive, formula_rows=max(ENTRY_ROWS, self.rule.min_rows))

    @property
    def left_out_remark(self) -> Note:
        """Why there is nothing of what the level leaves out; controls that the user named leave out others."""
        names = list(LEVELS)
        more = names[min(names.index(self.level) + 1, len(names) - 1)]
        code = "left_out_by_level" if self.left_out else "check_left_out_by_level"
        return Note.of(code, level=self.level, more=more)


@dataclass(frozen=True)
class Subject:
    """Who is observed; these columns stand in every row.

    Attributes:
        dataset: Name of the dataset.
        architecture: Readable id that tells networks apart.
        trained: False for a network at initialisation.
        epoch: The checkpoint that was chosen, or None for the best.
        seed: Seed of the object model.
        object_model: Its key.
        object_accuracy: Share of *test* it gets right; None where it is no classifier.
        note: A remark that every row carries, such as a model at chance.
        trained_on: What is known of the rows that it was trained on elsewhere (`TrainedOn.word`); None for a network
            that is denote's own or is not trained.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    seed: int
    object_model: str
    object_accuracy: float | None
    note: str | None = None
    trained_on: str | None = None

    def stamp(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with these columns filled and the remark added to its notes."""
        known = {key: value for key, value in asdict(self).items() if key != "note"}
        frame = frame.with_columns(pl.lit(value, dtype=CELLS[key]).alias(key) for key, value in known.items())
        return frame.with_columns(**joined_notes(remark(self.note), OF_ROW))


@dataclass(frozen=True)
class SampleInfo:
    """What is known of the samples; rows are row ids of the dataset.

    Attributes:
        parts: Which rows are *fit* and *test*.
        families: What neurons are searched over; labels of all samples.
        labels: The attributes of all families as cells, each once; labels of all samples.
        reasons: Attributes that have too few rows, with the reason; their cells are null.
        groups: Group of every row of both parts, where rows of a group are not independent.
        classes: Class of every sample (-1 null), which makes sets of classes out of attributes; None without a target.
        class_names: Name of each class.
        target: What the classes are called.
        types: Recurring type of every sample (-1 none) for the control task; None where the data has none.
        columns: Simple columns of the attribute table by name, as numbers of all samples, NaN for null: the rivals of
            what neurons denote.
        input_shape: Shape of one input; empty where it is not known.
        inputs: The inputs themselves, of which some are kept to be shown; None where only states are known.
        table: The attribute table, of which some rows are shown; None where there is none.
    """

    parts: Parts
    families: Sequence[Family]
    labels: Labels
    reasons: Mapping[str, str] = field(default_factory=dict)
    groups: Halves[Int[np.ndarray, " row"]] | None = None
    classes: Int[np.ndarray, " sample"] | None = None
    class_names: tuple[str, ...] = ()
    target: str = "class"
    types: Int[np.ndarray, " sample"] | None = None
    columns: Mapping[str, Float[np.ndarray, " sample"]] = field(default_factory=dict)
    input_shape: tuple[int, ...] = ()
    inputs: Inputs | None = None
    table: pl.DataFrame | None = None

    @property
    def test_classes(self) -> Classes | None:
        """Class of every row of *test*; None without a target."""
        return None if self.classes is None else Classes(self.classes[self.parts.test], self.class_names)

    def halved(self, labels: Labels) -> Halves[Labels]:
        """Labels of all samples, at the rows of both parts."""
        return Halves(labels.at(self.parts.fit), labels.at(self.parts.test))

    def drawn_from(self, labels: Halves[Labels], min_rows: int, probe_seed: int) -> ControlSamples:
        """What label controls draw from.

        Args:
            labels: The attributes that are observed, at the rows of both parts.
            min_rows: Least number of rows of each label in each part.
            probe_seed: Names the draws.
        """
        classes, types = (None if codes is None else self.halves(codes) for codes in (self.classes, self.types))
        return ControlSamples(labels, self.groups, classes, self.class_names, self.target, types, min_rows, probe_seed)

    def halves(self, values: Int[np.ndarray, " sample"]) -> Halves[Int[np.ndarray, " row"]]:
        """Something known of all samples, at the rows of both parts."""
        return Halves(values[self.parts.fit], values[self.parts.test])


@dataclass(frozen=True)
class ControlStates:
    """States that a layer's own is held against.

    Attributes:
        untrained: Per untrained twin the states of the same layers.
        randomised: Per layer its state on *fit* after everything from the top of the network down to it was drawn anew,
            or None, and what there is to say of it. Empty where the check is not made.
        raw_input: The flattened inputs, or None where that control is off.
        missing: Why there cannot be one of these, by ``untrained``, ``randomised``, ``raw_input``.
    """

    untrained: Sequence[Sequence[LayerState]] = ()
    randomised: Sequence[tuple[LayerState | None, str | None]] = ()
    raw_input: Halves[State] | None = None
    missing: Mapping[str, str] = field(default_factory=dict)


NO_NETWORK: Mapping[str, str] = {
    "randomised": Note.of("states_only", column="randomised_similarity", missing="network"),
    **{
        kind.name: kind.states_only
        for kind in built_in_controls().values()
        if issubclass(kind, StateControl) and kind.states_only
    },
}
"""Why states that were recorded elsewhere have nothing beside them."""
