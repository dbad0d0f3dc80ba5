"""Write files whole or not at all, under names that any file system takes."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

TEMPORARY = ".tmp"
"""End of the name of a file that is being written."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to, and move what was written into place when the block ends well.

    A reader sees the old file or the new one, never half of one, also after a power cut. The file can be read by
    whomever the umask allows. If the block raises, ``path`` is left as it was and nothing is left beside it.

    Args:
        path: The file to write; its folder is made where it is missing.

    Raises:
        OSError: if the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}{TEMPORARY}")
    temporary.touch(exist_ok=False)
    mode = temporary.stat().st_mode
    try:
        yield temporary
        temporary.chmod(mode)  # safetensors writes a file of its own, which only its owner may read
        flush_file(temporary)
        temporary.replace(path)
        flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(folder: Path) -> None:
    """Remove what `atomic_write` left in a folder when its process was killed; nobody may be writing there."""
    for file in folder.glob(f".*{TEMPORARY}"):
        file.unlink(missing_ok=True)


def swap_folder(fresh: Path, place: Path) -> None:
    """Put a folder in the place of another one, which is removed; a reader sees one of them, whole.

    Where the system cannot exchange two names at once (other systems than Linux, NFS) there is a moment without either.

    Args:
        fresh: The folder that is to stand in ``place``, on the same file system; its files are flushed already.
        place: Where it goes; it need not exist.

    Raises:
        OSError: if it cannot be done; then ``place`` is as it was.
    """
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if not place.exists():
        fresh.rename(place)
    elif _exchange(fresh, place):
        fresh.rename(old)
    else:
        place.rename(old)
        try:
            fresh.rename(place)
        except OSError:
            old.rename(place)
            raise
    flush_folder(place.parent)
    shutil.rmtree(old, ignore_errors=True)


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


def slug(text: str, keep: str = "._-", *, join: bool = False) -> str:
    """Return ``text`` as part of a file name: letters and digits stay, other characters become ``_``.

    Args:
        text: Any text.
        keep: Signs that stay too.
        join: Make one ``_`` of several characters in a row.
    """
    return re.sub(rf"[^\w{re.escape(keep)}]{'+' if join else ''}", "_", text)
