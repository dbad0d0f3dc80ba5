"""Hold chunks back that would wait, in a process with its memory and devices, for a training that another one runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from denote.cli.launchers.engine import Chunk, LaunchedJob
from denote.runs.record import Status, now, read_record


def ended_since(job: LaunchedJob, began: str, *how: str) -> bool:
    """Return whether a job's record says that it ended so, later than a time.

    Args:
        job: The job.
        began: A time as `now` writes it.
        how: Of `Status`.
    """
    record = read_record(job.folder) or {}
    latest = record.get("redo") or record
    return latest.get("status") in how and str(latest.get("ended")) >= began


@dataclass
class TrainingOrder:
    """Chunks, and which trainings their jobs have made.

    Attributes:
        chunks: All of them.
        began: When the first may have begun.
        made: Keys of trainings whose network is there.
    """

    chunks: Sequence[Chunk]
    began: str = field(default_factory=now)
    made: set[str] = field(default_factory=set)

    def ready(self, waiting: Sequence[int], running: Collection[int]) -> list[int]:
        """Return chunks that can begin now, in their order.

        Args:
            waiting: Indices of chunks that have not begun.
            running: Indices of those that run.
        """
        wanted = {key for index in waiting for key in self._needs(index)}
        for index in sorted(set(range(len(self.chunks))) - set(waiting)):
            for job in self.chunks[index]:
                if job.training in wanted - self.made and ended_since(job, self.began, Status.FINISHED):
                    self.made.add(job.training)
        taken = {key for index in running for key in self._needs(index)}
        ready = []
        for index in waiting:
            needs = self._needs(index)
            if not needs & taken:
                ready.append(index)
                taken |= needs
        return ready

    def _needs(self, index: int) -> set[str]:
        return {job.training for job in self.chunks[index] if job.training} - self.made
