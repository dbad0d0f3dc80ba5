"""The command ``denote-store``: list, verify and prune what sweeps keep on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from denote.config.byte_units import in_units
from denote.errors import ConfigError, StoreError, one_of
from denote.numbers import count
from denote.progress import counted, hide
from denote.reporting.store_pages import day, from_here, print_rows, some_of, total
from denote.runs.store_survey import NETWORK, STATES, STORE, Stored, Survey, survey
from denote.runs.upkeep import damage_in, plan_removal, records_to_verify, remove, unrecorded

COMMAND = "denote-store"
KEYS = {
    "list": ("path", "multirun", "progress"),
    "verify": ("path", "sweep", "progress"),
    "prune": ("path", "multirun", "unused", "older_than", "yes", "progress"),
}
DEFAULT = Path("multirun") / STORE
DONE, DAMAGED = 0, 1


def act(arguments: list[str]) -> int:
    """Do what the arguments say, and return the exit code.

    Raises:
        ConfigError: naming the argument that cannot be used.
    """
    words = [argument for argument in arguments if "=" not in argument]
    allowed = ", ".join(KEYS)
    if len(words) != 1 or words[0] not in KEYS:
        came = f"{' '.join(words)!r} is none" if words else "none is given"
        raise ConfigError(f"{COMMAND} ACTION", came, f"allowed: {allowed}, as in {COMMAND} list")
    given = dict(argument.partition("=")[::2] for argument in arguments if "=" in argument)
    for key in given:
        if key not in KEYS[words[0]]:
            raise ConfigError(key, f"no such key of {COMMAND} {words[0]}", one_of(key, KEYS[words[0]]))
    root = Path(given.get("path") or DEFAULT)
    if not root.is_dir():
        raise StoreError(f"path={root}", "there is no such store", "allowed: the folder that store.path names")
    actions: dict[str, Callable[[Path, Mapping[str, str]], int]] = {"list": _list, "verify": _verify, "prune": _prune}
    return actions[words[0]](root, given)


def _multirun(root: Path, given: Mapping[str, str]) -> Path | None:
    """Return the folder of the sweeps: the one that is named, or the one that the store lies in by default."""
    if not given.get("multirun"):
        return root.absolute().parent if root.name == STORE else None
    folder = Path(given["multirun"])
    if not folder.is_dir():
        raise ConfigError(f"multirun={folder}", "there is no such folder", "allowed: the folder of the sweeps")
    return folder


def _list(root: Path, given: Mapping[str, str]) -> int:
    found = survey(root, _multirun(root, given))
    for kind, title in ((NETWORK, "Networks"), (STATES, "Recorded states")):
        stored = [each for each in found.stored if each.kind == kind]
        rows = [_row(each, found) for each in stored]
        print_rows(title, ("folder", "size", "schema", "made", "holds", "used by", ""), rows, ("size", "schema"))
    left = [(from_here(each.path), in_units(each.n_bytes), _state(each.why, each.owner)) for each in found.left_over]
    print_rows("Left over", ("file or folder", "size", ""), left)
    print_rows("Running", ("job", "by"), [(name, str(owner)) for name, owner in found.running.items()])
    for kind, what in ((NETWORK, "network"), (STATES, "recording")):
        print(total(what, [each.n_bytes for each in found.stored if each.kind == kind]))
    print(total("left-over file", [each.n_bytes for each in found.left_over]))
    return DONE


def _row(each: Stored, found: Survey) -> tuple[str, ...]:
    used = "unknown: name multirun=FOLDER" if found.multirun is None else some_of(each.jobs)
    path = f"{each.folder.parent.name}/{each.folder.name}"
    state = f"DAMAGED: {each.damage}" if each.damage else "of another version" if each.is_older else ""
    schema = "?" if each.schema is None else str(each.schema)
    return path, in_units(each.n_bytes), schema, day(each.changed), each.what, used, _state(state, each.owner)


def _state(state: str, owner: object) -> str:
    return state if owner is None else f"{state}{'; ' if state else ''}in use by {owner}"


def _verify(root: Path, given: Mapping[str, str]) -> int:
    sweep = Path(given["sweep"]) if given.get("sweep") else None
    if sweep is not None and not sweep.is_dir():
        raise ConfigError(f"sweep={sweep}", "there is no such folder", "allowed: multirun/NAME")
    records = records_to_verify(root, sweep)
    problems = [(folder, "has lost its record") for folder in unrecorded(root)]
    for record in counted("folder", records, alike=False):
        problems += damage_in(record)
    hide()
    for file, problem in problems:
        print(f"{from_here(file)} {problem}")
    checked = count(len(records), "folder")
    if problems:
        print(f"{checked} checked, {count(len(problems), 'damaged file')}: the sweep that needs one makes it again")
        return DAMAGED
    print(f"{checked} checked, nothing is damaged")
    return DONE


def _prune(root: Path, given: Mapping[str, str]) -> int:
    unused, yes = (_yes_or_no(given, key) for key in ("unused", "yes"))
    multirun, days = _multirun(root, given), _days(given)
    plan = plan_removal(survey(root, multirun), unused=unused, older_than=days)
    rows = [(from_here(each.path), in_units(each.n_bytes), each.why) for each in plan.removals]
    print_rows("To be removed", ("file or folder", "size", ""), rows)
    for reason in plan.kept:
        print(f"kept: {reason}")
    if not plan.removals:
        print("nothing to remove")
        return DONE
    size = total("item", [each.n_bytes for each in plan.removals])
    if not yes and not _agrees(f"Remove {size}? [y/N] "):
        print(f"{size} could be removed; nothing was: add yes=true")
        return DONE
    # Jobs may have begun, or finished, while somebody read the list.
    still = {each.path for each in plan_removal(survey(root, multirun), unused=unused, older_than=days).removals}
    in_use = [
        each for each in counted("removal", plan.removals, alike=False) if each.path not in still or not remove(each)
    ]
    hide()
    for each in in_use:
        print(f"kept: {from_here(each.path)} came into use")
    removed = [each for each in plan.removals if each not in in_use]
    free = in_units(sum(each.n_bytes for each in removed))
    print(f"removed {len(removed)} of {len(plan.removals)}, {free}")
    return DONE


def _agrees(question: str) -> bool:
    """Ask, where there is somebody to answer."""
    hide()
    return sys.stdin.isatty() and sys.stdout.isatty() and input(question).strip().lower() in ("y", "yes")


def _yes_or_no(given: Mapping[str, str], key: str) -> bool:
    value = given.get(key, "false").lower()
    if value not in ("true", "false"):
        raise ConfigError(key, f"{value!r} is not possible", "allowed: true, false")
    return value == "true"


def _days(given: Mapping[str, str]) -> float:
    value = given.get("older_than", "0")
    if not value.isdecimal() or len(value) > 6:
        raise ConfigError("older_than", f"{value!r} is not possible", "allowed: a number of days, 0 or more")
    return float(value)
