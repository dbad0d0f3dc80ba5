"""Classes that a config names: which may stand where, and building one."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from denote.config.trust import TARGET_KEYS, allowed_packages, is_trusted, path_settings, present_path
from denote.errors import ConfigError, DenoteError, first_line, told

log = logging.getLogger(__name__)

GROUPS = ("dataset", "architecture")
"""Groups whose option is a class."""

OPTION_GROUPS = ("attribute", "probe", "control")
"""Groups of several options, each of which may be a class of the user's own."""


def check_places(config: Mapping[str, Any]) -> None:
    """Refuse classes anywhere but at the top of a dataset, an architecture or an option, and those that nobody trusts.

    Raises:
        ConfigError: naming the key.
    """
    for group, node in config.items():
        if group in GROUPS:
            check_targets(node, group)
        elif group in OPTION_GROUPS:
            _check_options(node, group)
        else:
            _check_none(node, group, f"only {', '.join(GROUPS)} and options of {', '.join(OPTION_GROUPS)} have one")


def is_own(option: Any) -> bool:
    """Whether an option of a group is a class of the user's own, and no kind of ours."""
    return isinstance(option, Mapping) and option.get("_target_") is not None


def check_targets(node: Any, where: str) -> None:
    """Refuse a mapping that names no class to build, another one further in, or one that nobody trusts.

    Raises:
        ConfigError: naming the key.
    """
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise ConfigError(f"{where}._target_", "is missing", "name the class to build")
    for place, key, target in _targets(node, where):
        if place != where:
            raise ConfigError(f"{place}.{key}", f"{target!r} is refused", f"allowed: one target, {where}.{key}")
        if not is_trusted(target):
            raise ConfigError(f"{place}.{key}", f"{target!r} is not trusted", allowed_packages())


def allowed_class(target: str, where: str, kinds: tuple[type, ...]) -> type:
    """The class a target names, which must derive from one of ``kinds``: a prefix alone would let functions through.

    Args:
        target: Its import path.
        where: The key that holds it.
        kinds: What it may derive from.

    Raises:
        ConfigError: if nobody trusts it, it cannot be imported, or is something else.
    """
    if not is_trusted(target):
        raise ConfigError(where, f"{target!r} is not trusted", allowed_packages())
    module_name, _, class_name = present_path(target).rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:  # whatever the user's module does when it is imported
        why = first_line(error) if isinstance(error, ImportError) else told(error)
        raise ConfigError(where, f"{target!r} cannot be found ({why})") from error
    if not (isinstance(found, type) and issubclass(found, kinds)):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ConfigError(where, f"{target!r} is refused", f"allowed: a class derived from {names}")
    return found


def instantiate(node: Mapping[str, Any], where: str, kind: type, **given: Any) -> Any:
    """Build what ``_target_`` names, if it is a class of an allowed kind.

    The class is called directly and not by Hydra's ``instantiate``, which would also build every ``_target_`` nested in
    the arguments.

    Args:
        node: ``_target_`` and the arguments.
        where: The key of the mapping.
        kind: What the class must derive from.
        **given: Further arguments.

    Raises:
        ConfigError: if it is another class, or does not take the arguments.
    """
    check_targets(node, where)
    found = allowed_class(str(node["_target_"]), f"{where}._target_", (kind,))
    paths = getattr(found, "paths", None)
    if isinstance(paths, tuple) and paths != path_settings(str(node["_target_"])):
        problem = f"paths of {node['_target_']} cannot be read from its source"
        raise ConfigError(f"{where}._target_", problem, 'needed in the class: paths = ("file", "folder")')
    arguments = {key: value for key, value in node.items() if key != "_target_"}
    try:
        return found(**arguments, **given)
    except DenoteError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(where, first_line(error), f"allowed: the arguments of {node['_target_']}") from error


def _targets(node: Any, where: str) -> Iterator[tuple[str, str, str]]:
    """Place, key and value of everything in a config that names a class."""
    if isinstance(node, Mapping):
        for key in TARGET_KEYS:
            if node.get(key) is not None:
                yield where, key, str(node[key])
        for key, value in node.items():
            yield from _targets(value, f"{where}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _targets(value, f"{where}[{index}]")


def _check_options(node: Any, group: str) -> None:
    options = node.items() if isinstance(node, Mapping) else ()
    for name, option in options:
        if is_own(option) and name != "where":
            check_targets(option, f"{group}.{name}")
        else:
            _check_none(option, f"{group}.{name}", f"allowed: one target, {group}.{name}._target_")
    if isinstance(node, Mapping) and is_own(node):
        raise ConfigError(f"{group}._target_", f"{node['_target_']!r} is refused", f"allowed: {group}.NAME._target_")


def _check_none(node: Any, where: str, allowed: str) -> None:
    for place, key, target in _targets(node, where):
        raise ConfigError(f"{place}.{key}", f"{target!r} is refused", allowed)
