"""Sizes in memory and on disk, as people write and read them."""

from __future__ import annotations

import re

from denote.errors import ConfigError
from denote.limits import LARGEST

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")

_SIZE = re.compile(rf"^\s*(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})?\s*$")


def byte_count(text: str | int, key: str = "memory_limit") -> int:
    """Return the bytes of ``2147483648`` or ``2GiB``.

    Args:
        text: A number, with or without a unit.
        key: The setting or argument that holds it.

    Raises:
        ConfigError: if it is no size, or none that can be.
    """
    match = _SIZE.match(str(text))
    if match is None:
        raise ConfigError(key, f"{text!r} is no size", "allowed: bytes, or a number with KiB, MiB, GiB or TiB")
    n_bytes = int(float(match[1]) * 1024 ** UNITS.index(match[2] or "B"))
    if not 1 <= n_bytes < LARGEST:
        raise ConfigError(key, f"{text!r} is not possible", "allowed: 1 byte or more, below 8 EiB")
    return n_bytes


def in_units(n_bytes: int) -> str:
    """Write bytes in the largest unit that they fill: ``3.2 GiB``."""
    power = min(max(n_bytes, 1).bit_length() - 1, 40) // 10
    return f"{n_bytes / 1024**power:.3g} {UNITS[power]}"


def at_least(n_bytes: int) -> str:
    """Say how large a memory limit must be: ``at least 12MiB``, rounded up and as the setting takes it."""
    return f"at least {-(-n_bytes // 2**20)}MiB"
