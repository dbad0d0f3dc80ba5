"""Watching a network's modules: everything done to it is undone by leaving a ``with``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import nn


class Place(NamedTuple):
    """One call of one module within a forward pass; its text is the name of the layer.

    Attributes:
        module: Path of the module in the network.
        call: 1 for its first call.
    """

    module: str
    call: int

    def __str__(self) -> str:
        return self.module if self.call == 1 else f"{self.module}#{self.call}"

    @classmethod
    def of(cls, name: str) -> Place:
        """The place that a layer's name stands for."""
        module, _, call = name.partition("#")
        return cls(module, int(call or 1))


@contextmanager
def watched(
    modules: Mapping[str, nn.Module],
    on_output: Callable[[Place, Any], None],
    on_start: Callable[[str, tuple[Any, ...]], None] | None = None,
) -> Iterator[Counter[str]]:
    """Call ``on_output`` with every output of the modules, in execution order.

    Args:
        modules: What to watch, by path.
        on_output: Gets the place and what came out.
        on_start: Gets the path of a module when it is called, and with what.

    Yields:
        The number of calls of each module so far; clear it before another forward pass.
    """
    calls: Counter[str] = Counter()

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def see(module: nn.Module, inputs: Any, output: Any) -> None:
            calls[name] += 1
            on_output(Place(name, calls[name]), output)

        return see

    handles = []
    try:
        for name, module in modules.items():
            if on_start is not None:
                handles.append(module.register_forward_pre_hook(_starting(on_start, name)))
            handles.append(module.register_forward_hook(hook(name)))
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _starting(on_start: Callable[[str, tuple[Any, ...]], None], name: str) -> Callable[[nn.Module, Any], None]:
    def see(module: nn.Module, inputs: Any) -> None:
        on_start(name, inputs)

    return see


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; afterwards every module is in the mode it had, also after an error."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
