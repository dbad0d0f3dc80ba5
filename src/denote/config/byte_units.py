"""Sizes in memory and on disk, as people write and read them."""

from __future__ import annotations

import re

from denote.errors import ConfigError

LARGEST = 2**63
"""Sizes and whole numbers stay below: what comes later holds them in 64 bits."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")

_SIZE = re.compile(rf"^\s*(\d{{1,40}}(?:\.\d+)?)\s*({'|'.join(UNITS)})?\s*$")


def byte_count(text: str | int, key: str = "memory_limit") -> int:
    """Return the bytes of ``2147483648`` or ``2GiB``.

    Args:
        text: A number, with or without a unit.
        key: The setting or argument that holds it.

    Raises:
        ConfigError: if it is no size, or none that can be.
    """
    if not is_size(text):
        raise ConfigError(key, f"{text!r} is not possible", f"allowed: {SIZES}")
    return _bytes(text)


def is_size(text: object) -> bool:
    """Return True for bytes, or a number with a unit, that memory can have."""
    return 1 <= _bytes(text) < LARGEST


SIZES = "bytes, or a number with KiB, MiB, GiB or TiB; 1 byte or more, below 8 EiB"


def _bytes(text: object) -> int:
    match = _SIZE.match(str(text))
    return 0 if match is None else int(float(match[1]) * 1024 ** UNITS.index(match[2] or "B"))


def in_units(n_bytes: int) -> str:
    """Write bytes in the largest unit that they fill: ``3.2 GiB``."""
    power = min(max(n_bytes, 1).bit_length() - 1, 40) // 10
    return f"{n_bytes / 1024**power:.3g} {UNITS[power]}"


def at_least(n_bytes: int) -> str:
    """Say how large a memory limit must be: ``at least 12MiB``, rounded up and as the setting takes it."""
    return f"at least {-(-n_bytes // 2**20)}MiB"
