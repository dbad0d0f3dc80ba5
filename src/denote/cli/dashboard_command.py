"""The command ``denote-dashboard``: a saved view and a report in W&B for the runs of a project or sweep."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from denote.cli import sync_command
from denote.cli.named_folders import SWEEP, check_one, check_sweep, folders_and_keys
from denote.errors import ConfigError, StoreError, first_line, install
from denote.progress import hide, step
from denote.reporting import wandb_environment as environment
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_health import UnreachableError, check_reachable, server
from denote.runs.record import RECORD, read_record

COMMAND = "denote-dashboard"
KEYS = ("project", "entity", "progress")
DONE, FAILED = 0, 1

ALLOWED = f"allowed: {COMMAND} project=NAME, or {COMMAND} multirun/NAME"


def act(arguments: Sequence[str]) -> int:
    """Make or update the view and the report, and return the exit code: 1 where W&B could not be used.

    Raises:
        DenoteError: naming the argument that cannot be used, or what is missing.
    """
    given = _given(arguments)
    tracker = _tracker_of(Path(given["sweep"])) if "sweep" in given else None
    project, entity = (given.get(key) or _setting(key, tracker) for key in ("project", "entity"))
    sends = f"{sync_command.COMMAND} {given.get('sweep', 'multirun/NAME')}"
    _check_ready(sends)
    try:
        return _make(project or environment.PROJECT, entity, None if tracker is None else tracker.group, sends)
    except ConfigError:
        raise
    except UnreachableError as error:
        hide()
        print(f"W&B failed: {error}; run the same command again once it can be reached", file=sys.stderr)
        return FAILED
    except Exception as error:  # W&B and its library raise what they like
        hide()
        print(f"W&B failed: {first_line(error)[:300]}", file=sys.stderr)
        return FAILED


def _given(arguments: Sequence[str]) -> Mapping[str, str]:
    folders, given = folders_and_keys(COMMAND, arguments, KEYS)
    check_one(COMMAND, folders)
    if not folders and "project" not in given:
        raise ConfigError(COMMAND, "neither project nor sweep came", ALLOWED)
    return {**given, SWEEP: str(folders[0])} if folders else given


def _tracker_of(folder: Path) -> Tracker:
    """Return where the runs of a sweep are tracked, as its jobs' settings say.

    Args:
        folder: The sweep's folder.
    """
    check_sweep(COMMAND, folder)
    record = next((held for path in sorted(folder.glob(f"*/{RECORD}")) if (held := read_record(path.parent))), None)
    if record is None:
        raise StoreError(str(folder), "holds no jobs", "allowed: the folder of a sweep, multirun/NAME")
    if os.environ.get(environment.MODE) != "disabled":  # in which nothing is tracked by W&B: `_check_ready` says so
        sync_command.check_tracked(folder, "a dashboard shows runs of W&B; look at the others where they are")
    return Tracker.of(record["config"], folder.absolute())


def _setting(key: str, tracker: Tracker | None) -> str | None:
    """Return the project or entity of a sweep, or of W&B's environment."""
    return environment.setting({}, key) if tracker is None else getattr(tracker, key)


def _check_ready(sends: str) -> None:
    """Refuse to begin without the library, or without a server to speak to.

    Args:
        sends: The command that sends offline runs.
    """
    if find_spec("wandb_workspaces") is None:
        raise ConfigError(COMMAND, "needs wandb-workspaces, which is not installed", install("dashboard"))
    environment.check_mode()
    mode = os.environ.get(environment.MODE)
    if mode in ("offline", "dryrun", "disabled"):
        problem = f"is {mode}, and a dashboard lies on W&B's server"
        raise ConfigError(environment.MODE, problem, f"allowed: online; what was kept offline is sent by {sends}")
    if not environment.has_key():
        problem = "there is no key, and a dashboard lies on W&B's server"
        raise ConfigError("WANDB_API_KEY", problem, f"allowed: a key, or wandb login; first send offline runs: {sends}")


def _make(project: str, entity: str | None, group: str | None, sends: str) -> int:
    with step("reaching W&B"):
        check_reachable(server())
    with step("loading W&B"):
        from denote.reporting import wandb_views as views
    try:
        with step("logging in"):
            api = views.prepare()
            place = views.Place(project, entity or str(api.default_entity), group)
        with step("reading what runs have logged"):
            found = views.logged(api, place)
        if not found:
            named = "group" if group else "project"
            problem = f"{place.entity}/{project} has no runs of denote{f' in {group}' if group else ''}"
            raise ConfigError(named, problem, f"allowed: where there are some; offline runs are sent by {sends}")
        made = views.panels_of(found)
        with step("saving the view"):
            view = views.save_view(place, made, found)
        print(f"view:   {view}")
        with step("saving the report"):
            report = views.save_report(api, place, made)
        print(f"report: {report}")
    finally:
        hide()
        views.close()
    return DONE
