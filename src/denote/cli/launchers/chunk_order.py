"""Say which chunks can begin now: none that would wait, in a process with its memory and devices, for another one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from denote.cli.launchers.engine import Chunk, LaunchedJob
from denote.locks import owner_of
from denote.runs.record import LOCK, Status, now, sound_record

log = logging.getLogger(__name__)

LOOK = 5.0
"""Seconds between two looks at whether another command's process still runs a job."""


def ended_since(job: LaunchedJob, began: str, *how: str) -> bool:
    """Return whether a job's record says that it ended so, later than a time.

    Args:
        job: The job.
        began: A time as `now` writes it.
        how: Of `Status`.
    """
    record = sound_record(job.folder) or {}
    latest = record.get("redo") or record
    return latest.get("status") in how and str(latest.get("ended")) >= began


@dataclass
class ChunkOrder:
    """Chunks, which trainings their jobs have made, and which of their jobs processes of other commands run.

    Attributes:
        chunks: All of them.
        began: When the first may have begun.
        made: Keys of trainings whose network is there.
        elsewhere: Chunks with a job that another command runs, and when to look at them again.
        clock: Tells the time, in seconds.
    """

    chunks: Sequence[Chunk]
    began: str = field(default_factory=now)
    made: set[str] = field(default_factory=set)
    elsewhere: dict[int, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _free: set[int] = field(default_factory=set)

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
            if not needs & taken and not self._runs_elsewhere(index):
                ready.append(index)
                taken |= needs
        return ready

    def made_elsewhere(self, waiting: Sequence[int]) -> list[int]:
        """Return chunks all of whose jobs have finished without us, as another command ran them."""
        seen = [index for index in waiting if index in self.elsewhere]
        return [i for i in seen if all(ended_since(job, self.began, Status.FINISHED) for job in self.chunks[i])]

    def _needs(self, index: int) -> set[str]:
        return {job.training for job in self.chunks[index] if job.training} - self.made

    def _runs_elsewhere(self, index: int) -> bool:
        """Return whether another command's process runs a job of a chunk; a chunk that is free once stays so."""
        if index in self._free or self.clock() < self.elsewhere.get(index, 0.0):
            return index not in self._free
        owned = [(job, owner) for job in self.chunks[index] if (owner := owner_of(job.folder / LOCK)) is not None]
        if not owned:
            self._free.add(index)
            return False
        if index not in self.elsewhere:
            job, owner = owned[0]
            log.warning("%s runs elsewhere (%s): waiting for it instead of running it twice", job.name, owner)
        self.elsewhere[index] = self.clock() + LOOK
        return True
