"""The command ``denote-report``: tables, figures, report and paper again from saved evidence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from denote.cli.named_folders import check_one, folders_and_keys
from denote.config.paper_settings import EPOCHS, EPOCHS_KEY, FORMATS, HTML, WIDTH_KEY
from denote.config.typed_lists import names_in
from denote.errors import ConfigError

COMMAND = "denote-report"
DONE = 0

_FIGURE_KEYS = ("figures", "figure_scale", "figure_style", "figure_networks")
_PAPER_KEYS = ("format", WIDTH_KEY, EPOCHS_KEY)
KEYS = (*_PAPER_KEYS, *_FIGURE_KEYS, "figure_formats", "report.per_job", "verbose", "progress")


def act(arguments: Sequence[str]) -> int:
    """Write a sweep's or a job's tables, figures, report and paper again, and return the exit code.

    Raises:
        DenoteError: naming the argument that cannot be used, or what the folder lacks.
    """
    if any(argument.partition("=")[0] == "report.inputs" for argument in arguments):
        problem = f"is no key of {COMMAND}, which leaves the inputs in jobs' folders as they are"
        allowed = "give it to the command of the run or sweep, which runs nothing again"
        raise ConfigError("report.inputs", problem, allowed)
    folders, given = folders_and_keys(COMMAND, arguments, KEYS)
    if not folders:
        raise ConfigError(COMMAND, "no folder came", f"allowed: {COMMAND} multirun/NAME, of a sweep or a job")
    asked = _asked(given)  # of ``format=[pdf latex]`` the shell makes two arguments: the list is the mistake
    check_one(COMMAND, folders)
    folder = folders[0]
    verbose = bool(asked.pop("verbose", False))
    from denote.runs.record import RECORD
    from denote.runs.single import report_job
    from denote.runs.sweep import report_sweep

    (report_job if (folder / RECORD).is_file() else report_sweep)(folder, asked, verbose=verbose)
    return DONE


def _asked(given: dict[str, str]) -> dict[str, Any]:
    """Return what is said of figures, see `FigureSettings`, of a paper, of jobs' reports, and of what is printed."""
    from denote.config import settings
    from denote.config.report_settings import REPORT

    asked: dict[str, Any] = {key: given[key] for key in (*_FIGURE_KEYS, WIDTH_KEY, "progress") if key in given}
    if (most := asked.get("figure_networks", "")).isdecimal():
        asked["figure_networks"] = int(most)
    if "figure_formats" in given:
        asked["figure_formats"] = names_in("figure_formats", given["figure_formats"])
    if WIDTH_KEY in given:
        with suppress(ValueError):
            asked[WIDTH_KEY] = float(given[WIDTH_KEY])
    if EPOCHS_KEY in given:
        ConfigError.refuse_unknown(given[EPOCHS_KEY], EPOCHS, EPOCHS_KEY)
        asked[EPOCHS_KEY] = given[EPOCHS_KEY]
    if "format" in given:
        asked["format"] = _formats(given["format"])
        if HTML not in asked["format"]:
            asked.setdefault("figures", "none")  # those of the report stay as they are
    if "verbose" in given:
        switches = {"true": True, "false": False}
        asked["verbose"] = switches.get(given["verbose"].strip().lower(), given["verbose"])
    settings.check_values(settings.Settings, asked, str)
    per_job = given.get("report.per_job", "false")
    if per_job not in ("true", "false"):
        raise ConfigError("report.per_job", f"{per_job!r}", "allowed: true, false")
    return {**asked, REPORT: {"per_job": per_job == "true"}}


def _formats(typed: str) -> list[str]:
    """Return the formats that a report is asked for in; refuse others, none at all, and one that is named twice."""
    from denote.config.settings import choice, listed

    names = names_in("format", typed)
    for name in names:
        choice(*FORMATS).check(name, "format")
    listed(f"a list of {', '.join(FORMATS)}", choice(*FORMATS), least=1, order="distinct").check(names, "format")
    return names
