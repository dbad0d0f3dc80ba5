"""Put an answer together from the tables of a sweep, a job or an observation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import polars as pl

from denote.evidence.rule import Rule
from denote.numbers import count
from denote.reporting.answer.captured import captured_number, captured_versions
from denote.reporting.answer.contents import BELIEVE, CAPTURED, DEPTH, NEURONS, NEXT, OBSERVED, Answer, Number
from denote.reporting.answer.denoting import denoting_number, denoting_versions
from denote.reporting.answer.depth_change import depth_number, depth_versions
from denote.reporting.answer.doubts import doubts_of
from denote.reporting.answer.fit import Draft, fitted
from denote.reporting.answer.networks import Networks, networks_of
from denote.reporting.answer.words import clean
from denote.reporting.jobs import Job

Versions: TypeAlias = list[list[str]]
"""Lines of a block, from the fullest version to the shortest."""


def answer(
    tables: Mapping[str, pl.DataFrame],
    jobs: Sequence[Job] = (),
    *,
    rule: Rule | None = None,
    warnings: Sequence[str] = (),
    folder: Path | None = None,
) -> Answer:
    """Say what was found, beside its controls, what speaks against it, and what to do next.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: What became of the jobs.
        rule: The rule that decided the tables; the default one where None.
        warnings: What makes the numbers doubtful, one sentence each, beside what the tables say.
        folder: That of the results, whose report is named; None where nothing was saved.

    Returns:
        Blocks that fit into 14 lines of 100 columns, and the sentences and numbers of a first screen.
    """
    rule = rule or Rule()
    found = networks_of(tables)
    doubts = doubts_of(tables, jobs, warnings)
    drafts = [
        Draft(OBSERVED, _each(found, observed_versions)),
        Draft(CAPTURED, _each(found, lambda networks: captured_versions(networks, rule))),
        Draft(NEURONS, _each(found, lambda networks: denoting_versions(networks, rule))),
        Draft(DEPTH, _each(found, depth_versions)),
        Draft(BELIEVE, [[doubt.text for doubt in doubts]] if doubts else []),
        Draft(NEXT, [[str(folder / "report.html")]] if folder is not None else []),
    ]
    if not found:
        drafts = [Draft(OBSERVED, [["Nothing was observed: the tables are empty."]]), *drafts[-2:]]
    blocks = fitted(drafts)
    sentences = tuple(block.lines[0] for block in blocks if block.question not in (BELIEVE, NEXT))
    return Answer(_question(found), blocks, sentences[:4], _numbers(found), tuple(doubts))


def _each(found: Sequence[Networks], versions_of: Callable[[Networks], Versions]) -> Versions:
    every = [versions_of(networks) for networks in found[:1]]
    return every[0] if every else []


def observed_versions(networks: Networks) -> list[list[str]]:
    """Return the block's lines: what was observed, on what, and how well the networks do."""
    layers = networks.observed["layer"].n_unique()
    said = f"{networks.counted()} ({clean(networks.architecture)}) on {clean(networks.dataset)}, "
    said += f"{count(layers, 'layer')}, {count(networks.live, 'live neuron')}"
    if networks.accuracy is None:
        return [[f"{said}; accuracy not measured."]]
    return [[f"{said}; accuracy {networks.accuracy} on new inputs."]]


def _question(found: Sequence[Networks]) -> str:
    if not found:
        return "What was observed?"
    return f"What do the neurons of {found[0].name} denote on {clean(found[0].dataset)}?"


def _numbers(found: Sequence[Networks]) -> tuple[Number, ...]:
    if not found:
        return ()
    made = (captured_number(found[0]), denoting_number(found[0]), _accuracy(found[0]), depth_number(found[0]))
    return tuple(number for number in made if number is not None)


def _accuracy(networks: Networks) -> Number | None:
    if networks.accuracy is None:
        return None
    return Number("accuracy on new inputs", networks.accuracy, "")
