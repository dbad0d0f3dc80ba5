"""Config files as Hydra reads them: plain YAML of a size that a person writes.

YAML can name Python's functions, refer to itself, and grow without bounds when its aliases are written out; Hydra's
defaults can include each other without end. All of it is refused before anything is made of a file.
"""

from __future__ import annotations

import os
import re
from copy import deepcopy
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import yaml
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult

from denote.cli.hydra_private import ConfigRepository
from denote.config.byte_units import in_units
from denote.errors import ConfigError, first_line

LARGEST = 2**20
"""Bytes of a file."""
DEEPEST = 50
"""Lists and mappings inside each other."""
MOST_VALUES = 20_000
"""Values of a file, where each alias counts as what it stands for."""
MOST_INTERPOLATIONS = 10
"""Interpolations in one value."""
MOST_RESOLVED = 4096
"""Product of the interpolations of those values of a file that others lead to: values in a chain multiply."""
LONGEST_NUMBER = 400
"""Characters of a value that YAML may read as a number."""

_PLAIN = "tag:yaml.org,2002:"
_TAGS = {f"{_PLAIN}{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map")}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ALLOWED = "allowed: plain YAML, a mapping of settings"


class CheckedRepository(ConfigRepository):
    """Hydra's repository of configs, which refuses files that are more than settings.

    Attributes:
        latest: The user's file that was read last, to be named where reading does not end.
        shipped: Configs of packages that were read, by package and path.
    """

    latest: ClassVar[Path | None] = None
    shipped: ClassVar[dict[tuple[str, str], ConfigResult]] = {}

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        """See Hydra's; a file may add folders to search, and no package, which would be imported.

        Raises:
            ConfigError: naming the package.
        """
        for place in config_search_path.get_path():
            if place.provider == "hydra.searchpath in main" and not str(place.path).startswith(("file://", "/", ".")):
                problem = f"{place.path!r} is refused in a file"
                raise ConfigError("hydra.searchpath", problem, "allowed: folders, which begin with / or . or file://")
        super().initialize_sources(config_search_path)

    def load_config(self, config_path: str) -> ConfigResult | None:
        """See Hydra's.

        Raises:
            ConfigError: naming the file and what in it is refused.
        """
        file = self._file_of(config_path)
        if file is None:
            return self._shipped(config_path)
        CheckedRepository.latest = file
        check_file(file)
        try:
            return super().load_config(config_path)
        except (yaml.YAMLError, ValueError, TypeError, AssertionError, OSError) as error:
            raise ConfigError(str(file), f"cannot be read ({_said(error)})", _ALLOWED) from error

    def _shipped(self, config_path: str) -> ConfigResult | None:
        """Return a config of a package, each read once in a process: Hydra asks for them again with every job."""
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        key = None if source is None or source.scheme() != "pkg" else (source.path, config_path)
        result = self.shipped.get(key) if key else None
        if result is None:
            result = super().load_config(config_path)
            if key is None or result is None:
                return result
            self.shipped[key] = result
        return deepcopy(result)

    def _file_of(self, config_path: str) -> Path | None:
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        if source is None or source.scheme() != "file":
            return None
        name = config_path if config_path.endswith((".yaml", ".yml")) else f"{config_path}.yaml"
        return Path(os.path.realpath(Path(source.path, name)))


def check_file(file: Path) -> None:
    """Refuse a config file that is too large, nested too deep, refers to itself, or names a type.

    Args:
        file: A file that exists. One that has not changed is read once in a process.

    Raises:
        ConfigError: naming the file, the line and what is allowed.
    """
    state = file.stat()
    if state.st_size > LARGEST:
        problem = f"is a config of {in_units(state.st_size)}"
        raise ConfigError(str(file), problem, f"allowed: at most {in_units(LARGEST)}")
    _check(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1024)
def _check(file: Path, _modified: int, _size: int) -> None:
    counting = _Counting(file)
    try:
        for event in yaml.parse(file.read_bytes(), Loader=_LOADER):
            counting.see(event)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(str(file), f"cannot be read ({_said(error)})", _ALLOWED) from error


class _Counting:
    """Count the values of a file as its parser meets them.

    Attributes:
        sizes: Values inside every list and mapping that is open, outermost first.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._documents = file, 0
        self._chains = _Chains()
        self.sizes = [0]
        self._anchors: list[str | None] = [None]
        self._of_anchor: dict[str, int] = {}

    def see(self, event: Any) -> None:
        """Count an event of the parser.

        Raises:
            ConfigError: naming the line.
        """
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            self._refuse_if(self._documents > 1, event, "has a second document", _ALLOWED)
        elif isinstance(event, yaml.AliasEvent):
            self._refuse_if(event.anchor not in self._of_anchor, event, f"refers to *{event.anchor} inside itself")
            self._add(event, self._of_anchor.get(event.anchor, 0))
            self._chains.see_alias()
        elif isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            self._refuse_if(tag not in (None, "!", *_TAGS), event, f"names the type {_short(tag)}", _ALLOWED)
            self._see_node(event)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            size, anchor = self.sizes.pop(), self._anchors.pop()
            self._chains.end()
            self._keep(anchor, size)
            self._add(event, size)
        elif isinstance(event, yaml.DocumentEndEvent):
            allowed = f"allowed: values that lead to few of each other, {MOST_RESOLVED} in all"
            self._refuse_if(self._chains.product > MOST_RESOLVED, event, "has too many interpolations", allowed)

    def _see_node(self, event: Any) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if len(self.sizes) == 1:
            empty = isinstance(event, yaml.ScalarEvent) and event.value in ("", "~", "null")
            self._refuse_if(not (is_mapping or empty), event, "holds no mapping", _ALLOWED)
        if is_mapping or isinstance(event, yaml.SequenceStartEvent):
            self.sizes.append(1)
            self._anchors.append(event.anchor)
            self._chains.begin()
            problem = f"is nested deeper than {DEEPEST} levels"
            self._refuse_if(len(self.sizes) > DEEPEST, event, problem, f"allowed: {DEEPEST}")
        else:
            self._see_value(event)

    def _see_value(self, event: Any) -> None:
        long = event.implicit[0] and len(event.value) > LONGEST_NUMBER and not event.value[:3].strip("+-.0123456789")
        self._refuse_if(long, event, f"has a number of {len(event.value)} characters", "allowed: shorter ones")
        many = event.value.count("${") > MOST_INTERPOLATIONS
        self._refuse_if(many, event, "has too many interpolations", f"allowed: {MOST_INTERPOLATIONS} in a value")
        self._chains.see(event.value)
        self._keep(event.anchor, 1)
        self._add(event, 1)

    def _keep(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._of_anchor[anchor] = size

    def _add(self, event: Any, size: int) -> None:
        self.sizes[-1] += size
        problem = f"has more than {MOST_VALUES} values once its aliases are written out"
        self._refuse_if(self.sizes[-1] > MOST_VALUES, event, problem, f"allowed: {MOST_VALUES}")

    def _refuse_if(self, refused: bool, event: Any, problem: str, allowed: str = "allowed: what ends") -> None:
        if refused:
            raise ConfigError(f"{self._file} line {event.start_mark.line + 1}", problem, allowed)


class _Chains:
    """The interpolations of a file by the names that they lead to, as far as names tell."""

    def __init__(self) -> None:
        self._path, self._last = list[str](), ""
        self._several: list[tuple[set[str], int]] = []
        self._named: set[str] = set()

    def begin(self) -> None:
        """Enter a list or mapping, whose key was the last value."""
        self._path.append(self._last)

    def end(self) -> None:
        """Leave it."""
        self._path.pop()

    def see(self, text: str) -> None:
        """See a key, or a value after its key or after another item of a list."""
        if (inner := text.count("${")) > 1:
            key = "" if "${" in self._last else self._last
            self._several.append((set(_WORD.findall(" ".join([*self._path, key]))), inner))
        if inner:
            self._named |= {ANY} if _NAMED_BY_ANOTHER.search(text) else set(_LEADS_TO.findall(text))
        self._last = text

    def see_alias(self) -> None:
        """See a value that has another name, too."""
        self._named.add(ANY)

    @property
    def product(self) -> int:
        """The product of the interpolations of the values that are led to."""
        return prod(inner for words, inner in self._several if ANY in self._named or words & self._named)


ANY = "*"
"""Stands for all names."""

_WORD = re.compile(r"\w+")
_LEADS_TO = re.compile(r"(\w+)(?=[\d.\[\]\s\"']*[}:,])")
_NAMED_BY_ANOTHER = re.compile(r"\$\{[^}]*\$\{")


def _short(tag: str | None) -> str:
    return str(tag).replace(_PLAIN, "!!")


def _said(error: Exception) -> str:
    """Return the problem of an error, and for YAML its line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return first_line(error)
