"""How much evidence there is: quick, standard or full, levels of one sweep (``conf/evidence``).

A level is a preset of settings of ``evidence`` and of ``control``. A job of one level is the same job as one of
another, made with less or more of it: both have one folder, and the higher takes the place of the lower.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Level:
    """What the options of one level set; a test compares it with the YAML.

    Attributes:
        name: Of the level.
        evidence: Settings of ``evidence`` in which levels differ; None for what the level leaves out, which is not
            what a user gives who switches it off.
        control: Controls with their settings.
    """

    name: str
    evidence: Settings
    control: Mapping[str, Settings]


QUICK = Level(
    "quick",
    {"permutations": None, "bootstraps": 500, "randomisation": None, "stability": None, "curves": False},
    {},
)
STANDARD = Level(
    "standard",
    {"permutations": 200, "bootstraps": 500, "randomisation": True, "stability": True, "curves": False},
    {
        "shuffled": {"draws": 20, "neuron_draws": 3},
        "rotated": {"rotations": 3},
        "untrained": {"twins": 3},
        "raw_input": {"enabled": True},
    },
)
FULL = Level(
    "full",
    {"permutations": 1000, "bootstraps": 2000, "randomisation": True, "stability": True, "curves": True},
    {
        "shuffled": {"draws": 100, "neuron_draws": 10},
        "rotated": {"rotations": 10},
        "untrained": {"twins": 3},
        "raw_input": {"enabled": True},
        "random_subset": {"subsets": 21},
    },
)

LEVELS = {level.name: level for level in (QUICK, STANDARD, FULL)}
"""By name, from least to most; each holds what those before it hold."""


def level_of(config: Settings) -> Level:
    """Return the level of a job's config; before there were levels all was as at ``standard``."""
    return LEVELS[config["evidence"].get("level", STANDARD.name)]


def holds(made: Settings, asked: Settings) -> bool:
    """Return whether the results of a job hold what is asked of it, by what levels differ in.

    The settings themselves are compared, not the names of the levels: ``evidence=quick evidence.permutations=200``
    asks for more than quick made.

    Args:
        made: The resolved config that the job was run with.
        asked: That which is asked of it now; all that levels do not set is equal.
    """
    has, wants = made.get("control") or {}, asked.get("control") or {}
    # What was made before there were pages has inputs of fewer neurons, for which nobody should wait again.
    if "report" in made and not _at_least(made["evidence"], asked["evidence"], ["examples"]):
        return False
    return _at_least(made["evidence"], asked["evidence"], STANDARD.evidence) and all(
        name in has and _at_least(has[name] or {}, wants[name] or {}, FULL.control[name])
        for name in FULL.control
        if name in wants
    )


def _at_least(made: Settings, asked: Settings, names: Iterable[str]) -> bool:
    """Whether counts and switches are as high; what is left out is 0."""
    return all((made.get(name) or 0) >= (asked.get(name) or 0) for name in names)


def left_out(level: Level, control: Mapping[str, Any]) -> frozenset[str]:
    """Return the controls of ``standard`` that a level leaves out.

    Args:
        level: The level.
        control: The controls that are asked for; a list of the user's own leaves out what the user left out.
    """
    return frozenset(STANDARD.control) - set(control) if set(control) == set(level.control) else frozenset()


def as_standard(config: Settings) -> dict[str, Any]:
    """Return a config as it would be at ``standard``: what a level may have set is as there, what none sets stays.

    A value of one level that is typed at another is more or less of the same job, too: `holds` tells which. There is no
    ``evidence.level``, so that jobs from before there were levels are the same jobs.
    """
    evidence, control, level = config.get("evidence"), config.get("control"), STANDARD
    if isinstance(evidence, Mapping):
        level = level_of(config)
        kept = {name: value for name, value in evidence.items() if name != "level"}
        evidence = _replaced(kept, [each.evidence for each in LEVELS.values()], STANDARD.evidence)
    # A list of controls that somebody named is theirs, with the settings of its options.
    if isinstance(control, Mapping) and set(control) == set(level.control):
        control = {
            name: _replaced(
                control.get(name) or settings, [each.control.get(name, {}) for each in LEVELS.values()], settings
            )
            for name, settings in STANDARD.control.items()
        }
    return {**config, "evidence": evidence, "control": control}


def _replaced(given: Settings, of_levels: Sequence[Settings], standard: Settings) -> dict[str, Any]:
    """Return settings in which those that are as one of the levels sets them are as in another."""
    return {
        name: standard[name] if any(name in each and _same(value, each[name]) for each in of_levels) else value
        for name, value in given.items()
    }


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
