"""What to type instead of ``KEY=a,b``, which Hydra takes as a sweep alone, or as a list in brackets."""

from __future__ import annotations

import re

from denote.cli.options import GROUPS, LISTS
from denote.config.settings import Settings, Value, declared
from denote.errors import ConfigError

_AMBIGUOUS = re.compile(
    r"Ambiguous value for argument '(?P<key>[^=]+)=(?P<values>.*?)'\s+1\. To use it as a list", re.DOTALL
)

AGREED = ("control", "logger")
"""Lists in which the jobs of a sweep agree, so that they are not swept."""


def several_values(text: str) -> ConfigError | None:
    """Return the mistake of several values where one is asked for; None where Hydra complains of something else.

    Args:
        text: What Hydra says.
    """
    match = _AMBIGUOUS.search(text)
    if match is None:
        return None
    key, values = match["key"], match["values"]
    listed, swept = f"'{key}=[{values}]' for all of them together", f"-m {key}={values} for a job each"
    ways = [*([listed] if _takes_list(key) else []), *([swept] if key not in AGREED else [])]
    if key not in GROUPS:
        ways.reverse()  # a setting is mostly swept, options of a group are mostly chosen together
    return ConfigError(f"{key}={values}", "several values came", f"allowed: {', or '.join(ways)}")


def _takes_list(key: str) -> bool:
    """Return whether a key's value may be a list, as far as that is declared."""
    if key in GROUPS:
        return key in LISTS
    group: object = Settings
    for part in key.split("."):
        group = declared(group).get(part) if isinstance(group, type) else None
    return not isinstance(group, Value) or "list" in group.allowed or group.fits([])
