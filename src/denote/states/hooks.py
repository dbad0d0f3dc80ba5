"""Watching a network's modules: everything done to it is undone by leaving a ``with``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from denote.data.batch import Batch, call
from denote.object_models.unwritten_weights import weights_kept

INPUT = "input"


class Place(NamedTuple):
    """One tensor of one call of one module within a forward pass; its text is the name of the layer.

    ``conv`` is what a module gives, ``conv#2`` what its second call gives, ``block[1]`` and ``block[hidden]`` a part of
    what is no single tensor (``lstm`` and ``lstm[h_n]`` of recurrent modules), ``conv.input`` what comes in, also from
    an operation that is no module.

    Attributes:
        module: Path of the module in the network.
        call: 1 for its first call.
        part: Index or key of the tensor; empty where it is the only one.
        is_input: Whether it is what the module is called with.
    """

    module: str
    call: int
    part: str = ""
    is_input: bool = False

    def __str__(self) -> str:
        name = self.module if self.call == 1 else f"{self.module}#{self.call}"
        name = f"{name}.{INPUT}" if self.is_input else name
        return f"{name}[{self.part}]" if self.part else name

    @classmethod
    def of(cls, name: str) -> Place:
        """The place that a layer's name stands for."""
        rest, _, part = name.removesuffix("]").partition("[") if name.endswith("]") else (name, "", "")
        is_input = rest.endswith(f".{INPUT}")
        rest = rest.removesuffix(f".{INPUT}" if is_input else "")
        module, _, call = rest.partition("#")
        if call and not call.isdecimal():
            return cls(rest, 1, part, is_input)
        return cls(module, int(call or 1), part, is_input)

    @property
    def at(self) -> tuple[str, int]:
        """The module and the call."""
        return self.module, self.call


def parts_of(value: Any, module: nn.Module | None = None) -> dict[str, Tensor]:
    """Return the tensors that something holds, by index or key; one alone has the empty name.

    Args:
        value: A tensor, a packed sequence (which becomes ``row x position x channel``), a tuple, a list, a mapping (an
            output object of Hugging Face is one), or an object with attributes, such as a dataclass. Those inside are
            opened too: ``1.0`` is the first of the second. A tensor that has no other beside it has the empty name,
            whatever lies deeper.
        module: What gave it. Of recurrent modules the output has the empty name, the last states ``h_n`` and ``c_n``
            (``c`` of a cell).
    """
    if (tensor := _tensor_of(value)) is not None:
        return {"": tensor}
    direct: dict[str, Tensor] = {}
    inside: dict[str, Tensor] = {}
    for key, each in _named(value, module).items():
        if (tensor := _tensor_of(each)) is not None:
            direct[key] = tensor
        else:
            deeper = {f"{key}.{name}": _tensor_of(one) for name, one in _named(each).items()}
            inside |= {name: one for name, one in deeper.items() if one is not None}
    if len(direct) == 1 or (not direct and len(inside) == 1):
        name, alone = next(iter((direct or inside).items()))
        direct, inside = {"": alone}, {deep: one for deep, one in inside.items() if deep != name}
    return direct | inside


def padding_of(value: Any, part: str, module: nn.Module | None = None) -> Bool[Tensor, "row position"] | None:
    """Return which positions of a part of `parts_of` are no padding, where a packed sequence says so; else None."""
    packed = value
    if not isinstance(value, PackedSequence):
        named = _named(value, module)
        alone = [each for each in named.values() if _tensor_of(each) is not None]
        packed = named.get(part, alone[0] if part == "" and alone else None)
    if not isinstance(packed, PackedSequence):
        return None
    states, lengths = pad_packed_sequence(packed, batch_first=True)
    return torch.arange(states.shape[1])[None] < lengths[:, None]


def is_mapped(tensor: Tensor) -> bool:
    """Whether a tensor stands for many inside of `torch.vmap`, which hides the axis that they lie on."""
    return bool(is_functorch_wrapped_tensor(tensor))


def _tensor_of(value: Any) -> Tensor | None:
    if isinstance(value, PackedSequence):
        return pad_packed_sequence(value, batch_first=True)[0]
    return value if isinstance(value, Tensor) else None


def _named(value: Any, module: nn.Module | None = None) -> dict[str, Any]:
    """What is held by index, key, or the name that a recurrent module's documentation has for it."""
    if isinstance(module, nn.RNNBase):
        output, last = value
        return {"": output} | dict(zip(("h_n", "c_n"), last if isinstance(last, tuple) else (last,), strict=False))
    if isinstance(module, nn.LSTMCell):
        return dict(zip(("", "c"), value, strict=True))
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, tuple | list):
        return {str(index): each for index, each in enumerate(value)}
    # Of a dataclass, a distribution or any other object what it shows by name.
    return {name: each for name, each in getattr(value, "__dict__", {}).items() if not name.startswith("_")}


Look = Callable[[Place, Any], None]
"""Gets a place of a forward pass and what is there."""


def run_watched(
    network: nn.Module,
    batch: Batch,
    modules: Mapping[str, nn.Module],
    on_output: Look,
    on_input: Look | None = None,
    inside: AbstractContextManager[Any] | None = None,
) -> Any:
    """Run a batch in eval mode without gradients while modules are watched; mode and hooks are then as before.

    Args:
        network: Any module.
        batch: What it is called with.
        modules: Those of its modules that are watched, by path.
        on_output: As of `watched`.
        on_input: As of `watched`.
        inside: A context that the forward alone runs in.

    Returns:
        What the network gives.
    """
    with eval_mode(network), torch.no_grad(), watched(modules, on_output, on_input), inside or nullcontext():
        return call(network, batch)


@contextmanager
def watched(modules: Mapping[str, nn.Module], on_output: Look, on_input: Look | None = None) -> Iterator[Counter[str]]:
    """Call ``on_output`` with every output of the modules, in execution order.

    Args:
        modules: What to watch, by path.
        on_output: Gets the place and what came out.
        on_input: Gets the place of a module's input and what it is called with, arguments without a name if there are
            any, else those by name.

    Yields:
        The number of calls of each module so far; clear it before another forward pass.
    """
    calls: Counter[str] = Counter()

    def entered(name: str, module: nn.Module, arguments: Any, named: Any) -> None:
        if on_input is not None:
            on_input(Place(name, calls[name] + 1, is_input=True), arguments or named)

    def left(name: str, module: nn.Module, arguments: Any, output: Any) -> None:
        calls[name] += 1
        on_output(Place(name, calls[name]), output)

    with ExitStack() as hooks:
        for name, module in modules.items():
            if on_input is not None:
                hooks.enter_context(module.register_forward_pre_hook(partial(entered, name), with_kwargs=True))
            hooks.enter_context(module.register_forward_hook(partial(left, name)))
        yield calls


def device_of(network: nn.Module) -> torch.device:
    """Return where the weights of a network are."""
    return next((each.device for each in network.parameters()), torch.device("cpu"))


@contextmanager
def moved_to(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Have a network on a device inside the block, and where it was afterwards."""
    home = device_of(network)
    network.to(device)
    try:
        yield
    finally:
        network.to(home)


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; afterwards modes and weights are as they were, also after an error.

    What `torch.compile` made runs as it was written: compiled code calls no hook that it was not compiled with. Nor do
    the kernels for whole blocks of attention, which are off inside.
    """
    modes = {module: module.training for module in network.modules()}
    with_kernels = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    network.eval()
    # Without a compiled network there is nothing to undo, and the compiler takes seconds to import.
    compiled = "torch._dynamo" in sys.modules
    try:
        with weights_kept(network), torch.compiler.set_stance("force_eager") if compiled else nullcontext():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(with_kernels)
        for module, training in modes.items():
            module.training = training
