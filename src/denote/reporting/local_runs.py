"""Runs in CSV files, TensorBoard, MLflow and trackio, with the keys of W&B's: Lightning's own loggers where it has one.

They write in the job's process. What fails there is said once, and tracks nothing more of that run.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from denote.config.keys import digest
from denote.errors import ConfigError
from denote.files import slug
from denote.reporting.run_config import EPOCH

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)

AXES = (EPOCH, "depth")
"""Keys that are the step of a row."""

NEED_PACKAGE = ("tensorboard", "mlflow", "trackio")
"""Trackers that need a package of their name, which is an extra of denote, too."""


def check_installed(kinds: Sequence[str]) -> None:
    """Refuse a tracker whose package is not there, before anything is computed.

    Args:
        kinds: Where runs are tracked.

    Raises:
        ConfigError: naming what installs it.
    """
    for kind in kinds:
        if kind in NEED_PACKAGE and find_spec(kind) is None:
            raise ConfigError(f"logger={kind}", f"{kind} is not installed", f"pip install 'denote[{kind}]'")


@dataclass(frozen=True)
class Opened:
    """What a run is opened with.

    Attributes:
        folder: The sweep's folder, or that of ``WANDB_DIR``.
        project: Project or experiment.
        group: The sweep's name, or what stands for it.
        job_type: Type of the run.
        key: Its id.
        name: Its name.
        tags: Its tags.
        config: Its settings.
    """

    folder: Path
    project: str
    group: str
    job_type: str
    key: str
    name: str
    tags: Sequence[str]
    config: Mapping[str, Any]

    def place(self, kind: str) -> Path:
        """Return the folder of the run for a tracker that writes files; one id has one folder."""
        return self.folder / kind / self.job_type / f"{slug(self.name, join=True)[:100]}-{self.key}"


class LocalRun(ABC):
    """A run that is written by this process.

    Args:
        opened: What it is opened with.
    """

    kind = ""

    def __init__(self, opened: Opened) -> None:
        self.opened, self.key = opened, opened.key
        self.summary: dict[str, Any] = {}
        self._broken = False
        self._try(self.begin)

    @abstractmethod
    def begin(self) -> None:
        """Open the run."""

    @abstractmethod
    def write(self, numbers: Mapping[str, float], step: int | None) -> None:
        """Write numbers of a step."""

    @abstractmethod
    def end(self, numbers: Mapping[str, float], texts: Mapping[str, str], exit_code: int) -> None:
        """Write the summary and close the run."""

    def define_metric(self, metric: str, step: str | None = None, *, in_summary: bool = True) -> None:  # noqa: B027
        """Do nothing: steps are epochs or depths."""

    def log(
        self,
        values: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        pictures: Mapping[str, Sequence[tuple[Path, str]]] | None = None,
    ) -> None:
        """Write the numbers of a step; tables and pictures lie in the folders of jobs and sweeps."""
        step = next((int(values[axis]) for axis in AXES if axis in values), None)
        if numbers := _numbers(values):
            self._try(lambda: self.write(numbers, step))

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Hold numbers and texts until the run ends."""
        self.summary |= values

    def keep(
        self, name: str, kind: str, files: Mapping[str, Path], said: Mapping[str, Any], *, is_input: bool = False
    ) -> None:
        """Note the name of what the run made or was made from; the files lie where they are."""
        self.summary["inputs" if is_input else "outputs"] = name

    def use(self, name: str) -> None:  # noqa: B027 # nothing to be done anywhere
        """Do nothing: the settings say it."""

    def finish(self, exit_code: int) -> None:
        """Write the summary and close the run."""
        numbers = _numbers(self.summary)
        texts = {key: str(value) for key, value in self.summary.items() if key not in numbers}
        self._try(lambda: self.end(numbers, texts, exit_code))
        if exit_code == 0:
            self._try(self.mark)

    def mark(self) -> None:
        """Leave the run's folder in the sweep's, empty where the tracker writes elsewhere: it tells what is logged."""
        self.opened.place(self.kind).mkdir(parents=True, exist_ok=True)

    def _try(self, act: Callable[[], None]) -> None:
        """Carry out a call; a tracker that fails is left alone from then on, and results are what they were."""
        if self._broken:
            return
        try:
            act()
        except Exception as error:
            self._broken = True
            said = (str(error).strip().splitlines() or [""])[0]
            log.warning(
                "%s cannot be used (%s: %s): %s is not tracked there",
                self.kind,
                type(error).__name__,
                said,
                self.opened.name,
            )


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if isinstance(value, Real)}


def flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings with dots between the levels of a key.

    Args:
        config: Settings.
        prefix: What keys begin with.
    """
    found: dict[str, Any] = {}
    for key, value in config.items():
        inner = isinstance(value, Mapping) and value
        found |= flattened(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return found


class LightningRun(LocalRun):
    """A run in one of Lightning's loggers."""

    logger: Logger

    def write(self, numbers: Mapping[str, float], step: int | None) -> None:
        """Write numbers of a step."""
        self.logger.log_metrics(dict(numbers), step)

    def hold(self, settings: Mapping[str, Any]) -> None:
        """Write settings and texts, by flat keys."""
        self.logger.log_hyperparams(dict(settings))

    def end(self, numbers: Mapping[str, float], texts: Mapping[str, str], exit_code: int) -> None:
        """Write settings, texts and summary, and close the run."""
        self.hold({**flattened(self.opened.config), **{f"summary.{k}": v for k, v in texts.items()}})
        if numbers:
            self.write(numbers, None)
        self.logger.finalize("success" if exit_code == 0 else "failed")


class CsvRun(LightningRun):
    """``metrics.csv`` with a row per step, its last row the summary, and ``hparams.yaml`` with settings and texts."""

    kind = "csv"

    def begin(self) -> None:
        """Take the run's folder for this run."""
        from pytorch_lightning.loggers import CSVLogger

        place = self.opened.place(self.kind)
        shutil.rmtree(place, ignore_errors=True)
        self.logger = CSVLogger(place.parent, name="", version=place.name, flush_logs_every_n_steps=10**6)


class TensorBoardRun(LightningRun):
    """Scalars over steps, and settings with the summary among its hyperparameters."""

    kind = "tensorboard"

    def begin(self) -> None:
        """Take the run's folder for this run."""
        from pytorch_lightning.loggers import TensorBoardLogger

        place = self.opened.place(self.kind)
        shutil.rmtree(place, ignore_errors=True)
        self.logger = TensorBoardLogger(place.parent, name="", version=place.name, default_hp_metric=False)


MLFLOW_SIGNS, MLFLOW_LONGEST = re.compile(r"[^a-zA-Z0-9_/. -]"), 200
"""Signs that MLflow or Lightning's logger of it takes in no name, and the most characters of one before a digest."""

ID_TAG = "denote_id"
"""Tag of a run in MLflow by which it is replaced when it is made again."""


def mlflow_name(key: str) -> str:
    """Return a name that MLflow takes: another one has its signs replaced, and a digest, so that no two are the same.

    Args:
        key: Name of a metric or setting; MLflow reads it as a path, too, which is to be a plain one.
    """
    plain = posixpath.normpath(MLFLOW_SIGNS.sub("_", key)).lstrip("./")[:MLFLOW_LONGEST]
    return plain if plain == key else f"{plain}-{digest(key)[:6]}"


class MlflowRun(LightningRun):
    """A run in an MLflow experiment, in the store that ``MLFLOW_TRACKING_URI`` names, else beside the sweep's jobs."""

    kind = "mlflow"

    def begin(self) -> None:
        """Open a run; one of the same id is deleted first."""
        from mlflow import MlflowClient
        from pytorch_lightning.loggers import MLFlowLogger

        opened = self.opened
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{opened.folder.absolute()}/mlflow.db"
        tags = {ID_TAG: opened.key, "group": opened.group, "job_type": opened.job_type, "tags": ",".join(opened.tags)}
        client = MlflowClient(uri)
        if (experiment := client.get_experiment_by_name(opened.project)) is not None:
            for run in client.search_runs([experiment.experiment_id], f"tags.{ID_TAG} = '{opened.key}'"):
                client.delete_run(run.info.run_id)
        self.logger = MLFlowLogger(opened.project, opened.name, uri, tags)

    def write(self, numbers: Mapping[str, float], step: int | None) -> None:
        """Write numbers of a step under names that MLflow takes."""
        super().write(_named_for_mlflow(numbers), step)

    def hold(self, settings: Mapping[str, Any]) -> None:
        """Write settings under names that MLflow takes."""
        super().hold(_named_for_mlflow(settings))


def _named_for_mlflow(values: Mapping[str, Any]) -> dict[str, Any]:
    return {mlflow_name(key): value for key, value in values.items()}


class TrackioRun(LocalRun):
    """A run in trackio, whose functions are those of W&B."""

    kind = "trackio"

    def begin(self) -> None:
        """Open the run; one of the same id is deleted first."""
        import trackio

        opened = self.opened
        name = f"{opened.name} {opened.key[:8]}"
        for run in _trackio_runs(trackio, opened.project):
            if run.name == name:
                run.delete()
        with redirect_stdout(sys.stderr):  # it tells how to look at runs
            self.run = trackio.init(
                project=opened.project,
                name=name,
                group=opened.group,
                config=flattened(opened.config),
                resume="allow",
            )

    def write(self, numbers: Mapping[str, float], step: int | None) -> None:
        """Write numbers of a step."""
        self.run.log(dict(numbers), step=step)

    def end(self, numbers: Mapping[str, float], texts: Mapping[str, str], exit_code: int) -> None:
        """Write the summary as a last row, and close the run."""
        self.run.log({**numbers, **texts})
        with redirect_stdout(sys.stderr):
            self.run.finish()


def _trackio_runs(trackio: ModuleType, project: str) -> list[Any]:
    """Runs of a project on this machine; none where there is no such project, or trackio is too old to tell."""
    try:
        return list(trackio.Api().runs(project))
    except (AttributeError, ValueError):
        return []


LOCAL = {run.kind: run for run in (CsvRun, TensorBoardRun, MlflowRun, TrackioRun)}
"""Runs of trackers that this process writes, by the option's name."""
