"""One hostile input: how it is fed, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CANARY = "executed"
"""Name of the file that every code in an input would make."""

SECRET = "correct-horse-battery-staple"  # noqa: S105  (planted to be looked for)
"""Value of the environment variable ``SECRET``, which no file may hold afterwards."""

FAST = (
    *("logger=none", "debug=fast", "progress=none", "figures=none", "evidence=quick", "control=[]", "probe=neuron"),
    *("layer=last", "architecture.layers=1", "architecture.width=8", "trainer.progress=false"),
)
"""The least that a job can do."""


def nothing(folder: Path) -> None:
    """Make no files."""


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: What is hostile about it.
        arguments: Of the command.
        make: Writes the files that it needs into the folder in which the command runs.
        command: ``denote``, ``denote-train`` or ``denote-report``.
        codes: Exit codes that are allowed. After 2 there is one line on standard error, and no file that was not there.
        says: What the line must name.
        environment: Variables besides the usual ones.
    """

    name: str
    arguments: tuple[str, ...]
    make: Callable[[Path], None] = nothing
    command: str = "denote"
    codes: tuple[int, ...] = (2,)
    says: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def around(*arguments: str) -> tuple[str, ...]:
    """Return arguments of ``denote``: flags, then those of `FAST` that fit, then the others."""
    flags = arguments[: arguments[:1] == ("-m",)]
    other_network = any(argument.startswith(("architecture=", "dataset=states")) for argument in arguments)
    fast = [setting for setting in FAST if not (other_network and setting.startswith("architecture."))]
    return (*flags, *fast, *arguments[len(flags) :])


def job(name: str, *arguments: str, make: Callable[[Path], None] = nothing, says: str = "", ends: str = "2") -> Case:
    """Return a case of one small job; ``ends`` lists the exit codes that are allowed, ``0 2``."""
    return Case(name, around(*arguments), make, codes=tuple(map(int, ends.split())), says=(says,) if says else ())
