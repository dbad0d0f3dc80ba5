"""Digests of files, by which damage is found before it is used, and the place to which damage goes.

A folder of results has a record, a JSON file that names the files beside it with their digests and sizes, and carries a
digest of itself. A file is checked once per process, as long as its size and its time of change stay the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from denote.errors import StoreError
from denote.files import write_text

log = logging.getLogger(__name__)

RECORDS = ("run.json", "status.json")
"""Names of the records of a job, a saved observation and a merge."""

FILES = "files"
"""Key of a record under which the files stand."""

DIGEST = "digest"
"""Key of a record under which its own digest stands."""

FRESH = 2.0
"""Seconds for which a record that was just written is read anew each time."""

LARGEST_RECORD = 2**28
"""Bytes of a record; that of a job has some thousands."""

DAMAGED = ".damaged"
"""Folder beside damaged files to which they are moved."""


class DamagedError(StoreError):
    """A file that is not as it was written, or is gone.

    Attributes:
        file: The file.
    """

    def __init__(self, file: Path, problem: str) -> None:
        self.file, self.damage = file, problem
        super().__init__(str(file), problem, "the command that made it makes it again")

    def __reduce__(self) -> tuple[type[DamagedError], tuple[Path, str]]:  # type: ignore[override]
        return type(self), (self.file, self.damage)


def digests_of(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return size in bytes and digest of files, by name, as they stand in a record.

    Args:
        folder: The folder of the files.
        names: Their paths in it.
    """
    return {name: described(folder / name) for name in sorted(names)}


def described(file: Path) -> dict[str, Any]:
    """Return size in bytes and digest of one file; it counts as checked from now on."""
    state = _state(file)
    return {"bytes": state[1], "sha256": _digest_of(*state)}


def check_file(file: Path, expected: Mapping[str, Any]) -> None:
    """Refuse a file that is not as it was written.

    Args:
        file: The file.
        expected: What `described` said of it.

    Raises:
        DamagedError: naming the file.
    """
    if (problem := damage_of(file, expected)) is not None:
        raise DamagedError(file, problem)


def damage_of(file: Path, expected: Mapping[str, Any]) -> str | None:
    """Return how a file differs from what was written; None where it does not. See `check_file`."""
    try:
        state = _state(file)
    except OSError as error:
        return "is gone" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
    if state[1] != expected.get("bytes"):
        return f"is damaged: {state[1]} bytes, not {expected.get('bytes')}"
    try:
        same = _digest_of(*state) == expected.get("sha256")
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if same else "is damaged: its content is not what was written"


def check(file: Path) -> None:
    """Refuse a file that is not as the record beside it says; where no record knows it there is nothing to check.

    Raises:
        DamagedError: naming the file.
    """
    record = _record_beside(file.parent)
    expected = None if record is None else (read_sealed(record).get(FILES) or {}).get(file.name)
    if expected is not None:
        check_file(file, expected)


def state_of_record(folder: Path) -> object:
    """Return what changes when the results in a folder are replaced; None where it has no record."""
    record = _record_beside(folder)
    try:
        return None if record is None else _state(record)
    except OSError:
        return None


def _record_beside(folder: Path) -> Path | None:
    return next((folder / name for name in RECORDS if (folder / name).is_file()), None)


def damaged_files(folder: Path, record: Mapping[str, Any]) -> dict[Path, str]:
    """Return the files of a record that are gone or differ, each with how it differs.

    Args:
        folder: The folder of the files.
        record: The record; one that names no files knows of no damage.
    """
    problems = {folder / name: damage_of(folder / name, expected) for name, expected in _files(record).items()}
    return {file: problem for file, problem in problems.items() if problem is not None}


def _files(record: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return record.get(FILES) or {}


def set_aside(file: Path, problem: str, folder: Path | None = None) -> None:
    """Move a damaged file or folder to `DAMAGED`, under a name that is free, and say so in one line.

    Args:
        file: The file; nothing is moved where it is gone.
        problem: What is wrong with it.
        folder: The folder whose `DAMAGED` takes it; None: its own, which lasts as long.
    """
    place = (folder or file.parent) / DAMAGED / file.name
    number = 1
    while place.exists():
        number += 1
        place = place.with_name(f"{file.name}.{number}")
    try:
        place.parent.mkdir(exist_ok=True)
        file.rename(place)
    except FileNotFoundError:
        log.warning("%s %s; it is made again", file, problem)
    else:
        log.warning("%s %s; it is moved to %s and made again", file, problem, place)


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object to be read by people, with a digest of itself, whole or not at all.

    Args:
        path: The file.
        value: What it holds; what JSON cannot say is written as text.
    """
    plain = json.loads(json.dumps({**value, DIGEST: None}, default=str))
    write_text(path, json.dumps({**plain, DIGEST: _digest(plain)}, indent=2, ensure_ascii=False) + "\n")


def read_sealed(path: Path, *, required: bool = False) -> dict[str, Any]:
    """Read a JSON object and hold it against its digest.

    Args:
        path: The file.
        required: False takes one that has no digest and names no files as it is: it was written before there were any.

    Raises:
        DamagedError: naming the file, if it holds no JSON object or another one than was written.
    """
    state = _state_or_damage(path)
    # Files that are written in the same tick of a clock can be told apart by nothing but their content.
    read = _read_sealed.__wrapped__ if abs(time.time() - state[2] / 1e9) < FRESH else _read_sealed
    value = dict(read(*state))
    if value.get(DIGEST) is None and (required or FILES in value):
        raise DamagedError(path, "is damaged: it has lost its digest")
    return value


def _state_or_damage(path: Path) -> tuple[str, int, int, int]:
    try:
        return _state(path)
    except OSError as error:
        raise DamagedError(path, f"cannot be read ({error.strerror})") from error


@lru_cache(maxsize=1024)
def _read_sealed(name: str, size: int, changed: int, inode: int) -> Mapping[str, Any]:
    path = Path(name)
    if size > LARGEST_RECORD:
        raise DamagedError(path, f"is no record: it has {size} bytes")
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(path, f"cannot be read ({type(error).__name__})") from error
    if not isinstance(value, dict):
        raise DamagedError(path, "holds no JSON object")
    if value.get(DIGEST) is not None and value[DIGEST] != _digest({**value, DIGEST: None}):
        raise DamagedError(path, "is damaged: its content is not what was written")
    return {key: _with_shared_parts(part) for key, part in value.items()}


def _with_shared_parts(value: Any) -> Any:
    """Return an equal value of parts that earlier records have, too: those of a sweep's jobs differ in few."""
    if not isinstance(value, dict):
        return value
    if any(isinstance(part, dict) for part in value.values()):
        return {key: _with_shared_parts(part) for key, part in value.items()}
    return _shared(json.dumps(value))


@lru_cache(maxsize=4096)
def _shared(text: str) -> Any:
    return json.loads(text)


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _state(file: Path) -> tuple[str, int, int, int]:
    """Return what changes when a file does: its path, size, time of change and number."""
    found = file.stat()
    return str(file.absolute()), found.st_size, found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=1 << 17)
def _digest_of(name: str, size: int, changed: int, inode: int) -> str:
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
