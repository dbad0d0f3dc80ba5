"""Which keys there are: those of the chosen options, and those that other options of a group would bring along.

Hydra knows the keys of the chosen options alone, so that a key of another one looks to it like a mistyped key.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import yaml

from denote.cli.options import GROUPS, OPTIONAL
from denote.errors import one_of

BRINGING = (*(group for group in GROUPS if group not in ("evidence", *OPTIONAL)), "hydra/launcher")
"""Groups whose options have keys of their own."""

MOST_OPTIONS = 5
"""Options with a key that are named."""

_PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class KnownKeys:
    """Keys of a command.

    Attributes:
        chosen: Those of its config.
        options: Those that options bring along, and which: ``{"intervention.ablate": ["intervention=ablate"]}``.
    """

    chosen: Sequence[str]
    options: Mapping[str, Sequence[str]]

    @classmethod
    def of_command_line(cls, arguments: Sequence[str] | None = None) -> KnownKeys:
        """Return those of a command with the options that are typed.

        Args:
            arguments: After the command's name; None: those of this process.
        """
        arguments = sys.argv[1:] if arguments is None else arguments
        return cls(_chosen_keys(arguments), option_keys(_folders(arguments)))

    def problem(self, key: str) -> tuple[str, str]:
        """Say what is wrong with a key that the config lacks, and what is allowed.

        Args:
            key: As it is typed, without a sign before it.
        """
        if key in self.options:
            return "is a key of an option that is not chosen", f"allowed with {self._options_of(key)}"
        return "there is no such key or group", self._nearest(key)

    def _nearest(self, key: str) -> str:
        """Name the nearest key beside the first part that does not exist, the chosen ones first."""
        parts = list(accumulate(key.split("."), "{}.{}".format))
        for part in reversed(parts):
            siblings = self._inside(part.rpartition(".")[0])
            if siblings:
                return self._nearest_of(part, siblings)
        return one_of(key, GROUPS)

    def _inside(self, parent: str) -> list[str]:
        """Keys right inside another one; Hydra's own are no setting."""
        every = dict.fromkeys([*self.chosen, *self.options])
        return [name for name in every if name.rpartition(".")[0] == parent and name != "hydra"]

    def _nearest_of(self, key: str, siblings: Sequence[str]) -> str:
        """Name the one of them that is meant, compared by what differs, and with which options it is allowed."""
        chosen = [name for name in siblings if name in self.chosen]
        names = {name.rpartition(".")[2]: name for name in siblings}
        near = [names[name] for name in difflib.get_close_matches(key.rpartition(".")[2], names, n=1)]
        if near and near[0] not in chosen:
            return f"did you mean '{near[0]}'? allowed with {self._options_of(near[0])}"
        if near:
            return one_of(near[0], chosen)
        more = "; more with other options" if 0 < len(chosen) < len(siblings) else ""
        return f"allowed: {', '.join(chosen or siblings)}{more}"

    def _options_of(self, key: str) -> str:
        """``dataset=table, images or states``."""
        options = self.options[key]
        more = len(options) - MOST_OPTIONS
        named = options[:MOST_OPTIONS] if more > 1 else options
        words = [named[0], *(option.partition("=")[2] for option in named[1:])]
        words += [f"{more} more"] if more > 1 else []
        return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def option_keys(folders: Sequence[Path]) -> dict[str, list[str]]:
    """Return the keys that options of groups bring along, and by which options.

    Args:
        folders: With a folder for every group, as ``conf/``.
    """
    keys = defaultdict[str, list[str]](list)
    for group in BRINGING:
        for file in (file for folder in folders for file in sorted((folder / group).glob("*.yaml"))):
            for key in _keys_of_option(file, group):
                keys[key].append(f"{group}={file.stem}")
    return dict(keys)


def shipped_options(group: str) -> list[str]:
    """Return the names of a group's options in ``denote.conf``."""
    folder = resources.files("denote.conf").joinpath(group)
    return [entry.name.removesuffix(".yaml") for entry in folder.iterdir()] if folder.is_dir() else []


def _folders(arguments: Sequence[str]) -> list[Path]:
    """Folders with options: ours, and the user's own."""
    own = [after for before, after in pairwise(arguments) if before in ("--config-dir", "-cd")]
    own += [argument.partition("=")[2] for argument in arguments if argument.startswith("--config-dir=")]
    return [Path(str(resources.files("denote.conf"))), *map(Path, own)]


def _keys_of_option(file: Path, group: str) -> dict[str, None]:
    """Keys of an option, with those of the options of its group that it begins from."""
    try:
        text = file.read_text(encoding="utf-8")
        settings = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return {}  # Hydra says what is wrong with it where it is chosen
    if not isinstance(settings, dict):
        return {}
    found = _PACKAGE.search(text)
    package = found[1] if found else group.replace("/", ".")
    at = "" if package == "_global_" else package
    keys = dict.fromkeys([*accumulate(at.split("."), "{}.{}".format)] if at else [])
    for other in settings.pop("defaults", None) or ():
        if isinstance(other, str) and other != "_self_" and other != file.stem:
            keys |= _keys_of_option(file.with_name(f"{other}.yaml"), group)
    return keys | dict.fromkeys(_keys_of(settings, f"{at}." if at else ""))


def _chosen_keys(arguments: Sequence[str]) -> list[str]:
    """All keys of the config with the options that are typed, as far as these are shipped and none is swept."""
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    chosen = [argument for argument in arguments if _is_option(*argument.partition("=")[::2])]
    GlobalHydra.instance().clear()
    with initialize_config_module("denote.conf", version_base="1.3"):
        return list(_keys_of(OmegaConf.to_container(compose("config", chosen))))


def _is_option(group: str, value: str) -> bool:
    """Whether an argument chooses shipped options of a group."""
    names = value[1:-1].split(",") if value.startswith("[") and value.endswith("]") else [value]
    return group in GROUPS and all(name.strip() in shipped_options(group) for name in names)


def _keys_of(node: Any, prefix: str = "") -> Iterator[str]:
    """The keys of a mapping and of all mappings in it, such as ``split`` and ``split.seed``."""
    for name, value in node.items() if isinstance(node, dict) else ():
        yield f"{prefix}{name}"
        yield from _keys_of(value, f"{prefix}{name}.")
