"""Runs in CSV files, TensorBoard, MLflow and trackio, with the keys of W&B's: Lightning's own loggers where it has one.

They write in the job's process.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from denote.config.keys import digest
from denote.errors import ConfigError, install
from denote.reporting.local_run import LocalRun, flattened

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

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
            raise ConfigError(f"logger={kind}", f"{kind} is not installed", install(kind))


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
    has_rows = True

    def begin(self) -> None:
        """Take the run's folder for this run."""
        from pytorch_lightning.loggers import CSVLogger

        place = self.opened.place(self.kind)
        shutil.rmtree(place, ignore_errors=True)
        self.logger = CSVLogger(place.parent, name="", version=place.name, flush_logs_every_n_steps=10**6)

    def where(self) -> str:
        """Return the folder of CSV files."""
        return self.opened.shown(self.kind)


class TensorBoardRun(LightningRun):
    """Scalars over steps, and settings with the summary among its hyperparameters."""

    kind = "tensorboard"

    def begin(self) -> None:
        """Take the run's folder for this run."""
        from pytorch_lightning.loggers import TensorBoardLogger

        place = self.opened.place(self.kind)
        shutil.rmtree(place, ignore_errors=True)
        self.logger = TensorBoardLogger(place.parent, name="", version=place.name, default_hp_metric=False)

    def where(self) -> str:
        """Return the command that shows the runs."""
        return f"tensorboard --logdir {self.opened.shown(self.kind)}"


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

        opened, uri = self.opened, self.uri
        tags = {ID_TAG: opened.key, "group": opened.group, "job_type": opened.job_type, "tags": ",".join(opened.tags)}
        client = MlflowClient(uri)
        if (experiment := client.get_experiment_by_name(opened.project)) is not None:
            for run in client.search_runs([experiment.experiment_id], f"tags.{ID_TAG} = '{opened.key}'"):
                client.delete_run(run.info.run_id)
        self.logger = MLFlowLogger(opened.project, opened.name, uri, tags)

    @property
    def uri(self) -> str:
        """Address of the store."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.opened.folder.absolute()}/mlflow.db"

    def where(self) -> str:
        """Return the server, or the command that shows a store on disk."""
        return self.uri if self.uri.startswith("http") else f"mlflow ui --backend-store-uri {shlex.quote(self.uri)}"

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

    def where(self) -> str:
        """Return the command that shows the runs."""
        return f"trackio show --project {shlex.quote(self.opened.project)}"


def _trackio_runs(trackio: ModuleType, project: str) -> list[Any]:
    """Runs of a project on this machine; none where there is no such project, or trackio is too old to tell."""
    try:
        return list(trackio.Api().runs(project))
    except (AttributeError, ValueError):
        return []


LOCAL = {run.kind: run for run in (CsvRun, TensorBoardRun, MlflowRun, TrackioRun)}
"""Runs of trackers that this process writes, by the option's name."""
