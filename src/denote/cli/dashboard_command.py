"""The command ``denote-dashboard``: a saved view and a report in W&B for the runs of a project or sweep."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from denote.errors import ConfigError, StoreError, first_line, install, one_of
from denote.progress import hide, step
from denote.reporting import wandb_environment as environment
from denote.reporting.wandb_process import reach

COMMAND = "denote-dashboard"
KEYS = ("project", "entity", "sweep", "progress")
DONE, FAILED = 0, 1

ALLOWED = f"allowed: {COMMAND} project=NAME, or {COMMAND} sweep=multirun/NAME"


def act(arguments: Sequence[str]) -> int:
    """Make or update the view and the report, and return the exit code: 1 where W&B could not be used.

    Raises:
        DenoteError: naming the argument that cannot be used, or what is missing.
    """
    given = _given(arguments)
    sweep = _sweep(given)
    project = given.get("project") or os.environ.get("WANDB_PROJECT") or environment.PROJECT
    _check_ready(given.get("sweep") or "multirun/NAME")
    try:
        return _make(project, given.get("entity") or os.environ.get("WANDB_ENTITY"), sweep, given.get("sweep"))
    except (ConfigError, KeyboardInterrupt):
        raise
    except Exception as error:  # W&B and its library raise what they like
        hide()
        print(f"W&B failed: {first_line(error)[:300]}", file=sys.stderr)
        return FAILED


def _given(arguments: Sequence[str]) -> Mapping[str, str]:
    for argument in arguments:
        if "=" not in argument:
            raise ConfigError(COMMAND, f"{argument!r} is no setting", ALLOWED)
    given = dict(argument.partition("=")[::2] for argument in arguments)
    for key, value in given.items():
        if key not in KEYS:
            raise ConfigError(key, f"no such key of {COMMAND}", one_of(key, KEYS))
        if not value:
            raise ConfigError(key, "has no value", ALLOWED)
    if not given.keys() & {"project", "sweep"}:
        raise ConfigError(COMMAND, "neither project nor sweep came", ALLOWED)
    return given


def _sweep(given: Mapping[str, str]) -> str | None:
    """Return the name of the sweep, by which its runs are found."""
    if "sweep" not in given:
        return None
    folder = Path(given["sweep"])
    if not folder.is_dir():
        raise StoreError(f"sweep={folder}", "there is no such folder", "allowed: the folder of a sweep, multirun/NAME")
    return folder.absolute().name


def _check_ready(sweep: str) -> None:
    """Refuse to begin without the library, or without a server to speak to.

    Args:
        sweep: What is named in the command that sends offline runs.
    """
    if find_spec("wandb_workspaces") is None:
        raise ConfigError(COMMAND, "needs wandb-workspaces, which is not installed", install("dashboard"))
    mode = os.environ.get(environment.MODE)
    if mode in ("offline", "dryrun", "disabled"):
        problem = f"is {mode}, and a dashboard lies on W&B's server"
        raise ConfigError(environment.MODE, problem, f"allowed: online; runs kept offline are sent by: denote-sync {sweep}")
    if not environment.has_key():
        problem = "there is no key, and a dashboard lies on W&B's server"
        allowed = f"allowed: a key, or wandb login; then send what was kept offline: denote-sync {sweep}"
        raise ConfigError("WANDB_API_KEY", problem, allowed)


def _make(project: str, entity: str | None, sweep: str | None, folder: str | None) -> int:
    with step("reaching W&B"):
        reach(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    with step("loading W&B"):
        from denote.reporting import wandb_views as views
    try:
        with step("logging in"):
            api = views.prepare()
            place = views.Place(project, entity or str(api.default_entity), sweep)
        with step("reading what runs have logged"):
            found = views.logged(api, place)
        if not found:
            of = f"runs of the sweep {sweep}" if sweep else "runs of denote"
            sends = f"denote-sync {folder or 'multirun/NAME'}"
            raise ConfigError("project", f"{place.entity}/{project} has no {of}", f"allowed: run it, or send it: {sends}")
        made = views.panels_of(found)
        with step("saving the view"):
            view = views.save_view(place, made)
        print(f"view:   {view}")
        with step("saving the report"):
            report = views.save_report(api, place, made)
        print(f"report: {report}")
    finally:
        hide()
        views.close()
    return DONE
