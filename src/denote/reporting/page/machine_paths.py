"""Leave the machine out of what a page tells: of an absolute path only the last name is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SEPARATORS = r"\s'\"`,;:()\[\]{}<>|="
ABSOLUTE = re.compile(rf"(?<![\w/.:~\\-])(?:~|[A-Za-z]:)?(?:[/\\][^/\\{SEPARATORS}]+){{2,}}[/\\]?")
"""A path from the root, a home or a drive; an address such as ``https://...`` is none."""


def without_machine(value: Any) -> Any:
    """Return text, or texts within lists and mappings, with every absolute path shortened to its last name.

    Args:
        value: JSON-like: a configuration, a command, a message of an error.
    """
    if isinstance(value, str):
        if _is_absolute(value):
            return _name(value)
        return ABSOLUTE.sub(lambda found: _name(found[0]), value)
    if isinstance(value, Mapping):
        return {key: without_machine(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [without_machine(held) for held in value]
    return value


def _is_absolute(text: str) -> bool:
    """A path may hold spaces, which only a text that is nothing but a path tells."""
    return re.match(r"(?:~|[A-Za-z]:)?[/\\][^/\\\n]+[/\\]", text) is not None and not re.search(r"\s[/\\-]", text)


def _name(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
