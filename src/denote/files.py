"""Write files whole or not at all, under names that any file system takes."""

from __future__ import annotations

import ctypes
import errno
import glob
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from denote.errors import ConfigError

TEMPORARY = ".tmp"
"""End of the name of a file that is being written."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to, and move what was written into place when the block ends well.

    A reader sees the old file or the new one, never half of one, also after a power cut. The file can be read by
    whomever the umask allows. If the block raises, ``path`` is left as it was and nothing is left beside it, and where
    the disk is full the error says so, whatever the block raised.

    Args:
        path: The file to write; its folder is made where it is missing.

    Raises:
        OSError: if the folder cannot be written to, or has no space.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}{TEMPORARY}")
    temporary.touch(exist_ok=False)
    mode = temporary.stat().st_mode
    try:
        try:
            yield temporary
        except Exception:
            _ask_disk(temporary)
            raise
        temporary.chmod(mode)  # safetensors writes a file of its own, which only its owner may read
        flush_file(temporary)
        temporary.replace(path)
        flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


_ASKED = 1 << 20
"""Bytes that a disk must take to count as not full."""


def _ask_disk(temporary: Path) -> None:
    """Write more to a file that could not be written: libraries seldom say that a disk is full, the system does.

    Raises:
        OSError: if the disk takes no more.
    """
    with temporary.open("ab") as file:
        file.write(bytes(_ASKED))
        file.flush()
        os.fsync(file.fileno())


def remove_temporaries(folder: Path) -> None:
    """Remove what `atomic_write` left in a folder when its process was killed; nobody may be writing there."""
    for file in folder.glob(f".*{TEMPORARY}"):
        file.unlink(missing_ok=True)


NEW, OLD = ".new", ".old"
"""Ends of the names of folders beside another one, which are to take its place, or had it."""


@contextmanager
def atomic_folder(place: Path) -> Iterator[Path]:
    """Yield the path of a folder to make and fill, and put it in the place of another when the block ends well.

    A reader sees one of them, whole. Where the system cannot exchange two names at once (other systems than Linux, NFS)
    there is a moment without either: readers wait for its end by `await_swap`, and after a kill in it `settle_folder`
    brings the old one back. If the block raises, ``place`` is left as it was and nothing is left beside it.

    Args:
        place: Where the folder goes; it need not exist, and does not afterwards if the block made none. Its files have
            to be flushed, as `atomic_write` does.

    Raises:
        OSError: if it cannot be done; then ``place`` is as it was.
    """
    fresh = _beside(place, NEW)
    try:
        yield fresh
        if fresh.exists():
            _swap(fresh, place)
        else:
            remove_folder(place)
    finally:
        remove_folder(fresh)


def _swap(fresh: Path, place: Path) -> None:
    """Put a folder in the place of another one, which is removed."""
    if not os.path.lexists(place):
        fresh.rename(place)
        flush_folder(place.parent)
        return
    old = fresh
    if not _exchange(fresh, place):
        old = _beside(place, OLD)
        place.rename(old)
        try:
            fresh.rename(place)
        except OSError:
            old.rename(place)
            raise
    flush_folder(place.parent)
    remove_folder(old)


def settle_folder(place: Path) -> None:
    """Remove what killed processes left beside a folder, or bring it back where they left only that.

    Args:
        place: The folder; nobody may be swapping it.
    """
    olds = _all_beside(place, OLD)
    if olds and not os.path.lexists(place):
        max(olds, key=lambda old: old.lstat().st_ctime).rename(place)
    for left in (*_all_beside(place, NEW), *_all_beside(place, OLD)):
        remove_folder(left)


SWAP = 2.0
"""Seconds after which a swap that does not end counts as one whose process was killed."""


def await_swap(place: Path) -> None:
    """Wait until a folder stands in its place, if another process is swapping it just now.

    Args:
        place: The folder.
    """
    end = time.monotonic() + SWAP
    while not place.exists() and _all_beside(place, OLD) and time.monotonic() < end:
        time.sleep(0.005)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it, as far as it can be done; of a link only the link."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _beside(place: Path, end: str) -> Path:
    return place.with_name(f".{place.name}.{uuid4().hex[:8]}{end}")


def _all_beside(place: Path, end: str) -> list[Path]:
    return list(place.parent.glob(f".{glob.escape(place.name)}.{'[0-9a-f]' * 8}{end}"))


_AT_WORKING_FOLDER, _EXCHANGE = -100, 2
_NO_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders at once; return whether the system can."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    if rename(_AT_WORKING_FOLDER, os.fsencode(one), _AT_WORKING_FOLDER, os.fsencode(other), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def flush_file(file: Path) -> None:
    """Flush a file's content to disk, so that a name it gets afterwards never stands for less."""
    with file.open("rb+") as content:
        os.fsync(content.fileno())


def flush_folder(folder: Path) -> None:
    """Flush a folder's list of names to disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write bytes atomically and return ``path``; see `atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8 atomically and return ``path``; see `atomic_write`."""
    return write_bytes(path, text.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> Path:
    """Write a JSON object to be read by people atomically and return ``path``; see `atomic_write`."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


LONGEST_NAME = 200
"""Bytes of a folder's name; file systems take 255, and a suffix may follow."""

_OF_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""


def is_folder_name(text: str) -> bool:
    """Return whether a text names one folder, on any system, below the folder in which it is made."""
    return (
        text.isprintable()
        and 0 < len(text.encode()) <= LONGEST_NAME
        and not re.search(r"[/\\:*?\"'<>|]", text)
        and text.strip() == text
        and text[0] not in ".~"
        and text[-1] != "."
        and not _OF_DEVICES.fullmatch(text)
    )


_OF_PLACES = (
    *(errno.EACCES, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EPERM),
    errno.EROFS,
)
"""Errors that a path itself causes: it leads through a file, it is too long, or it may not be written."""


def mistaken_place(error: BaseException) -> ConfigError | None:
    """Return the mistake behind an error about a path that can be no file or folder; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in _OF_PLACES or error.filename is None:
        return None
    return ConfigError(str(error.filename), f"cannot be used: {str(error.strerror).lower()}", "needed: another place")


def check_can_be_folder(path: Path, where: str) -> None:
    """Refuse a path at which no folder is or can be made.

    Args:
        path: The path; nothing is made.
        where: The config key.

    Raises:
        ConfigError: naming the key and the place that is in the way.
    """
    try:
        for place in (path.absolute(), *path.absolute().parents):
            if place.exists() or place.is_symlink():
                break
        if not place.is_dir():
            raise ConfigError(where, f"{place} is no folder", "needed: a folder, or a name for a new one")
    except (OSError, ValueError) as error:  # too long, or with a zero byte
        problem = f"{path} cannot be a folder ({getattr(error, 'strerror', None) or error})"
        raise ConfigError(where, problem, "needed: a folder, or a name for a new one") from error


def slug(text: str, keep: str = "._-", *, join: bool = False) -> str:
    """Return ``text`` as part of a file name: letters and digits stay, other characters become ``_``.

    Args:
        text: Any text.
        keep: Signs that stay too.
        join: Make one ``_`` of several characters in a row.
    """
    return re.sub(rf"[^\w{re.escape(keep)}]{'+' if join else ''}", "_", text)
