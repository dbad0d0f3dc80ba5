"""What to type instead of ``KEY=a,b``, which Hydra takes as a sweep alone, or as a list in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from denote.cli.options import GROUPS, LISTS
from denote.config.settings import Settings, Value, declared
from denote.errors import ConfigError
from denote.runs.fingerprint import shapes_no_result

_AMBIGUOUS = re.compile(
    r"Ambiguous value for argument '(?P<key>[^=]+)=(?P<values>.*?)'\s+1\. To use it as a list", re.DOTALL
)

AGREED = ("control",)
"""Lists that shape results and in which the jobs of a sweep agree, so that they are not swept."""

ONE = "one value for all jobs"


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
    may_be_swept = key not in AGREED and not shapes_no_result(key)
    ways = [*([listed] if _takes_list(key) else []), *([swept] if may_be_swept else [])]
    if key not in GROUPS:
        ways.reverse()  # a setting is mostly swept, options of a group are mostly chosen together
    return ConfigError(f"{key}={values}", "several values came", f"allowed: {', or '.join(ways or [ONE])}")


def check_swept(jobs: Iterable[Sequence[str]]) -> None:
    """Refuse to sweep over a setting that shapes no result: all jobs but the first would be dropped as equal to it.

    Args:
        jobs: The overrides of every job, ``KEY=VALUE``.

    Raises:
        ConfigError: naming the key, and how several values are given where it takes them.
    """
    values: dict[str, dict[str, None]] = {}
    for job in jobs:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key, {})[value] = None
    for key, different in values.items():
        if len(different) > 1 and shapes_no_result(key):
            together = ",".join(different)
            listed = f"'{key}=[{together}]' for all jobs" if _takes_list(key) and "[" not in together else ONE
            raise ConfigError(f"{key}={together}", "cannot be swept, since it shapes no result", f"allowed: {listed}")


def _takes_list(key: str) -> bool:
    """Return whether a key's value may be a list, as far as that is declared."""
    if key in GROUPS:
        return key in LISTS
    group: object = Settings
    for part in key.split("."):
        group = declared(group).get(part) if isinstance(group, type) else None
    return not isinstance(group, Value) or "list" in group.allowed or group.fits([])
