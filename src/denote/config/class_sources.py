"""Read the source of classes that a config names, without importing or running anything of it.

What a class is made of shapes results, so keys hold a digest of its files, and it says which of its settings are files.
Both are wanted before a job is known to run, when importing torch would take longer than everything else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

USUAL_PATHS = ("root", "path", "table", "file", "folder", "name", "tokenizer")
"""Settings that count as files, or folders of files, of a class that does not say it by ``paths = (...)``."""

FolderOf = Callable[[str], Path | None]
"""Gives the folder in which a top-level module lies, or None for one that is not to be read."""


def paths_of(target: str, folder_of: FolderOf) -> tuple[str, ...]:
    """Return the settings of a class that name files, as it or the nearest of its bases declares them.

    Args:
        target: Import path of the class.
        folder_of: Where top-level modules lie.
    """
    declared = _declared(target, folder_of, set())
    return USUAL_PATHS if declared is None else declared


def files_of(target: str, folder_of: FolderOf) -> set[Path]:
    """Return the file of a class's module and all that it imports from folders that may be read.

    Args:
        target: Import path of the class.
        folder_of: Where top-level modules lie.
    """
    files: set[Path] = set()
    _follow(target.rpartition(".")[0], folder_of, files)
    return files


def literals_of(file: Path, base: str) -> dict[str, dict[str, Any]]:
    """Return the plain values that classes derived from a base set in their bodies, by name of the class and the value.

    Args:
        file: A module.
        base: Name of the base, as the module writes it.
    """
    if f"({base})" not in file.read_text(encoding="utf-8"):  # most modules have none, and parsing takes long
        return {}
    return {
        node.name: {
            target.id: statement.value.value
            for statement in node.body
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        for node in _tree(file).body
        if isinstance(node, ast.ClassDef) and base in map(ast.unparse, node.bases)
    }


def _follow(module: str, folder_of: FolderOf, files: set[Path]) -> None:
    """Add the files of a module, of the packages it is in, and of what these import."""
    for file, package in _files_on_the_way(module, folder_of):
        if file not in files:
            files.add(file)
            for name in _names_imported(file, package):
                _follow(name, folder_of, files)


def _files_on_the_way(module: str, folder_of: FolderOf) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Give the files that an import of a module runs, in order, each with the package that it belongs to."""
    parts = tuple(module.split("."))
    folder = folder_of(parts[0]) if module else None
    for end in range(1, len(parts) + 1) if folder is not None else ():
        stem = folder.joinpath(*parts[:end])  # type: ignore[union-attr]
        for file, package in ((stem.with_suffix(".py"), parts[: end - 1]), (stem / "__init__.py", parts[:end])):
            if file.is_file():
                yield file, package


def _names_imported(file: Path, package: Sequence[str]) -> Iterator[str]:
    """Give the names of what a file imports; ``from a import b`` may mean the module ``a.b``."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _bound(node, package).values()


def _declared(target: str, folder_of: FolderOf, seen: set[str]) -> tuple[str, ...] | None:
    """Return the literal ``paths`` of a class or of the first of its bases that has one."""
    module, _, name = target.rpartition(".")
    files = list(_files_on_the_way(module, folder_of))
    if target in seen or not files:
        return None
    seen.add(target)
    file, package = files[-1]
    names: dict[str, str] = {}
    for node in _tree(file).body:
        if isinstance(node, ast.ImportFrom):
            names |= _bound(node, package)
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            names[node.name] = f"{module}.{node.name}"
            if node.name == name:
                return _of_class(node, names, folder_of, seen)
    return _declared(names[name], folder_of, seen) if name in names else None


def _of_class(node: ast.ClassDef, names: dict[str, str], folder_of: FolderOf, seen: set[str]) -> tuple[str, ...] | None:
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(to, ast.Name) and to.id == "paths" for to in targets):
            return _literal(getattr(statement, "value", None))
    for base in node.bases:
        first, _, rest = ast.unparse(base).partition(".")
        if first in names:
            declared = _declared(".".join([names[first], rest]).rstrip("."), folder_of, seen)
            if declared is not None:
                return declared
    return None


def _literal(node: Any) -> tuple[str, ...] | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return tuple(value) if isinstance(value, (tuple, list)) and all(isinstance(name, str) for name in value) else None


def _bound(node: ast.ImportFrom, package: Sequence[str]) -> dict[str, str]:
    """Return what ``from ... import`` binds: full names by the names used in the file."""
    above = list(package[: len(package) - node.level + 1]) if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    return {alias.asname or alias.name: f"{base}.{alias.name}".lstrip(".") for alias in node.names}


def _tree(file: Path) -> ast.Module:
    return _parsed(str(file), file.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _parsed(file: str, changed: int) -> ast.Module:
    try:
        return ast.parse(Path(file).read_bytes())
    except (SyntaxError, ValueError):  # reported when it is imported
        return ast.Module([], [])
