"""Values that a config reads from environment variables: used in this process, and never written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FromEnvironment(str):
    """A text that environment variables gave.

    Attributes:
        written: What is written of it, in records and dashboards: ``${oc.env:DATA}/table.csv``.
    """

    written: str

    @classmethod
    def of(cls, value: str, written: str) -> FromEnvironment:
        """Return the value with what is written of it."""
        text = cls(value)
        text.written = written
        if len(value) >= SHORTEST:
            _written[value] = written
        return text


SHORTEST = 4
"""Characters of a value that is looked for in messages: a shorter one is no secret, and is part of many words."""

_written: dict[str, str] = {}
"""Texts that stand in records for the values that this process has read."""


def without_values(message: str) -> str:
    """Return a message in which what an environment variable gave stands by the variable's name.

    Args:
        message: Such as ``there is no file /secret/table.csv``.
    """
    for value in sorted(_written, key=len, reverse=True):
        message = message.replace(value, _written[value])
    return message


def as_written(value: Any) -> Any:
    """Return settings as they may be written: what an environment variable gave stands by the variable's name.

    Args:
        value: Settings, or a part of them.
    """
    if isinstance(value, FromEnvironment):
        return value.written
    if isinstance(value, Mapping):
        return {key: as_written(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_written(inner) for inner in value]
    return value
