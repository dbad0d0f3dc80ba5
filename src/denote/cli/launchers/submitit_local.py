"""Run chunks in processes of this machine that submitit starts and that outlive this one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from denote.cli.launchers.engine import NORMAL, Chunk, Work
from denote.cli.launchers.submitit import ALL_DEVICES, Running, SubmititEngine, SubmittedChunk, load_submitit
from denote.stops import LONGEST_GRACE

if TYPE_CHECKING:
    from submitit import Job
    from submitit.core.core import PicklingExecutor


@dataclass(kw_only=True)
class SubmititLocal(SubmititEngine):
    """Processes of this machine, so many at a time; see `SubmititEngine`."""

    where: ClassVar[str] = "processes of submitit"

    def _executor(self) -> PicklingExecutor:
        executor: PicklingExecutor = load_submitit().LocalExecutor(
            self.submitit_folder, max_num_timeout=self.max_num_timeout
        )
        executor.update_parameters(**self._parameters())
        return executor

    def _carried(self, chunk: Chunk, work: Work) -> SubmittedChunk:
        carried = replace(super()._carried(chunk, work), ends_with_parent=True)
        if self.gpus_per_node is not None:
            return carried
        return replace(carried, devices=os.environ.get("CUDA_VISIBLE_DEVICES", ALL_DEVICES))  # submitit hides them

    def _next(self, ready: Sequence[int], n_running: int) -> Sequence[int]:
        return ready[: self.parallel - n_running]

    def _submit(
        self, executor: PicklingExecutor, carried: Sequence[SubmittedChunk], n_running: int
    ) -> Sequence[Job[None]]:
        # A Ctrl-C is for this process, which then tells the others to end and gives them time.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return [executor.submit(chunk) for chunk in carried]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _ends(self, running: Mapping[int, Running]) -> dict[int, str]:
        return {index: self._reason(one) for index, one in running.items() if one.job.done()}

    def _reason(self, one: Running) -> str:
        if one.job.paths.result_pickle.exists():
            return one.last_words if one.has_errors else NORMAL
        late = time.monotonic() - one.since >= 60 * self.timeout_min
        why = f"took longer than timeout_min={self.timeout_min:g}" if late else "ended early: killed, or out of memory?"
        return f"its process {why} ({one.last_words})"

    def _counts(self, running: Mapping[int, Running], waiting: Sequence[int]) -> str:
        return f"{len(running)} running, {len(waiting)} to come"

    def _cancel(self, running: Mapping[int, Running]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for one in running.values():
                with suppress(ProcessLookupError):
                    os.kill(int(one.job.job_id), number)
            until = time.monotonic() + LONGEST_GRACE
            while time.monotonic() < until and not all(one.job.done() for one in running.values()):
                time.sleep(0.1)
