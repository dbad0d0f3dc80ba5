"""A tracked run, whichever tracker holds it, and several of them as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from denote.reporting.tracking_guard import harmless


class Run(Protocol):
    """A run to which results are told. Its methods never fail a job."""

    key: str

    def define_metric(self, metric: str, step: str | None = None, *, in_summary: bool = True) -> None:
        """Say which metric is the x axis of others.

        Args:
            metric: Name, or names by ``*``.
            step: The metric on its x axis.
            in_summary: Whether its last value is part of the summary.
        """

    def log(
        self,
        values: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        pictures: Mapping[str, Sequence[tuple[Path, str]]] | None = None,
    ) -> None:
        """Log one step.

        Args:
            values: Numbers and texts by name.
            tables: ``columns`` and ``data``, a list of rows, by name.
            pictures: PNG files with their captions by name.
        """

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set numbers by which runs are compared."""

    def keep(
        self, name: str, kind: str, files: Mapping[str, Path], said: Mapping[str, Any], *, is_input: bool = False
    ) -> None:
        """Keep files as an artifact; of what they are made the metadata says.

        Args:
            name: Its name.
            kind: Its type.
            files: Files by their name in it.
            said: Metadata.
            is_input: Whether the run was made from it; else it was made by the run.
        """

    def use(self, name: str) -> None:
        """Say that the run was made from an artifact of another run."""

    def finish(self, exit_code: int) -> None:
        """Say that nothing more comes."""


class Together:
    """Runs that are told the same, each until it fails: that is said once, and fails nothing else.

    Args:
        key: Their id.
        runs: Each by what a warning calls it.
    """

    def __init__(self, key: str, runs: Mapping[str, Run]) -> None:
        self.key, self._runs = key, dict(runs)

    def define_metric(self, metric: str, step: str | None = None, *, in_summary: bool = True) -> None:
        """See `Run`."""
        self._each(lambda run: run.define_metric(metric, step, in_summary=in_summary))

    def log(
        self,
        values: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        pictures: Mapping[str, Sequence[tuple[Path, str]]] | None = None,
    ) -> None:
        """See `Run`."""
        self._each(lambda run: run.log(values, tables, pictures))

    def summarize(self, values: Mapping[str, Any]) -> None:
        """See `Run`."""
        self._each(lambda run: run.summarize(values))

    def keep(
        self, name: str, kind: str, files: Mapping[str, Path], said: Mapping[str, Any], *, is_input: bool = False
    ) -> None:
        """See `Run`."""
        self._each(lambda run: run.keep(name, kind, files, said, is_input=is_input))

    def use(self, name: str) -> None:
        """See `Run`."""
        self._each(lambda run: run.use(name))

    def finish(self, exit_code: int) -> None:
        """See `Run`."""
        self._each(lambda run: run.finish(exit_code))

    def _each(self, tell: Callable[[Run], None]) -> None:
        told = {}
        for what, run in self._runs.items():
            with harmless(what):
                tell(run)
                told[what] = run
        self._runs = told
