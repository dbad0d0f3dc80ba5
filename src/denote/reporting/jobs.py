"""Jobs of a sweep and how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

FINISHED, SKIPPED, OLDER = "finished", "skipped", "older"


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes:
        name: Its folder's name.
        status: ``finished``, ``skipped`` (its evidence was there), ``failed``, ``interrupted``, ``unfinished``, or
            ``older`` (finished under another schema than the jobs it lies beside, and left out of what is merged).
        reason: Why it did not finish, in one line.
        seconds: How long it ran.
    """

    name: str
    status: str
    reason: str = ""
    seconds: float | None = None

    @property
    def failed(self) -> bool:
        """True where the job left no evidence."""
        return self.status not in (FINISHED, SKIPPED, OLDER)

    @property
    def counts(self) -> bool:
        """True where the job's evidence is merged."""
        return self.status in (FINISHED, SKIPPED)


def tally(jobs: Sequence[Job]) -> str:
    """``24 jobs: 22 finished, 2 failed``."""
    counts = Counter(job.status for job in jobs)
    kinds = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    return f"{len(jobs)} job{'s' * (len(jobs) != 1)}: {kinds or 'none'}"
