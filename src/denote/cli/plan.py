"""``plan=true``: look at the jobs of a plan, and at data that is cheap to load, and tell what they would need."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from denote.attributes.families import families
from denote.attributes.labels import check_rows, merge_labels
from denote.cli import build
from denote.cli.planning import PlannedJob, SweepPlan, most_networks, planned_configs
from denote.config.keys import digest
from denote.config.levels import holds, level_of
from denote.config.trust import moved, path_settings
from denote.data.module import SamplesModule
from denote.digests import FILES
from denote.errors import DenoteError
from denote.numbers import count
from denote.reporting.forecast import Forecast, InterventionCost, PlannedWork
from denote.runs.forecast import FinishedJob, cannot_say, duration, kind_of
from denote.runs.intervention_cost import Planned
from denote.runs.job import Job
from denote.runs.needs import Needs, observed_layers, parameters_of
from denote.runs.record import finished_jobs
from denote.states.layers import Layer
from denote.states.listing import Listing

LOADED = 64 * 2**20
"""Bytes of files up to which a dataset is loaded for a plan."""

FETCHED = ("denote.data.sources.huggingface",)
"""Modules of datasets that may be fetched from elsewhere."""

MOST_SIBLINGS = 500
"""Finished jobs of other sweeps that are asked how long jobs take."""


def forecast(plan: SweepPlan) -> Forecast:
    """Return what the jobs of a plan would do and need.

    Args:
        plan: The plan; nothing of it is run.
    """
    work = [_work(job, plan) for job in plan.jobs]
    told = Forecast(str(plan.jobs[0].folder if plan.is_alone else plan.folder), work)
    running = [job for job, each in zip(plan.jobs, work, strict=True) if each.runs]
    store = Path(str(running[0].settings["store"]["path"])) if running else plan.folder
    told.free_bytes = shutil.disk_usage(_existing(store)).free
    look = _Look(Needs(store))
    for job in running:
        look.at(job)
    needs = look.needs
    told.trainings = len(needs.trainings), len(needs.trained)
    told.recordings = len(needs.recordings), len(needs.recordings) - len(needs.to_record)
    told.states_bytes, told.weights_bytes = needs.states_bytes, needs.weights_bytes
    told.interventions = look.interventions
    kinds = [kind_of(job.settings) for job in running]
    finished = list(_finished(plan, set(kinds)))
    told.duration = duration(kinds, len(needs.to_train), finished)
    if finished and running:
        told.table_bytes = len(running) * sum(job.table_bytes for job in finished) // len(finished)
    configs = list(planned_configs(plan))
    told.unsaid = [*cannot_say(configs, most_networks(configs), sorted(look.n_layers)), *look.few_rows()]
    told.unknown = [f"{what} ({count(number, 'job')})" for what, number in look.unknown.items()]
    return told


def _work(job: PlannedJob, plan: SweepPlan) -> PlannedWork:
    """Return what the plan says of one job."""
    asked = level_of(job.settings).name if job.settings else ""
    state, level = {"skip": "finished", "refused": "refused"}.get(job.status, "to run"), asked
    record = plan.finished.get(job.folder)
    if record is not None and job.status == "skip":
        level = record["level"]
    elif record is not None and job.status == "run":
        state = (
            "to redo"
            if job.settings["on_existing"] == "redo" or holds(record["config"], job.settings)
            else "to upgrade"
        )
    return PlannedWork(job.folder.name, state, "" if state == "refused" else level, job.settings, job.reason)


@dataclass
class _Look:
    """Look at the jobs that would run, at each distinct dataset and architecture once.

    Attributes:
        needs: What they need of the store.
        n_layers: How many layers jobs observe.
        interventions: What they take; None where no job asks for any.
        unknown: Why something is not known, or will fail, with the number of jobs.
    """

    needs: Needs
    n_layers: set[int] = field(default_factory=set)
    interventions: InterventionCost | None = None
    unknown: dict[str, int] = field(default_factory=dict)
    _data: dict[str, SamplesModule] = field(default_factory=dict)
    _listings: dict[str, tuple[Listing, int]] = field(default_factory=dict)
    _few: dict[str, list[str]] = field(default_factory=dict)

    def at(self, job: PlannedJob) -> None:
        """Look at one job."""
        try:
            unseen = self._see(job.settings)
            problem = None if unseen is None else f"not known: {unseen}"
        except DenoteError as error:
            problem = f"this will fail: {error}"
        if problem is not None:
            self.unknown[problem] = self.unknown.get(problem, 0) + 1

    def few_rows(self) -> list[str]:
        """Say which attributes have too few rows to be tested."""
        names = list(dict.fromkeys(name for few in self._few.values() for name in few))
        if not names:
            return []
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return [f"{count(len(names), 'attribute')} with too few rows in fit or test (evidence.min_rows): {some}"]

    def _see(self, settings: Mapping[str, Any]) -> str | None:
        if (problem := _why_not_loaded(settings)) is not None:
            return problem
        job = build.job(settings, self.needs.store)
        key = digest([settings[name] for name in ("dataset", "split")] + [settings["trainer"]["validation_share"]])
        job.data = self._data.setdefault(key, job.data)
        job.data.setup()
        shaped = {key: value for key, value in settings["architecture"].items() if key not in ("epoch", "save_epochs")}
        found, parameters = self._listing(
            job, digest([shaped, settings["dataset"], settings["split"], settings["layer"]])
        )
        self._count_rows(job, digest([settings[key] for key in ("dataset", "split", "attribute", "evidence")]))
        observed = observed_layers(job, found)
        self.n_layers.add(len(observed))
        self.needs.add(job, found, parameters)
        self._intervene(job, observed)
        return None

    def _intervene(self, job: Job, observed: Sequence[Layer]) -> None:
        """Add what the interventions of a job take."""
        if not job.interventions:
            return
        names = families({**job.config["attribute"], **job.user_classes.attributes}, job.data.samples)
        n_attributes = len(merge_labels(names).names)
        planned = Planned(
            job.interventions, observed, len(job.probes()), n_attributes, len(job.data.parts.test), job.memory_limit
        )
        cost = planned.cost()
        if cost is not None:
            self.interventions = cost if self.interventions is None else self.interventions + cost

    def _listing(self, job: Job, key: str) -> tuple[Listing, int]:
        if key not in self._listings:
            spec = job.model_spec()
            self._listings[key] = job.listing(spec), parameters_of(spec)
        return self._listings[key]

    def _count_rows(self, job: Job, key: str) -> None:
        if key not in self._few:
            searched = families({**job.config["attribute"], **job.user_classes.attributes}, job.data.samples)
            self._few[key] = list(check_rows(merge_labels(searched), job.data.parts, job.rule.min_rows))


def _why_not_loaded(settings: Mapping[str, Any]) -> str | None:
    """Return why a plan does not load a job's data; None where it is cheap to."""
    dataset, target = settings["dataset"], moved(str(settings["dataset"]["_target_"]))
    needed = "trainings, recordings, disk and rows of attributes, without loading the data"
    hint = "run one job, and its record tells layers and times"
    if not target.startswith("denote.") or target.startswith(FETCHED):
        return f"{needed}: {target} may fetch or make much; {hint}"
    paths = [Path(str(dataset[name])).expanduser() for name in path_settings(target) if dataset.get(name)]
    if any(not path.exists() for path in paths):
        return f"{needed}: {next(path for path in paths if not path.exists())} is not there"
    if sum(_size(path) for path in paths) > LOADED:
        return f"{needed}: the files of {target.rpartition('.')[2]} are large; {hint}"
    if build.is_pretrained(settings):
        return "trainings, recordings and disk, without loading a network that was trained elsewhere"
    return None


def _finished(plan: SweepPlan, kinds: set[str]) -> Iterator[FinishedJob]:
    """Give the finished jobs of these kinds in the sweep's folder, or in other sweeps where it has none."""
    ours = [job for _, record in finished_jobs(plan.folder) if (job := _told(record)).kind in kinds]
    yield from ours
    if ours:
        return
    n_read = 0
    for folder in sorted(plan.folder.parent.glob("*")):
        for _, record in finished_jobs(folder):
            n_read += 1
            if (job := _told(record)).kind in kinds:
                yield job
            if n_read >= MOST_SIBLINGS:
                return


def _told(record: Mapping[str, Any]) -> FinishedJob:
    sizes = [int(file["bytes"]) for file in (record.get(FILES) or {}).values()]
    return FinishedJob(kind_of(record["config"]), record.get("timings") or {}, sum(sizes))


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _existing(path: Path) -> Path:
    """Return the nearest folder above that is there: a plan makes none."""
    path = path.expanduser().absolute()
    return next(place for place in (path, *path.parents) if place.is_dir())
