"""What speaks against the results, alarms first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from denote.reporting import chance
from denote.reporting.answer.contents import ALARM, CAUTION, Doubt
from denote.reporting.answer.networks import Tables
from denote.reporting.findings import copies_sentences, level_sentences, trained_on_sentences
from denote.reporting.jobs import Job, tally


def doubts_of(tables: Tables, jobs: Sequence[Job] = (), warnings: Sequence[str] = ()) -> list[Doubt]:
    """Collect what speaks against the results.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: How the jobs ended.
        warnings: Further sentences.
    """
    failed = [job for job in jobs if job.failed]
    cautions = [
        *([f"{tally(jobs)}: what failed is missing; the same command runs it again."] if failed else []),
        *trained_on_sentences(tables["cells"], tables["neurons"]),
        *copies_sentences(tables["duplicates"]),
        *warnings,
        *level_sentences(tables),
    ]
    alarms = [Doubt(ALARM, text) for text in chance.alarms(tables["null_check"])]
    return [*alarms, *(Doubt(CAUTION, text) for text in dict.fromkeys(cautions))]
