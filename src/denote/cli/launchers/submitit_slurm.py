"""Run chunks in arrays of a SLURM."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from denote.cli.launchers.engine import NORMAL
from denote.cli.launchers.slurm_queue import SlurmQueue, Standing, cancel, longest_array
from denote.cli.launchers.submitit import FIRST_PAUSE, Running, SubmititEngine, SubmittedChunk, load_submitit
from denote.config.settings import AT_LEAST_ONE, Value, text
from denote.errors import ConfigError, first_line
from denote.stops import LONGEST_GRACE

if TYPE_CHECKING:
    from submitit import Job
    from submitit.core.core import PicklingExecutor

log = logging.getLogger(__name__)

SILENCE = 1800.0
"""Seconds without an answer of SLURM after which its jobs count as lost."""

REFUSAL_PAUSE = 60.0
"""Seconds after which SLURM is asked again to take jobs that it refused."""

REASONS = {
    "TIMEOUT": "took longer than timeout_min={minutes}",
    "OUT_OF_MEMORY": "ran out of memory: raise hydra.launcher.mem_gb",
    "NODE_FAIL": "ended with its node, which failed",
    "BOOT_FAIL": "did not start, its node failed",
    "CANCELLED": "was cancelled in SLURM",
    "PREEMPTED": "had to make room for another and was not started again",
    "DEADLINE": "was not started before its deadline",
    "gone": "is not known to SLURM any more",
}
"""How a process ended, by SLURM's state."""


WORD = text("a text of one line", r"[^\x00-\x1f]*", or_null=True)
SBATCH_OPTIONS = Value(
    "long options of sbatch by name, or null",
    lambda value: value is None or (isinstance(value, Mapping) and all(re.fullmatch(r"[\w-]+", str(k)) for k in value)),
)

_OWN = ("partition", "qos", "account", "comment", "constraint", "exclude", "gres", "additional_parameters")
_SBATCH_NAMES = {"timeout_min": "time", "mem_gb": "mem", "name": "job_name"}


@dataclass(kw_only=True)
class SubmititSlurm(SubmititEngine):
    """Arrays of a SLURM; see `SubmititEngine` for the other attributes, which all go to sbatch.

    Attributes:
        array_parallelism: Processes at a time, at least 1.
        partition: The queue.
        qos: Quality of service.
        account: Who is charged.
        comment: Any text.
        constraint: Features that a node must have.
        exclude: Nodes to leave out.
        gres: Generic resources.
        additional_parameters: Further options of sbatch by name.
    """

    array_parallelism: Annotated[int, AT_LEAST_ONE]
    partition: Annotated[str | None, WORD]
    qos: Annotated[str | None, WORD]
    account: Annotated[str | None, WORD]
    comment: Annotated[str | None, WORD]
    constraint: Annotated[str | None, WORD]
    exclude: Annotated[str | None, WORD]
    gres: Annotated[str | None, WORD]
    additional_parameters: Annotated[dict[str, Any] | None, SBATCH_OPTIONS]

    def __post_init__(self) -> None:
        self.queue = SlurmQueue()
        self._standings: dict[str, Standing] = {}
        self._answered = time.monotonic()
        self._refused: float | None = None

    where: ClassVar[str] = "SLURM"

    def _executor(self) -> PicklingExecutor:
        submitit = load_submitit()
        try:
            executor: PicklingExecutor = submitit.SlurmExecutor(
                self.submitit_folder, max_num_timeout=self.max_num_timeout
            )
        except RuntimeError as error:
            problem = "there is no SLURM on this machine (srun is not found)"
            raise ConfigError(
                "hydra/launcher=submitit_slurm", problem, "allowed: on a machine from which sbatch works"
            ) from error
        executor.update_parameters(**self._parameters())
        return executor

    def _parameters(self) -> dict[str, Any]:
        parameters = super()._parameters()
        parameters |= {name: value for name in _OWN if (value := getattr(self, name)) is not None}
        if self.mem_gb is not None:
            parameters["mem_gb"] = f"{round(1024 * self.mem_gb)}MB"
        if self.cpus_per_task is not None:
            parameters["srun_args"] = [f"--cpus-per-task={self.cpus_per_task}"]  # SLURM 22.05 does not pass it on
        parameters["array_parallelism"] = self.parallel
        return {_SBATCH_NAMES.get(name, name): value for name, value in parameters.items()}

    def _next(self, ready: Sequence[int], n_running: int) -> Sequence[int]:
        now = time.monotonic()
        if not ready or (self._refused is not None and n_running and now - self._refused < REFUSAL_PAUSE):
            return []
        # SLURM limits the elements of one array that run at a time; of several arrays only this can.
        room = max(0, self.parallel - n_running) if n_running else longest_array(self.queue.command)
        return ready[:room]

    def _submit(
        self, executor: PicklingExecutor, carried: Sequence[SubmittedChunk], n_running: int
    ) -> Sequence[Job[None]]:
        if not carried:
            return []
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        try:
            jobs: Sequence[Job[None]] = executor.submit_array(carried)
        except (FailedJobError, FailedSubmissionError) as error:
            if not n_running:
                raise ConfigError("hydra/launcher=submitit_slurm", f"sbatch refuses: {first_line(error)}") from error
            if self._refused is None:
                log.warning("SLURM takes no further jobs now (%s): asking again", first_line(error))
            self._refused = time.monotonic()
            return []
        self._refused = None
        return jobs

    def _ends(self, running: Mapping[int, Running]) -> dict[int, str]:
        ids = {index: one.job.job_id for index, one in running.items()}
        answer = self.queue.standings(set(ids.values())) if ids else {}
        if answer is None:
            silent = time.monotonic() - self._answered
            if silent < SILENCE:
                return {}
            answer = dict.fromkeys(ids.values(), Standing("gone"))
        else:
            self._answered = time.monotonic()
        self._standings = answer
        stuck = [job for job in ids.values() if (at := answer.get(job)) is not None and at.is_hopeless]
        if stuck and len(stuck) == len(ids):
            cancel(stuck, self.queue.command)
            return {index: f"SLURM does not start it: {answer[job].reason}" for index, job in ids.items()}
        return {
            index: self._reason(running[index], answer[job])
            for index, job in ids.items()
            if job in answer and answer[job].has_ended
        }

    def _reason(self, one: Running, end: Standing) -> str:
        if end.state == "COMPLETED":
            return NORMAL
        why = REASONS.get(end.state, "ended early").format(minutes=self.timeout_min)
        detail = f", {end.reason}" if end.reason and end.state not in REASONS else ""
        return f"its process {why} (SLURM job {one.job.job_id} {end.state}{detail}; {one.last_words})"

    def _counts(self, running: Mapping[int, Running], waiting: Sequence[int]) -> str:
        standings = [self._standings.get(one.job.job_id) for one in running.values()]
        pending = [at for at in standings if at is None or at.is_pending]
        reasons = Counter(at.reason for at in pending if at is not None and at.reason)
        why = f" ({reasons.most_common(1)[0][0]})" if reasons else ""
        silent = time.monotonic() - self._answered
        silence = f", no answer of SLURM for {silent:.0f} s" if silent > 2 * REFUSAL_PAUSE else ""
        counts = f"{len(standings) - len(pending)} running, {len(pending)} pending{why}"
        return f"{counts}, {len(waiting)} to come{silence}" if waiting else f"{counts}{silence}"

    def _cancel(self, running: Mapping[int, Running]) -> None:
        jobs = {one.job.job_id for one in running.values()}
        log.warning("cancelling in SLURM: %s", " ".join(sorted(jobs)))
        cancel(jobs, self.queue.command)
        until = time.monotonic() + LONGEST_GRACE
        while time.monotonic() < until:
            answer = self.queue.standings(jobs)
            if answer is not None and all(job not in answer or answer[job].has_ended for job in jobs):
                return
            time.sleep(FIRST_PAUSE)
