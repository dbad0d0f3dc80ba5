"""Measure what answers to an edit, row by row: observers of later layers, outputs, score and loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor

from denote.interventions.edited_runs import EditedRuns
from denote.interventions.edits import Edit
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import LOSS, OUTPUT, READING, SCORE
from denote.notes import Note, note
from denote.observers.observer import Observer
from denote.states.layers import Layer

MOST_OUTPUTS = 1000
"""Most outputs that are told one by one."""


@dataclass(frozen=True)
class Reader:
    """An observer of the same attribute at a later layer.

    Attributes:
        layer: The layer.
        observer: Of any probe.
        column: The attribute.
    """

    layer: Layer
    observer: Observer
    column: int = 0

    def scores(self, state: Float32[Tensor, "sample neuron"]) -> Float64[np.ndarray, " sample"]:
        """Return the raw scores of the attribute."""
        scores: np.ndarray = self.observer.at(np.array([self.column])).scores(state)[:, 0]
        return scores


@dataclass
class Measures:
    """What is measured of every row, side by side: readings, outputs, score and loss.

    Attributes:
        runs: Where edits are run.
        rows: Row ids of *test*.
        readers: Observers of later layers.
        scores: The task.
        names: Measure and name of every column, once something was run.
        note: Why outputs or scores are missing, once something was run.
    """

    runs: EditedRuns
    rows: Int[np.ndarray, " row"]
    readers: Sequence[Reader]
    scores: TaskScores | None
    names: list[tuple[str, str]] = field(default_factory=list)
    note: Note | None = None

    def values(
        self, chosen: Int[np.ndarray, " chosen"], edits: Sequence[Edit | None]
    ) -> list[Float64[np.ndarray, "chosen measure"]]:
        """Measure some of the rows under every edit.

        Args:
            chosen: Indices of the rows.
            edits: The edits; none depends on which rows are run.
        """
        readings = np.empty((len(edits), len(chosen), len(self.readers)))
        given: list[list[Tensor]] = [[] for _ in edits]

        def on_state(index: int, block: slice, layer: Layer, state: Tensor) -> None:
            for place, reader in enumerate(self.readers):
                if reader.layer == layer:
                    readings[index, block, place] = reader.scores(state)

        def on_outputs(index: int, block: slice, outputs: Tensor) -> None:
            given[index].append(outputs)

        self.runs.run(self.rows[chosen], edits, on_state, on_outputs)
        names = [(READING, reader.layer.name) for reader in self.readers]
        measured = []
        for index, outputs in enumerate(given):
            of_outputs, columns = self._of_outputs(torch.cat(outputs), chosen)
            measured.append(np.column_stack([readings[index], *columns]))
        self.names = names + of_outputs
        return measured

    def _of_outputs(
        self, outputs: Float[Tensor, " row *output"], chosen: Int[np.ndarray, " row"]
    ) -> tuple[list[tuple[str, str]], list[Float64[np.ndarray, " row *output"]]]:
        """Name and measure outputs, score and loss."""
        names: list[tuple[str, str]] = []
        columns: list[Float64[np.ndarray, " row *output"]] = []
        remarks: list[Note | None] = []
        told = outputs[:, None] if outputs.ndim == 1 else outputs
        if told.ndim == 2 and told.shape[1] <= MOST_OUTPUTS:
            names += [(OUTPUT, str(place)) for place in range(told.shape[1])]
            columns.append(told.double().numpy())
        else:
            remarks.append(
                Note.of("outputs_not_told", given=" x ".join(map(str, outputs.shape[1:])), most=MOST_OUTPUTS)
            )
        if self.scores is not None:
            remarks.append(self.scores.reason(outputs))
            if remarks[-1] is None:
                scored = self.scores.of(outputs, chosen)
                names += [(SCORE, ""), (LOSS, "")]
                columns += [scored.score.astype(np.float64), scored.loss.astype(np.float64)]
        self.note = note(*remarks)
        return names, columns
