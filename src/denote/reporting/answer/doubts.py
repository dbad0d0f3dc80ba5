"""What speaks against the results, alarms first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from denote.config.levels import LEVELS, QUICK, STANDARD
from denote.data.trained_on import UNKNOWN
from denote.denotation.network_groups import Tables
from denote.evidence.rule import Rule
from denote.numbers import count
from denote.reporting import chance
from denote.reporting.answer.contents import ALARM, CAUTION, Doubt
from denote.reporting.answer.denoting import Denoting
from denote.reporting.answer.few_random import too_few_random
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.table_warnings import table_warnings
from denote.reporting.answer.used import own_outputs
from denote.reporting.answer.words import clean, listed
from denote.reporting.findings import SAME, level_sentences
from denote.reporting.jobs import REFUSED, Job

MANY_COPIES = 0.1
"""Share of test rows that copy another row from which results must not be believed: METHOD section 5 has 20 copies of
each of 50 rows, with 127 of 200 null pairs found."""


CHECKS = {
    "cells": ["control_auroc", "untrained_auroc", "input_auroc", "rotated_auroc"],
    "neurons": ["control_balanced_accuracy", "untrained_balanced_accuracy", "input_balanced_accuracy", "rotated_share"],
}
"""Columns that are null where no control was made."""

MOST_REASONS = 2
"""Reasons of failed jobs that are told."""
MOST_OF_REASON = 120
"""Letters of each."""


def doubts_of(
    tables: Tables,
    found: Sequence[Networks],
    jobs: Sequence[Job] = (),
    warnings: Sequence[str] = (),
    rule: Rule | None = None,
) -> list[Doubt]:
    """Collect what speaks against the results.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        found: The networks that are told about.
        jobs: How the jobs ended.
        warnings: Further sentences.
        rule: The rule that decided the tables; the default one where None.
    """
    cautions = [
        *_failed(jobs),
        *_trained_on(tables),
        *table_warnings(tables),
        *warnings,
    ]
    every = [
        *(Doubt(ALARM, text) for text in chance.alarms(tables["null_check"])),
        *_copies(tables["duplicates"]),
        *(Doubt(CAUTION, text) for text in cautions),
        *_levels(tables),
        *(Doubt(CAUTION, text) for text in _without_directions(tables, found)),
        *(Doubt(CAUTION, text) for text in own_outputs([tables["cells"], tables["neurons"]])),
        *too_few_random(tables["interventions"], rule or Rule()),
    ]
    return sorted(dict.fromkeys(every), key=lambda doubt: doubt.level != ALARM)


def _failed(jobs: Sequence[Job]) -> Iterator[str]:
    """Say how many jobs are missing and why, equal reasons once; of jobs made again earlier results stay."""
    first, again = [job for job in jobs if not job.again], [job for job in jobs if job.again]
    missing = [job for job in first if not job.counts]
    if missing:
        yield (
            f"{len(missing)} of {count(len(first), 'job')} {'is' if len(missing) == 1 else 'are'} missing: "
            f"{_reasons(missing)}. {_remedy(missing)}"
        )
    if again:
        yield f"{count(len(again), 'job')} could not be made again, and earlier results stay: {_reasons(again)}."


def _remedy(missing: Sequence[Job]) -> str:
    """Say what to do about jobs without results: those that were refused are refused again."""
    if all(job.status == REFUSED for job in missing):
        return "Other settings, or another sweep_name and denote-compare, make them; the same command does not."
    apart = " those but the refused" if any(job.status == REFUSED for job in missing) else " what is missing"
    return f"The same command runs{apart}; status.json names the logs."


def _reasons(jobs: Sequence[Job]) -> str:
    """``failed (RuntimeError: out of rows); timed out``, each kind once."""
    kinds = dict.fromkeys((job.status, job.reason) for job in jobs)
    told = [f"{status} ({clean(reason, MOST_OF_REASON)})" if reason else status for status, reason in kinds]
    more = f"; and {len(told) - MOST_REASONS} more reasons" if len(told) > MOST_REASONS else ""
    return "; ".join(told[:MOST_REASONS]) + more


def _copies(duplicates: pl.DataFrame) -> Iterator[Doubt]:
    """Say, per dataset, how many test rows copy others; one sentence for the worst pair of parts."""
    rows = duplicates.filter(pl.col("n_rows") > 0).with_columns(of_test=pl.col("part") == "test")
    for (dataset,), own in rows.group_by("dataset", maintain_order=True):
        worst = own.sort("of_test", "share", descending=True, nulls_last=True).row(0, named=True)
        of = "another one" if worst["part"] == worst["other"] else f"a row of {worst['other']}"
        kind = SAME[worst["kind"]][worst["n_rows"] != 1]
        more = f" and {count(len(own) - 1, 'more kind')} of copies" if len(own) > 1 else ""
        copies = f"{worst['n_rows']:,} of {worst['n_part']:,} {worst['part']} rows of {clean(str(dataset))} {kind} {of}"
        text = f"{copies}{more}: p-values are too small. Keep copies together by split.group=COLUMN (Python: groups=)."
        yield Doubt(ALARM if worst["of_test"] and (worst["share"] or 0) >= MANY_COPIES else CAUTION, text)


def _trained_on(tables: Tables) -> Iterator[str]:
    """Name networks that may have been trained on the rows they are judged on."""
    columns = ["architecture", "trained_on"]
    rows = pl.concat([tables[name].select(columns) for name in ("cells", "neurons")])
    names = rows.filter(pl.col("trained_on") == UNKNOWN)["architecture"].unique(maintain_order=True)
    if len(names):
        which = listed([clean(name) for name in names], 3)
        yield (
            f"Whether {which} was trained on these rows is unknown, and on its own training rows noise denotes: say it "
            "by architecture.trained_on=FILE or none (Python: trained_on=)."
        )


def _levels(tables: Tables) -> Iterator[Doubt]:
    """Say where controls were left out by the level of evidence, or made for some networks only."""
    columns = ["object_model", "evidence_level"]
    rows = pl.concat([tables[name].select(columns) for name in ("cells", "neurons", "layers")]).unique()
    of_level = rows.with_columns(pl.col("evidence_level").fill_null(STANDARD.name)).group_by("evidence_level")
    counts = dict(of_level.agg(pl.n_unique("object_model")).rows())
    used = [level for level in LEVELS if level in counts]
    if used == [QUICK.name] and level_sentences(tables):
        but = " but those asked for" if _has_checks(tables) else ""
        text = f"evidence=quick made no controls, permutations or second searches{but}: evidence=standard adds them."
        yield Doubt(CAUTION, text, "evidence=quick")
    if len(used) > 1:
        told = ", ".join(f"{count(counts[level], 'network')} at {level}" for level in used)
        text = f"Levels of evidence are mixed ({told}): evidence={used[-1]} for all of them adds what some lack."
        yield Doubt(CAUTION, text, "mixed levels of evidence")


def _has_checks(tables: Tables) -> bool:
    """Return whether a control or permutations were made, which ``evidence=quick`` by itself leaves out."""
    made = (tables[name].select(pl.col(columns).is_not_null().any()).row(0) for name, columns in CHECKS.items())
    return any(any(row) for row in made) or (tables["null_check"]["n_replicates"].sum() or 0) > 0


def _without_directions(tables: Tables, found: Sequence[Networks]) -> Iterator[str]:
    """Say where neurons denote and random directions were not compared, unless the level of evidence says so."""
    bare = [each for each in found if each.live and Denoting(each).number and Denoting(each).shares["rotated"] is None]
    if bare and not [*_levels(tables)]:
        yield (
            "Neurons were not compared with random directions (control=rotated), so nothing shows that single neurons "
            "are special."
        )
