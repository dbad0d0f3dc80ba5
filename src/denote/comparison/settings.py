"""Which settings of two results differ: resolved configs as dotted keys, without what shapes no result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from denote.comparison.compared import Compared, Config
from denote.denotation.network_groups import Tables

NOT_SET = "not set"
MOST_LISTED = 4
"""Values of a setting that are listed; of more the first and their number."""
ABSOLUTE = re.compile(r"""(?:^|(?<=[\[,'"])|(?<=, ))/[^,\[\]'"]+""")
"""A path of one machine: a value, or one of several or of a list."""
SETTING = "setting"
ORDER = ("architecture", "dataset", "trainer", "probe", "attribute", "layer", "split", "evidence", "control", "seed")
"""Groups of settings, those that say what was compared first."""

KNOWN_OF_TABLES = {
    "dataset": "dataset", "architecture": "architecture", "architecture.trained": "trained",
    "architecture.epoch": "epoch", "seed": "seed", "probe": "probe", "probe.l2": "l2", "probe.k": "k",
    "evidence.level": "evidence_level", "layer.pooling": "pooling", "attribute": "family",
}  # fmt: skip
"""Settings that columns of cells tell, where a result has no config."""


@dataclass(frozen=True)
class Setting:
    """A setting that differs.

    Attributes:
        key: With dots.
        baseline: Its values in the jobs of the baseline, as text.
        other: Those of the other result.
    """

    key: str
    baseline: str
    other: str


def differing_settings(baseline: Compared, other: Compared) -> list[Setting]:
    """Return the settings of which two results have other values, those of networks first.

    Args:
        baseline: The result that the other is compared with.
        other: The other result. Where one of them has no configs, only what tables tell of both is compared.
    """
    if baseline.jobs and other.jobs:
        ours, others = (_values(map(_flat, side.configs)) for side in (baseline, other))
    else:
        ours, others = (_of_tables(side.tables) for side in (baseline, other))
    found = []
    for key in dict.fromkeys([*ours, *others]):
        sides = ours.get(key, []), others.get(key, [])
        if set(sides[0]) != set(sides[1]):
            found.append(Setting(key, *_told_apart(*(_listed(values) for values in sides))))
    return sorted(found, key=_place)


def _place(setting: Setting) -> tuple[int, bool, bool]:
    group = setting.key.partition(".")[0]
    is_one_sided = NOT_SET in (setting.baseline, setting.other)
    return ORDER.index(group) if group in ORDER else len(ORDER), is_one_sided, "_target_" not in setting.key


def _flat(config: Config) -> dict[str, str]:
    """Return settings by their key with dots; what is a class is called by its name alone."""
    flat: dict[str, str] = {}
    for key, value in _leaves(config):
        name = key.removesuffix("._target_")
        flat[name] = str(value).rpartition(".")[2] if name != key else _written(value)
    return flat


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _written(value: Any) -> str:
    """A value as it is typed: ``0.001``, ``null``, ``[16,32]``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    return str(value)


def _values(jobs: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    values: dict[str, dict[str, None]] = {}
    for job in jobs:
        for key, value in job.items():
            values.setdefault(key, {})[value] = None
    return {key: list(each) for key, each in values.items()}


def _of_tables(tables: Tables) -> dict[str, list[str]]:
    """Return what the tables themselves tell of settings."""
    cells = tables["cells"] if len(tables["cells"]) else tables["neurons"]
    told = {}
    for key, column in KNOWN_OF_TABLES.items():
        if column in cells.columns:
            kept = cells[column].drop_nulls().unique(maintain_order=True)
            told[key] = [_written(value) for value in kept]
    searched = tables["neurons"]["family"].drop_nulls().unique(maintain_order=True)
    told["attribute"] = list(dict.fromkeys([*told.get("attribute", []), *searched]))
    layers = (
        pl.concat([tables[name]["layer"] for name in ("cells", "neurons")]).drop_nulls().unique(maintain_order=True)
    )
    return {**told, "layer": layers.to_list()}


def _listed(values: Sequence[str]) -> str:
    """``0 to 7`` of whole numbers without a gap, else a list, of many values the first ones."""
    if not values:
        return NOT_SET
    if len(values) > 2 and all(value.lstrip("-").isdecimal() for value in values):
        numbers = sorted(map(int, values))
        if numbers == list(range(numbers[0], numbers[-1] + 1)):
            return f"{numbers[0]} to {numbers[-1]}"
    more = len(values) - MOST_LISTED
    return ", ".join(values[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _told_apart(ours: str, other: str) -> tuple[str, str]:
    """Return two values; of absolute paths in them only their ends, as far as the values then differ."""
    longest = max(text.count("/") for text in (ours, other))
    told = [(_with_ends(ours, kept), _with_ends(other, kept)) for kept in range(1, longest + 2)]
    return next((pair for pair in told if pair[0] != pair[1]), told[0])


def _with_ends(text: str, kept: int) -> str:
    return ABSOLUTE.sub(lambda path: "/".join(PurePosixPath(path[0]).parts[-kept:]).lstrip("/"), text)
