"""The command ``denote-sync``: send the runs of a sweep that were kept offline, each once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from denote.cli.named_folders import check_one, check_sweep, folders_and_keys
from denote.errors import ConfigError, StoreError
from denote.numbers import count
from denote.progress import hide, step
from denote.reporting import wandb_environment as environment
from denote.reporting.local_runs import LOCAL
from denote.reporting.wandb_health import UnreachableError, check_reachable, server
from denote.runs.record import RECORD, sound_record

COMMAND = "denote-sync"
KEYS = ("progress",)
DONE, FAILED = 0, 1

AT_ONCE = 200
"""Runs that one call of W&B's client gets."""

WATCH = 1.5
"""Seconds after which the server is asked again whether it is well, while W&B's client sends: it waits for minutes."""


def act(arguments: Sequence[str]) -> int:
    """Send what is not sent yet, and return the exit code: 1 where some of it was not taken.

    Raises:
        DenoteError: if there is no such folder, it has no runs, or W&B could not log in.
    """
    folders, _ = folders_and_keys(COMMAND, arguments, KEYS)
    if not folders:
        raise ConfigError(COMMAND, "no folder came", f"allowed: {COMMAND} multirun/NAME")
    check_one(COMMAND, folders)
    if folders[0].name != "wandb":
        check_sweep(COMMAND, folders[0])
    runs = offline_runs(folders[0])
    unsent = [run for run in runs if not is_sent(run)]
    if not unsent:
        hide()
        print("Nothing to send: " + (_sent_before(len(runs)) if runs else "its runs went to W&B as they were made."))
        return DONE
    if not environment.has_key():
        stay = f"nothing is lost: {folders[0]} keeps {count(len(unsent), 'run')}"
        problem = "there is no key, so W&B could not log in"
        raise ConfigError("WANDB_API_KEY", problem, f"allowed: a key, or wandb login; {stay}")
    failure = _send_all(unsent)
    hide()
    left = [run for run in unsent if not is_sent(run)]
    before = f"; {len(runs) - len(unsent)} before" if len(runs) > len(unsent) else ""
    if failure is None or len(left) < len(unsent):
        print(f"{len(unsent) - len(left)} of {count(len(unsent), 'run')} sent{before}.")
    if left:
        named = f"{', '.join(run.name for run in left[:3])}{' ...' if len(left) > 3 else ''}"
        lost = "nothing is lost: the same command sends what is left once it can be reached"
        print(f"not sent: {named}" if failure is None else f"W&B failed: {failure}; {lost}", file=sys.stderr)
    return FAILED if left else DONE


def _sent_before(runs: int) -> str:
    return f"{count(runs, 'run')} {'was' if runs == 1 else 'were'} sent before."


def _send_all(runs: Sequence[Path]) -> str | None:
    """Send runs as long as the server is well, and return what is wrong with it otherwise."""
    try:
        with step("reaching W&B"):
            check_reachable(server())
        hide()  # from here on W&B's client shows how far it is
        for start in range(0, len(runs), AT_ONCE):
            send(runs[start : start + AT_ONCE])
    except UnreachableError as error:
        return str(error)
    return None


def offline_runs(folder: Path) -> list[Path]:
    """Return the folders of the runs that were kept offline, the oldest first; none where all went to W&B at once.

    Args:
        folder: A sweep's folder, or the ``wandb/`` in it.

    Raises:
        StoreError: if there are no runs of W&B.
    """
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", "allowed: the folder of a sweep, multirun/NAME")
    place = folder if folder.name == "wandb" else environment.folder(folder) / "wandb"
    runs = sorted(path for path in place.glob("offline-run-*") if any(path.glob("*.wandb")))
    if not runs and not any(place.glob("run-*")):
        _refuse(folder, place)
    return runs


def _refuse(folder: Path, place: Path) -> None:
    """Say why there are no runs of W&B.

    Raises:
        StoreError: always.
    """
    check_tracked(folder, "there is nothing to send")
    problem = "holds no offline runs" if place.is_relative_to(folder) else f"has no offline runs in {place}"
    raise StoreError(str(folder), problem, "allowed: a sweep that was run without a key")


def check_tracked(folder: Path, so: str) -> None:
    """Refuse a sweep whose jobs were not tracked by W&B, as far as they tell.

    Args:
        folder: The sweep's.
        so: What follows of it.

    Raises:
        StoreError: naming the trackers.
    """
    records = filter(None, map(sound_record, (folder, *(path.parent for path in folder.glob(f"*/{RECORD}")))))
    loggers = [record["config"]["logger"] for record in records if "logger" in record.get("config", {})]
    kinds = {kind for logger in loggers for kind in environment.kinds_of(logger)}
    kinds |= {kind for kind in LOCAL if (folder / kind).is_dir()}
    if kinds and environment.WANDB not in kinds:
        others = ", ".join(kind for kind in LOCAL if kind in kinds)
        raise StoreError(str(folder), f"was tracked by {others}, not by W&B", so)
    if loggers and not kinds:
        raise StoreError(str(folder), "was not tracked (logger=none)", so)


def is_sent(run: Path) -> bool:
    """Return whether W&B's client has marked a run as sent since it was last written to."""
    return all(map(_is_sent_since, run.glob("*.wandb")))


def _is_sent_since(file: Path) -> bool:
    mark = _mark(file)
    return mark.is_file() and mark.stat().st_mtime_ns >= file.stat().st_mtime_ns


def _mark(file: Path) -> Path:
    return file.with_name(f"{file.name}.synced")


def send(runs: Sequence[Path]) -> None:
    """Have W&B's client send runs. It marks those that it has sent, whatever its exit code, and skips marked ones.

    Args:
        runs: Their folders.

    Raises:
        UnreachableError: if the server ceases to be well meanwhile.
    """
    for file in (file for run in runs for file in run.glob("*.wandb")):
        _mark(file).unlink(missing_ok=True)
    online = {name: value for name, value in os.environ.items() if name != environment.MODE}
    client = subprocess.Popen(  # noqa: S603 # this Python
        [sys.executable, "-m", "wandb", "sync", *map(str, runs)], env=online, start_new_session=True
    )
    try:
        while client.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                client.wait(WATCH)
                return
            check_reachable(server())
    finally:
        if client.poll() is None:
            os.killpg(client.pid, signal.SIGKILL)
            client.wait()
