"""Ask SLURM how jobs stand: squeue knows those that wait, run or ended lately, sacct those that ended before."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

PENDING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "SUSPENDED"})
ENDED = frozenset(
    {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"}
)
"""States that SLURM does not leave by itself; in any that is in neither set a job runs, or begins or ends to."""

HOPELESS = re.compile(
    r"BadConstraints|DependencyNeverSatisfied|Partition(TimeLimit|NodeLimit|Config)|Invalid(Account|QOS)|"
    r"JobHoldMaxRequeue|launch failed requeued held|Max\w+PerJob"
)
"""Reasons for which a job waits until it is submitted otherwise. One that somebody holds may be released."""

FORGOTTEN = "gone"
"""State of a job that neither squeue nor sacct knows any more."""

ANSWER_TIME, FORGETTING = 60.0, 30.0
"""Seconds that a command of SLURM may take; and those that SLURM may take to show a job that was submitted, or in
accounting how one ended that it shows no more."""

Command = Callable[[Sequence[str]], str | None]
"""Runs a command and returns what it writes; None where it cannot be run or fails."""


@dataclass(frozen=True)
class Standing:
    """How a job stands.

    Attributes:
        state: SLURM's word, such as ``PENDING``.
        reason: SLURM's reason for it, such as ``Resources``; empty where it gives none.
    """

    state: str
    reason: str = ""

    @property
    def is_pending(self) -> bool:
        """Return whether it waits to be started."""
        return self.state in PENDING

    @property
    def has_ended(self) -> bool:
        """Return whether it has ended for good."""
        return self.state in ENDED or self.state == FORGOTTEN

    @property
    def is_hopeless(self) -> bool:
        """Return whether it waits for what does not happen by itself."""
        return self.is_pending and bool(HOPELESS.search(self.reason))


def written_by(command: Sequence[str]) -> str | None:
    """Run a command of SLURM; see `Command`."""
    try:
        done = subprocess.run(  # noqa: S603  (SLURM's own commands, with numbers)
            command, capture_output=True, text=True, timeout=ANSWER_TIME, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass
class SlurmQueue:
    """The jobs that this user has in SLURM.

    Attributes:
        command: Runs SLURM's commands.
        clock: Tells the time, in seconds.
    """

    command: Command = written_by
    clock: Callable[[], float] = time.monotonic
    _unseen_since: dict[str, float] = field(default_factory=dict)

    def standings(self, jobs: Collection[str]) -> dict[str, Standing] | None:
        """Return how jobs stand, those left out that SLURM does not show yet; None where SLURM does not answer.

        Args:
            jobs: Numbers of jobs; ``12_3`` is the third element of an array.
        """
        queued = self.command(["squeue", "-h", "-r", "-t", "all", "-u", str(os.getuid()), "-o", "%i|%T|%r"])
        if queued is None:
            return None
        known = {job: standing for job, standing in _read(queued) if job in jobs}
        for job in known:
            self._unseen_since.pop(job, None)
        unseen = sorted(set(jobs) - set(known))
        return {**known, **self._ends(unseen)} if unseen else known

    def _ends(self, jobs: Sequence[str]) -> dict[str, Standing]:
        """Return how jobs ended that squeue does not show; those that may come to be shown are left out for a while."""
        main = sorted({job.partition("_")[0] for job in jobs})
        told = self.command(["sacct", "-n", "-P", "-X", "-o", "JobID,State,ExitCode", "-j", ",".join(main)]) or ""
        ends = {job: standing for job, standing in _read(told) if standing.has_ended}
        found = {}
        for job in jobs:
            since = self._unseen_since.setdefault(job, self.clock())
            if job in ends:
                found[job] = ends[job]
            elif self.clock() - since >= FORGETTING:
                found[job] = Standing(FORGOTTEN)
        return found


def _read(lines: str) -> list[tuple[str, Standing]]:
    """Read lines of job, state and reason; ``CANCELLED by 0`` is the state CANCELLED."""
    found = []
    for line in lines.splitlines():
        job, state, reason = (*line.split("|"), "", "")[:3]
        word = state.split(" ")[0]
        found.append((job, Standing(word, "" if reason in ("None", "(null)", "0:0") else reason)))
    return found


def longest_array(command: Command = written_by) -> int:
    """Return the number of elements that an array may have: SLURM's MaxArraySize is above its highest index."""
    match = re.search(r"MaxArraySize\s*=\s*(\d+)", command(["scontrol", "show", "config"]) or "")
    return max(1, int(match[1]) - 1) if match else 1000


def cancel(jobs: Collection[str], command: Command = written_by) -> None:
    """Cancel jobs: each process is sent SIGTERM, and SIGKILL after SLURM's KillWait."""
    numbers = sorted(jobs)
    for start in range(0, len(numbers), 500):  # a command line has an end
        command(["scancel", *numbers[start : start + 500]])
