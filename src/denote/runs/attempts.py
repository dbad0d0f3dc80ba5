"""Attempts to run a job: who made one, and how it ended, also where the job could not say so itself."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard
from uuid import uuid4

from denote.config.environment import without_values
from denote.config.keys import SCHEMA
from denote.errors import DenoteError, no_space, told
from denote.locks import owner_of
from denote.runs.record import LOCK, Status, now, result_files, sound_record, with_digests, write_record
from denote.stops import Stopped, TimeLimitError


def new_launch() -> str:
    """Return a name for one command that runs jobs, unlike that of any other."""
    return uuid4().hex[:12]


LAUNCH = ".launch-"
"""Begins the names of a launch's folder and lock in the folder of its sweep."""


def launch_folder(sweep: Path, launch: str) -> Path:
    """Return the folder of what a command keeps until its jobs have ended.

    Args:
        sweep: The sweep's folder.
        launch: Name of the command.
    """
    return sweep / f"{LAUNCH}{launch}"


def training_folder(sweep: Path, launch: str, number: int) -> Path:
    """Return the folder with the record of a job that trains a network and leaves no record of its own.

    Args:
        sweep: The sweep's folder.
        launch: Name of the command.
        number: The job's place in the sweep.
    """
    return launch_folder(sweep, launch) / f"training-{number}"


@dataclass(frozen=True)
class Attempt:
    """One attempt to run a job.

    Attributes:
        launch: Name of the command that makes it; see `new_launch`.
        number: How often that command has tried the job with this time, from 1.
        limit: Seconds that it may take; None for no limit.
        is_expendable: True in a process that serves jobs alone, which may be ended with its job.
        log: Path of the job's log; None where it has none.
    """

    launch: str
    number: int = 1
    limit: float | None = None
    is_expendable: bool = False
    log: Path | None = None

    def entry(self) -> dict[str, Any]:
        """Return what a record says of who runs the job."""
        return {
            "launch": self.launch,
            "attempt": self.number,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "log": None if self.log is None else self.log.name,
        }


def is_finished(record: Mapping[str, Any] | None) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a record is that of a finished job."""
    return record is not None and record.get("status") == Status.FINISHED


def latest(record: Mapping[str, Any], launch: str) -> Mapping[str, Any] | None:
    """Return what a record says of the latest attempt of one command: its status and error. None: it made none.

    Args:
        record: That of a job; while a finished job is run again, that attempt stands under ``redo``.
        launch: Name of the command.
    """
    redo: Mapping[str, Any] = record.get("redo") or {}
    return next((entry for entry in (redo, record) if entry.get("launch") == launch), None)


def was_killed(folder: Path) -> bool:
    """Return whether the latest attempt to run the job in a folder ended with its process, by whatever command.

    Args:
        folder: The job's folder.
    """
    record = sound_record(folder) or {}
    status = (record.get("redo") or record).get("status")
    return status == Status.KILLED or (status == Status.RUNNING and owner_of(folder / LOCK) is None)


def begin(folder: Path, record: Mapping[str, Any], *, keeps: bool) -> None:
    """Record that an attempt begins.

    Args:
        folder: The job's folder.
        record: What is to be its record.
        keeps: True where earlier results stay until there are new ones; then their record stays, too.
    """
    if keeps:
        told_of = {key: record.get(key) for key in ("status", "started", "launch", "attempt", "host", "pid", "log")}
        write_record(folder, {**(sound_record(folder) or {}), "redo": told_of})
    else:
        write_record(folder, record)


def end(folder: Path, record: Mapping[str, Any], status: str, error: Mapping[str, Any] | None) -> None:
    """Record how an attempt ended. Results that it did not come to replace stay finished, with what went wrong.

    Args:
        folder: The job's folder.
        record: The attempt's record.
        status: One of `Status`.
        error: From `described`.

    Raises:
        NoSpaceError: if the record cannot be written since the disk is full.
    """
    ended, standing = {"status": status, "ended": now(), "error": error}, sound_record(folder)
    try:
        _write_end(folder, record, ended, standing)
    except OSError as failure:
        raise (no_space(failure, folder) or failure) from failure
    _append_traceback(folder, record.get("log"), error)


def _write_end(
    folder: Path, record: Mapping[str, Any], ended: Mapping[str, Any], standing: Mapping[str, Any] | None
) -> None:
    status = ended["status"]
    if status != Status.FINISHED and is_finished(standing):
        who = {key: record[key] for key in ("launch", "attempt", "host", "pid", "log") if key in record}
        write_record(folder, {**standing, "redo": {**who, **ended}})
    else:
        written = result_files(folder) if status == Status.FINISHED else ()
        write_record(folder, with_digests({**record, **ended}, folder, written))


def end_for_it(folder: Path, attempt: Attempt, status: str, error: Mapping[str, Any] | None) -> None:
    """Record how an attempt ended that did not come to say so: before its record began, or when its process ended.

    An attempt that has said how it ended is left alone.

    Args:
        folder: The job's folder, made where it is missing.
        attempt: The attempt.
        status: One of `Status`.
        error: From `described`.

    Raises:
        NoSpaceError: if the record cannot be written since the disk is full.
    """
    record = sound_record(folder) or {}
    begun = latest(record, attempt.launch)
    if begun is not None and begun.get("attempt") == attempt.number and begun.get("status") != Status.RUNNING:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise (no_space(failure, folder) or failure) from failure
    entry = attempt.entry() if begun is None else {}
    blank = {"schema": SCHEMA, "name": folder.name, "started": None, "config": {}}
    ended = {key: value for key, value in (begun or {}).items() if key in attempt.entry()} | entry
    end(folder, {**blank, **({} if is_finished(record) else record), **ended}, status, error)


def came_of(error: BaseException) -> BaseException:
    """Return the interruption or time limit that an error came of, or the error itself.

    Python makes a RuntimeError of what is raised while a class is made, as in an import.

    Args:
        error: What ended a job.
    """
    cause: BaseException | None = error
    for _ in range(100):  # a chain of errors may be a ring
        if isinstance(cause, (KeyboardInterrupt, TimeLimitError)):
            return cause
        cause = None if cause is None else cause.__cause__ or cause.__context__
    return error


def described(error: BaseException) -> dict[str, Any]:
    """Return an error as it stands in a record: one line, and the traceback unless it is a user's mistake.

    Args:
        error: What ended a job.
    """
    error = came_of(error)
    if (full := no_space(error)) is not None:
        return {"kind": type(full).__name__, "message": str(full), "mistake": False, "traceback": None}
    mistake = isinstance(error, DenoteError)
    if isinstance(error, SystemExit):
        message = f"the job called sys.exit({error.code!r})"
    elif isinstance(error, KeyboardInterrupt):
        message = f"stopped by {error}" if isinstance(error, Stopped) else "stopped by the user"
    elif mistake or isinstance(error, TimeLimitError):
        message = str(error)
    else:
        message = told(error)
    outside = mistake or isinstance(error, KeyboardInterrupt)
    trace = None if outside else "".join(traceback.format_exception(error))
    told_of = {"message": without_values(message), "traceback": None if trace is None else without_values(trace)}
    return {"kind": type(error).__name__, "mistake": mistake, **told_of}


def status_after(error: BaseException) -> Status:
    """Return the status of a job that an exception ended."""
    error = came_of(error)
    if isinstance(error, KeyboardInterrupt):
        return Status.INTERRUPTED
    return Status.TIMED_OUT if isinstance(error, TimeLimitError) else Status.FAILED


def _append_traceback(folder: Path, log: str | None, error: Mapping[str, Any] | None) -> None:
    """Put the traceback of a failure into the job's log, which has it from nobody else."""
    if log is not None and error is not None and error.get("traceback") and (folder / log).is_file():
        # The record has it, too: a disk that is full, or a log that may not be written, changes no end of a job.
        with suppress(OSError), (folder / log).open("a", encoding="utf-8") as file:
            file.write(str(error["traceback"]))
