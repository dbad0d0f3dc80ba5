"""The command ``denote-sync``: send the runs of a sweep that were kept offline, each once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from denote.errors import ConfigError, StoreError
from denote.numbers import count
from denote.progress import hide
from denote.reporting import wandb_environment as environment

COMMAND = "denote-sync"
DONE, FAILED = 0, 1

AT_ONCE = 200
"""Runs that one call of W&B's client gets."""


def act(arguments: Sequence[str]) -> int:
    """Send what is not sent yet, and return the exit code: 1 where some of it was not taken.

    Raises:
        DenoteError: if there is no such folder, it has no runs, or W&B could not log in.
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        came = " ".join(arguments) or "no folder"
        raise ConfigError(COMMAND, f"{came} came", f"allowed: {COMMAND} multirun/NAME")
    runs = offline_runs(Path(arguments[0].removeprefix("sweep=")))
    unsent = [run for run in runs if not is_sent(run)]
    hide()
    if not unsent:
        print(f"Nothing to send: {count(len(runs), 'run')} {'was' if len(runs) == 1 else 'were'} sent before.")
        return DONE
    if not environment.has_key():
        raise ConfigError("WANDB_API_KEY", "there is no key, so W&B could not log in", "allowed: a key, or wandb login")
    for start in range(0, len(unsent), AT_ONCE):
        send(unsent[start : start + AT_ONCE])
    left = [run for run in unsent if not is_sent(run)]
    before = f"; {len(runs) - len(unsent)} before" if len(runs) > len(unsent) else ""
    print(f"{len(unsent) - len(left)} of {count(len(unsent), 'run')} sent{before}.")
    if left:
        print(f"not sent: {', '.join(run.name for run in left[:3])}{' ...' if len(left) > 3 else ''}", file=sys.stderr)
    return FAILED if left else DONE


def offline_runs(folder: Path) -> list[Path]:
    """Return the folders of the runs that were kept offline, the oldest first.

    Args:
        folder: A sweep's folder, or the ``wandb/`` in it.

    Raises:
        StoreError: if there are none.
    """
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", "allowed: the folder of a sweep, multirun/NAME")
    place = folder if folder.name == "wandb" else environment.folder(folder) / "wandb"
    runs = sorted(path for path in place.glob("offline-run-*") if any(path.glob("*.wandb")))
    if not runs:
        raise StoreError(str(place), "holds no offline runs", "allowed: a sweep that was run without a key")
    return runs


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
    """
    for file in (file for run in runs for file in run.glob("*.wandb")):
        _mark(file).unlink(missing_ok=True)
    online = {name: value for name, value in os.environ.items() if name != environment.MODE}
    subprocess.run([sys.executable, "-m", "wandb", "sync", *map(str, runs)], env=online, check=False)  # noqa: S603 # this Python
