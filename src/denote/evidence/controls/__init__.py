"""The controls, one module each; a new one is found by being here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from denote.evidence.control import NegativeControl

if TYPE_CHECKING:
    from denote.evidence.user_controls import Control


@cache
def built_in_controls() -> Mapping[str, type[NegativeControl]]:
    """Return the classes of all controls by name, in their order."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    kinds = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, NegativeControl) and kind.__module__ == module.__name__
    ]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.order)}


def chosen_controls(
    options: Mapping[str, Mapping[str, Any] | None], own: Mapping[str, Control] | None = None
) -> tuple[NegativeControl, ...]:
    """Make the controls that are asked for, in their order.

    Args:
        options: The ``control`` group of a config: settings by name.
        own: Controls of the user's own, which take the place of their settings.

    Returns:
        Those that are on.
    """
    own, kinds = own or {}, built_in_controls()
    chosen = [kinds[name].of(settings) for name, settings in options.items() if name not in own]
    if own:
        from denote.evidence.user_controls import OwnControl  # here, as it fits observers

        chosen += [OwnControl(name, control) for name, control in own.items()]
    return tuple(sorted((control for control in chosen if control.is_on), key=lambda control: control.order))
