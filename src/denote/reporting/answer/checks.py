"""Which checks of the results were made, and which were not: a check that was not made finds nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from denote.denotation.network_groups import Tables
from denote.numbers import count
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.words import clean
from denote.reporting.jobs import Job

Check = tuple[bool, str]
"""Whether a check was made, and its name, with the reason where it was not."""
MOST_REASON = 120
"""Letters of a reason."""


def checks_of(
    tables: Tables, found: Sequence[Networks], jobs: Sequence[Job] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the checks that were made, and those that were not.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        found: The networks that are told about.
        jobs: How the jobs ended.
    """
    checks = [*_null_checks(tables["null_check"]), *_copies(tables["duplicates"]), *_accuracies(found)]
    checks += [(True, f"how {count(len(jobs), 'job')} ended")] if jobs else []
    made, missing = ([name for was_made, name in checks if was_made is wanted] for wanted in (True, False))
    return tuple(dict.fromkeys(made)), tuple(dict.fromkeys(missing))


def _null_checks(null_check: pl.DataFrame) -> Iterator[Check]:
    """Whether labels were shuffled to see if anything is found; a scan without replicates was not checked."""
    if null_check.is_empty():
        yield False, "null check"
    for (scan,), rows in null_check.group_by(["scan"], maintain_order=True):
        replicates = int(rows["n_replicates"].sum() or 0)
        name = f"null check of the {clean(str(scan))}"
        if replicates:
            yield True, f"{name} ({count(replicates, 'replicate')} with shuffled labels)"
        if not replicates or not all(rows["n_replicates"].fill_null(0)):
            unmade = rows.filter(pl.col("n_replicates").fill_null(0) == 0)
            yield False, name + " in some networks" * bool(replicates) + _why(unmade)


def _copies(duplicates: pl.DataFrame) -> Iterator[Check]:
    """Whether rows that copy each other were looked for, by the kind of copies."""
    if duplicates.is_empty():
        yield False, "copied rows"
    for (dataset, of, kind), rows in duplicates.group_by("dataset", "of", "kind", maintain_order=True):
        name = f"copied rows of {clean(str(dataset))} ({clean(str(of))}, {clean(str(kind))})"
        unseen = rows.filter(pl.col("n_examined").fill_null(0) == 0)
        yield (False, name + _why(unseen)) if len(unseen) else (True, name)


def _accuracies(found: Sequence[Networks]) -> Iterator[Check]:
    """Whether networks are better than chance on unseen inputs, which takes their accuracy."""
    for networks in found:
        known = networks.observed["object_accuracy"]
        yield known.null_count() == 0, f"accuracy of {networks.place} against chance"


def _why(rows: pl.DataFrame) -> str:
    """``: not looked for``, the first reason of rows."""
    reasons = rows["note"].drop_nulls()
    return f": {clean(str(reasons[0]), MOST_REASON)}" if len(reasons) else ""
