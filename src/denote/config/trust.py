"""Whose classes may be built besides ours: said on the command line, so that a stranger's config runs nothing.

``code_dir=FOLDER`` makes the modules of a folder importable and trusts them: who types the folder of a class means the
class. ``trusted_targets=[PACKAGE]`` trusts packages that are installed. Neither is ever a key of a config.

Former import paths of classes of denote work for one release.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from denote.config.class_sources import files_of, paths_of
from denote.config.keys import digest_unchanged
from denote.config.typed_lists import names_in
from denote.errors import ConfigError

log = logging.getLogger(__name__)

_SOURCES, _ARCHITECTURES = "denote.data.sources", "denote.object_models.architectures"
_PRETRAINED = "denote.object_models.pretrained"
_FORMER = {
    "denote.data.arrays": f"{_SOURCES}.arrays",
    "denote.data.conllu": f"{_SOURCES}.conllu",
    "denote.data.digits": f"{_SOURCES}.digits",
    "denote.data.huggingface": f"{_SOURCES}.huggingface",
    "denote.data.images": f"{_SOURCES}.images",
    "denote.data.mnist": f"{_SOURCES}.digits",
    "denote.data.planted": f"{_SOURCES}.planted",
    "denote.data.recorded": f"{_SOURCES}.recorded_states",
    "denote.data.shapes": f"{_SOURCES}.shapes",
    "denote.data.table": f"{_SOURCES}.table",
    "denote.object_models.checkpoint": f"{_PRETRAINED}.checkpoint",
    "denote.object_models.convnet": f"{_ARCHITECTURES}.convnet",
    "denote.object_models.hugging_face": f"{_PRETRAINED}.hugging_face",
    "denote.object_models.image_libraries": f"{_PRETRAINED}.checkpoint",
    "denote.object_models.mlp": f"{_ARCHITECTURES}.mlp",
    "denote.object_models.planted": f"{_ARCHITECTURES}.planted_network",
    "denote.object_models.recorded": f"{_PRETRAINED}.source",
    "denote.object_models.resnet": f"{_ARCHITECTURES}.convnet",
    "denote.object_models.transformer": f"{_ARCHITECTURES}.transformer",
    "denote.object_models.vit": f"{_ARCHITECTURES}.vit",
}
"""Modules of datasets and architectures as older config files name them, and where they are now."""


def moved(target: str) -> str:
    """Return the import path that a class has now."""
    module_name, _, class_name = target.rpartition(".")
    return f"{_FORMER[module_name]}.{class_name}" if module_name in _FORMER else target


@cache
def present_path(target: str) -> str:
    """Return the import path that a class has now, and warn once if the one given is a former one."""
    present = moved(target)
    if present != target:
        log.warning("%s is deprecated: the class is now %s", target, present)
    return present


OURS = ("denote", "torch", "pytorch_lightning")
"""Packages whose classes may always be built."""

TARGET_KEYS = ("_target_", "class_path")
"""Keys that name a class: what is built, and the network's class that a checkpoint fills."""

CODE_DIR, TRUSTED = "code_dir", "trusted_targets"
_TYPED = re.compile(rf"({CODE_DIR}|{TRUSTED})=(.*)", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Trust:
    """What a user trusts.

    Attributes:
        code_dir: Absolute path of a folder of modules, or None.
        packages: Names of packages or modules that are installed.
    """

    code_dir: str | None = None
    packages: tuple[str, ...] = ()

    @classmethod
    def typed(cls, arguments: Sequence[str]) -> tuple[Trust, list[str]]:
        """What the arguments of a command say, and those that say something else.

        Raises:
            ConfigError: if one is given twice, the folder is not there, or a package has no name that could be one.
        """
        found: dict[str, str] = {}
        rest = []
        for argument in arguments:
            match = _TYPED.fullmatch(argument)
            if match is None:
                rest.append(argument)
            elif match[1] in found:
                raise ConfigError(match[1], "is given twice", f"once: {match[1]}=...")
            else:
                found[match[1]] = _unquoted(match[2])
        folder = Path(found[CODE_DIR]).expanduser().resolve() if found.get(CODE_DIR) else None
        if folder is not None and not folder.is_dir():
            raise ConfigError(CODE_DIR, f"there is no folder {folder}", f"allowed: {CODE_DIR}=FOLDER")
        return cls(None if folder is None else str(folder), tuple(_names(found.get(TRUSTED, "")))), rest

    def grant(self) -> None:
        """Let this process, from now on, import and build what is trusted, and nothing that was trusted before.

        Raises:
            ConfigError: if a module in the folder has the name of one that can be imported already.
        """
        global _granted
        if _granted.code_dir in sys.path:
            sys.path.remove(_granted.code_dir)
        _granted = Trust()
        if self.code_dir is not None:
            for name in _modules_in(Path(self.code_dir)):
                _check_is_new(name, self.code_dir)
            # Last, so that even a file that comes later cannot stand before an installed module.
            sys.path.append(self.code_dir)
            importlib.invalidate_caches()
        _granted = self

    def covers(self, target: str) -> bool:
        """Whether a dotted name lies in what is trusted."""
        names = (*self.packages, *(_modules_in(Path(self.code_dir)) if self.code_dir else ()))
        return any(target.startswith(f"{name}.") for name in names)


_granted = Trust()


def is_trusted(target: str) -> bool:
    """Whether a dotted name lies in a package of ours or in what the user trusts; nothing is imported."""
    return target.split(".")[0] in OURS or _granted.covers(target)


def allowed_packages() -> str:
    """What to say where a target is not trusted."""
    named = [*OURS, *_granted.packages, *([f"modules in {_granted.code_dir}"] if _granted.code_dir else [])]
    return (
        f"allowed: classes of {', '.join(named)}; your own by {CODE_DIR}=FOLDER or {TRUSTED}=[PACKAGE], "
        "on the command line only"
    )


def source_of(node: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest of the code behind the user's own classes that a mapping names, if it names any.

    It covers the file of the class and those that it imports from the same folder or package. Nothing is run.
    """
    targets = [str(node[key]) for key in TARGET_KEYS if node.get(key) is not None]
    files = {file for target in targets if _granted.covers(target) for file in files_of(target, _folder_of_theirs)}
    return {"_source_": digest_unchanged(sorted(files))} if files else {}


def path_settings(target: str) -> tuple[str, ...]:
    """Return the settings of a class that name files. Nothing is imported."""
    present = moved(target)
    return _paths_of_ours(present) if present.startswith("denote.") else paths_of(present, _folder_of)


@cache
def _paths_of_ours(target: str) -> tuple[str, ...]:
    """As `path_settings`, once per process: our own source does not change meanwhile."""
    return paths_of(target, _folder_of)


def stable_name(target: str) -> str:
    """Return what keys call a class: ours by its own name, so that it may move to another module of denote."""
    top, _, rest = target.partition(".")
    return f"{top}:{rest.rpartition('.')[2]}" if top == "denote" else target


def _folder_of_theirs(top: str) -> Path | None:
    """Return the folder in which a module that the user trusts lies, without importing it."""
    folder = _granted.code_dir
    # A folder without __init__.py is a package, too.
    if folder is not None and (top in _modules_in(Path(folder)) or Path(folder, top).is_dir()):
        return Path(folder)
    spec = PathFinder.find_spec(top) if any(top == name.partition(".")[0] for name in _granted.packages) else None
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).parent
    return inside.parent if spec.submodule_search_locations else inside


def _folder_of(top: str) -> Path | None:
    return Path(__file__).parents[2] if top == "denote" else _folder_of_theirs(top)


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _names(text: str) -> Iterator[str]:
    for name in names_in(TRUSTED, text):
        if not (name := _unquoted(name)):
            continue
        if not _NAME.fullmatch(name):
            raise ConfigError(TRUSTED, f"{name!r} is no name of a package", f"allowed: {TRUSTED}=[first,second]")
        yield name


def _modules_in(folder: Path) -> list[str]:
    """Names under which the modules and packages in a folder are imported."""
    files = (path.stem for path in folder.glob("*.py"))
    packages = (path.parent.name for path in folder.glob("*/__init__.py"))
    return sorted(name for name in {*files, *packages} if name.isidentifier())


def _check_is_new(name: str, folder: str) -> None:
    """Refuse a module that would hide an installed one, or be hidden by it."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module without a spec, such as the one that was started
        spec = None
    if spec is not None and not Path(spec.origin or "").resolve().is_relative_to(folder):
        problem = f"{Path(folder) / name} has the name of a module that is there already"
        raise ConfigError(CODE_DIR, problem, "rename it")
