"""Hydra's sweeper with a plan: skip what is finished, refuse what disagrees, and never start zero jobs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from denote.cli.commands import Task
from denote.cli.hydra_private import BasicLauncher, BasicSweeper, combinations, plugins
from denote.cli.planning import TRAINING, SweepPlan, few_networks, keeping_epochs, planned
from denote.errors import ConfigError
from denote.progress import shown, step
from denote.progress.surfaces import LOG, NONE

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
        loader = self.hydra_context.config_loader
        plan = planned(self.config, partial(loader.load_sweep_config, self.config), jobs)
        PlannedSweeper.plan = plan
        running = plan.having("run")
        if not running:
            return []
        if self.config.hydra.job.name != TRAINING and (said := few_networks(plan)):
            print(said)
        plan.folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, plan.folder / "multirun.yaml")
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
