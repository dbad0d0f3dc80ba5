"""The pipes to the process that speaks to W&B, on which nothing waits longer than it is allowed to."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from denote.reporting import wandb_environment as environment
from denote.reporting import wandb_process

MESSAGES_SAY = (environment.MODE, *environment.OF_AGENT)
"""Variables that W&B's process does not inherit: what they say is in the messages."""

OTHERS_SERVICE = ("WANDB_SERVICE",)
"""Likewise: a service that this process did not start could not be ended with it."""


class BrokenError(Exception):
    """W&B's process is of no use any more; the message says why."""


@dataclass
class Allowance:
    """Seconds that may still be waited.

    Attributes:
        left: So many.
    """

    left: float

    def wait(self, pipe: IO[bytes], event: int, most: float) -> bool:
        """Wait until a pipe is ready.

        Args:
            pipe: To read from or to write to.
            event: `select.POLLIN` or `select.POLLOUT`.
            most: Seconds after which waiting is given up, if more are left.

        Returns:
            Whether it is ready, or closed.
        """
        poll = select.poll()  # `select.select` takes no file number above 1,023
        poll.register(pipe, event)
        start = time.monotonic()
        try:
            return bool(poll.poll(1000 * max(0.0, min(most, self.left))))
        finally:
            self.left -= time.monotonic() - start


class WandbPipe:
    """The process of ``wandb_process.py``, a leader of its group, and the pipes to and from it.

    Args:
        online: Whether it speaks to W&B's server.

    Raises:
        BrokenError: if it cannot be started.
    """

    def __init__(self, *, online: bool) -> None:
        mode = "online" if online else "offline"
        without = (*MESSAGES_SAY, *OTHERS_SERVICE)
        try:
            self._process = subprocess.Popen(  # noqa: S603 # this Python and a file of ours
                [sys.executable, "-P", wandb_process.__file__, mode],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name not in without},
                start_new_session=True,
            )
        except OSError as error:
            raise BrokenError(f"its process cannot be started: {error}") from error
        assert self._process.stdin is not None  # noqa: S101 # for the type checker
        assert self._process.stdout is not None  # noqa: S101 # likewise
        self._to, self._from = self._process.stdin, self._process.stdout
        for pipe in (self._to, self._from):
            os.set_blocking(pipe.fileno(), False)
        self._begun = b""

    def write(self, line: bytes, allowance: Allowance) -> None:
        """Write a message.

        Raises:
            BrokenError: if the process takes none, or ended without a word.
        """
        rest = memoryview(line)
        try:
            while rest:
                try:
                    rest = rest[os.write(self._to.fileno(), rest) :]
                except BlockingIOError:
                    if not allowance.wait(self._to, select.POLLOUT, allowance.left):
                        raise BrokenError("its process takes no messages") from None
        except OSError as error:
            failed = [said["failed"] for said in self.read(0, allowance) if "failed" in said]
            raise BrokenError(failed[0] if failed else "its process ended") from error

    def read(self, seconds: float, allowance: Allowance) -> list[dict[str, str]]:
        """Return what the process has said, waiting so long for it to say something.

        Raises:
            BrokenError: if it ended without a word.
        """
        if not allowance.wait(self._from, select.POLLIN, seconds):
            return []
        said = os.read(self._from.fileno(), 1 << 16)
        *lines, self._begun = (self._begun + said).split(b"\n")
        if not said:
            raise BrokenError("its process ended")
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        """Kill the process, and W&B's service with it."""
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)

    def release(self) -> None:
        """Let the process end by itself: it does once it has read and done all."""
        self._close()
        if self._process.poll() is None:
            self._process.returncode = 0  # nobody waits for it

    def _close(self) -> None:
        for pipe in (self._to, self._from):
            with suppress(OSError):
                pipe.close()
