"""The evidence behind an answer: sentences, tables and cards under plain headings, and what repeats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import polars as pl

from denote.evidence.rule import Rule
from denote.figures.curves import curves
from denote.numbers import setting
from denote.reporting import association, attribute_sheets, cards, chance, depth_course, sheets, stability
from denote.reporting import findings as doubts
from denote.reporting.findings import findings
from denote.reporting.jobs import Job
from denote.reporting.sheet import Section, Sheet

MOST_JOBS = 1000
"""Jobs of which is listed how each is run again."""


@dataclass(frozen=True)
class Recipe:
    """What runs one job again.

    Attributes:
        job: Its folder's name.
        overrides: What was typed, and what the sweep added.
        seeds: By key: ``seed probe_seed split``.
        evidence: Level of its evidence.
        report: Its own page, relative to this one; None where it has none.
    """

    job: str
    overrides: Sequence[str]
    seeds: Mapping[str, int]
    evidence: str = ""
    report: str | None = None

    @property
    def link(self) -> str | None:
        """The address of its page."""
        return None if self.report is None else quote(self.report)


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
    return Section(
        "Can these numbers be believed?", sentences, [chance.families_sheet(tests), *made] if tests else made
    )


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
            _sheets((sheets.neurons_sheet, neurons)),
            cards.report_neuron_cards(neurons),
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
    decisive, null, q = setting(rule.decisive), setting(rule.null), setting(rule.q)
    rotated = by_depth["rotated_share_denoting"].is_not_null().any()
    return [
        "A neuron denotes a property when being on (above its threshold) agrees with it on held-out rows, which had no "
        f"part in choosing the property or the threshold: balanced accuracy at least {decisive}, shown to be above "
        f"{null} at a false discovery rate of {q} over every neuron looked at, at least {rule.min_rows} rows with and "
        "without the property in either part, and on about as often as the property holds (within "
        f"{setting(rule.on_tolerance)} of the rarer side). Otherwise it abstains.",
        f"An attribute is decisive at a layer when an observer reads it on held-out rows with balanced accuracy at least "
        f"{decisive}, a lower bound of {null} or more, at a false discovery rate of {q}, and at least {rule.min_rows} rows "
        "of either label. Compare every score with the same observer on the raw input and on the untrained network before "
        "crediting training.",
        "The label proportion is the share of test rows that have the property. Its raw course over depth mostly follows "
        "how often neurons are on at all, which changes with depth by itself. Read the folded value, min(p, 1 - p), and "
        "what neurons have beyond random directions of the same layers.",
        "The rotated control repeats the search on random directions of each layer. Only what neurons do beyond it "
        "supports the claim that single neurons are special."
        if rotated
        else "The rotated control, the same search on random directions, was not computed. Random directions may well "
        "denote as often: nothing here supports the claim that single neurons are special.",
        "The unit of repetition is the network, not the neuron. The last layer (the logits) is drawn, never tested.",
    ]  # fmt: skip


def repeat(recipes: Sequence[Recipe]) -> Section:
    """Return what runs every job again: what was typed for all of them, and what is each one's own.

    Args:
        recipes: One per job.
    """
    if not recipes:
        return Section("Jobs")
    common = [one for one in recipes[0].overrides if all(one in recipe.overrides for recipe in recipes)]
    shown = [
        (
            recipe.job,
            " ".join(one for one in recipe.overrides if one not in common) or "-",
            ", ".join(f"{key} {seed}" for key, seed in recipe.seeds.items()),
            recipe.evidence,
        )
        for recipe in recipes[:MOST_JOBS]
    ]
    left = len(recipes) - len(shown)
    caption = f"Overrides that all jobs share: {' '.join(common) or 'none'}."
    header = ("job", "its own overrides", "seeds", "evidence")
    more = f"{left:,} more in the run.json of each job" if left > 0 else ""
    return Section("Jobs", (), [Sheet("Jobs and their overrides", caption, header, shown, more)])
