"""Replace the tensor of one layer while a network runs; the network is afterwards as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from denote.data.batch import Batch, at_words, call, words_of
from denote.errors import DenoteError, LayerError, told, type_in_words
from denote.object_models.task import tensor_of
from denote.states.hooks import Place, eval_mode, parts_of
from denote.states.layers import Layer

Replace = Callable[[Tensor], Tensor]
"""From what a layer gave to what stands in its place; may look at it only, and give it back."""

DEEPEST = 3
"""Tuples, lists and mappings inside of each other that a tensor is found in."""


class _Pass(threading.local):
    """The forward pass that a thread is in.

    Attributes:
        replace: What stands in the place of the layer's tensor; None between passes.
        calls: How often the layer's module was called.
        reached: Whether the layer's tensor was replaced.
    """

    replace: Replace | None = None
    calls: int = 0
    reached: bool = False


class Replaceable:
    """A network in which the tensor of a layer can be replaced; made by `replaceable`.

    Attributes:
        network: Any module.
        layer: The layer.
    """

    def __init__(self, network: nn.Module, layer: Layer) -> None:
        self.network, self.layer = network, layer
        self._now = _Pass()

    def outputs(self, batch: Batch, replace: Replace, of: Batch | None = None) -> Float[Tensor, " sample *output"]:
        """Run a batch and return what the network gives.

        Args:
            batch: What the network is called with.
            replace: What stands in the place of the layer's tensor.
            of: The samples that the replaced tensor is of, where they are not those of ``batch``.

        Raises:
            LayerError: if the layer is not reached, gives no such tensor, or the network fails.
        """
        outputs, words = tensor_of(self.run(batch, replace)), words_of(batch if of is None else of)
        return outputs if words is None else at_words(outputs, words)

    def run(self, batch: Batch, replace: Replace) -> Any:
        """Run a batch and return all that the network returns; see `outputs`."""
        with self.replacing(replace), torch.no_grad():
            return call(self.network, batch)

    @contextmanager
    def replacing(self, replace: Replace) -> Iterator[None]:
        """Replace the layer's tensor in the one forward pass inside the block, whoever calls the network.

        Args:
            replace: What stands in its place.

        Raises:
            LayerError: if the layer is not reached, gives no such tensor, or the network fails.
        """
        now = self._now
        now.replace, now.calls, now.reached = replace, 0, False
        try:
            yield
        except DenoteError:
            raise
        except Exception as error:
            problem = f"the network fails in a pass in which its output is replaced: {told(error)}"
            raise LayerError(f"layer {self.layer.name}", problem) from error
        finally:
            now.replace = None
        if not now.reached:
            raise LayerError(f"layer {self.layer.name}", "is not reached by every input")

    def on_output(self, module: nn.Module, arguments: Any, output: Any) -> Any:
        """Be the hook of a module whose output is replaced."""
        return self._replaced(output, module)

    def on_input(self, module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Be the hook of a module whose input is replaced."""
        if arguments:
            return self._replaced(arguments, None), named
        return arguments, self._replaced(named, None)

    def _replaced(self, value: Any, module: nn.Module | None) -> Any:
        place, now = Place.of(self.layer.name), self._now
        now.calls += 1
        if now.replace is None or now.calls != place.call:
            return value
        given = parts_of(value, module).get(place.part)
        if given is None:
            raise LayerError(f"layer {self.layer.name}", "gives no such tensor for every input")
        now.reached = True
        new = now.replace(given)
        return value if new is given else _with(value, given, new, self.layer)


@contextmanager
def replaceable(network: nn.Module, layer: Layer) -> Iterator[Replaceable]:
    """Make a layer's tensor replaceable inside the block; mode, hooks and buffers are as before when it is left.

    Args:
        network: Any module.
        layer: The layer, as `list_layers` gives it.

    Raises:
        LayerError: if there is no tensor that a module gives or gets which could be replaced.
    """
    if layer.depth is None and not layer.grid:
        raise LayerError(f"layer {layer.name}", "all layers side by side are no place in the network")
    place = Place.of(layer.name)
    try:
        module = network.get_submodule(place.module)
    except AttributeError as error:
        raise LayerError(f"layer {layer.name}", "is no module, so nothing can be put in its place") from error
    changed = Replaceable(network, layer)
    hook = (
        module.register_forward_pre_hook(changed.on_input, with_kwargs=True)
        if place.is_input
        else module.register_forward_hook(changed.on_output)
    )
    with buffers_kept(network), hook, eval_mode(network):
        yield changed


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """Have the buffers of a network, which a forward pass may change, afterwards as they were."""
    kept = [
        (module, name, buffer, buffer.clone())
        for module in network.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, before in kept:
                buffer.copy_(before)
                module._buffers[name] = buffer


def _with(value: Any, old: Tensor, new: Tensor, layer: Layer) -> Any:
    """Return what a module gave with one of its tensors replaced; everything around it is a copy."""
    if value is old:
        return new
    if _holds(value, old):
        if isinstance(value, tuple | list):
            parts = [_with(each, old, new, layer) if _holds(each, old) else each for each in value]
            made: Any = type(value)
            return made(*parts) if hasattr(value, "_fields") else made(parts)
        held = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
        for name, each in held.items():
            if _holds(each, old):
                changed, inner = copy(value), _with(each, old, new, layer)
                if isinstance(changed, Mapping):
                    changed[name] = inner  # type: ignore[index]
                else:
                    setattr(changed, name, inner)
                return changed
    # Of a packed sequence the tensor that is observed is made anew of what it holds.
    raise LayerError(f"layer {layer.name}", f"gives {type_in_words(value)}, in which no tensor can be replaced")


def _holds(value: Any, tensor: Tensor, depth: int = 0) -> bool:
    """Whether something is a tensor or holds it."""
    if value is tensor:
        return True
    if isinstance(value, Tensor | PackedSequence) or depth >= DEEPEST:
        return False
    inside = value if isinstance(value, tuple | list) else None
    if inside is None:
        held: Any = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
        inside = list(held.values())
    return any(_holds(each, tensor, depth + 1) for each in inside)


def copied(tensor: Shaped[Tensor, ...]) -> Shaped[Tensor, ...]:
    """Return a copy whose numbers lie side by side, as places in it are counted."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)
