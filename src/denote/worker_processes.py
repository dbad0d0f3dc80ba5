"""Start fresh processes that take part in one piece of work of this one, and learn in one line what ended them.

They are spawned, not forked: torch's threads and a GPU do not survive a fork. Nothing of the command line runs again in
them, so that a sweep stays one sweep. They never outlive this process.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Any

from denote.errors import DenoteError, DeviceError, told

READY, DONE = "ready", "done"

GRACE = 10.0
"""Seconds in which a process is expected to end, or to say what ended it."""


@dataclass(frozen=True)
class Worker:
    """One of the processes.

    Attributes:
        name: What it is called in messages.
        process: The process.
        messages: What it says.
        where: The setting that asked for it.
    """

    name: str
    process: BaseProcess
    messages: connection.Connection
    where: str

    @property
    def is_silent(self) -> bool:
        """True where it goes on and has said nothing new."""
        return self.process.is_alive() and not self.messages.poll()

    def expect(self, word: str) -> None:
        """Wait until the process has said a word.

        Raises:
            DenoteError: the one that was raised there.
            DeviceError: if it failed otherwise, or has ended.
        """
        connection.wait([self.messages, self.process.sentinel])
        said = None
        with suppress(EOFError, OSError):
            said = self.messages.recv() if self.messages.poll() else None
        if isinstance(said, DenoteError):
            raise said
        if said != word:
            raise DeviceError(self.where, f"{self.name} {self._ended() if said is None else said}")

    def _ended(self) -> str:
        self.process.join(GRACE)
        code = self.process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def end(self) -> None:
        """See that the process ends, by force if need be."""
        for force in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                force()
                self.process.join(GRACE)
        self.messages.close()


@contextmanager
def worker_processes(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]], where: str) -> Iterator[None]:
    """Let processes do their part of a work while the block does its own; both have ended when it is left.

    The block begins when all have started and got their arguments.

    Args:
        work: A function of a module.
        arguments: Those of each process, which gets a copy.
        where: The setting that asked for them, for messages; 1 there would start none.

    Raises:
        DenoteError: of the block, else of a process.
        DeviceError: if an argument cannot be sent, or a process fails otherwise or is lost.
    """
    workers: list[Worker] = []
    try:
        for place, given in enumerate(arguments):
            workers.append(_started(work, given, f"process {place + 2} of {len(arguments) + 1}", where))
        for worker in workers:
            worker.expect(READY)
        try:
            yield
        except DenoteError:
            raise
        except Exception:
            # Where one process is lost, the others fail as well, with less to say.
            connection.wait([each for one in workers for each in (one.messages, one.process.sentinel)], GRACE)
            for worker in workers:
                if not worker.is_silent:
                    worker.expect(DONE)
            raise
        for worker in workers:
            worker.expect(DONE)
    finally:
        for worker in workers:
            worker.end()


def _started(work: Callable[..., None], given: tuple[Any, ...], name: str, where: str) -> Worker:
    try:
        # A pipe would send tensors as file descriptors, of which there are too few, and some came twice.
        sent = pickle.dumps((work, given))
    except (pickle.PicklingError, AttributeError, TypeError, RuntimeError) as error:
        problem = f"what is worked on cannot be sent to another process ({told(error)})"
        raise DeviceError(where, problem, f"allowed: {where}=1") from error
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    with suppress(OSError):  # it is dead already, as who expects a word of it learns
        ours.send_bytes(sent)
    return Worker(name, process, ours, where)


def _work(messages: connection.Connection) -> None:
    """Work in a process, and say how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it is told, too, and ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work, given = messages.recv()
        messages.send(READY)
        work(*given)
    except BaseException as error:  # whatever it is, the parent reports it
        with suppress(OSError):
            messages.send(error if isinstance(error, DenoteError) else f"failed: {told(error)}")
        os._exit(1)
    messages.send(DONE)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
    os._exit(1)
