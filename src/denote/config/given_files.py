"""Files that a user names: refuse what is no file, does not fit into memory, or unpacks to far more than it is."""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path

from denote.config.byte_units import in_units
from denote.errors import DataError, DenoteError

LARGEST_RATIO = 200
"""How much larger than its file data may be; tables and arrays are packed 2 to 20 times, what is all zeros 1,000."""
ALWAYS_FITS = 2**29
"""Bytes that any data may have, however well they are packed."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe, which may never end",
    stat.S_IFCHR: "a device, which may never end",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


@cache
def machine_memory() -> int:
    """Return the bytes of memory that this machine has; a large number where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # on Windows
        return 2**50


def check_regular(
    file: Path, where: str, kind: type[DenoteError] = DataError, needed: str = "needed: a file", *, mapped: bool = False
) -> None:
    """Refuse a name that is of no plain file, or of one that does not fit into this machine's memory.

    Args:
        file: Its name.
        where: The config key of the file.
        kind: Of the mistake.
        needed: What is allowed.
        mapped: True for a file that is mapped and not read, which may be larger than the memory.

    Raises:
        DenoteError: of that kind.
    """
    try:
        state = file.stat()
    except FileNotFoundError as error:
        raise kind(where, f"{file} cannot be read: there is no such file", needed) from error
    except (OSError, ValueError) as error:  # too long, a link to itself, not permitted; a name with a zero byte
        raise kind(where, f"{file} cannot be read ({getattr(error, 'strerror', None) or error})", needed) from error
    if not stat.S_ISREG(state.st_mode):
        raise kind(where, f"{file} is {_KINDS.get(stat.S_IFMT(state.st_mode), 'no file')}", needed)
    if not mapped:
        check_size(file, state.st_size, where, kind)


def check_size(file: Path, n_bytes: int, where: str, kind: type[DenoteError] = DataError) -> None:
    """Refuse data that are larger than this machine's memory.

    Args:
        file: Where they are.
        n_bytes: What they take.
        where: The config key of the file.
        kind: Of the mistake.

    Raises:
        DenoteError: of that kind, naming both sizes.
    """
    if n_bytes > machine_memory():
        problem = f"{file} holds {in_units(n_bytes)}"
        raise kind(where, problem, f"this machine has {in_units(machine_memory())} of memory")


def check_unpacked(file: Path, n_bytes: int, where: str, remedy: str) -> None:
    """Refuse a packed file that is far larger once it is unpacked, before it is.

    Args:
        file: The packed file, which exists.
        n_bytes: What its data take.
        where: The config key of the file.
        remedy: How the data are given unpacked.

    Raises:
        DataError: naming both sizes.
    """
    check_size(file, n_bytes, where)
    packed = max(1, file.stat().st_size)
    if n_bytes > max(ALWAYS_FITS, LARGEST_RATIO * packed):
        problem = f"{file} of {in_units(packed)} unpacks to {in_units(n_bytes)}, which is hardly data"
        raise DataError(where, problem, f"where it is: {remedy}")
