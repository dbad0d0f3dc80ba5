"""Folders and keys as a command's arguments: ``multirun/NAME``, ``sweep=multirun/NAME``, ``KEY=VALUE``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from denote.errors import ConfigError, StoreError, one_of
from denote.runs.record import RECORD

SWEEP = "sweep"
"""Key under which a folder may be named, too."""


def folders_and_keys(
    command: str, arguments: Sequence[str], keys: Sequence[str], *, offers_sweep: bool = True
) -> tuple[list[Path], dict[str, str]]:
    """Tell folders, whose names may hold ``=``, from keys.

    Args:
        command: Its name.
        arguments: What came.
        keys: Those that it has besides `SWEEP`.
        offers_sweep: Whether its help names `SWEEP`, which messages then offer.

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
            raise ConfigError(key, f"no such key of {command}", one_of(key, ((SWEEP, *keys) if offers_sweep else keys)))
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


MOST_LISTED = 8
"""Sweeps of a folder that are named."""


def check_sweep(command: str, folder: Path) -> None:
    """Refuse a folder that is not that of a sweep, and name the one that may be meant.

    Args:
        command: The command that it was typed for.
        folder: What was typed.

    Raises:
        StoreError: naming it.
    """
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", "allowed: the folder of a sweep, multirun/NAME")
    if (folder / RECORD).is_file():
        problem = "is the folder of a job, whose runs lie in its sweep's"
        raise StoreError(str(folder), problem, f"allowed: {command} {folder.parent}")
    held = {path.parent.parent.name for path in folder.glob(f"*/*/{RECORD}")}
    if held and not any(folder.glob(f"*/{RECORD}")):
        named = sorted(held)[:MOST_LISTED]
        more = f" and {len(held) - len(named)} more" if len(held) > len(named) else ""
        problem = f"holds sweeps and is none ({', '.join(named)}{more})"
        raise StoreError(str(folder), problem, f"allowed: one of them, {command} {folder / named[0]}")
