"""Hydra's sweeper with a plan: skip what is finished, refuse what disagrees, and never start zero jobs."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.plugin import Plugin
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from denote.cli.hydra_private import BasicSweeper, combinations, plugins
from denote.cli.launchers.driver import Launch, tidy
from denote.cli.launchers.engine import LaunchedJob
from denote.cli.launchers.plugins import ALIAS, LAUNCHERS, PluginEngine, engines
from denote.cli.launchers.processes import ThisProcess
from denote.cli.launchers.worker import SweepWork
from denote.cli.planning import TRAINING, PlannedJob, SweepPlan, few_networks, keeping_epochs, planned
from denote.cli.several_values import check_swept
from denote.cli.task import Task
from denote.errors import ConfigError
from denote.numbers import count
from denote.progress import shown
from denote.progress.surfaces import LOG, NONE
from denote.runs.attempts import Attempt, new_launch, training_folder, was_killed


class PlannedSweeper(BasicSweeper):
    """The Cartesian product of Hydra's basic sweeper, planned before it is launched."""

    __module__ = ALIAS

    plan: SweepPlan | None = None
    """The plan of this process's latest sweep, for the command line to read once Hydra has returned."""

    is_alone: bool = False
    """True where one job is planned that is no sweep's, unless an experiment makes it a sweep."""

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size=max_batch_size, params=params)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See Hydra's; what the sweep checks before any job starts is not checked again by the jobs."""
        if not isinstance(task_function, Task):
            raise TypeError(f"denote's sweeper runs denote's jobs, not {task_function!r}")
        attempt = Attempt(new_launch(), limit=config.sweep.job_timeout)
        task_function = replace(task_function, is_checked=config.hydra.job.name != TRAINING, attempt=attempt)
        self.task = task_function
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
        check_swept(jobs)
        is_alone = PlannedSweeper.is_alone and not self.params
        if is_alone and len(jobs) > 1:
            raise ConfigError("command line", f"several values make {len(jobs)} jobs", "allowed with -m: a sweep")
        if self.config.plan and self.config.hydra.job.name == TRAINING:
            raise ConfigError("plan", "is of observations, which train what they need", "allowed: denote plan=true ...")
        compose = partial(self.hydra_context.config_loader.load_sweep_config, self.config)
        plan = PlannedSweeper.plan = planned(self.config, compose, jobs, is_alone=is_alone)
        if plan.n_equal:
            print(f"Note: {len(jobs)} combinations make {count(len(plan.jobs), 'job')}: equal jobs are run once.")
        if plan.is_asked:
            return []
        tidy(plan.folder)
        running = plan.having("run")
        if not running:
            return []
        if self.config.hydra.job.name != TRAINING and (said := few_networks(plan)):
            print(said)
        plan.folder.mkdir(parents=True, exist_ok=True)
        self._launch(plan, running)
        return []

    def _launch(self, plan: SweepPlan, running: list[PlannedJob]) -> None:
        """Run the jobs of a plan that have to run, where the launcher runs them."""
        assert self.config is not None and self.hydra_context is not None  # noqa: S101, PT018  (checked by `sweep`)
        assert self.launcher is not None and self.task.attempt is not None  # noqa: S101, PT018  (likewise)
        options, sweep = self.config.sweep, plan.folder.resolve()
        launch = Launch(
            self.task.attempt.launch,
            sweep,
            retries=options.retries,
            stops=options.on_error == "stop",
            redoes=self.config.on_existing == "redo",
            config=OmegaConf.to_yaml(self.config),
        )
        work = SweepWork(
            self.task,
            self.config,
            self.hydra_context,
            launch.name,
            cwd=str(Path.cwd()),
            stop=launch.stop,
            limit=options.job_timeout,
            stops_after=options.retries + 1 if launch.stops else None,
        )
        is_recorded = self.config.hydra.job.name != TRAINING
        jobs = [
            LaunchedJob(
                number,
                tuple(overrides),
                job.folder.resolve() if is_recorded else training_folder(sweep, launch.name, number),
                job.folder.name if is_recorded else f"training-{number}",
                job.training,
                is_risky=options.isolate or (is_recorded and was_killed(job.folder)),
            )
            for number, (job, overrides) in enumerate(zip(running, keeping_epochs(running), strict=True))
        ]
        engine, alone = engines(self.launcher)
        if isinstance(engine, PluginEngine) and options.retries:
            raise ConfigError("sweep.retries", "works with denote's own launchers", "allowed with this one: 0")
        mode = str(self.config.progress)
        plan.launch = launch
        # Jobs side by side write log lines of their own, between which no line of a terminal can stay.
        with shown(LOG if mode != NONE and not isinstance(engine, ThisProcess) else mode):
            launch.run(jobs, engine, alone, work)


def register() -> None:
    """Make the sweeper and the launchers known to Hydra in this process only.

    A real package in the ``hydra_plugins`` namespace would be loaded by every other Hydra program on the machine.
    """
    try:
        namespace = importlib.import_module("hydra_plugins")  # of other people's launchers, where there are any
    except ImportError:
        namespace = ModuleType("hydra_plugins")
        sys.modules["hydra_plugins"] = namespace
    alias = ModuleType(ALIAS)
    vars(namespace)["denote"] = sys.modules[ALIAS] = alias
    ours: tuple[type[Plugin], ...] = (PlannedSweeper, *LAUNCHERS)
    for plugin in ours:
        vars(alias)[plugin.__name__] = plugin
        plugins.register(plugin)
    # Options that older plug-ins of the same names have registered would be taken for schemas of ours.
    registered = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    for file in resources.files("denote.conf").joinpath("hydra", "launcher").iterdir():
        registered.pop(file.name, None)
