"""Sizes in memory and on disk, as they are written and read."""

import pytest

from denote.config.byte_units import at_least, byte_count, in_units
from denote.errors import ConfigError


def test_what_is_written_can_be_read() -> None:
    assert byte_count("2GiB") == 2 * 2**30
    assert byte_count(" 1.5 MiB ") == 3 * 2**19
    assert byte_count(17) == byte_count("17B") == 17
    assert byte_count(in_units(3 * 2**20)) == 3 * 2**20
    assert [in_units(n) for n in (0, 1023, 1024, 2**41)] == ["0 B", "1.02e+03 B", "1 KiB", "2 TiB"]


def test_a_least_limit_is_rounded_up() -> None:
    assert at_least(2**20) == "at least 1MiB"
    assert at_least(2**20 + 1) == "at least 2MiB"


@pytest.mark.parametrize("text", ["two", "-1", "1 GB", "0", "9000000TiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="memory_limit"):
        byte_count(text)
