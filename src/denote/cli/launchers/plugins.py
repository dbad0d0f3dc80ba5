"""Hydra's view of the launchers: classes that its configs name, each of which gives the engine that runs the jobs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf

from denote.cli.hydra_private import BasicLauncher
from denote.cli.launchers.engine import NORMAL, Chunk, Engine, LaunchedJob, Work
from denote.cli.launchers.processes import Processes, ThisProcess
from denote.cli.launchers.ray import RayEngine
from denote.cli.launchers.submitit_local import SubmititLocal
from denote.cli.launchers.submitit_slurm import SubmititSlurm
from denote.config.settings import check_group
from denote.errors import ConfigError, install

ALIAS = "hydra_plugins.denote"
"""Module under which Hydra finds our plug-ins: it instantiates those of the ``hydra_plugins`` namespace only."""


class EngineLauncher(BasicLauncher):
    """A launcher whose jobs are driven by denote's sweeper; other sweepers can use none but Hydra's basic one."""

    def engine(self) -> Engine:
        """Return what runs the jobs of a sweep."""
        raise AssertionError("a launcher says what its engine is")

    def alone(self) -> Engine:
        """Return what gives every chunk a process of its own, so that a job that kills it takes no other along."""
        return self.engine()

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Any:
        """Refuse the jobs of another sweeper."""
        raise ConfigError("hydra/sweeper", "works with hydra/launcher=basic only", "allowed here: denote's own sweeper")


class JoblibLauncher(EngineLauncher):
    """``hydra/launcher=joblib``: jobs side by side in processes of this machine."""

    __module__ = ALIAS

    def __init__(
        self,
        n_jobs: int = -1,
        threads: int | None = None,
        backend: str | None = None,
        verbose: int = 0,
        timeout: float | None = None,
    ) -> None:
        super().__init__()
        if backend not in (None, "loky", "multiprocessing"):
            raise ConfigError("hydra.launcher.backend", f"{backend!r} is refused", "allowed: loky, a process per job")
        if timeout is not None:
            raise ConfigError("hydra.launcher.timeout", "is refused", "use sweep.job_timeout=SECONDS")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise ConfigError("hydra.launcher.threads", f"{threads!r} is refused", "allowed: 1, 2, ... or null")
        self.count = _processes(n_jobs)
        self.threads = threads or max(1, _cores() // self.count)

    def engine(self) -> Engine:
        """See `EngineLauncher`."""
        return Processes(self.count, self.threads)

    def alone(self) -> Engine:
        """See `EngineLauncher`."""
        return Processes(self.count, self.threads, fresh=True)


def _processes(n_jobs: int) -> int:
    """Return how many processes joblib's ``n_jobs`` means, which counts down from the number of cores below zero."""
    try:
        from joblib import effective_n_jobs
    except ImportError:
        raise ConfigError("hydra/launcher=joblib", "needs the package joblib", install("joblib")) from None
    if not isinstance(n_jobs, int) or n_jobs == 0:
        raise ConfigError("hydra.launcher.n_jobs", f"{n_jobs!r} is refused", "allowed: 1, 2, ... or -1 for all cores")
    return int(effective_n_jobs(n_jobs))


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SubmititLocalLauncher(EngineLauncher):
    """``hydra/launcher=submitit_local``: jobs in processes of this machine that submitit starts."""

    __module__ = ALIAS

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def engine(self) -> Engine:
        """See `EngineLauncher`."""
        return _made(SubmititLocal, self.settings, "hydra.launcher")


class SubmititSlurmLauncher(EngineLauncher):
    """``hydra/launcher=submitit_slurm``: jobs in arrays of a SLURM."""

    __module__ = ALIAS

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def engine(self) -> Engine:
        """See `EngineLauncher`."""
        return _made(SubmititSlurm, self.settings, "hydra.launcher")


class RayLauncher(EngineLauncher):
    """``hydra/launcher=ray``: jobs in processes of Ray, on this machine or on a cluster."""

    __module__ = ALIAS

    def __init__(self, ray: Mapping[str, Any]) -> None:
        super().__init__()
        self.settings = ray

    def engine(self) -> Engine:
        """See `EngineLauncher`."""
        return _made(RayEngine, self.settings, "hydra.launcher.ray")


_Made = TypeVar("_Made", SubmititLocal, SubmititSlurm, RayEngine)


def _made(kind: type[_Made], settings: Mapping[str, Any], where: str) -> _Made:
    """Make an engine of the settings that it declares.

    Args:
        kind: Its class.
        settings: As Hydra gives them.
        where: Their key.

    Raises:
        ConfigError: naming the setting that is wrong.
    """
    plain = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(dict(settings)), resolve=True))
    check_group(kind, plain, where)
    return kind(**plain)


LAUNCHERS: tuple[type[EngineLauncher], ...] = (
    JoblibLauncher,
    SubmititLocalLauncher,
    SubmititSlurmLauncher,
    RayLauncher,
)
"""Our launchers; each is an option of ``hydra/launcher`` in ``conf/``."""


@dataclass(frozen=True)
class PluginEngine:
    """Hands jobs to the launcher of somebody else's plug-in, all at once.

    Attributes:
        launcher: It runs Hydra's task itself, which records how each job ended.
    """

    launcher: Launcher

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        """See `Engine`."""
        return [tuple(jobs)]

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        """See `Engine`."""
        for index, chunk in enumerate(chunks):
            self.launcher.launch([list(job.overrides) for job in chunk], initial_job_idx=chunk[0].number)
            yield index, NORMAL


def engines(launcher: Launcher) -> tuple[Engine, Engine]:
    """Return what runs the jobs of a launcher, and what gives each of them a process of its own.

    Args:
        launcher: Hydra's basic one, one of ours, or that of an installed plug-in, which runs jobs as it likes.
    """
    if isinstance(launcher, EngineLauncher):
        return launcher.engine(), launcher.alone()
    if isinstance(launcher, BasicLauncher):
        return ThisProcess(), Processes(1, fresh=True)
    return PluginEngine(launcher), PluginEngine(launcher)
