"""The network with what it learned taken out from the top down to a layer: the check that its map depends on that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor, nn

from denote.data.batch import Batch, first_of
from denote.errors import LayerError, one_of
from denote.notes import Note
from denote.states.hooks import Place, run_watched
from denote.states.layers import Layer


@dataclass(frozen=True)
class Randomised:
    """A network whose upper part is that of another initialisation.

    Attributes:
        network: A copy; what made the layers below is bit for bit as it was.
        replaced: Names of the parameters and buffers that were replaced.
        kept: Names of those that also make a layer below, so that they had to stay although they are used above.
        reaches: Whether anything that makes the layer was replaced; if not, its state is as before.
    """

    network: nn.Module
    replaced: tuple[str, ...]
    kept: tuple[str, ...]
    reaches: bool

    @property
    def note(self) -> Note | None:
        """What a reader of the check must know, or None."""
        kept = Note.of("kept_as_trained", names=", ".join(self.kept)) if self.kept else None
        if not self.reaches:
            return Note.of("nothing_replaced", why=kept or "nothing is learned")
        return kept and kept.about("randomised_similarity")


class _Call(NamedTuple):
    """When a module ran, on the clock of one forward pass."""

    start: int
    end: int


@dataclass(frozen=True)
class Cascade:
    """A network, another initialisation of it, and when every part of it runs and is used.

    Attributes:
        network: The trained network; only read.
        theirs: Parameters and buffers of the fresh one, by name.
        uses: Of what is learned, by name, the calls in which it is used.
        made: When the output of each layer was made, by the layer's name.
        below: When the outputs of the listed layers were made.
    """

    network: nn.Module
    theirs: Mapping[str, Tensor]
    uses: Mapping[str, Sequence[_Call]]
    made: Mapping[str, int]
    below: Sequence[int]

    @classmethod
    def of(cls, network: nn.Module, fresh: nn.Module, example: Batch, layers: Sequence[Layer]) -> Cascade:
        """Run a copy of the network once and see when its parts are used.

        Args:
            network: The trained network.
            fresh: The same architecture from an independent initialisation, not the trained network's own, which its
                weights may have stayed close to; only read.
            example: A batch with at least one input, on the network's device; values do not matter.
            layers: The layers of the network, and those that are asked for besides.

        Raises:
            ValueError: if ``fresh`` is another architecture.
        """
        copied, theirs = deepcopy(network), _tensors(fresh)
        ours = _tensors(copied)
        _check_same_architecture(ours, theirs)
        with torch.random.fork_rng(devices=[]):
            calls = _calls(copied, example)
        uses = _uses(copied, ours, calls)
        learned = [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name].to(tensor))]
        made = {layer.name: _end(copied, calls, layer.name) for layer in layers}
        below = [made[layer.name] for layer in layers if layer.is_listed]
        return cls(network, theirs, {name: uses[name] for name in learned}, made, below)

    def down_to(self, layer: Layer) -> Randomised:
        """Replace everything from the top of the network down to and including what makes a layer.

        This is one step of the cascading randomisation of Adebayo et al. (2018), Sanity Checks for Saliency Maps.
        *Above* is what runs after the last layer below whose successor has weights: a layer that is only an activation
        is made by the module before it. Replacing what runs after the layer alone could not change its state. Modules
        that run on both sides (shared ones, or one with weights of its own around both) stay, and so do equal tensors.

        Args:
            layer: One of the layers; of those that are not listed only this one counts as a layer below.

        Raises:
            LayerError: if the network has no such layer; all layers side by side have no top.
        """
        if layer.name not in self.made:
            raise LayerError(f"layer {layer.name}", "cannot be randomised down to", one_of(layer.name, self.made))
        end = self.made[layer.name]
        below = _boundary(list(self.uses.values()), [*self.below, end], end)
        replaced = [name for name, calls in self.uses.items() if all(call.start > below for call in calls)]
        copied = deepcopy(self.network)
        ours = _tensors(copied)
        with torch.no_grad():
            for name in replaced:
                ours[name].copy_(self.theirs[name])
        kept = [
            name
            for name, calls in self.uses.items()
            if name not in replaced and any(call.end > below for call in calls)
        ]
        reaches = any(call.start < end for name in replaced for call in self.uses[name])
        return Randomised(copied, tuple(replaced), tuple(kept), reaches)


def _calls(network: nn.Module, example: Batch) -> dict[nn.Module, list[_Call]]:
    """Return when each module ran, in the order of its calls."""
    clock, modules = count(), dict(network.named_modules())
    running: dict[str, list[int]] = defaultdict(list)
    calls: dict[nn.Module, list[_Call]] = defaultdict(list)

    def on_input(place: Place, _: object) -> None:
        running[place.module].append(next(clock))

    def on_output(place: Place, _: object) -> None:
        calls[modules[place.module]].append(_Call(running[place.module].pop(), next(clock)))

    run_watched(network, first_of(example), modules, on_output, on_input)
    return calls


def _end(network: nn.Module, calls: Mapping[nn.Module, Sequence[_Call]], name: str) -> int:
    """When a layer's output was made."""
    place = Place.of(name)
    when = calls[network.get_submodule(place.module)][place.call - 1]
    return when.start if place.is_input else when.end


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers under every name they have."""
    return {
        **dict(network.named_parameters(remove_duplicate=False)),
        **dict(network.named_buffers(remove_duplicate=False)),
    }


def _check_same_architecture(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    shapes, other = ({name: tuple(t.shape) for name, t in tensors.items()} for tensors in (ours, theirs))
    if shapes != other:
        differing = sorted(name for name in {*shapes, *other} if shapes.get(name) != other.get(name))
        raise ValueError(f"the fresh network is another architecture: {', '.join(differing[:3])} differ")


def _uses(
    network: nn.Module, tensors: Mapping[str, Tensor], calls: Mapping[nn.Module, Sequence[_Call]]
) -> dict[str, list[_Call]]:
    """Per name the calls in which the tensor is used, by whichever of its owners.

    A module that is never called itself, such as the output projection of an attention, is used by the one around it.
    """
    modules = dict(network.named_modules(remove_duplicate=False))
    uses: dict[int, list[_Call]] = defaultdict(list)
    for name, tensor in tensors.items():
        owner = name.rpartition(".")[0]
        while not calls.get(modules[owner]):
            owner = owner.rpartition(".")[0]
        uses[id(tensor)] += calls[modules[owner]]
    return {name: uses[id(tensor)] for name, tensor in tensors.items()}


def _boundary(uses: Sequence[Sequence[_Call]], made: Sequence[int], end: int) -> int:
    """When the last layer was made after which weights were used for the layer that was ready at ``end``."""
    starts = [call.start for calls in uses for call in calls if call.start < end]
    latest = max(starts, default=end)
    return max((time for time in made if time < latest), default=-1)
