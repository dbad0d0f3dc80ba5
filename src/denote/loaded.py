"""What was saved, in Python: a sweep with its merged tables, or one observation."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from denote.errors import StoreError
from denote.evidence.rule import Rule, rule_of
from denote.observation.found import Evidence
from denote.reporting.cards import cards
from denote.reporting.notebook import as_html, as_text
from denote.runs.present import relied_on
from denote.runs.record import FINISHED, RECORD, read_record
from denote.seen import Seen
from denote.shown import attribute_figure, depth_figure_of, heatmap_of
from denote.tables import JOB_TABLES, SWEEP_TABLES, has_tables, missing_tables, read_tables

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded(Evidence):
    """A sweep: its merged tables, by name in ``tables``.

    Attributes:
        folder: The folder of its jobs.
    """

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Loaded | None:
        """The sweep whose folder, or ``sweep/`` within it, this is; None where it is neither."""
        for place, jobs in ((folder / "sweep", folder), (folder, folder.parent)):
            if not has_tables(place, SWEEP_TABLES):
                continue
            if missing := missing_tables(place, SWEEP_TABLES):
                log.warning(
                    "%s: merged by an older denote, without %s; denote-report sweep=%s analyses it again", place,
                    ", ".join(missing), jobs,
                )  # fmt: skip
            return cls(read_tables(place, SWEEP_TABLES), jobs)
        return None

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``."""
        return self.tables["label_proportion_by_depth"]

    def heatmap(self, attribute: str, layer: str | None = None) -> Figure:
        """What linear observers of an attribute rely on in the first trained network.

        Args:
            attribute: Its name.
            layer: One layer, or None for all.

        Raises:
            ConfigError: if there is no linear observer of it.
        """
        return heatmap_of(relied_on(self._jobs, self.cells), attribute, layer)

    def figure(self) -> Figure:
        """How well every attribute is read at every depth, mean over networks."""
        return attribute_figure(self.tables)

    def cards(self) -> pl.DataFrame:
        """Put every decisive cell and every neuron that denotes into sentences, one row and ``card`` each."""
        rules = [rule_of(record["config"]) for _, record in self._jobs]
        return cards(self.cells, self.neurons, rules[0] if rules else Rule())

    def depth_figure(self, **chosen: str | bool | int | None) -> Figure:
        """Label proportion of what neurons denote by depth, mean over networks.

        Args:
            **chosen: Of ``family``, ``architecture``, ``dataset``, ``trained`` and ``epoch`` what the sweep has several
                of.

        Raises:
            DenoteError: if the choices leave no curve or more than one.
        """
        return depth_figure_of(self.tables, **chosen)

    def __repr__(self) -> str:
        """Names of the tables and their sizes."""
        return as_text(self._sizes)

    def _repr_html_(self) -> str:
        """The same, for a notebook."""
        return as_html(self._sizes)

    @property
    def _jobs(self) -> list[tuple[Path, dict[str, Any]]]:
        """Folders and records of the finished jobs; they agree on the rule."""
        records = ((path.parent, read_record(path.parent)) for path in sorted(self.folder.glob(f"*/{RECORD}")))
        return [(job, record) for job, record in records if record and record.get("status") == FINISHED]

    @property
    def _sizes(self) -> pl.DataFrame:
        sizes = [(name, *frame.shape) for name, frame in self.tables.items()]
        return pl.DataFrame(sizes, ["table", "rows", "columns"], orient="row")


def load(folder: Path) -> Loaded | Seen:
    """See `denote.load`."""
    if (sweep := Loaded.read(folder)) is not None:
        return sweep
    if has_tables(folder, JOB_TABLES):
        return Seen.read(folder)
    jobs = any(True for _ in folder.glob(f"*/{RECORD}"))
    allowed = "multirun/NAME of a sweep that ended, or a job's folder"
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", f"allowed: {allowed}")
    raise StoreError(
        str(folder), "holds jobs that were never merged" if jobs else "holds no tables",
        f"denote-report sweep={folder} merges them" if jobs else f"allowed: {allowed}",
    )  # fmt: skip
