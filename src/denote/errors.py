"""Mistakes a user can make, each a single line: where, what came, what is allowed."""

from __future__ import annotations

import difflib
import errno
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.*]*|-?[0-9]+")


LONGEST = (300, 700, 1500)
"""Characters of the parts of a mistake's line: where, problem, allowed."""


def printable(text: str) -> str:
    """Return a text whose control characters are written out, so that a terminal shows them and does not obey."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def shortened(text: str, most: int) -> str:
    """Return a text of at most about ``most`` characters, without its middle where it is longer."""
    return text if len(text) <= most else f"{text[: most * 3 // 4]} ... {text[-most // 4 :]}"


class DenoteError(Exception):
    """A user's mistake. Its text is one line; the command line prints it alone and exits with 2.

    Args:
        where: The config key, file, layer or argument that is at fault.
        problem: What came and why it cannot be used.
        allowed: What may stand there instead, if that can be said.
    """

    def __init__(self, where: str, problem: str, allowed: str = "") -> None:
        self.where, self.problem, self.allowed = where, problem, allowed
        parts = (shortened(str(part), most) for part, most in zip((where, problem, allowed), LONGEST, strict=True))
        place, what, instead = (printable(" ".join(part.split())) for part in parts)
        super().__init__(f"{place}: {what}{'; ' + instead if instead else ''}")

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


class DeviceError(DenoteError):
    """A device that is not there, or a process that was started to share in work and was lost."""


class StoreError(DenoteError):
    """A stored model, state or sweep that does not fit what is asked of it."""


class NoSpaceError(StoreError):
    """A disk, a quota or a limit of file sizes that is used up: no mistake of the user's, and no bug.

    Args:
        folder: Where was to be written; None where that is unknown.
        problem: What is used up.
        remedy: What helps besides freeing some.
    """

    def __init__(self, folder: Path | None, problem: str = "no space left", remedy: str = "") -> None:
        self.folder, self.lack, self.remedy = folder, problem, remedy
        where = f"{problem} {'on a disk' if folder is None else f'in {folder}'}"
        allowed = f"free some and run the same command again{', or ' if remedy else ''}{remedy}"
        super().__init__(where, _free(folder), allowed)

    def __reduce__(self) -> tuple[type[NoSpaceError], tuple[Path | None, str, str]]:  # type: ignore[override]
        return type(self), (self.folder, self.lack, self.remedy)


_LACKS = {
    errno.ENOSPC: "no space left",
    errno.EDQUOT: "no quota left",
    errno.EFBIG: "no larger file is allowed",
}
_TEXT_OF_OS_ERROR = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]")
"""How libraries in Rust, and errors that hold another one's text, name the system's error."""


def no_space(error: BaseException, *folders: Path) -> NoSpaceError | None:
    """Return the lack of space behind an error, whichever library raised it; None where there is none behind it.

    Args:
        error: What was raised; what it was raised from, or while handling, is looked at too.
        folders: Where may have been written, if the error names no file: the one with the least space is named.
    """
    for link in _chain(error):
        if isinstance(link, NoSpaceError):
            return link
        if (lack := _LACKS.get(_system_error(link) or 0)) is not None:
            name = getattr(link, "filename", None)
            return NoSpaceError(_folder_of(name) if isinstance(name, str | os.PathLike) else _fullest(folders), lack)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set[int]()
    links = [error]
    while links:
        link = links.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            links += [cause for cause in (link.__context__, link.__cause__) if cause is not None]


def _system_error(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = _TEXT_OF_OS_ERROR.search(str(error))
    return None if match is None else int(match[1] or match[2])


def _folder_of(file: str | os.PathLike[str]) -> Path:
    return next((above for above in Path(file).absolute().parents if above.is_dir()), Path(file))


def _fullest(folders: Iterable[Path]) -> Path | None:
    there = [folder for folder in folders if folder.is_dir()]
    return min(there, key=lambda folder: shutil.disk_usage(folder).free, default=None)


def _free(folder: Path | None) -> str:
    try:
        usage = shutil.disk_usage(folder or Path.cwd())
    except OSError:
        return "how much is free cannot be said"
    return f"{usage.free / 2**20:.1f} of {usage.total / 2**20:.0f} MiB are free"


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


MOST_LISTED, NEAREST_LISTED = 8, 5
"""Names that are listed in full beside a guess, and how many of the nearest of a longer list."""


def type_in_words(value: object) -> str:
    """Say of what type a value is: ``a str``, ``an int``; of None ``nothing``."""
    if value is None:
        return "nothing"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def one_of(came: object, allowed: Iterable[object]) -> str:
    """Say what is allowed, the nearest name first: ``did you mean 'linear'? allowed: linear, neuron``.

    Of a long list only the nearest names are given, where one of them is a good guess.
    """
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(came), names, n=1)
    if not near:
        return f"allowed: {', '.join(names)}"
    if len(names) > MOST_LISTED:
        shown = difflib.get_close_matches(str(came), names, n=NEAREST_LISTED, cutoff=0)
        names = [*shown[:-1], f"{shown[-1]} and {len(names) - len(shown)} more"]
    return f"did you mean '{near[0]}'? allowed: {', '.join(names)}"
