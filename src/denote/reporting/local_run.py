"""A run that this process writes: what it is opened with, and what all such runs do alike."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from denote.files import slug
from denote.reporting.run_config import EPOCH, flat
from denote.reporting.wandb_names import shown_path

AXES = (EPOCH, "depth")
"""Keys that are the step of a row."""


@dataclass(frozen=True)
class Opened:
    """What a run is opened with.

    Attributes:
        folder: The sweep's folder, or that of ``WANDB_DIR``.
        project: Project or experiment.
        group: The sweep's name, or what stands for it.
        job_type: Type of the run.
        key: Its id.
        name: Its name.
        tags: Its tags.
        config: Its settings.
    """

    folder: Path
    project: str
    group: str
    job_type: str
    key: str
    name: str
    tags: Sequence[str]
    config: Mapping[str, Any]

    def place(self, kind: str) -> Path:
        """Return the folder of the run for a tracker that writes files; one id has one folder."""
        return self.folder / kind / self.job_type / f"{slug(self.name, join=True)[:100]}-{self.key}"

    def shown(self, kind: str) -> str:
        """Return the folder of all runs of a tracker that writes files, as it is named from here, for a shell."""
        return shlex.quote(shown_path(self.folder / kind))


class LocalRun(ABC):
    """A run that is written by this process; its methods may fail, which `Together` says once.

    Args:
        opened: What it is opened with.
    """

    kind = ""
    has_rows = False
    """Whether the summary is a row of its own; elsewhere its numbers would be points of lines that have their names."""

    def __init__(self, opened: Opened) -> None:
        self.opened, self.key = opened, opened.key
        self.summary: dict[str, Any] = {}
        self._lines, self._kept = set[str](), defaultdict[str, list[str]](list)
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """Open the run."""

    @abstractmethod
    def write(self, numbers: Mapping[str, float], step: int | None) -> None:
        """Write numbers of a step."""

    @abstractmethod
    def where(self) -> str:
        """Return the folder, or the command, by which it is looked at."""

    @abstractmethod
    def end(self, numbers: Mapping[str, float], texts: Mapping[str, str], exit_code: int) -> None:
        """Write the summary and close the run."""

    def define_metric(self, metric: str, step: str | None = None, *, in_summary: bool = True) -> None:  # noqa: B027
        """Do nothing: steps are epochs or depths."""

    def log(
        self,
        values: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        pictures: Mapping[str, Sequence[tuple[Path, str]]] | None = None,
    ) -> None:
        """Write the numbers of a step; tables and pictures lie in the folders of jobs and sweeps."""
        step = next((int(values[axis]) for axis in AXES if axis in values), None)
        if numbers := _numbers(values):
            self._lines |= numbers.keys()
            self.write(numbers, step)

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Hold numbers and texts until the run ends."""
        self.summary |= values

    def keep(
        self, name: str, kind: str, files: Mapping[str, Path], said: Mapping[str, Any], *, is_input: bool = False
    ) -> None:
        """Note the name of what the run made or was made from; the files lie where they are."""
        self._kept["inputs" if is_input else "outputs"].append(name)

    def use(self, name: str) -> None:  # noqa: B027 # nothing to be done anywhere
        """Do nothing: the settings say it."""

    def finish(self, exit_code: int) -> None:
        """Write the summary and close the run."""
        self.summary |= flat(self._kept)
        numbers = _numbers(self.summary)
        texts = {key: str(value) for key, value in self.summary.items() if key not in numbers}
        self.end({self._apart(key): value for key, value in numbers.items()}, texts, exit_code)
        if exit_code == 0:
            self.mark()

    def _apart(self, key: str) -> str:
        """Return the name of a number of the summary, another one than that of a line."""
        return f"summary/{key}" if key in self._lines and not self.has_rows else key

    def mark(self) -> None:
        """Leave the run's folder in the sweep's, empty where the tracker writes elsewhere: it tells what is logged."""
        self.opened.place(self.kind).mkdir(parents=True, exist_ok=True)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if isinstance(value, Real)}


def flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings with dots between the levels of a key.

    Args:
        config: Settings.
        prefix: What keys begin with.
    """
    found: dict[str, Any] = {}
    for key, value in config.items():
        inner = isinstance(value, Mapping) and value
        found |= flattened(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return found
