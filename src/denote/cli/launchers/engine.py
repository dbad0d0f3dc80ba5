"""The protocol between the driver of a sweep and the engines that run its jobs.

The driver hands an engine chunks of jobs and learns when each chunk has ended, and how its process ended. It learns
nothing else from the engine: how a job ended stands in the job's own record, in its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NORMAL = ""
"""How a process ended that did all that it was asked to, as far as its engine knows."""


@dataclass(frozen=True)
class LaunchedJob:
    """A job to run.

    Attributes:
        number: Its place in the sweep, from 0: Hydra's ``job.num``.
        overrides: What is typed for it on a command line, the sweep's own arguments aside.
        folder: Absolute path of the folder with its record.
        name: What messages call it.
        training: Key of the training that it needs; jobs with one key share a training.
        attempt: How often it has been run by this command with this time, from 1.
        is_risky: True for a job that gets a process of its own, such as one that was killed before.
        waits: False leaves a job alone that another command runs just now; True waits for it.
    """

    number: int
    overrides: tuple[str, ...]
    folder: Path
    name: str
    training: str = ""
    attempt: int = 1
    is_risky: bool = False
    waits: bool = False


Chunk = Sequence[LaunchedJob]
"""Jobs that one process runs one after the other."""

Work = Callable[[Chunk], None]
"""Runs a chunk in the process that calls it. It can be pickled, and sets up the process where it arrives.

It raises `KeyboardInterrupt` (also `denote.stops.Stopped`) where the process was told to end, `SystemExit` where it is
of no use to a further job, and nothing else: a job that fails leaves that in its record, and the next job begins.
"""


class Engine(Protocol):
    """Gives chunks of jobs processes to run in."""

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        """Return all jobs in the chunks, and in the order, in which this engine runs them best.

        Args:
            jobs: In the order of the sweep; at least one.
        """

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        """Run all chunks, and yield each one's index and how its process ended as soon as it has ended.

        A process that is lost takes no other chunk with it and raises nothing. Closing the iterator, or an exception
        in it, stops what still runs: each process is told to end (SIGTERM, so that its job records an interruption),
        and is ended some seconds later.

        Args:
            chunks: What `chunks` gave, or chunks of one job each for jobs that killed a process before.
            work: Runs a chunk in its process.

        Yields:
            The index of a chunk, and `NORMAL` or the reason why its process ended before its jobs did, such as
            ``killed by signal 9 (SIGKILL): out of memory?``.

        Raises:
            DenoteError: if no process can be started at all, with the remedy.
        """


def one_by_one(jobs: Sequence[LaunchedJob]) -> list[Chunk]:
    """Return chunks of one job each: for engines that keep a process from one chunk to the next.

    The first job of each training comes first, so that trainings run side by side and those that wait for one are few.
    """
    first = {job.training: job.number for job in reversed(jobs)}
    return [(job,) for job in sorted(jobs, key=lambda job: (first[job.training] != job.number, job.number))]


def by_training(jobs: Sequence[LaunchedJob], at_most: int, least: int = 1) -> list[Chunk]:
    """Return chunks that hold all jobs of a training: for engines that give every chunk a fresh process, or a GPU.

    No process waits then for a training that another one runs, unless one training's jobs are cut apart.

    Args:
        jobs: The jobs.
        at_most: Chunks to make, if there are trainings or jobs enough; at least 1.
        least: Jobs of a chunk that are worth a process: trainings with fewer share a chunk.
    """
    size = max(least, -(-len(jobs) // at_most))
    groups: dict[str, list[LaunchedJob]] = {}
    for job in jobs:
        groups.setdefault(job.training, []).append(job)
    chunks: list[list[LaunchedJob]] = []
    for group in groups.values():
        for start in range(0, len(group), size):
            part = group[start : start + size]
            if chunks and len(chunks[-1]) + len(part) <= size:
                chunks[-1].extend(part)
            else:
                chunks.append(part)
    return [tuple(chunk) for chunk in chunks]
