"""The task that Hydra runs: one job, whose end is recorded in a sweep and told to the command line otherwise."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.trust import Trust
from denote.errors import ConfigError, DenoteError
from denote.files import mistaken_place
from denote.runs.attempts import (
    Attempt,
    begin,
    came_of,
    described,
    end_for_it,
    new_launch,
    status_after,
    training_folder,
)
from denote.runs.record import Status
from denote.stops import time_limit

if TYPE_CHECKING:
    from hydra.conf import HydraConf
    from omegaconf import DictConfig

log = logging.getLogger(__name__)

Run = Callable[[dict[str, Any], Attempt], None]
"""Runs a job of resolved settings."""

mistakes: list[DenoteError] = []
"""Mistakes of the user's in this process, kept until Hydra has returned, as Hydra would print lines around them."""


@dataclass(frozen=True)
class Task:
    """The task that Hydra runs, in this process or in one of a launcher's.

    In another process it arrives with what the user trusts, before Hydra names the job's folder there.

    Attributes:
        run: What to do with the resolved settings.
        trust: What was typed; it never stands in the config.
        is_recorded: True where ``run`` records by itself how a job ended.
        is_checked: True where the sweep has checked the settings of every job.
        attempt: Who runs the job of a sweep; None where it is run alone.
    """

    run: Run
    trust: Trust
    is_recorded: bool = False
    is_checked: bool = False
    attempt: Attempt | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in a process that a launcher started."""
        vars(self).update(state)
        from denote.cli.build import register_resolvers

        register_resolvers()
        self.trust.grant()

    def __call__(self, config: DictConfig) -> None:
        """Run the job. In a sweep nothing but an interruption leaves this call: how the job ended is recorded."""
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get()
        if self.attempt is None:
            self._run_alone(config, hydra)
        else:
            self._run_in_sweep(config, hydra, self.attempt)

    def _run_alone(self, config: DictConfig, hydra: HydraConf) -> None:
        try:
            self._run(config, hydra, Attempt(new_launch(), log=_log_of(hydra)))
        except (DenoteError, OSError) as error:
            mistake = error if isinstance(error, DenoteError) else mistaken_place(error)
            if mistake is None:
                raise
            mistakes.append(mistake)
            _leave_nothing(hydra)

    def _run_in_sweep(self, config: DictConfig, hydra: HydraConf, attempt: Attempt) -> None:
        folder = Path(hydra.runtime.output_dir)
        if not self.is_recorded:
            folder = training_folder(folder, attempt.launch, int(hydra.job.num))
        attempt = replace(attempt, log=_log_of(hydra))

        def give_up(reason: str) -> None:
            end_for_it(folder, attempt, Status.TIMED_OUT, _stuck(reason))
            log.error("%s timed out: %s; its process ends", folder.name, reason)
            os._exit(1)

        if not self.is_recorded:
            begin(folder, {"status": Status.RUNNING, "name": folder.name, **attempt.entry()}, keeps=False)
        try:
            with time_limit(attempt.limit, give_up if attempt.is_expendable else None):
                self._run(config, hydra, attempt)
        except BaseException as error:
            from denote.progress import discount

            discount()
            end_for_it(folder, attempt, status_after(error), described(error))
            if isinstance(stop := came_of(error), KeyboardInterrupt):
                raise stop from None
            log.error("%s %s: %s", folder.name, status_after(error), described(error)["message"])
        else:
            if not self.is_recorded:
                end_for_it(folder, attempt, Status.FINISHED, None)

    def _run(self, config: DictConfig, hydra: HydraConf, attempt: Attempt) -> None:
        from hydra.types import RunMode

        from denote.cli.build import plain
        from denote.cli.checks import check
        from denote.progress import shown

        settings = plain(config)
        if settings.get("plan"):
            raise ConfigError("plan", "runs no job", "allowed where it is typed: denote plan=true, with or without -m")
        if not self.is_checked:
            check(settings)
        name = f"job #{hydra.job.num}" if hydra.mode == RunMode.MULTIRUN else ""
        with shown(settings["progress"], beside=name):
            self.run(settings, attempt)


def _log_of(hydra: HydraConf) -> Path | None:
    """The file to which Hydra logs a job."""
    file = Path(hydra.runtime.output_dir) / f"{hydra.job.name}.log"
    return file if file.is_file() else None


def _stuck(reason: str) -> dict[str, Any]:
    """The error of a job that did not hear that its time is over, with what it was doing."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    trace = "".join(["Time is over; the job was here:\n", *traceback.format_stack(frame)])
    return {"kind": "TimeLimitError", "message": reason, "mistake": False, "traceback": trace}


_HYDRAS = ("config.yaml", "hydra.yaml", "overrides.yaml")
"""Files that Hydra writes of a job before it begins."""


def _leave_nothing(hydra: HydraConf) -> None:
    """Remove what Hydra wrote for a job that did not come to be, and the folders that are empty then.

    Nothing else: the folder may be one that the user works in (``hydra.run.dir=.``).
    """
    folder = Path(hydra.runtime.output_dir)
    if (folder / "run.json").exists() or hydra.output_subdir is None:
        return
    record = folder / hydra.output_subdir
    for file in (*(record / name for name in _HYDRAS), folder / f"{hydra.job.name}.log"):
        file.unlink(missing_ok=True)
    for place in (record, folder, *list(folder.parents)[:2]):
        if place.resolve() == Path.cwd() or not place.is_dir() or any(place.iterdir()):
            return
        place.rmdir()
