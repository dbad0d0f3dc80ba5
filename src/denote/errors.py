"""Mistakes a user can make, each a single line: where, what came, what is allowed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.*]*|-?[0-9]+")


class DenoteError(Exception):
    """A user's mistake. Its text is one line; the command line prints it alone and exits with 2.

    Args:
        where: The config key, file, layer or argument that is at fault.
        problem: What came and why it cannot be used.
        allowed: What may stand there instead, if that can be said.
    """

    def __init__(self, where: str, problem: str, allowed: str = "") -> None:
        self.where, self.problem, self.allowed = where, problem, allowed
        super().__init__(" ".join(f"{where}: {problem}{'; ' + allowed if allowed else ''}".split()))

    @classmethod
    def refuse_unknown(
        cls, name: object, allowed: Iterable[object], where: str, problem: str = "{!r} is unknown"
    ) -> None:
        """Refuse a name that is not among those allowed.

        Args:
            name: What came.
            allowed: All names, which are listed, the nearest first.
            where: The config key or argument that is at fault.
            problem: What to say of the name, which stands for ``{!r}``.

        Raises:
            DenoteError: of this class.
        """
        names = list(allowed)
        if name not in names:
            raise cls(where, problem.format(name), one_of(name, names))

    def __reduce__(self) -> tuple[type[DenoteError], tuple[str, str, str]]:
        """Survive the trip through a process pool."""
        return type(self), (self.where, self.problem, self.allowed)


class ConfigError(DenoteError):
    """A key, option or value of the configuration."""


class DataError(DenoteError):
    """A dataset: its files, inputs, target or split."""


class AttributeLabelError(DenoteError):
    """An attribute: its expression, its columns, too few rows."""


class LayerError(DenoteError):
    """A layer that is not there or cannot be observed."""


class StateError(DenoteError):
    """Activations that cannot be used: not finite, or not those the manifest promises."""


class StoreError(DenoteError):
    """A stored model, state or sweep that does not fit what is asked of it."""


def install(extra: str) -> str:
    """How an extra is had; the name on the package index is not ours."""
    return f"install it, in denote's folder: pip install -e '.[{extra}]' -c constraints.txt"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the name of its class where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def told(error: BaseException) -> str:
    """Return class and first line of another library's error: ``ValueError: too many values to unpack``."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"


def in_list(names: Iterable[object]) -> str:
    """Names as they stand in a list on the command line, quoted where they need it: ``id,"full name"``."""
    return ",".join(name if _is_plain(name) else json.dumps(name, ensure_ascii=False) for name in map(str, names))


def _is_plain(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and name.lower() not in ("true", "false", "null", "nan", "inf")


def one_of(came: object, allowed: Iterable[object]) -> str:
    """Say what is allowed, the nearest name first: ``did you mean 'linear'? allowed: linear, neuron``."""
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(came), names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}allowed: {', '.join(names)}"
