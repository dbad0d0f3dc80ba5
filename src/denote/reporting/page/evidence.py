"""The evidence behind an answer: sentences, tables and cards under plain headings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

import polars as pl

from denote.evidence.rule import Rule
from denote.figures.curves import curves
from denote.numbers import setting
from denote.reporting import (
    ablations,
    association,
    attribute_sheets,
    cards,
    chance,
    depth_course,
    erasures,
    sheets,
    stability,
)
from denote.reporting import findings as doubts
from denote.reporting.answer.untouched import untouched_sentences
from denote.reporting.findings import findings
from denote.reporting.jobs import Job
from denote.reporting.sheet import Section, Sheet

BELIEF = "Can these numbers be believed?"
"""Heading of the part that the first screen links to."""


def evidence(tables: Mapping[str, pl.DataFrame], jobs: Sequence[Job], rule: Rule) -> list[Section]:
    """Return every part of the evidence, the doubts first; one with nothing in it is left out.

    Args:
        tables: Those of ``tables.SWEEP_TABLES`` and, where there is one, ``sensitivity``.
        jobs: How they ended.
        rule: The rule that decided the tables.
    """
    return [belief(tables, rule), _every_finding(tables), *sections(tables, jobs, rule)]


def _every_finding(tables: Mapping[str, pl.DataFrame]) -> Section:
    sentences = [
        *doubts.doubts(tables),
        *doubts.level_sentences(tables),
        *findings(tables["cells"], tables["neurons"], tables["label_proportion_by_depth"]),
        *attribute_sheets.first_decisive_sentences(tables["first_decisive"]),
        *depth_course.depth_sentences(tables),
    ]
    return Section("Every finding, sentence by sentence", sentences)


def belief(tables: Mapping[str, pl.DataFrame], rule: Rule) -> Section:
    """Answer a sceptical reader first: is anything found where nothing is, how often was looked, what was missed?"""
    cells, tests = tables["cells"], chance.families(tables, rule)
    mapped = cells.filter(pl.col("randomised_similarity").is_not_null())
    sentences = [
        *chance.alarms(tables["null_check"]),
        *chance.untested_sentences(tests),
        *chance.chance_sentences(tables),
        *doubts.no_copies_sentences(tables["duplicates"]),
        *chance.power_sentences(tables),
        *chance.randomisation_sentences(cells),
        *chance.apart_sentences(tests),
    ]
    made = _sheets(
        (chance.null_check_sheet, tables["null_check"]),
        (doubts.copies_sheet, tables["duplicates"]),
        (chance.randomisation_sheet, mapped),
    )
    return Section(BELIEF, sentences, [chance.families_sheet(tests), *made] if tests else made)


def sections(tables: Mapping[str, pl.DataFrame], jobs: Sequence[Job], rule: Rule) -> list[Section]:
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
        Section(
            "Attributes: which are read, where, and how well",
            doubts.missing_sentences(cells),
            _sheets((partial(sheets.cells_sheet, rule=rule), cells)),
            cards.report_cell_cards(cells, rule),
        ),
        Section(
            "Beside the raw input: what layers add",
            attribute_sheets.audit_sentences(audit),
            _sheets((attribute_sheets.audit_sheet, audit)),
        ),
        Section(
            "From which layer on attributes are decisive",
            sheets=_sheets((attribute_sheets.first_decisive_sheet, tables["first_decisive"])),
        ),
        Section("How easily attributes are read", sheets=attribute_sheets.reading_sheets(cells, tables["curves"])),
        Section(
            "Neurons that denote, the surest first",
            (),
            _sheets((sheets.neurons_sheet, neurons, rule)),
            cards.report_neuron_cards(neurons),
        ),
        Section(
            "Used, or only readable?",
            [*ablations.use_sentences(tables), *untouched_sentences(tables)],
            [*ablations.used_sheet(tables, rule), *erasures.intervention_sheets(tables)],
        ),
        Section("Properties that neurons denote", sheets=stability.denoted_sheets(tables["properties"], neurons)),
        _by_depth(by_depth, tables["depth_tests"]),
        Section(
            "Stability: found again on other rows, with other thresholds, in other networks?",
            stability.stability_sentences(found_again),
            _sheets((stability.stability_sheet, found_again)),
        ),
        Section("How much seeds differ", sheets=_sheets((stability.spread_sheet, tables["seed_spread"]))),
        Section("Attributes that stand in for each other, and how many a neuron mixes",
                association.uncompared_sentences(related, cells), proxies),
        Section("The layers", sheets=_sheets((sheets.layers_sheet, tables["layers"], by_depth))),
        Section("Other rules: how many neurons would denote", sheets=_sheets((sheets.sensitivity_sheet, rules))),
        Section("Jobs: what became of each", sheets=[sheets.jobs_sheet(jobs)] if jobs else []),
    ]  # fmt: skip
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
    return Section("Label proportion by depth: numbers and tests", sentences, made)


def _sheets(*asked: tuple[Any, ...]) -> list[Sheet]:
    """Make the tables that have rows, each from what makes it, its frame and further arguments."""
    return [make(frame, *others) for make, frame, *others in asked if not frame.is_empty()]


def reading(rule: Rule, by_depth: pl.DataFrame) -> list[str]:
    """Say how the words and numbers of a page are meant.

    Args:
        rule: The rule in force, whose thresholds are named.
        by_depth: Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``.
    """
    texts = tomllib.loads(files("denote.reporting.page").joinpath("reading.toml").read_text(encoding="utf-8"))
    rotated = by_depth["rotated_share_denoting"].is_not_null().any()
    words = {
        "decisive": setting(rule.decisive),
        "null": setting(rule.null),
        "q": setting(rule.q),
        "min_rows": rule.min_rows,
        "on_tolerance": setting(rule.on_tolerance),
        "control": texts["rotated" if rotated else "not_rotated"],
    }
    return [sentence.format(**words).strip() for sentence in texts["sentences"]]
