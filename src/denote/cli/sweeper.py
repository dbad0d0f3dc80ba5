"""Hydra's sweeper with a plan: skip what is finished, refuse what disagrees, and never start zero jobs."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from denote.cli import build
from denote.cli.checks import check
from denote.cli.commands import Task
from denote.cli.hydra_private import BasicLauncher, BasicSweeper, combinations, plugins
from denote.config.keys import SCHEMA, digest
from denote.config.levels import holds
from denote.denotation.depth.plan import LEAST_MODELS, too_few_networks
from denote.errors import ConfigError, DenoteError
from denote.progress import shown, step
from denote.progress.surfaces import LOG, NONE
from denote.runs.fingerprint import agreement, check_plan, disagreement, fingerprint, is_initialisation, training
from denote.runs.record import finished_before, finished_jobs, refused_as_finished, schema_of

log = logging.getLogger(__name__)


@dataclass
class PlannedJob:
    """One combination of overrides and what becomes of it.

    Attributes:
        overrides: The command-line overrides of this job.
        folder: Where its results are or will be.
        settings: Its resolved config.
        status: ``run``, ``skip`` (finished before) or ``refused``.
        reason: Why it was refused.
    """

    overrides: list[str]
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    status: str = "run"
    reason: str = ""


@dataclass
class SweepPlan:
    """All jobs of one multirun; the launcher starts those marked ``run``."""

    folder: Path
    jobs: list[PlannedJob] = field(default_factory=list)

    def having(self, status: str) -> list[PlannedJob]:
        """The jobs with a status."""
        return [job for job in self.jobs if job.status == status]


TRAINING = "denote-train"
"""Name of Hydra's job where networks are trained only; any other may be the user's."""

ALIAS = "hydra_plugins.denote"
"""Name under which Hydra finds the sweeper: it instantiates plug-ins of the ``hydra_plugins`` namespace only."""


class PlannedSweeper(BasicSweeper):
    """The Cartesian product of Hydra's basic sweeper, planned before it is launched."""

    __module__ = ALIAS

    plan: SweepPlan | None = None
    """The plan of this process's latest sweep, for the command line to read once Hydra has returned."""

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size=max_batch_size, params=params)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See Hydra's; what the sweep checks before any job starts is not checked again by the jobs."""
        if isinstance(task_function, Task) and config.hydra.job.name != TRAINING:
            task_function = replace(task_function, is_checked=True)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Plan every combination, then launch those that have to run. A failing job does not end the sweep."""
        if self.config is None or self.launcher is None or self.hydra_context is None:
            raise RuntimeError("sweep() was called before setup()")
        jobs = combinations(self, arguments)
        if not jobs:
            raise ConfigError("sweep", "these overrides make no job", "a glob or choice that matches nothing?")
        if len({override for job in jobs for override in job if override.startswith("sweep_name=")}) > 1:
            raise ConfigError("sweep_name", "cannot be swept: a sweep has one folder", "run one sweep for each name")
        folder = Path(str(self.config.hydra.sweep.dir))
        plan = SweepPlan(folder)
        PlannedSweeper.plan = plan
        name = str(self.config.sweep_name)
        for overrides in jobs:
            # Pinned, because a default of date and time, or a swept experiment, would differ from job to job.
            named = any(override.startswith("sweep_name=") for override in overrides)
            planned = self._planned(overrides if named else [*overrides, f"sweep_name='{name}'"], plan)
            if planned is not None:
                plan.jobs.append(planned)
        running = plan.having("run")
        if not running:
            return []
        self._tell_of_few_networks(plan)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        with self._shown(len(running)):
            return self.launcher.launch(keeping_epochs(running), initial_job_idx=0)

    @contextmanager
    def _shown(self, n_jobs: int) -> Iterator[None]:
        """Show the progress of the jobs; those of another launcher run side by side, each with log lines of its own."""
        mode = str(self.config.progress) if self.config is not None else NONE
        if isinstance(self.launcher, BasicLauncher):
            with shown(mode), step("job", n_jobs):
                yield
        else:
            with shown(mode if mode == NONE else LOG), step(f"{n_jobs} jobs side by side"):
                yield

    def _tell_of_few_networks(self, plan: SweepPlan) -> None:
        """Say before anything runs that there can be no verdict on depth, where that is so."""
        if self.config is None or self.config.hydra.job.name == TRAINING:
            return
        planned = [job.settings for job in plan.jobs if job.settings]
        finished = [dict(record["config"]) for record in finished_records(plan.folder)]
        if 0 < (most := most_networks([*planned, *finished])) < LEAST_MODELS:
            print(too_few_networks(most))

    def _planned(self, overrides: list[str], plan: SweepPlan) -> PlannedJob | None:
        assert self.hydra_context is not None and self.config is not None  # noqa: S101, PT018  (checked by `sweep`)
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        observes = config.hydra.job.name != TRAINING
        folder = plan.folder / str(config.hydra.sweep.subdir) if observes else plan.folder
        try:
            settings = build.plain(config)
            if observes:
                check(settings)
        except DenoteError as error:
            # Without a record of jobs, a mistake is the job's own to report.
            return PlannedJob(overrides, folder, status="refused" if observes else "run", reason=str(error))
        planned = PlannedJob(overrides, folder, settings)
        if not observes:
            return planned
        same = next((job for job in plan.jobs if job.folder == folder), None)
        if same is not None and same.settings:  # two spellings of one job, or two levels of its evidence
            if holds(same.settings, settings):
                return None
            if not holds(settings, same.settings):
                reason = f"{folder.name}: asked for twice, each time with evidence that the other leaves out"
                return replace(planned, status="refused", reason=f"{reason}; allowed: ask for all of it in one job")
            plan.jobs.remove(same)
        return _settle(planned, plan)


def register() -> None:
    """Make the sweeper known to Hydra in this process only.

    A real package in the ``hydra_plugins`` namespace would be loaded by every other Hydra program on the machine.
    """
    try:
        namespace = importlib.import_module("hydra_plugins")  # of other people's launchers, where there are any
    except ImportError:
        namespace = ModuleType("hydra_plugins")
        sys.modules["hydra_plugins"] = namespace
    alias = ModuleType(ALIAS)
    vars(alias)["PlannedSweeper"] = PlannedSweeper
    vars(namespace)["denote"] = sys.modules[ALIAS] = alias
    plugins.register(PlannedSweeper)


def keeping_epochs(jobs: list[PlannedJob]) -> list[list[str]]:
    """Overrides of every job, so that one training keeps the epochs that all of them want of it.

    Otherwise the first job would train for its own epoch, and every later one would have to train again for its.
    """
    wanted: dict[str, set[int]] = {}
    for job in jobs:
        wanted.setdefault(_training(job), set()).update(_epochs(job))
    return [
        [*job.overrides, f"architecture.save_epochs={sorted(epochs)}".replace(" ", "")]
        if (epochs := wanted[_training(job)]) - _epochs(job)
        else job.overrides
        for job in jobs
    ]


def _training(job: PlannedJob) -> str:
    """Key of what a job's object model is trained from; a job without settings reports its mistake alone."""
    return digest(training(job.settings)) if job.settings else ""


def _epochs(job: PlannedJob) -> set[int]:
    """Epochs whose weights a job wants kept; what its training cannot reach is its own mistake, and no other's."""
    if not job.settings:
        return set()
    architecture, last = job.settings.get("architecture") or {}, (job.settings.get("trainer") or {}).get("max_epochs")
    named = {architecture.get("epoch"), *(architecture.get("save_epochs") or ())}
    return {epoch for epoch in named if isinstance(epoch, int) and isinstance(last, int) and 0 < epoch <= last}


def _settle(planned: PlannedJob, plan: SweepPlan) -> PlannedJob:
    """Decide what becomes of a valid job: skipped, refused or run."""
    settings, folder = planned.settings, planned.folder
    record = finished_before(folder, fingerprint(settings))
    if record is None or settings["on_existing"] == "redo":
        reason = _differing(settings, folder, plan)
        return replace(planned, status="refused" if reason else "run", reason=reason)
    reason = ""
    if settings["on_existing"] == "fail":
        reason = str(refused_as_finished(folder, record, settings))
    else:
        try:
            check_plan(settings, record, folder)
        except ConfigError as error:
            reason = str(error)
    done = holds(record["config"], settings)
    return replace(planned, status="refused" if reason else "skip" if done else "run", reason=reason)


_AGREED: dict[Path, dict[str, Any]] = {}


def _differing(settings: dict[str, Any], folder: Path, plan: SweepPlan) -> str:
    """Why a job may not join this sweep folder, or nothing. The first job, on disk or in the plan, sets the terms."""
    ours = agreement(settings)
    theirs = [dict(record.get("agreement") or {}) for record in finished_records(plan.folder, leave_out=folder)]
    theirs += [_AGREED[job.folder] for job in plan.jobs if job.status == "run" and job.folder in _AGREED]
    for other in theirs:
        keys = disagreement(ours, other)
        if keys:
            return (
                f"{plan.folder.name}: this job differs from the folder's other jobs in {', '.join(keys)}; "
                "allowed: equal values, or another sweep_name"
            )
    _AGREED[folder] = ours
    return ""


def finished_records(folder: Path, leave_out: Path | None = None) -> list[dict[str, Any]]:
    """Return the records of the jobs that a job of this version is merged with."""
    jobs = finished_jobs(folder)
    return [record for job, record in jobs if job != leave_out and schema_of(record) == SCHEMA]


def most_networks(configs: Sequence[Mapping[str, Any]]) -> int:
    """Return the largest number of trained networks of one architecture, data set and epoch.

    Args:
        configs: Resolved configs of jobs.
    """
    networks: dict[str, set[str]] = {}
    for config in configs:
        if is_initialisation(config):
            continue
        trained = training(config)
        which = {"seed": trained.pop("seed"), "path": trained["architecture"].pop("path", None)}
        curve = digest([trained, (config.get("architecture") or {}).get("epoch")])
        networks.setdefault(curve, set()).add(digest(which))
    return max(map(len, networks.values()), default=0)
