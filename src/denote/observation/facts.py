"""What an observation is given: who is observed, what is known of the samples, and what stands beside the states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves, Parts
from denote.data.samples import Inputs
from denote.evidence.control import ControlSamples, StateControl
from denote.evidence.controls import built_in_controls
from denote.observers.reading import State
from denote.states.state import LayerState
from denote.tables import CELLS, joined_notes


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
        if self.note is None:
            return frame
        return frame.with_columns(note=joined_notes(pl.lit(self.note), pl.col("note")))


@dataclass(frozen=True)
class Facts:
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
        inputs: The inputs themselves, of which some are kept to be shown; None keeps none.
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
class Beside:
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
    "randomised": "randomised_similarity: only states are known, no network",
    **{
        kind.name: kind.states_only
        for kind in built_in_controls().values()
        if issubclass(kind, StateControl) and kind.states_only
    },
}
"""Why states that were recorded elsewhere have nothing beside them."""
