"""Refuse options of groups that Hydra would take without a word, or answer with a traceback."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from denote.cli.hydra_private import parsed
from denote.errors import ConfigError, one_of

LISTS = ("attribute", "probe", "control", "intervention", "logger")
"""Groups of which several options may be chosen."""

OPTIONAL = ("experiment", "debug")
"""Groups of which none need be chosen."""

GROUPS = (
    *("dataset", "architecture", "attribute", "layer", "probe"),
    *("control", "intervention", "evidence", "trainer", "logger", "experiment", "debug"),
)
"""Groups of the config, in the order in which the help page lists them."""

OptionsOf = Callable[[str], Sequence[str]]
"""Gives the names of a group's options."""


def check_typed(overrides: Sequence[str], options_of: OptionsOf) -> None:
    """Refuse what is typed for a group and can be none of its options, before Hydra composes.

    Args:
        overrides: Those of the command line or of one job of a sweep.
        options_of: Gives the names of a group's options.

    Raises:
        ConfigError: naming the group, what came and what is allowed.
    """
    for override in parsed([override for override in overrides if _group(override) in GROUPS]):
        value = override.value()
        if not (override.is_delete() or override.is_sweep_override() or isinstance(value, dict)):
            _check(override.key_or_group, value, options_of)


def _group(override: str) -> str:
    return re.split("[@=]", override, maxsplit=1)[0].lstrip("+")


def _check(group: str, value: Any, options_of: OptionsOf) -> None:
    if group not in LISTS and isinstance(value, list):
        raise ConfigError(f"{group}={_text(value)}", "one option is chosen, not a list", _allowed(group, options_of))
    if value is None:
        raise ConfigError(f"{group}=null", "null is no option", _allowed(group, options_of))
    for name in value if isinstance(value, list) else [value]:
        if not isinstance(name, str):
            raise no_option(group, _text(name), options_of(group))


def _text(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(group: str, options_of: OptionsOf) -> str:
    options = ", ".join(sorted(options_of(group)))
    if group in OPTIONAL:
        return f"allowed: {options}; leave it out for none"
    if group == "control":
        return f"allowed: {options}, a list of those, or control=[] for none"
    return f"allowed: {options}{', or a list of those' if group in LISTS else ''}"


def no_option(group: str, option: str, options: Sequence[str]) -> ConfigError:
    """Return the mistake of an option that a group does not have."""
    if group == "layer" and re.fullmatch(r"-?\d+", option):
        return ConfigError(f"layer={option}", "there is no such option", f"use layer.select={option}")
    allowed = one_of(option, sorted(options)) if options else "allowed: a name; see --help"
    return ConfigError(f"{group}={option}", "there is no such option", allowed)
