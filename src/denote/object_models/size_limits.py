"""Refuse a network that is too large while it is being made, before its weights take memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules import module as registration

from denote.config.byte_units import in_units
from denote.config.given_files import machine_memory
from denote.errors import ConfigError, first_line

LARGEST = 2**37
"""Bytes of the weights of a network that is made here; half of the machine's memory where that is less."""
MOST_MODULES = 20_000
"""Modules of one network: a block of a few layers has about ten."""

_SMALLER = "a smaller architecture, such as fewer layers or a smaller width"
_NO_MEMORY = re.compile(r"tried to allocate (\d+) bytes|Storage size calculation overflowed|Overflow when unpacking")


@contextmanager
def bounded(where: str = "architecture") -> Iterator[None]:
    """Refuse a network that is made inside, as soon as a weight, buffer or module of it is one too many.

    A module registers a weight before it fills it, and memory that is not filled is not taken yet.

    Args:
        where: The config key of the network.

    Raises:
        ConfigError: naming the size.
    """
    size = _Size(where)
    hooks = [
        registration.register_module_parameter_registration_hook(size.add_values),
        registration.register_module_buffer_registration_hook(size.add_values),
        registration.register_module_module_registration_hook(size.add_module),
    ]
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            raise ConfigError(where, f"is too large to be made ({first_line(error)})", _SMALLER) from error
        raise
    finally:
        for hook in hooks:
            hook.remove()


class _Size:
    """Bytes and modules of the network that is being made; parts that are registered twice count twice."""

    def __init__(self, where: str) -> None:
        self._where, self._limit = where, min(LARGEST, machine_memory() // 2)
        self._bytes = self._modules = 0

    def add_values(self, _module: nn.Module, name: str, values: Any) -> None:
        self._bytes += 0 if values is None else values.numel() * values.element_size()
        if self._bytes > self._limit:
            problem = f"its weights take {in_units(self._bytes)} and more; the limit is {in_units(self._limit)}"
            raise ConfigError(self._where, problem, _SMALLER)

    def add_module(self, _module: nn.Module, name: str, part: nn.Module | None) -> None:
        self._modules += part is not None
        if self._modules > MOST_MODULES:
            raise ConfigError(self._where, f"it has more than {MOST_MODULES} modules", _SMALLER)
