"""Put an answer together from the tables of a sweep, a job or an observation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from denote.evidence.rule import Rule, decisive_rule, denoting_rule
from denote.numbers import count
from denote.reporting.answer.captured import captured_number, captured_told
from denote.reporting.answer.checks import checks_of
from denote.reporting.answer.contents import (
    BELIEVE,
    CAPTURED,
    DEPTH,
    INTERVENED,
    NEURONS,
    NEXT,
    OBSERVED,
    Answer,
    Doubt,
    Number,
)
from denote.reporting.answer.denoting import denoting_number, denoting_told
from denote.reporting.answer.depth_change import depth_number, depth_told
from denote.reporting.answer.doubts import doubts_of
from denote.reporting.answer.fit import MOST_LINES, WIDTH, Draft, fitted
from denote.reporting.answer.intervened import intervened_told
from denote.reporting.answer.networks import Networks, networks_of
from denote.reporting.answer.next_step import next_versions
from denote.reporting.answer.observed import accuracy_number, observed_told
from denote.reporting.answer.told import Told, Versions, together
from denote.reporting.answer.words import clean
from denote.reporting.jobs import Job

NOTHING = "Nothing was observed: the tables are empty."


def answer(
    tables: Mapping[str, pl.DataFrame],
    jobs: Sequence[Job] = (),
    *,
    rule: Rule | None = None,
    warnings: Sequence[str] = (),
    folder: Path | None = None,
    command: str = "",
    most_lines: int = MOST_LINES,
    width: int = WIDTH,
) -> Answer:
    """Say what was found, beside its controls, what speaks against it, and what to do next.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: What became of the jobs.
        rule: The rule that decided the tables; the default one where None.
        warnings: What makes the numbers doubtful, one sentence each, beside what the tables say.
        folder: That of the results, whose report is named; None where nothing was saved.
        command: What the user typed, which the next command is made of; empty where it is not known.
        most_lines: Lines of a terminal that all blocks together may take.
        width: Columns of these lines.

    Returns:
        Blocks that fit into so many lines of 100 columns, and the sentences and numbers of a first screen.
    """
    found, rule = networks_of(tables), rule or Rule()
    doubts = doubts_of(tables, found, jobs, warnings, rule)
    tell: Mapping[str, Callable[[Networks], Told | None]] = {
        OBSERVED: observed_told,
        CAPTURED: partial(captured_told, rule=rule),
        NEURONS: partial(denoting_told, rule=rule),
        INTERVENED: partial(intervened_told, rule=rule),
        DEPTH: depth_told,
    }
    told = {question: _told(found, of) for question, of in tell.items()}
    legends = {CAPTURED: f"Decisive: {decisive_rule(rule)}.", NEURONS: f"Denotes: {denoting_rule(rule)}."}
    drafts = [Draft(question, together(told[question], legends.get(question, ""))) for question in told]
    if not found:
        drafts = [Draft(OBSERVED, [[NOTHING]])]
    ends = [Draft(BELIEVE, believe(doubts)), Draft(NEXT, next_versions(found, jobs, folder, command))]
    blocks = fitted([*drafts, *ends], most_lines, width)
    checks = checks_of(tables, found, jobs)
    return Answer(_question(found), blocks, _sentences(told), _numbers(found), tuple(doubts), *checks)


def _told(found: Sequence[Networks], tell: Callable[[Networks], Told | None]) -> list[tuple[str, Told]]:
    """What is told of every group of networks, with its name; without those of which nothing is."""
    named = zip(_names(found), map(tell, found), strict=True)
    return [(name, told) for name, told in named if told is not None]


def _names(found: Sequence[Networks]) -> list[str]:
    """Names that tell groups of networks apart, without what they share."""
    datasets, architectures = ({getattr(each, key) for each in found} for key in ("dataset", "architecture"))
    if len(datasets) == 1:
        return [clean(each.architecture) for each in found]
    if len(architectures) == 1:
        return [clean(each.dataset) for each in found]
    return [each.place for each in found]


def believe(doubts: Sequence[Doubt], where: str = "verbose=true") -> Versions:
    """Versions of what speaks against the results: a line each, one paragraph, then ever fewer of them.

    Args:
        doubts: What speaks against them.
        where: What shows those that are left out.
    """
    texts = [doubt.text for doubt in doubts]
    if len(texts) < 2:
        return [texts] if texts else []
    fewer = [[f"{' '.join(texts[:most])} And {_more(doubts[most:])}: {where}."] for most in (2, 1)]
    return [texts, [" ".join(texts)], *fewer[len(texts) == 2 :]]


def _more(doubts: Sequence[Doubt]) -> str:
    """``3 more (evidence=quick)``: what must not be hidden is named where the rest is counted."""
    named = list(dict.fromkeys(doubt.brief for doubt in doubts if doubt.brief))
    return f"{len(doubts)} more" + (f" ({', '.join(named)})" if named else "")


def _question(found: Sequence[Networks]) -> str:
    if not found:
        return "What was observed?"
    who = found[0].name if len(found) == 1 else f"{len(found)} kinds of networks"
    datasets = list(dict.fromkeys(clean(each.dataset) for each in found))
    on = datasets[0] if len(datasets) == 1 else count(len(datasets), "dataset")
    if all(each.searched.is_empty() for each in found):
        return f"What do the layers of {who} capture on {on}?"
    return f"What do the neurons of {who} denote on {on}?"


def _sentences(told: Mapping[str, Sequence[tuple[str, Told]]]) -> tuple[str, ...]:
    """One sentence per question; of several groups of networks the list of their values."""
    said = [named[0][1].sentence if len(named) == 1 else together(named)[-1][0] for named in told.values() if named]
    return tuple(said) or (NOTHING,)


NUMBERS = (captured_number, denoting_number, accuracy_number, depth_number)
"""What makes the numbers of the first screen, in their order."""


def _numbers(found: Sequence[Networks]) -> tuple[Number, ...]:
    """The numbers of one group of networks, of several the smallest and largest, without controls."""
    every = [[number for networks in found if (number := make(networks)) is not None] for make in NUMBERS]
    return tuple(numbers[0] if len(found) == 1 else _over(numbers) for numbers in every if numbers)


def _over(numbers: Sequence[Number]) -> Number:
    """Say over how many groups a number goes, and from which to which where groups differ."""
    values = list(dict.fromkeys(number.value for number in numbers))
    told = values[0] if len(values) == 1 else f"{values[0]}, {values[1]}" + (", ..." if len(values) > 2 else "")
    return Number(numbers[0].label, told, f"{count(len(numbers), 'kind')} of networks")
