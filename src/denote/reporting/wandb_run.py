"""A run in W&B: it says what is to be logged, and its session carries that out."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.reporting.wandb_artifacts import stage

if TYPE_CHECKING:
    from denote.reporting.wandb_session import Session

log = logging.getLogger(__name__)


class TrackedRun:
    """A `Run` in W&B. Its methods return at once and never fail.

    Args:
        session: Carries them out.
        key: The run's id.

    Attributes:
        files: Folder for the files of its artifacts; None where none are sent.
    """

    def __init__(self, session: Session, key: str) -> None:
        self.session, self.key = session, key
        self.files: Path | None = None

    def define_metric(self, metric: str, step: str | None = None, *, in_summary: bool = True) -> None:
        """Say which metric is the x axis of others.

        Args:
            metric: Name, or names by ``*``.
            step: The metric on its x axis.
            in_summary: Whether its last value is part of the summary.
        """
        self.session.send(self.key, "define", metric=metric, step=step, summary=None if in_summary else "none")

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
            pictures: PNG files with their captions by name; those that cannot be read are left out.
        """
        read = {name: _read(of) for name, of in (pictures or {}).items()}
        shown = {name: of for name, of in read.items() if of}
        self.session.send(self.key, "log", values=values, tables=tables or {}, pictures=shown)

    def keep(
        self, name: str, kind: str, files: Mapping[str, Path], said: Mapping[str, Any], *, is_input: bool = False
    ) -> None:
        """Keep files as an artifact; of what they are made the metadata says.

        Args:
            name: Its name.
            kind: Its type.
            files: Files by their name in it; those that are gone or too large are left out, and named there.
            said: Metadata.
            is_input: Whether the run was made from it; else it was made by the run.
        """
        if self.files is None:
            return
        staged, left_out = stage(files, self.files / name)
        metadata = {**said, "left_out": left_out} if left_out else said
        if staged:
            self.session.send(
                self.key, "artifact", name=name, type=kind, metadata=metadata, files=staged, is_input=is_input
            )

    def use(self, name: str) -> None:
        """Say that the run was made from an artifact of another run, where W&B's server has it."""
        if self.files is not None:
            self.session.send(self.key, "use", name=name)

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set numbers by which runs are compared."""
        self.session.send(self.key, "summary", values=values)

    def finish(self, exit_code: int) -> None:
        """Say that nothing more comes."""
        self.session.send(self.key, "finish", exit_code=exit_code)


def _read(pictures: Sequence[tuple[Path, str]]) -> list[list[str]]:
    """Return pictures as text, each with its caption."""
    read = []
    for path, caption in pictures:
        try:
            read.append([base64.b64encode(path.read_bytes()).decode(), caption])
        except OSError as error:
            log.warning("%s is not tracked: %s", path, error.strerror)
    return read
