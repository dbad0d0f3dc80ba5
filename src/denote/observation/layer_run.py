"""A layer of an observed network while it is intervened on, and what was found there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import polars as pl
import torch
from jaxtyping import Float, Int, Int8
from torch import Tensor, nn

from denote.data.parts import Halves
from denote.data.samples import Inputs
from denote.errors import LayerError
from denote.interventions.edited_runs import NetworkRows
from denote.interventions.passes import BYTES_HELD, BYTES_PASSED, STACKED, LayerPasses, Sizes, layer_passes
from denote.interventions.task_scores import TaskScores, own_scores
from denote.notes import Note
from denote.observation.arguments import ObservationSettings, SampleInfo
from denote.observation.result import Observation
from denote.observers.observer import Observer
from denote.states.state import LayerState


@dataclass(frozen=True)
class NetworkRun:
    """A network that is intervened on, and what it is run on.

    Attributes:
        network: The object model.
        inputs: Of all samples.
        task: What its outputs on *test* are held against; None where no targets of its outputs are known.
        device: Where it runs.
        batch_size: Most samples that are run, and whose states are held, at once.
        memory: Bytes of states that may be held at once, though one sample's always are.
    """

    network: nn.Module
    inputs: Inputs
    task: TaskScores | None
    device: torch.device
    batch_size: int = STACKED
    memory: float = 1 << 30


@dataclass(frozen=True)
class ReadCell:
    """An observer of an attribute that is decisive at the layer.

    Attributes:
        probe: Its kind.
        k: Its number of neurons, where it has several.
        attribute: Its name.
        column: Its column of the observers.
        observer: The observers of the layer.
    """

    probe: str
    k: int | None
    attribute: str
    column: int
    observer: Observer


@dataclass(frozen=True)
class LayerRun:
    """A layer, what was found there, and the network to run.

    Attributes:
        observation: What was found; decided.
        states: Recorded states of all observed layers.
        index: Which of them the layer is.
        run: The network.
        info: What is known of the samples.
        settings: As the observation was made.
    """

    observation: Observation
    states: Sequence[LayerState]
    index: int
    run: NetworkRun
    info: SampleInfo
    settings: ObservationSettings

    @property
    def state(self) -> LayerState:
        """The layer's state."""
        return self.states[self.index]

    @property
    def where(self) -> str:
        """The layer, for errors."""
        return f"layer {self.state.layer.name}"

    def check_is_place(self) -> None:
        """Refuse all layers side by side.

        Raises:
            LayerError: naming the layer.
        """
        if self.state.parts:
            raise LayerError(self.where, "all layers side by side are no place in the network")

    @property
    def later(self) -> list[LayerState]:
        """Observed layers behind this one."""
        depth = self.state.layer.depth
        behind = [each for each in self.states if each.layer.depth is not None and not each.parts]
        return [] if depth is None else [each for each in behind if (each.layer.depth or 0) > depth]

    @property
    def neurons(self) -> pl.DataFrame:
        """Rows of the layer's neurons."""
        return self.observation.neurons.filter(at(self.state))

    @property
    def denoting(self) -> pl.DataFrame:
        """Rows of those that denote."""
        return self.neurons.filter(pl.col("denotes").fill_null(value=False))

    @cached_property
    def sizes(self) -> Sizes:
        """Numbers that the network makes of one sample, as it runs."""
        # Two samples: of one alone a network whose samples touch each other says that it is one, not that they do.
        run, first = self.run, self.info.parts.test[:2]
        with layer_passes(run.network, self.state.layer, run.inputs, first, 2, run.device, most_threads=1) as passes:
            return passes.sizes()

    @property
    def fitting(self) -> int:
        """Samples that fit into the memory, 1 at least: their states here, and what the network makes of them."""
        widest = max(self.sizes.widest, *(abs(prod(each.layer.shape)) for each in self.states))
        return max(1, int(self.run.memory / (BYTES_HELD * self.sizes.layer + BYTES_PASSED * widest)))

    @property
    def at_once(self) -> int:
        """Samples whose states are held, and rows that are run, at once in a thread."""
        return min(self.run.batch_size, self.fitting)

    def passes(self, rows: Int[np.ndarray, " row"]) -> AbstractContextManager[LayerPasses]:
        """The layer of some samples, ready to be intervened on."""
        run, layer, most = self.run, self.state.layer, self.at_once
        return layer_passes(
            run.network, layer, run.inputs, rows, most, run.device, min(STACKED, most), self.fitting // most
        )  # fmt: skip

    @property
    def rows(self) -> NetworkRows:
        """The network and its *fit* and *test* rows."""
        run, parts, most = self.run, self.info.parts, self.at_once
        sides = Halves(parts.fit, parts.test)
        threads = self.fitting // most
        return NetworkRows(run.network, run.inputs, sides, most, run.device, min(STACKED, most), threads)

    def decisive(self, most: int) -> Iterator[ReadCell]:
        """Decisive observers of the layer, of each probe the surest first.

        Args:
            most: Of each probe.
        """
        cells = self.observation.cells.filter(at(self.state) & pl.col("decisive").fill_null(value=False))
        attributes = list(self.observation.attributes)
        for (probe, k), own in cells.group_by("probe", "k", maintain_order=True):
            observer = self.observer(self.state, str(probe), k)
            if observer is None:
                continue
            surest = own.sort(-pl.col("balanced_accuracy"), "attribute", nulls_last=True, maintain_order=True)
            for attribute in surest.head(most)["attribute"]:
                yield ReadCell(str(probe), k, attribute, attributes.index(attribute), observer)

    def observer(self, state: LayerState, probe: str, k: object = None) -> Observer | None:
        """The observers of a layer."""
        return self.observation.observers.get(f"{state.layer.name}/{probe}" + (f"-{k}" if k is not None else ""))

    def labels(self, column: int) -> Halves[Int8[np.ndarray, " row"]]:
        """Labels of an attribute on *fit* and *test*."""
        values, parts = self.info.labels.values[:, column], self.info.parts
        return Halves(values[parts.fit], values[parts.test])

    @cached_property
    def groups(self) -> Halves[np.ndarray] | None:
        """Group of every row, where there are any."""
        return self.info.groups

    def task_of(self, outputs: Float[Tensor, " row *output"]) -> tuple[TaskScores, Note | None]:
        """What outputs are held against, and a remark where that is the network's own outputs.

        Args:
            outputs: Of the *test* rows, as they are.
        """
        task = self.run.task
        if task is None or task.reason(outputs) is not None:
            return own_scores(outputs, self.settings.rule.min_rows)
        return task, None


def at(state: LayerState) -> pl.Expr:
    """Rows of a layer."""
    return (pl.col("layer") == state.layer.name) & (pl.col("pooling") == state.layer.pooling)
