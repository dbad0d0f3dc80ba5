"""Folders and keys as a command's arguments: ``multirun/NAME``, ``sweep=multirun/NAME``, ``KEY=VALUE``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from denote.errors import ConfigError, one_of

SWEEP = "sweep"
"""Key under which a folder may be named, too."""


def folders_and_keys(command: str, arguments: Sequence[str], keys: Sequence[str]) -> tuple[list[Path], dict[str, str]]:
    """Tell folders, whose names may hold ``=``, from keys.

    Args:
        command: Its name.
        arguments: What came.
        keys: Those that it has besides `SWEEP`.

    Returns:
        The folders in their order, and the value of each key.

    Raises:
        ConfigError: if a key or flag is none of the command's, or is given twice or without a value.
    """
    folders, given = [], dict[str, str]()
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key in (SWEEP, *keys):
            if not value:
                raise ConfigError(key, "has no value", f"allowed: {key}={'multirun/NAME' if key == SWEEP else 'VALUE'}")
            if key == SWEEP:
                folders.append(Path(value))
            elif key in given:
                raise ConfigError(key, "is given twice", f"allowed: once; {given[key]} and {value} came")
            else:
                given[key] = value
        elif equals and key.replace(".", "_").isidentifier() and not os.path.lexists(argument):
            raise ConfigError(key, f"no such key of {command}", one_of(key, (SWEEP, *keys)))
        elif argument.startswith("-"):
            raise ConfigError(argument, f"no such flag of {command}", "allowed: --help, --version")
        elif not argument:
            raise ConfigError(command, "an empty argument came", "allowed: the folder of a sweep, multirun/NAME")
        else:
            folders.append(Path(argument))
    return folders, given


def check_one(command: str, folders: Sequence[Path]) -> None:
    """Refuse more than one folder.

    Raises:
        ConfigError: naming them.
    """
    if len(folders) > 1:
        came = " and ".join(map(str, folders))
        raise ConfigError(command, f"{came} came", f"allowed: one folder, {command} multirun/NAME")
