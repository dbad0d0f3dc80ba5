"""Lightning's logger of training curves on a run that is open."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from denote.reporting.run_config import EPOCH
from denote.reporting.tracked_run import Run


class CurveLogger(Logger):
    """Logs one row per finished epoch, from 1, with the keys of a stored training's history.

    Lightning measures training and validation of an epoch one after the other, and its own `WandbLogger`, which would
    need a run of this process, makes two rows of them.

    Args:
        run: An open run.

    Attributes:
        logged: Epochs that were logged.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.logged: set[int] = set()
        self._epoch: int | None = None
        self._row: dict[str, float] = {}

    @property
    def name(self) -> str:
        """Name of this kind of logger."""
        return "wandb"

    @property
    def version(self) -> str:
        """Id of the run."""
        return self.run.key

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Log nothing: the run's settings hold them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take measures of an epoch, and log the one before."""
        epoch = int(metrics[EPOCH]) + 1 if EPOCH in metrics else self._epoch
        if epoch != self._epoch:
            self._flush()
        self._epoch = epoch
        self._row |= {name: value for name, value in metrics.items() if name != EPOCH}

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Log the last epoch."""
        self._flush()

    def _flush(self) -> None:
        if self._row and self._epoch is not None:
            self.run.log({EPOCH: self._epoch, **self._row})
            self.logged.add(self._epoch)
        self._row = {}
