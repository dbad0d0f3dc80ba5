"""``${oc.env:NAME}`` in a config: where it may stand, and how its value is told from others.

A config that was received from somebody could copy a password into a record, a report or a dashboard that is shared.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from denote.config.environment import FromEnvironment
from denote.config.trust import path_settings
from denote.errors import ConfigError

_NONE = object()
_MARK = re.compile("\0(.*?)\0")
OF_MACHINES = ("store.path", "device", "memory_limit")
"""Settings that differ from machine to machine, shape no results, and are sent nowhere, as W&B's project is."""

_ALLOWED = f"allowed in {', '.join(OF_MACHINES)}, and in settings of files and folders; elsewhere type the value"


class Environment:
    """OmegaConf's resolver ``oc.env``, which knows whether it was asked.

    Attributes:
        was_read: True once a variable was read.
        hides: True while a mark stands for every value.
    """

    def __init__(self) -> None:
        self.was_read = self.hides = False

    def __call__(self, name: str, default: Any = _NONE) -> str | None:
        """Return the value of a variable, or the default as a text.

        Raises:
            KeyError: if there is no such variable and no default, as OmegaConf's own resolver does.
        """
        if name not in os.environ:
            if default is _NONE:
                raise KeyError(f"Environment variable '{name}' not found")
            return None if default is None else str(default)
        self.was_read = True
        return f"\0{name}\0" if self.hides else os.environ[name]


ENVIRONMENT = Environment()


def register() -> None:
    """Put `ENVIRONMENT` in the place of OmegaConf's resolver."""
    OmegaConf.register_new_resolver("oc.env", ENVIRONMENT, replace=True)


def resolved(resolve: Callable[[], Any]) -> Any:
    """Return a resolved config, in which values of environment variables are told apart.

    Args:
        resolve: Resolves it anew at every call.

    Raises:
        ConfigError: for a key that reads the environment and may not, naming it.
    """
    ENVIRONMENT.was_read = False
    values = resolve()
    if not ENVIRONMENT.was_read:
        return values
    ENVIRONMENT.hides = True
    try:
        marked = resolve()
    except OmegaConfBaseException as error:
        raise _refused(str(error.full_key or "config")) from error
    finally:
        ENVIRONMENT.hides = False
    return _told_apart(values, marked, "", _places(values))


def _places(config: Mapping[str, Any]) -> set[str]:
    """Return the keys that may be given by an environment variable."""
    places = set(OF_MACHINES)
    for group in ("dataset", "architecture"):
        options = config.get(group)
        target = options.get("_target_") if isinstance(options, Mapping) else None
        places |= {f"{group}.{name}" for name in path_settings(str(target))} if target else set()
    return places


def _told_apart(value: Any, marked: Any, where: str, places: set[str]) -> Any:
    if isinstance(value, dict) and isinstance(marked, dict) and value.keys() == marked.keys():
        prefix = f"{where}." if where else ""
        return {key: _told_apart(inner, marked[key], f"{prefix}{key}", places) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(marked, list) and len(value) == len(marked):
        pairs = enumerate(zip(value, marked, strict=True))
        return [_told_apart(*pair, f"{where}[{index}]", places) for index, pair in pairs]
    if type(value) is type(marked) and value == marked:
        return value
    if where.partition("[")[0] not in places or not (isinstance(value, str) and isinstance(marked, str)):
        raise _refused(where)
    return FromEnvironment.of(value, _MARK.sub(r"${oc.env:\1}", marked))


def _refused(where: str) -> ConfigError:
    return ConfigError(where, "reads an environment variable, which results would show", _ALLOWED)
