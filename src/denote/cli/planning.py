"""The plan of a sweep: which jobs there are, and whether each runs, is finished or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from denote.cli import build
from denote.cli.checks import check
from denote.cli.launchers.driver import Launch
from denote.config.environment import without_values
from denote.config.keys import SCHEMA, digest
from denote.config.levels import holds
from denote.config.report_settings import ReportSettings
from denote.denotation.depth.plan import LEAST_MODELS, too_few_networks
from denote.errors import ConfigError, DenoteError
from denote.runs.fingerprint import agreement, check_plan, fingerprint, is_initialisation, training
from denote.runs.forecast import asks_about_depth
from denote.runs.record import evidence_level, finished_before, finished_jobs, refused_as_finished, schema_of
from denote.runs.terms import Terms

TRAINING = "denote-train"
"""Name of Hydra's job where networks are trained only; any other may be the user's."""

Compose = Callable[[list[str]], DictConfig]
"""Gives the config of one job by its overrides."""


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

    @cached_property
    def training(self) -> str:
        """Key of what its object model is trained from; a job without settings reports its mistake alone."""
        return digest(training(self.settings)) if self.settings else ""


class SharedParts:
    """Parts of configs, each equal part kept once: the settings of 10,000 jobs differ in few of them."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def of(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return an equal config of parts that earlier ones have, too."""
        return {
            key: self._parts.setdefault(json.dumps(part), part) if isinstance(part, (dict, list)) else part
            for key, part in config.items()
        }


class SweepPlan:
    """All jobs of one multirun; the launcher starts those marked ``run``.

    Attributes:
        folder: The sweep's folder.
        jobs: In the order in which they start.
        launch: Those that are run, and how they end; None before they are.
        is_alone: Whether it is of one job that is no sweep's, which need not agree with those beside it.
        is_asked: Whether the plan is to be told, and nothing to be run.
        n_equal: Combinations that are left out, since another one gives their results.
    """

    def __init__(self, folder: Path, *, is_alone: bool = False, is_asked: bool = False) -> None:
        self.folder, self.is_alone, self.is_asked = folder, is_alone, is_asked
        self.jobs: list[PlannedJob] = []
        self.launch: Launch | None = None
        self.n_equal = 0
        self._by_folder: dict[Path, PlannedJob] = {}
        self._parts = SharedParts()

    def having(self, status: str) -> list[PlannedJob]:
        """The jobs with a status."""
        return [job for job in self.jobs if job.status == status]

    @cached_property
    def finished(self) -> dict[Path, dict[str, Any]]:
        """Config, agreement, schema and level of evidence of all finished jobs in the folder."""
        return {folder: self._kept(record) for folder, record in finished_jobs(self.folder)}

    @cached_property
    def terms(self) -> Terms:
        """Agreements of the jobs of this version that are finished, and of those planned so far that run."""
        terms = Terms()
        if self.is_alone:
            return terms
        for folder, record in self.finished.items():
            if record["schema"] == SCHEMA:
                terms.add(folder, record["agreement"])
        return terms

    def take(self, job: PlannedJob) -> None:
        """Take a valid job into the plan, unless it is there already; two levels of its evidence are one job."""
        job.settings = self._parts.of(job.settings)
        same = self._by_folder.get(job.folder)
        if same is not None:  # two spellings of one job, or two levels of it
            if holds(same.settings, job.settings):
                self.n_equal += 1
                return
            if not holds(job.settings, same.settings):
                reason = f"{job.folder.name}: asked for twice, each time with evidence that the other leaves out"
                reason = f"{reason}; allowed: ask for all of it in one job"
                self.jobs.append(replace(job, status="refused", reason=reason))
                return
            self.n_equal += 1
            self.jobs = [other for other in self.jobs if other is not same]
        self._by_folder[job.folder] = settled = _settled(job, self)
        self.jobs.append(settled)

    def _kept(self, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "schema": schema_of(record),
            "level": evidence_level(record),
            "config": self._parts.of(record["config"]),
            "agreement": self._parts.of({"": dict(record.get("agreement") or {})})[""],
        }


def planned(
    config: DictConfig, compose: Compose, jobs: Sequence[Sequence[str]], *, is_alone: bool = False
) -> SweepPlan:
    """Plan every combination of overrides: what its config is, where its results go, and what becomes of it.

    Args:
        config: The sweep's config.
        compose: Gives the config of one job.
        jobs: Overrides of every job.
        is_alone: Whether there is one, which is no sweep's.
    """
    folder = Path(str(config.hydra.run.dir)).parent if is_alone else Path(str(config.hydra.sweep.dir))
    plan, name = SweepPlan(folder, is_alone=is_alone, is_asked=bool(config.plan)), str(config.sweep_name)
    for overrides in jobs:
        # Pinned, because a default of date and time, or a swept experiment, would differ from job to job.
        named = any(override.startswith("sweep_name=") for override in overrides)
        pinned = [*overrides] if named else [*overrides, f"sweep_name='{name}'"]
        _plan_job(pinned, compose(pinned), plan)
    return plan


def _plan_job(overrides: list[str], config: DictConfig, plan: SweepPlan) -> None:
    observes = config.hydra.job.name != TRAINING
    folder = plan.folder
    if observes:
        folder = Path(str(config.hydra.run.dir)) if plan.is_alone else folder / str(config.hydra.sweep.subdir)
    try:
        settings = build.plain(config)
        if observes:
            check(settings)
    except DenoteError as error:
        # Without a record of jobs, a mistake is the job's own to report.
        status, reason = "refused" if observes else "run", without_values(str(error))
        plan.jobs.append(PlannedJob(overrides, folder, status=status, reason=reason))
        return
    job = PlannedJob(overrides, folder, settings)
    if observes:
        plan.take(job)
    else:
        plan.jobs.append(job)


def _settled(job: PlannedJob, plan: SweepPlan) -> PlannedJob:
    """Decide what becomes of a valid job: skipped, refused or run."""
    settings, folder = job.settings, job.folder
    record = finished_before(folder, fingerprint(settings)) if folder in plan.finished else None
    if record is None or settings["on_existing"] == "redo":
        return _joined(job, plan)
    reason = ""
    if settings["on_existing"] == "fail":
        reason = str(refused_as_finished(folder, record, settings))
    else:
        try:
            check_plan(settings, record, folder)
        except ConfigError as error:
            reason = str(error)
    done = holds(record["config"], settings) and ReportSettings.of(settings).is_met(record)
    return replace(job, status="refused" if reason else "skip" if done else "run", reason=reason)


def _joined(job: PlannedJob, plan: SweepPlan) -> PlannedJob:
    """Let a job join the folder, or refuse it, naming in what it differs from the others there."""
    ours = agreement(job.settings)
    if keys := plan.terms.differing(job.folder, ours):
        reason = f"{plan.folder.name}: this job differs from the folder's other jobs in {', '.join(keys)}"
        return replace(job, status="refused", reason=f"{reason}; allowed: equal values, or another sweep_name")
    plan.terms.add(job.folder, ours)
    return job


def keeping_epochs(jobs: Sequence[PlannedJob]) -> list[list[str]]:
    """Overrides of every job, so that one training keeps the epochs that all of them want of it.

    Otherwise the first job would train for its own epoch, and every later one would have to train again for its.
    """
    wanted: dict[str, set[int]] = {}
    for job in jobs:
        wanted.setdefault(job.training, set()).update(_epochs(job))
    return [
        [*job.overrides, f"architecture.save_epochs={sorted(epochs)}".replace(" ", "")]
        if (epochs := wanted[job.training]) - _epochs(job)
        else job.overrides
        for job in jobs
    ]


def _epochs(job: PlannedJob) -> set[int]:
    """Epochs whose weights a job wants kept; what its training cannot reach is its own mistake, and no other's."""
    if not job.settings:
        return set()
    architecture, last = job.settings.get("architecture") or {}, (job.settings.get("trainer") or {}).get("max_epochs")
    named = {architecture.get("epoch"), *(architecture.get("save_epochs") or ())}
    return {epoch for epoch in named if isinstance(epoch, int) and isinstance(last, int) and 0 < epoch <= last}


def few_networks(plan: SweepPlan) -> str | None:
    """Say that there can be no verdict on depth, where jobs ask for one and that is known before anything runs."""
    configs = list(planned_configs(plan))
    most = most_networks(configs)
    if not 0 < most < LEAST_MODELS or not asks_about_depth(configs):
        return None
    return f"Note: {too_few_networks(most)}. Depth will be described, not tested."


def planned_configs(plan: SweepPlan) -> Iterator[Mapping[str, Any]]:
    """Give the configs of the jobs that will be merged: those of the plan and those finished before."""
    there = {job.folder for job in plan.jobs if job.settings}
    yield from (job.settings for job in plan.jobs if job.settings)
    yield from (
        record["config"]
        for folder, record in plan.finished.items()
        if folder not in there and record["schema"] == SCHEMA
    )


def most_networks(configs: Iterable[Mapping[str, Any]]) -> int:
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
