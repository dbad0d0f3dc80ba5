"""``report.html``: the answer first, the evidence one click behind it, in one file that opens without a network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from denote.evidence.rule import Rule
from denote.files import write_text
from denote.reporting.answer import Answer, answer, plain_property
from denote.reporting.answer.contents import ALARM
from denote.reporting.findings import PAPER
from denote.reporting.jobs import Job, tally
from denote.reporting.page.bundle import Contents, Relevance, bundle, packed
from denote.reporting.page.depth import shown_curves
from denote.reporting.page.depth_text import depth_in_words
from denote.reporting.page.evidence import BELIEF, evidence, reading
from denote.reporting.page.inputs import Held
from denote.reporting.page.machine_paths import without_machine
from denote.reporting.page.render import render
from denote.reporting.page.repeat import Recipe, repeat

NAME = "report.html"


@dataclass(frozen=True)
class Picture:
    """A saved figure.

    Attributes:
        path: A PNG or SVG file, which lies beside the report and is named there.
        caption: What it shows and how to read it.
    """

    path: Path
    caption: str


@dataclass(frozen=True)
class Report:
    """Contents of ``report.html``.

    Attributes:
        title: The name of the sweep or job.
        status: What became of its jobs.
        tables: Those of ``tables.SWEEP_TABLES`` and, where there is one, ``sensitivity`` (how many neurons denote over
            a grid of rules). What has no rows is left out of the report.
        figures: In the order to be named.
        rule: The rule that decided the tables.
        warnings: What makes the numbers doubtful, such as an object model at chance; one sentence each. A null check
            that rang is added from its table.
        config: The resolved configuration, JSON-like.
        versions: Package -> version.
        command: The command that runs it again.
        again: The command that writes this report again; empty where there is none.
        undrawn: Which figures are not there, and why.
        recipes: What runs each job again.
        relevance: How much observers of one network rely on its neurons, the most important attribute first.
        inputs: By source of data what jobs hold of their inputs, read while the report is written.
        sources: By network the name of its data that no other data has, where data sets share a name.
        created: The day of the last evidence, as it is shown.
        other: Title and path of the report of the sweep that a job belongs to.
    """

    title: str
    status: Sequence[Job]
    tables: Mapping[str, pl.DataFrame]
    figures: Sequence[Picture]
    rule: Rule = field(default_factory=Rule)
    warnings: Sequence[str] = ()
    config: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    again: str = ""
    undrawn: Sequence[str] = ()
    recipes: Sequence[Recipe] = ()
    relevance: Sequence[Relevance] = ()
    inputs: Held = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    other: tuple[str, Path] | None = None

    def write(self, folder: Path) -> Path:
        """Write ``folder/report.html`` and return its path; the folder is made where it is missing."""
        return self.write_to(folder / NAME)

    def write_to(self, path: Path) -> Path:
        """Write the page to a file, whole or not at all, and return its path."""
        return write_text(path, self.html(path.parent))

    def html(self, folder: Path | None = None) -> str:
        """Return the page.

        Args:
            folder: Where it is to lie; links to figures and other reports are relative to it.
        """
        status = [replace(job, reason=without_machine(job.reason)) for job in self.status]
        told = answer(self.tables, status, rule=self.rule, warnings=without_machine(self.warnings))
        curves = shown_curves(self.tables["label_proportion_by_depth"])
        depth = depth_in_words(self.tables, curves)
        data = Contents(
            self.tables,
            self.title,
            self.rule,
            self.relevance,
            self.inputs,
            self.sources,
            plain_property,
        )
        packed_data, inputs = bundle(data)
        return render(
            {
                "title": self.title,
                "answer": told,
                "badge_class": _badge_class(told),
                "made": ", ".join(self._made()),
                "depth": depth,
                "belief": BELIEF,
                "evidence": evidence(self.tables, status, self.rule),
                "figures": [(_link(figure.path, folder), figure) for figure in self.figures],
                "undrawn": without_machine(self.undrawn),
                "reading": reading(self.rule, self.tables["label_proportion_by_depth"]),
                "paper": PAPER,
                "repeat": repeat([replace(each, overrides=without_machine(each.overrides)) for each in self.recipes]),
                "reports": [(each.job, _link(each.report, folder)) for each in self.recipes if each.report],
                "other": None if self.other is None else (self.other[0], _link(self.other[1], folder)),
                "config": "" if self.config is None else _written(without_machine(self.config)),
                "versions": self.versions,
                "command": without_machine(self.command),
                "again": without_machine(self.again),
                "data": packed(packed_data),
                "sprites": inputs.images(),
            }
        )

    def _made(self) -> list[str]:
        levels = {job.evidence: None for job in self.status if job.evidence}
        said = [self.created, tally(self.status) if self.status else "", *(f"evidence={level}" for level in levels)]
        return [part for part in said if part]


def _badge_class(told: Answer) -> str:
    if not told.doubts and not told.unchecked:
        return "fine"
    return "alarm" if any(doubt.level == ALARM for doubt in told.doubts) else "caution"


def _link(path: Path, folder: Path | None) -> str:
    """Return the address of a file as it is seen from a page in a folder."""
    return quote(path.name if folder is None else Path(os.path.relpath(path, folder)).as_posix())


def _written(config: Mapping[str, Any]) -> str:
    return json.dumps(config, indent=2, default=str, ensure_ascii=False)
