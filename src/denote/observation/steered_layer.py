"""Steer at a layer: push states along the directions of observers, and switch neurons that denote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from denote.errors import LayerError
from denote.interventions.kinds import Steer
from denote.interventions.measures import Reader
from denote.interventions.rows import of_task, steering_rows
from denote.interventions.steered import Steered, SteeredDirection, SteeredNeuron, SteeringSettings
from denote.interventions.steering import LayerSteering
from denote.interventions.words import NEURON, OBSERVER
from denote.notes import Note
from denote.observation.layer_run import LayerRun
from denote.progress import counted


@dataclass(frozen=True)
class SteeredLayer:
    """A layer at which states are steered.

    Attributes:
        at: The layer.
        steer: How.
    """

    at: LayerRun
    steer: Steer

    def rows(self) -> Iterator[dict[str, Any]]:
        """Steer every subject.

        Raises:
            LayerError: if nothing can be put in the layer's place.
        """
        self.at.check_is_place()
        if self.at.state.layer.is_head:  # outputs that are pushed say the push itself
            why = Note.of("outputs_not_steered")
            yield {"intervention": self.steer.name, "note": why}
            return
        steering, remark = self._steering()
        for subject, readers, columns in counted("steering", list(self._subjects())):
            try:
                result = steering.subject(subject, readers)
            except LayerError as error:  # of this subject alone: the others may be steered
                if error.__cause__ is not None:  # the network itself failed: the layer says so, aloud
                    raise
                why = Note.of("not_steered", why=error.problem)
                yield {**columns, "intervention": self.steer.name, "note": why}
                continue
            for row in steering_rows(result, columns):
                yield of_task(row, remark)

    def _steering(self) -> tuple[LayerSteering, Note | None]:
        at, rows = self.at, self.at.rows
        with at.passes(at.info.parts.test) as passes:
            task, remark = at.task_of(passes.baseline())
        settings = SteeringSettings(self.steer.doses, self.steer.directions, seed=at.settings.probe_seed)
        groups = None if at.groups is None else at.groups.test
        return LayerSteering(rows, at.state.layer, task, settings, groups), remark

    def _subjects(self) -> Iterator[tuple[Steered, list[Reader], dict[str, Any]]]:
        """What is steered, who reads the same attribute behind it, and the columns of its rows."""
        at, seed = self.at, {"probe_seed": self.at.settings.probe_seed}
        name = at.state.layer.name
        for cell in at.decisive(self.steer.observers):
            if cell.observer.hidden is not None or cell.observer.neuron is not None:
                continue
            columns = {"subject_kind": OBSERVER, "subject": "direction", "property": cell.attribute}
            of_cell = {**columns, "probe": cell.probe, "k": cell.k, **seed}
            subject = SteeredDirection.of(cell.observer, name, cell.column)
            yield subject, self._readers(cell.column, cell.probe, cell.k), of_cell
        best = at.denoting.sort("fit_balanced_accuracy", descending=True, maintain_order=True)
        attributes = list(at.observation.attributes)
        for row in (
            best.unique("neuron", keep="first", maintain_order=True).head(self.steer.neurons).iter_rows(named=True)
        ):
            columns = {"subject_kind": NEURON, "subject": str(row["neuron"]), "neuron": row["neuron"]}
            of_neuron = {**columns, **{key: row[key] for key in ("family", "property", "probe_seed")}}
            of_same = [attributes.index(row["property"])] if row["property"] in attributes else []
            readers = [reader for column in of_same for reader in self._readers(column, "linear", None)]
            yield SteeredNeuron(row["neuron"], row["threshold"], name), readers, of_neuron

    def _readers(self, column: int, probe: str, k: int | None) -> list[Reader]:
        """The observers of an attribute at the later layers."""
        found = ((state.layer, self.at.observer(state, probe, k)) for state in self.at.later)
        return [Reader(layer, each, column) for layer, each in found if each is not None and each.fitted[column]]
