"""Watching a network's modules: everything done to it is undone by leaving a ``with``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

INPUT = "input"


class Place(NamedTuple):
    """One tensor of one call of one module within a forward pass; its text is the name of the layer.

    ``conv`` is what a module gives, ``conv#2`` what its second call gives, ``lstm[0]`` and ``block[hidden]`` a part of
    what is no single tensor, ``conv.input`` what comes in, also from an operation that is no module.

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


def parts_of(value: Any) -> dict[str, Any]:
    """The tensors that something holds, by index or key; one alone has the empty name.

    A tuple, a list, a mapping, or the output objects of Hugging Face, which are mappings. Nested ones are not opened.
    """
    if isinstance(value, Tensor):
        return {"": value}
    if isinstance(value, Mapping):
        named = {str(key): each for key, each in value.items()}
    elif isinstance(value, tuple | list):
        named = {str(index): each for index, each in enumerate(value)}
    else:
        return {}
    found = {key: each for key, each in named.items() if isinstance(each, Tensor)}
    return {"": next(iter(found.values()))} if len(found) == 1 else found


@contextmanager
def watched(
    modules: Mapping[str, nn.Module],
    on_output: Callable[[Place, Any], None],
    on_input: Callable[[Place, Any], None] | None = None,
) -> Iterator[Counter[str]]:
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

    def before(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def see(module: nn.Module, arguments: Any, named: Any) -> None:
            if on_input is not None:
                on_input(Place(name, calls[name] + 1, is_input=True), arguments or named)

        return see

    def after(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def see(module: nn.Module, arguments: Any, output: Any) -> None:
            calls[name] += 1
            on_output(Place(name, calls[name]), output)

        return see

    handles = []
    try:
        for name, module in modules.items():
            if on_input is not None:
                handles.append(module.register_forward_pre_hook(before(name), with_kwargs=True))
            handles.append(module.register_forward_hook(after(name)))
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; afterwards every module is in the mode it had, also after an error.

    What `torch.compile` made runs as it was written: compiled code calls no hook that it was not compiled with.
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    # Without a compiled network there is nothing to undo, and the compiler takes seconds to import.
    compiled = "torch._dynamo" in sys.modules
    try:
        with torch.compiler.set_stance("force_eager") if compiled else nullcontext():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
