"""Lists as they are typed on a command line."""

from __future__ import annotations

from denote.errors import ConfigError

OPEN, CLOSE = "[", "]"


def names_in(key: str, typed: str) -> list[str]:
    """Return the names of a list, with brackets around it or without.

    Args:
        key: Of the list, for the message.
        typed: ``a,b`` or ``[a,b]``.

    Raises:
        ConfigError: if one of two brackets is missing.
    """
    text = typed.strip()
    if text.startswith(OPEN) != text.endswith(CLOSE):
        missing = CLOSE if text.startswith(OPEN) else OPEN
        raise ConfigError(f"{key}={text}", f"the list lacks its {missing}", f"allowed: '{key}=[{text.strip('[]')}]'")
    inner = text.removeprefix(OPEN).removesuffix(CLOSE)
    return [name.strip() for name in inner.split(",") if name.strip()]
