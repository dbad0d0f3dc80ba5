"""Erase decisive attributes at a layer and observe them again behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from denote.errors import LayerError
from denote.interventions.erasure import ErasureSettings, LayerErasure
from denote.interventions.kinds import Erase
from denote.interventions.rows import erasure_rows, of_task
from denote.interventions.words import ATTRIBUTE
from denote.notes import Note
from denote.observation.layer_run import LayerRun
from denote.observers.linear import LinearProbe
from denote.progress import counted


@dataclass(frozen=True)
class ErasedLayer:
    """A layer at which attributes are erased.

    Attributes:
        at: The layer.
        erase: How.
    """

    at: LayerRun
    erase: Erase

    def rows(self) -> Iterator[dict[str, Any]]:
        """Erase the surest of the decisive attributes, one after the other.

        Raises:
            LayerError: if nothing can be put in the layer's place.
        """
        self.at.check_is_place()
        erasure, remark = self._erasure()
        for name, column in counted("erasure", self._attributes()):
            columns: dict[str, Any] = {"subject_kind": ATTRIBUTE, "subject": name, "property": name}
            columns["probe_seed"] = self.at.settings.probe_seed
            try:
                result = erasure.attribute(self.at.labels(column), self._before(name))
            except LayerError as error:  # too few dimensions to lose one: other interventions need no more
                if error.__cause__ is not None:  # the network itself failed: the layer says so, aloud
                    raise
                why = Note.of("cannot_be_erased", why=error.problem)
                yield {**columns, "intervention": self.erase.name, "note": why}
                continue
            for row in erasure_rows(result, columns):
                yield of_task(row, remark)

    def _attributes(self) -> list[tuple[str, int]]:
        """Names and columns of the attributes."""
        columns: dict[str, int] = {}
        for cell in self.at.decisive(self.erase.attributes):
            if len(columns) < self.erase.attributes:
                columns.setdefault(cell.attribute, cell.column)
        return list(columns.items())

    def _erasure(self) -> tuple[LayerErasure, Note | None]:
        at, rows = self.at, self.at.rows
        layer = at.state.layer
        with at.passes(at.info.parts.test) as passes:
            task, remark = at.task_of(passes.baseline())
        settings = ErasureSettings(
            draws=self.erase.draws,
            min_rows=at.settings.rule.min_rows,
            memory=at.run.memory,
            seed=at.settings.probe_seed,
        )
        probe = at.settings.probes.get("linear")
        later = [each.layer for each in at.later]
        own = probe if isinstance(probe, LinearProbe) else None
        return LayerErasure(rows, layer, later, task, settings, at.groups, own), remark

    def _before(self, attribute: str) -> dict[str, float]:
        """AUROC of the linear observers as they were, by layer."""
        cells = self.at.observation.cells.filter(
            pl.col("attribute") == attribute, pl.col("probe") == "linear", pl.col("auroc").is_not_null()
        )
        return dict(cells.select("layer", "auroc").unique("layer").rows())
