"""W&B in a process of its own: a job says what is to be logged, waits for nothing, and cannot be hurt by it.

All that is said of a run is kept until the run is whole, at W&B or on disk. Where W&B fails, hangs or is too slow, its
process is killed and another one writes the same runs to disk, to be sent later. It sends what a job has logged while
the next ones compute; only the end of this process waits for it, and a job that starts `PATIENCE` after.
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from denote.reporting.wandb_names import sync_command
from denote.reporting.wandb_pipe import Allowance, BrokenError, WandbPipe
from denote.reporting.wandb_run import TrackedRun

log = logging.getLogger(__name__)

TO_WRITE = 2.0
"""Seconds of the limit that are left for writing to disk what W&B did not take."""

PATIENCE = 60.0
"""Seconds that W&B has for the runs of a job while the next jobs compute; they wait for nothing until then."""

UNREACHABLE, FOR = ".unreachable", 300.0
"""File beside a sweep's runs, and the seconds for which it keeps other processes from trying a server in vain."""


@dataclass
class Told:
    """All that was said of a run that is not whole yet.

    Attributes:
        lines: Messages.
        over: Whether nothing more comes.
        ended: When that was said.
        folder: Where W&B's process writes the run, once it has begun.
    """

    lines: list[bytes] = field(default_factory=list)
    over: bool = False
    ended: float = 0.0
    folder: str | None = None


class Session:
    """W&B's process with what it is told.

    Args:
        online: Whether W&B's server is tried before runs are written to disk.
        limit: Seconds that W&B may hold up a job.

    Attributes:
        addresses: Pages of runs, by their ids.
        has_given_up: Whether nothing more is tracked.
    """

    def __init__(self, *, online: bool, limit: float) -> None:
        self.online, self._limit = online, limit
        self._allowance = Allowance(limit)
        self._attempts = 2  # to write to disk; a third would fail like the second
        self._runs: dict[str, Told] = {}
        self._folder = Path()
        self._warned = False
        self._told = 0.0  # seconds that this job waited, as they were said last
        self._pipe: WandbPipe | None = None
        self.addresses: dict[str, str] = {}
        self.has_given_up = False

    def load(self, folder: Path) -> None:
        """Start W&B's process, which takes a second to load.

        Args:
            folder: Where W&B writes its runs.
        """
        self._folder = folder
        if self._pipe is not None or not self._attempts:
            return
        if self.online and self._is_known_unreachable():
            self._go_offline("another job did not reach it")
        try:
            self._begin()
        except BrokenError as error:
            self._fail(str(error))

    def start(self, key: str, given: Mapping[str, Any]) -> TrackedRun:
        """Open a run.

        Args:
            key: Its id.
            given: Arguments of ``wandb.init``.
        """
        if not self._is_open:
            if self._is_overdue:
                self.settle()
            self._allowance.left = self._limit
        self.load(Path(given["dir"]) / "wandb")
        self._runs.pop(key, None)
        self.send(key, "init", given=given)
        return TrackedRun(self, key)

    def send(self, key: str, do: str, **said: Any) -> None:
        """Pass a message on, and keep it until its run is whole."""
        if self._pipe is None:  # given up
            return
        line = _line(key, do, said)
        told = self._runs.setdefault(key, Told())
        told.lines.append(line)
        if do == "finish":
            told.over, told.ended = True, time.monotonic()
        try:
            self._pipe.write(line, self._allowance)
            self._listen(0)
        except BrokenError as error:
            self._fail(str(error))

    def settle(self) -> None:
        """Wait until all runs are whole, at W&B or on disk, until the limit has passed since the last one ended."""
        if self._is_open:
            return
        if self.online:
            self._await(max((told.ended for told in self._runs.values()), default=0.0) + self._limit - TO_WRITE)
        if self.online and self._runs:
            self._fail(f"did not take everything within {max(0, self._limit - TO_WRITE):g} s")
        self._await(math.inf)
        if (waited := round(self._limit - self._allowance.left, 2)) != self._told:
            log.debug("W&B held up this job for %.2f s", waited)
        self._told = waited
        if self._runs:
            self._warn(f"W&B takes long to write to disk: {self._folder} may lack some of a run")

    @property
    def _is_open(self) -> bool:
        return not all(told.over for told in self._runs.values())

    @property
    def _is_overdue(self) -> bool:
        return any(time.monotonic() - told.ended > PATIENCE for told in self._runs.values())

    def _await(self, until: float) -> None:
        """Wait for all runs until a time; what was said before is heard in any case."""
        left = 1.0
        while self._runs and left > 0:
            left = min(self._allowance.left, until - time.monotonic())
            try:
                self._listen(max(0.0, left))
            except BrokenError as error:
                self._fail(str(error))

    def close(self) -> None:
        """Let W&B's process end by itself once it has done all."""
        if self._pipe is not None:
            self._pipe.release()
        self._pipe = None
        self._runs.clear()

    def _begin(self) -> None:
        """Start W&B's process, and say again what is not done."""
        self._pipe = WandbPipe(online=self.online)
        for told in self._runs.values():
            for line in told.lines:
                self._pipe.write(line, self._allowance)

    def _listen(self, seconds: float) -> None:
        """Hear what W&B's process says, waiting so long for it to say something."""
        assert self._pipe is not None  # noqa: S101 # for the type checker
        for said in self._pipe.read(seconds, self._allowance):
            if "failed" in said:
                raise BrokenError(said["failed"])
            told = self._runs.get(said["run"], Told())
            if "folder" in said:
                told.folder = said["folder"]
                if said.get("url"):
                    self.addresses[said["run"]] = said["url"]
            elif told.over:  # not what is said of the run before, of the same id
                del self._runs[said["run"]]

    def _fail(self, reason: str) -> None:
        """Kill W&B's process, and have another one write to disk what it had not done."""
        while reason:
            if self._pipe is not None:
                self._pipe.kill()
            self._pipe = None
            if self.online:
                self._go_offline(reason)
                self._note_unreachable()
            else:
                self._attempts -= 1
            if not self._attempts:
                self._runs.clear()
                self.has_given_up = True
                self._warn(f"W&B cannot be used ({reason}): nothing more is tracked")
                return
            for key, told in self._runs.items():
                if told.folder is not None:
                    told.lines.insert(1, _line(key, "replace", {"folder": told.folder}))
                    told.folder = None
            reason = ""
            try:
                self._begin()
            except BrokenError as error:
                reason = str(error)

    def _go_offline(self, reason: str) -> None:
        self.online = False
        later = sync_command(self._folder)
        self._warn(f"W&B failed ({reason}): runs are kept offline in {self._folder}; send them later with: {later}")

    def _note_unreachable(self) -> None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / UNREACHABLE).write_text(_server())

    def _is_known_unreachable(self) -> bool:
        note = self._folder / UNREACHABLE
        try:
            return time.time() - note.stat().st_mtime < FOR and note.read_text() == _server()
        except (OSError, UnicodeError):
            return False

    def _warn(self, message: str) -> None:
        if not self._warned:
            log.warning("%s", message)
        self._warned = True


def _server() -> str:
    return os.environ.get("WANDB_BASE_URL", "")


def _line(key: str, do: str, said: Mapping[str, Any]) -> bytes:
    return json.dumps({"run": key, "do": do, **said}, default=_plain, skipkeys=True).encode() + b"\n"


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one of Python, and anything else as text."""
    return value.item() if getattr(value, "shape", None) == () else str(value)
