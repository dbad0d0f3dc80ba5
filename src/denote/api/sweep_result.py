"""The result of a sweep in Python, and how results are loaded."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from denote.evidence.rule import Rule, rule_of
from denote.observation.result import Evidence
from denote.runs.record import finished_jobs
from denote.tables import SWEEP_TABLES, has_tables, missing_tables, read_tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepResult(Evidence):
    """The result of a sweep: merged tables over networks, by name in ``tables``, and figures.

    Attributes:
        folder: The folder of its jobs.

    Example:
        >>> folder = denote.observe(model, inputs, {"high": high}).save("runs/mine/seed_0")
        >>> denote.load(folder).attributes
        ('high',)
    """

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> SweepResult | None:
        """Read the sweep whose folder, or ``sweep/`` within it, this is; None where it is neither."""
        for merged, jobs in ((folder / "sweep", folder), (folder, folder.parent)):
            if not has_tables(merged, SWEEP_TABLES):
                continue
            if missing := ", ".join(missing_tables(merged, SWEEP_TABLES)):
                again = f"denote-report sweep={jobs} analyses it again"
                log.warning("%s: merged by an older denote, without %s; %s", merged, missing, again)
            return cls(read_tables(merged, SWEEP_TABLES), jobs)
        return None

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Return the columns of ``tables.LABEL_PROPORTION_BY_DEPTH``."""
        return self.tables["label_proportion_by_depth"]

    def heatmap(self, attribute: str, layer: str | None = None) -> Figure:
        """Draw what linear observers of an attribute rely on in the first trained network.

        Args:
            attribute: Its name.
            layer: One layer, or None for all.

        Returns:
            A figure of matplotlib.

        Raises:
            ConfigError: if there is no linear observer of it.
        """
        from denote.api.result_figures import sweep_heatmap

        return sweep_heatmap(self.folder, self.cells, attribute, layer)

    def figure(self) -> Figure:
        """Draw how well every attribute is read at every depth, mean over networks."""
        from denote.api.result_figures import attribute_figure

        return attribute_figure(self.tables)

    def depth_figure(self, **chosen: str | bool | int | None) -> Figure:
        """Draw the label proportion of what neurons denote by depth, mean over networks.

        Args:
            **chosen: Of ``family``, ``architecture``, ``dataset``, ``trained`` and ``epoch`` what the sweep has several
                of.

        Returns:
            A figure of matplotlib.

        Raises:
            DenoteError: if the choices leave no curve or more than one.
        """
        from denote.api.result_figures import depth_figure

        return depth_figure(self.tables, **chosen)

    def cards(self) -> pl.DataFrame:
        """Put every decisive cell and every neuron that denotes into sentences, one row and ``card`` each."""
        from denote.reporting.cards import cards

        rules = [rule_of(record["config"]) for _, record in finished_jobs(self.folder)]
        return cards(self.cells, self.neurons, rules[0] if rules else Rule())

    def __repr__(self) -> str:
        """Return the names of the tables and their sizes."""
        from denote.reporting.notebook import as_text

        return as_text(self._sizes)

    def _repr_html_(self) -> str:
        """The same, for a notebook."""
        from denote.reporting.notebook import as_html

        return as_html(self._sizes)

    @property
    def _sizes(self) -> pl.DataFrame:
        sizes = [(name, *frame.shape) for name, frame in self.tables.items()]
        return pl.DataFrame(sizes, ["table", "rows", "columns"], orient="row")
