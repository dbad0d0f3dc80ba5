"""``report.html``: one file that holds everything, opens without a network and can be printed."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, StrictUndefined

from denote.evidence.rule import Rule
from denote.figures.curves import curves
from denote.files import write_text
from denote.reporting import association, attribute_sheets, cards, chance, depth_course, sheets, stability
from denote.reporting import findings as doubts
from denote.reporting.findings import PAPER, findings
from denote.reporting.jobs import Job, tally
from denote.reporting.sheet import Section, Sheet

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
        undrawn: Which figures are not there, and why.
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
    undrawn: Sequence[str] = ()

    def write(self, folder: Path) -> Path:
        """Write ``folder/report.html`` and return its path; the folder is made where it is missing."""
        tables, by_depth = self.tables, self.tables["label_proportion_by_depth"]
        html = _template().render(
            title=self.title,
            paper=PAPER,
            tally=tally(self.status),
            failed=[job for job in self.status if job.failed],
            findings=[
                *doubts.doubts(tables),
                *doubts.level_sentences(tables),
                *findings(tables["cells"], tables["neurons"], by_depth),
                *attribute_sheets.first_decisive_sentences(tables["first_decisive"]),
                *depth_course.depth_sentences(tables),
            ],
            warnings=[*chance.alarms(tables["null_check"]), *self.warnings],
            figures=self.figures,
            undrawn=self.undrawn,
            belief=belief(tables, self.rule),
            apart=chance.apart_sentences(chance.families(tables, self.rule)),
            sections=sections(tables, self.status, self.rule),
            config="" if self.config is None else json.dumps(self.config, indent=2, default=str, ensure_ascii=False),
            versions=self.versions,
            command=self.command,
            rotated=by_depth["rotated_share_denoting"].is_not_null().any(),
        )
        return write_text(folder / NAME, html)


def belief(tables: Mapping[str, pl.DataFrame], rule: Rule) -> Section:
    """Answer a sceptical reader first: is anything found where nothing is, how often was looked, what was missed?"""
    cells, tests = tables["cells"], chance.families(tables, rule)
    mapped = cells.filter(pl.col("randomised_similarity").is_not_null())
    sentences = [
        *chance.untested_sentences(tests),
        *chance.chance_sentences(tables),
        *doubts.no_copies_sentences(tables["duplicates"]),
        *chance.power_sentences(tables),
        *chance.randomisation_sentences(cells),
    ]
    made = _sheets(
        (chance.null_check_sheet, tables["null_check"]),
        (doubts.copies_sheet, tables["duplicates"]),
        (chance.randomisation_sheet, mapped),
    )
    return Section(
        "Can these numbers be believed?", sentences, [chance.families_sheet(tests), *made] if tests else made
    )


def sections(tables: Mapping[str, pl.DataFrame], status: Sequence[Job], rule: Rule) -> list[Section]:
    """Return the tables and cards under their headings; a heading with nothing under it is left out."""
    cells, neurons, by_depth = (tables[name] for name in ("cells", "neurons", "label_proportion_by_depth"))
    found_again, audit, related = (tables[name] for name in ("stability", "audit", "attribute_correlation"))
    rules = sheets.where_some_denote(tables.get("sensitivity", pl.DataFrame()))
    counted = neurons.filter(pl.any_horizontal(pl.col("attributes_passed", "attributes_carried").is_not_null()))
    proxies = _sheets(
        (association.correlation_sheet, related, cells),
        (association.mixing_sheet, counted),
        (association.carrying_sheet, tables["scan"]),
    )
    every = [
        _by_depth(by_depth, tables["depth_tests"]),
        Section(
            "Attributes",
            doubts.missing_sentences(cells),
            _sheets((partial(sheets.cells_sheet, rule=rule), cells)),
            cards.report_cell_cards(cells, rule),
        ),
        Section(
            "Beside the raw input",
            attribute_sheets.audit_sentences(audit),
            _sheets((attribute_sheets.audit_sheet, audit)),
        ),
        Section("Properties", sheets=stability.denoted_sheets(tables["properties"], neurons)),
        Section("Neurons", (), _sheets((sheets.neurons_sheet, neurons)), cards.report_neuron_cards(neurons)),
        Section("Layers", sheets=_sheets((sheets.layers_sheet, tables["layers"], by_depth))),
        Section(
            "Stability",
            stability.stability_sentences(found_again),
            _sheets((stability.stability_sheet, found_again)),
        ),
        Section(
            "Where attributes become decisive",
            sheets=_sheets((attribute_sheets.first_decisive_sheet, tables["first_decisive"])),
        ),
        Section("Spread over seeds", sheets=_sheets((stability.spread_sheet, tables["seed_spread"]))),
        Section("How easily attributes are read", sheets=attribute_sheets.reading_sheets(cells, tables["curves"])),
        Section("Proxies and mixing", association.uncompared_sentences(related, cells), proxies),
        Section("Sensitivity", sheets=_sheets((sheets.sensitivity_sheet, rules))),
        Section("Jobs", sheets=[sheets.jobs_sheet(status)] if status else []),
    ]
    return [section for section in every if section]


def _by_depth(by_depth: pl.DataFrame, tests: pl.DataFrame) -> Section:
    """Return a table for every curve along which something denotes, a sentence for the others, and the tests."""
    sentences, made = [], _sheets((depth_course.depth_tests_sheet, tests))
    for curve in curves(by_depth):
        rows = curve.of(by_depth)
        if rows["n_denoting"].sum():
            made.append(sheets.depth_sheet(curve, rows))
        else:
            sentences.append(f"{curve.title}: no neuron denotes, so there is no label proportion by depth.")
    return Section("Label proportion by depth", sentences, made)


def _sheets(*asked: tuple[Any, ...]) -> list[Sheet]:
    """Make the tables that have rows, each from what makes it, its frame and further arguments."""
    return [make(frame, *others) for make, frame, *others in asked if not frame.is_empty()]


def _template() -> Any:
    # Names of attributes and classes come from users' files: everything is escaped.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("denote.reporting").joinpath(NAME).read_text(encoding="utf-8"))
