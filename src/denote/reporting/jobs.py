"""How the jobs of a sweep ended, and how that is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FINISHED, RUNNING, REFUSED = "finished", "running", "refused"
SKIPPED, MISSING, OLDER = "skipped", "missing", "older"


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes:
        name: Its folder's name.
        status: ``finished``; ``failed`` by an exception or exit; ``timed out``; ``killed`` with its process;
            ``interrupted`` by the user, a signal or a scheduler; ``running`` in a process of another command;
            ``refused`` before it began; ``skipped`` as the sweep stopped after another failed; ``missing``, as it never
            began or its results are gone; or ``older`` (finished under another schema than the jobs it lies beside, and
            left out of what is merged).
        reason: Why it did not finish, in one line.
        seconds: How long it ran.
        evidence: Level of its evidence; None where it has none.
        again: Whether this is how a job ended that has earlier results, and is listed by them, too.
        log: Path of its log in the sweep's folder; None where it has none.
        attempts: How often the command that ran it last tried.
    """

    name: str
    status: str
    reason: str = ""
    seconds: float | None = None
    evidence: str | None = None
    again: bool = False
    log: str | None = None
    attempts: int = 1

    @property
    def failed(self) -> bool:
        """True where the job left no evidence."""
        return self.status not in (FINISHED, OLDER)

    @property
    def counts(self) -> bool:
        """True where the job's evidence is merged."""
        return self.status == FINISHED

    def told(self, sweep: Path) -> str:
        """Return the reason, how often the job was tried, and the path of its log.

        Args:
            sweep: Path of the sweep's folder.
        """
        tried = f" ({self.attempts} attempts)" if self.attempts > 1 else ""
        where = f" (see {sweep / self.log})" if self.failed and self.log else ""
        return f"{self.reason or 'no reason'}{tried}{where}"


def tally(jobs: Sequence[Job]) -> str:
    """``24 jobs: 22 finished, 2 failed; made again: 1 failed``."""
    first, again = ([job for job in jobs if job.again is wanted] for wanted in (False, True))
    return f"{len(first)} job{'s' * (len(first) != 1)}: {_kinds(first)}" + (
        f"; made again: {_kinds(again)}" if again else ""
    )


def _kinds(jobs: Sequence[Job]) -> str:
    counts = Counter(job.status for job in jobs)
    return ", ".join(f"{number} {status}" for status, number in counts.most_common()) or "none"
