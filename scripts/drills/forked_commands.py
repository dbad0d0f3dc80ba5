"""Run commands of denote as children of one process that has loaded the libraries: a drill runs hundreds of them."""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = (
    *("torch", "pytorch_lightning", "polars", "hydra", "matplotlib.pyplot", "seaborn", "scipy.stats", "rich.console"),
    *("denote.cli.commands", "denote.cli.sweeper", "denote.runs.job", "denote.runs.merge", "denote.runs.sweep"),
    *("denote.object_models.training", "denote.reporting.report", "denote.runs.present", "denote.runs.drawing"),
    *("denote.reporting.answer", "denote.reporting.dashboard", "denote.reporting.undrawn", "denote.runs.single"),
    *("sklearn.datasets", "sklearn.linear_model"),
)
"""Settings that leave out what commands would spend most of their time on."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        exit_code: Its exit code, minus the signal that ended it.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
    """

    exit_code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on standard error."""
        return [line for line in self.err.splitlines() if line.strip()]


def load_libraries() -> None:
    """Load what commands need, once."""
    for library in LIBRARIES:
        importlib.import_module(library)
    kernels = importlib.import_module("denote.kernels")
    for module in pkgutil.iter_modules(kernels.__path__):
        importlib.import_module(f"denote.kernels.{module.name}")


def run(command: Sequence[str], folder: Path, prepare: Callable[[], None] | None = None) -> Ended:
    """Run a command of denote in a folder, in a child of this process.

    Args:
        command: ``denote``, ``denote-report`` or another one, and its arguments.
        folder: Its working folder.
        prepare: What to do in the child before.
    """
    load_libraries()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            if prepare is not None:
                prepare()
            os._exit(here(command))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        return Ended(code, _content(out.fileno()), _content(err.fileno()))


def _content(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="replace")


def here(command: Sequence[str]) -> int:
    """Run a command in this process and return its exit code."""
    from denote.cli import commands

    name, *arguments = command
    sys.argv = [name, *arguments]
    entry = {"denote": commands.main}.get(name) or getattr(commands, name.removeprefix("denote-"))
    code: object = 0
    try:
        entry()
    except SystemExit as stop:
        code = stop.code
    except BaseException:  # the interpreter ends likewise
        traceback.print_exc()
        code = 1
    logging.shutdown()  # what else is registered for the end is of the process that this one was forked from
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 0 if code is None else 1
