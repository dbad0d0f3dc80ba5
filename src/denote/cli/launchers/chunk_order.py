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


@dataclass
class ChunkOrder:
    """Chunks, which trainings their jobs have made, and which of their jobs processes of other commands run.

    Attributes:
        chunks: All of them.
        began: When the first may have begun.
        made: Keys of trainings whose network is there.
        elsewhere: Chunks whose jobs other commands run, and when to look at them again.
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
                if job.training in wanted - self.made and self._has_finished(job):
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
        return [i for i in seen if all(map(self._has_finished, self.chunks[i]))]

    def _has_finished(self, job: LaunchedJob) -> bool:
        record = sound_record(job.folder) or {}
        return record.get("status") == Status.FINISHED and str(record.get("ended")) >= self.began

    def _needs(self, index: int) -> set[str]:
        return {job.training for job in self.chunks[index] if job.training} - self.made

    def _runs_elsewhere(self, index: int) -> bool:
        """Return whether other commands' processes run what is left of a chunk; one that is free once stays so."""
        if index in self._free or self.clock() < self.elsewhere.get(index, 0.0):
            return index not in self._free
        chunk = self.chunks[index]
        owners = {job.name: owner for job in chunk if (owner := owner_of(job.folder / LOCK)) is not None}
        if not owners or any(job.name not in owners and not self._has_finished(job) for job in chunk):
            self._free.add(index)  # its process leaves jobs alone that another command runs
            return False
        if index not in self.elsewhere:
            for name, owner in owners.items():
                log.warning("%s runs elsewhere (%s): waiting for it instead of running it twice", name, owner)
        self.elsewhere[index] = self.clock() + LOOK
        return True
