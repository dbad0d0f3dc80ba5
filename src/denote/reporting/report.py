"""``report.html``: one file that holds everything, opens without a network and can be printed."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, StrictUndefined

from denote.evidence.rule import Rule
from denote.figures.curves import curves
from denote.files import write_text
from denote.reporting.association import carrying_sheet, correlation_sheet, mixing_sheet, uncompared_sentences
from denote.reporting.cards import report_cell_cards, report_neuron_cards
from denote.reporting.chance import (
    alarms,
    apart_sentences,
    chance_sentences,
    families,
    families_sheet,
    null_check_sheet,
    power_sentences,
    randomisation_sentences,
    randomisation_sheet,
    untested_sentences,
)
from denote.reporting.depth_course import depth_sentences, depth_tests_sheet
from denote.reporting.doubts import copies_sheet, doubts, missing_sentences, no_copies_sentences
from denote.reporting.findings import PAPER, findings
from denote.reporting.page import Section, Sheet
from denote.reporting.reading import (
    audit_sentences,
    audit_sheet,
    first_decisive_sentences,
    first_decisive_sheet,
    reading_sheets,
)
from denote.reporting.sheets import (
    Job,
    cells_sheet,
    depth_sheet,
    jobs_sheet,
    layers_sheet,
    neurons_sheet,
    sensitivity_sheet,
    tally,
    where_some_denote,
)
from denote.reporting.stability import denoted_sheets, spread_sheet, stability_sentences, stability_sheet

NAME = "report.html"


@dataclass(frozen=True)
class Picture:
    """A saved figure.

    Attributes:
        path: A PNG or SVG file; its bytes go into the report.
        caption: What it shows and how to read it.
        alt: What someone who cannot see it must know; the caption where empty.
    """

    path: Path
    caption: str
    alt: str = ""

    @property
    def uri(self) -> str:
        """The file as a ``data:`` address."""
        kind = mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(self.path.read_bytes()).decode()}"


@dataclass(frozen=True)
class Report:
    """Contents of ``report.html``.

    Attributes:
        title: The sweep's name.
        status: What became of its jobs.
        tables: Those of ``tables.SWEEP_TABLES`` and, where there is one, ``sensitivity`` (how many neurons denote over
            a grid of rules). What has no rows is left out of the report.
        figures: In the order to be shown.
        rule: The rule that decided the tables.
        warnings: What makes the numbers doubtful, such as an object model at chance; one sentence each. A null check
            that rang is added from its table.
        config: The resolved configuration, JSON-like.
        versions: Package -> version.
        command: The command that runs it again.
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

    def write(self, folder: Path) -> Path:
        """Write ``folder/report.html`` and return its path; the folder is made where it is missing."""
        tables, by_depth = self.tables, self.tables["label_proportion_by_depth"]
        config = "" if self.config is None else json.dumps(self.config, indent=2, default=str, ensure_ascii=False)
        html = _template().render(
            title=self.title,
            paper=PAPER,
            tally=tally(self.status),
            failed=[job for job in self.status if job.failed],
            findings=[
                *doubts(tables),
                *findings(tables["cells"], tables["neurons"], by_depth),
                *first_decisive_sentences(tables["first_decisive"]),
                *depth_sentences(tables),
            ],
            warnings=[*alarms(tables["null_check"]), *self.warnings],
            figures=self.figures,
            belief=belief(tables, self.rule),
            apart=apart_sentences(families(tables, self.rule)),
            sections=sections(tables, self.status, self.rule),
            config=config,
            versions=self.versions,
            command=self.command,
            rotated=by_depth["rotated_share_denoting"].is_not_null().any(),
        )
        return write_text(folder / NAME, html)


def belief(tables: Mapping[str, pl.DataFrame], rule: Rule) -> Section:
    """Answer a sceptical reader first: is anything found where nothing is, how often was looked, what was missed?"""
    cells, tests = tables["cells"], families(tables, rule)
    mapped = cells.filter(pl.col("randomised_similarity").is_not_null())
    return Section(
        "Can these numbers be believed?",
        [
            *untested_sentences(tests),
            *chance_sentences(tables),
            *no_copies_sentences(tables["duplicates"]),
            *power_sentences(tables),
            *randomisation_sentences(cells),
        ],
        [
            *([families_sheet(tests)] if tests else []),
            *_unless_empty(null_check_sheet, tables["null_check"]),
            *_unless_empty(copies_sheet, tables["duplicates"]),
            *_unless_empty(randomisation_sheet, mapped),
        ],
    )


def sections(tables: Mapping[str, pl.DataFrame], status: Sequence[Job], rule: Rule) -> list[Section]:
    """The tables and cards under their headings; a heading with nothing under it is left out."""
    cells, neurons, by_depth = (tables[name] for name in ("cells", "neurons", "label_proportion_by_depth"))
    stability, first, layers = (tables[name] for name in ("stability", "first_decisive", "layers"))
    sensitivity = tables.get("sensitivity", pl.DataFrame())
    counted = neurons.filter(pl.any_horizontal(pl.col("attributes_passed", "attributes_carried").is_not_null()))
    best = [] if cells.is_empty() else [cells_sheet(cells, rule)]
    mixing = [
        *_unless_empty(correlation_sheet, tables["attribute_correlation"], cells),
        *_unless_empty(mixing_sheet, counted),
        *_unless_empty(carrying_sheet, tables["scan"]),
    ]
    every = [
        _by_depth(by_depth, tables["depth_tests"]),
        Section("Attributes", missing_sentences(cells), best, cards=report_cell_cards(cells, rule)),
        Section("Beside the raw input", audit_sentences(tables["audit"]), _unless_empty(audit_sheet, tables["audit"])),
        Section("Properties", sheets=denoted_sheets(tables["properties"], neurons)),
        Section("Neurons", sheets=_unless_empty(neurons_sheet, neurons), cards=report_neuron_cards(neurons)),
        Section("Layers", sheets=_unless_empty(layers_sheet, layers, by_depth)),
        Section("Stability", stability_sentences(stability), _unless_empty(stability_sheet, stability)),
        Section("Where attributes become decisive", sheets=_unless_empty(first_decisive_sheet, first)),
        Section("Spread over seeds", sheets=_unless_empty(spread_sheet, tables["seed_spread"])),
        Section("How easily attributes are read", sheets=reading_sheets(cells, tables["curves"])),
        Section("Proxies and mixing", uncompared_sentences(tables["attribute_correlation"], cells), mixing),
        Section("Sensitivity", sheets=_unless_empty(sensitivity_sheet, where_some_denote(sensitivity))),
        Section("Jobs", sheets=[jobs_sheet(status)] if status else []),
    ]
    return [section for section in every if section]


def _by_depth(by_depth: pl.DataFrame, tests: pl.DataFrame) -> Section:
    """A table for every curve along which something denotes, a sentence for the others, and the tests."""
    sentences, sheets = [], []
    for curve in curves(by_depth):
        rows = curve.of(by_depth)
        if rows["n_denoting"].sum():
            sheets.append(depth_sheet(curve, rows))
        else:
            sentences.append(f"{curve.title}: no neuron denotes, so there is no label proportion by depth.")
    return Section("Label proportion by depth", sentences, [*_unless_empty(depth_tests_sheet, tests), *sheets])


def _unless_empty(make: Callable[..., Sheet], frame: pl.DataFrame, *others: pl.DataFrame) -> list[Sheet]:
    return [] if frame.is_empty() else [make(frame, *others)]


def _template() -> Any:
    # Names of attributes and classes come from users' files: everything is escaped.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("denote.reporting").joinpath(NAME).read_text(encoding="utf-8"))
