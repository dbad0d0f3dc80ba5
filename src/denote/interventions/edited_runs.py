"""Run a network with one layer edited, and watch what later layers and the network give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from denote.data.batch import Batch, at_words, repeated, words_of
from denote.data.parts import Halves
from denote.data.samples import Inputs
from denote.errors import LayerError
from denote.interventions.blocks import of_samples
from denote.interventions.differences import Differences
from denote.interventions.edits import Edit, SetTo
from denote.interventions.passes import STACKED, LayerPasses, layer_passes
from denote.interventions.replacing import Replaceable, copied, replaceable
from denote.interventions.sites import SiteRows, Sites
from denote.object_models.task import tensor_of
from denote.states.capture import handing_on
from denote.states.hooks import device_of, moved_to
from denote.states.layers import Layer
from denote.streams import generators_kept

Edits = Sequence[Edit | None]
"""Edits of one layer; None leaves it as it is."""

OnState = Callable[[int, slice, Layer, Float32[Tensor, "sample neuron"]], None]
"""Gets the index of an edit, the samples of a block, a watched layer and its state."""

OnOutputs = Callable[[int, slice, Float[Tensor, " sample *output"]], None]
"""Gets the index of an edit, the samples of a block and what the network gives for them."""


@dataclass(frozen=True, eq=False)
class NetworkRows:
    """A network and the samples that it is run on.

    Attributes:
        network: Any module; it is afterwards as it was.
        inputs: What it is called with.
        rows: Row ids of *fit* and of *test*.
        batch_size: Samples that are run at once.
        device: Where the network runs; None: where it is.
        stacked: Rows that are run at once where copies of samples are stacked.
        most_threads: Threads that may run so many rows side by side.
    """

    network: nn.Module
    inputs: Inputs
    rows: Halves[Int[np.ndarray, " row"]]
    batch_size: int = STACKED
    device: torch.device | None = None
    stacked: int = STACKED
    most_threads: float = float("inf")

    def passes(self, layer: Layer) -> AbstractContextManager[LayerPasses]:
        """A layer of the *test* rows, ready to be intervened on; see `layer_passes`."""
        rows = self.batch_size, self.device, self.stacked, self.most_threads
        return layer_passes(self.network, layer, self.inputs, self.rows.test, *rows)

    @property
    def on(self) -> torch.device:
        """Where the network runs."""
        return device_of(self.network) if self.device is None else self.device


class EditedRuns:
    """A network of which one layer can be edited while others are watched; made by `edited_runs`.

    Attributes:
        layer: The layer that is edited.
        call: Runs a batch through the network, whose hooks look on.
    """

    def __init__(self, data: NetworkRows, layer: Layer, changed: Replaceable, *, to_the_end: bool) -> None:
        self.layer = layer
        self.call: Callable[[Batch], None]
        self._data, self._changed, self._to_the_end = data, changed, to_the_end
        self._states: list[tuple[Layer, Tensor]] = []
        self._given: Any = None

    def run(
        self,
        rows: Int[np.ndarray, " row"],
        edits: Edits,
        on_state: OnState | None = None,
        on_outputs: OnOutputs | None = None,
    ) -> None:
        """Run every edit on the samples, several side by side where these do not touch each other.

        Args:
            rows: Row ids of the samples.
            edits: What is done to the layer; they count the samples from 0, in the order of ``rows``.
            on_state: Gets the states of the watched layers.
            on_outputs: Gets what the network gives.
        """
        size = self._data.batch_size
        for start in range(0, len(rows), size):
            block = slice(start, min(start + size, len(rows)))
            times = max(1, self._data.stacked // (block.stop - block.start))
            times = times if len(edits) > 1 and times > 1 and self._separate else 1
            batch = self._batch(rows[block])
            for first in range(0, len(edits), times):
                self._run_together(batch, block, first, edits[first : first + times], on_state, on_outputs)

    def saw(self, layer: Layer, state: Float32[Tensor, "sample neuron"]) -> None:
        """Take the state of a watched layer."""
        self._states.append((layer, state.clone()))

    def gave(self, network: nn.Module, arguments: Any, output: Any) -> None:
        """Be the hook that takes what the network gives."""
        self._given = output

    def _batch(self, rows: Int[np.ndarray, " row"]) -> Batch:
        return self._data.inputs[rows].to(self._data.on)

    def _run_together(
        self,
        batch: Batch,
        block: slice,
        first: int,
        edits: Edits,
        on_state: OnState | None,
        on_outputs: OnOutputs | None,
    ) -> None:
        shown = batch if len(edits) == 1 else repeated(batch, len(edits))
        self._states.clear()
        self._given = None
        with self._changed.replacing(lambda given: self._edited(given, shown, block.start, edits)):
            self.call(shown)
        n = len(batch)
        if on_state is not None:
            for layer, state in self._states:
                for index, part in enumerate(state.split(n)):
                    on_state(first + index, block, layer, part)
        if on_outputs is not None:
            for index, part in enumerate(self._outputs(shown).split(n)):
                on_outputs(first + index, block, part)
        self._states.clear()
        self._given = None

    def _outputs(self, shown: Batch) -> Float[Tensor, " sample *output"]:
        outputs, words = tensor_of(self._given), words_of(shown)
        return of_samples((outputs if words is None else at_words(outputs, words)).float().cpu(), len(shown))

    def _edited(self, given: Tensor, shown: Batch, start: int, edits: Edits) -> Tensor:
        """Return the layer's tensor for copies of a block, each with its own edit."""
        if all(edit is None for edit in edits):
            return given
        tensor = copied(given).cpu()
        sites, flat = Sites.of(tensor.shape, self.layer, shown.to("cpu")), tensor.view(-1)
        n = len(sites.at) // len(edits)
        at = SiteRows(sites.sample[:n] + start, sites.position[:n])
        values = flat[sites.at[:n]]
        for index, edit in enumerate(edits):
            if edit is not None:
                _put(edit, values, at, flat, sites.at[index * n : (index + 1) * n])
        return tensor.to(given.device)

    @cached_property
    def _separate(self) -> bool:
        """Whether samples give what they give alone beside copies whose layer is edited; tried on all of *test*."""
        rows, size = self._data.rows.test, max(1, self._data.stacked // 2)
        differences: dict[int, Differences] = {}
        for start in range(0, len(rows), size):
            try:
                self._try_beside(self._batch(rows[start : start + size]), differences)
            except LayerError:
                return False
        return all(each.are_none for each in differences.values())

    def _try_beside(self, batch: Batch, differences: dict[int, Differences]) -> None:
        """Compare what a batch gives alone, watched place by place, with what it gives beside an edited copy."""
        zero = SetTo(range(self.layer.n_neurons), torch.zeros(self.layer.n_neurons))
        ((alone,), (beside, _)) = (self._gathered(batch, edits) for edits in ([None], [None, zero]))
        for place, (one, other) in enumerate(zip(alone, beside, strict=True)):
            is_outputs = self._to_the_end and place == len(alone) - 1
            differences.setdefault(place, Differences(decides=is_outputs)).add(one, other)

    def _gathered(self, batch: Batch, edits: Edits) -> list[list[Tensor]]:
        """All that is watched, by edit."""
        seen: list[list[Tensor]] = [[] for _ in edits]
        self._run_together(
            batch,
            slice(0, len(batch)),
            0,
            edits,
            lambda index, block, layer, state: seen[index].append(state),
            (lambda index, block, outputs: seen[index].append(outputs)) if self._to_the_end else None,
        )
        return seen


@contextmanager
def edited_runs(
    data: NetworkRows, layer: Layer, watched: Sequence[Layer] = (), *, to_the_end: bool = True
) -> Iterator[EditedRuns]:
    """Make a layer ready to be edited while others are watched.

    Mode, hooks, buffers, device and the global RNG state are as before when the block is left.

    Args:
        data: The network and its samples.
        layer: The layer that is edited.
        watched: Layers whose states are looked at; the edited one shows its edited state.
        to_the_end: Run the whole forward pass; without it the pass ends after the deepest of the watched layers, and
            the network gives nothing.

    Raises:
        LayerError: if nothing can be put in the layer's place, or a watched layer is not reached, with the reason.
    """
    network = data.network
    # The hook that replaces comes first, so that what is watched at the same module is what was put in its place.
    with generators_kept(), moved_to(network, data.on), replaceable(network, layer) as changed:
        runs = EditedRuns(data, layer, changed, to_the_end=to_the_end)
        with (
            handing_on(network, watched, runs.saw, stop_early=not to_the_end) as call,
            network.register_forward_hook(runs.gave),
        ):
            runs.call = call
            yield runs


def edited_states(
    data: NetworkRows, layer: Layer, watched: Sequence[Layer], edit: Edit | None
) -> dict[Layer, Halves[Float32[np.ndarray, "sample neuron"]]]:
    """Record the pooled states of layers on *fit* and *test* while one layer is edited.

    Args:
        data: The network and its samples.
        layer: The layer that is edited.
        watched: Layers that are recorded; all their states are held.
        edit: What is done to the layer in every row; None leaves it as it is.
    """
    sizes = [len(data.rows.fit), len(data.rows.test)]
    states = {one: Halves(*(np.empty((n, one.n_neurons), dtype=np.float32) for n in sizes)) for one in watched}
    with edited_runs(data, layer, watched, to_the_end=False) as runs:
        for side in ("fit", "test"):

            def keep(index: int, block: slice, one: Layer, state: Tensor, side: str = side) -> None:
                getattr(states[one], side)[block] = state.numpy()

            runs.run(getattr(data.rows, side), [edit], keep)
    return states


def look_at(
    data: NetworkRows,
    layer: Layer,
    rows: Int[np.ndarray, " row"],
    see: Callable[[Float[Tensor, "site neuron"], SiteRows], None],
) -> None:
    """Show the state of a layer at all its sites, some samples after the other.

    Args:
        data: The network and its samples.
        layer: The layer.
        rows: Row ids of the samples.
        see: Gets the state of some samples, and whose it is, counting the samples from 0.
    """
    with edited_runs(data, layer, [layer], to_the_end=False) as runs:
        runs.run(rows, [_Look(see)])


@dataclass(frozen=True, eq=False)
class _Look(Edit):
    """Leave the state as it is, and show it."""

    see: Callable[[Float[Tensor, "site neuron"], SiteRows], None]

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        self.see(values, at)
        return values


def shares(layers: Sequence[Layer], most: float) -> Iterator[list[Layer]]:
    """Deal layers into shares of at most so many neurons, or of one layer."""
    share: list[Layer] = []
    for layer in layers:
        if share and sum(each.n_neurons for each in [*share, layer]) > most:
            yield share
            share = []
        share.append(layer)
    if share:
        yield share


def _put(
    edit: Edit, values: Float[Tensor, "site neuron"], at: SiteRows, flat: Tensor, places: Int[Tensor, "site neuron"]
) -> None:
    """Write the edited state into the layer's tensor."""
    if edit.changed_neurons is not None:
        values, places = values[:, edit.changed_neurons], places[:, edit.changed_neurons]
    if edit.changed_rows is not None:
        chosen = edit.changed_rows[at.row].nonzero()[:, 0]
        values, places, at = values[chosen], places[chosen], SiteRows(at.row[chosen], at.position[chosen])
    flat[places] = edit.new(values, at).to(flat.dtype)
