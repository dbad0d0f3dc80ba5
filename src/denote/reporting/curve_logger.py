"""Lightning's logger of training curves on a W&B run that is open."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from denote.reporting.wandb_session import TrackedRun


class CurveLogger(Logger):
    """Logs what Lightning measures, under the names of its own `WandbLogger`, which would need a run of this process.

    Args:
        run: An open run.
    """

    def __init__(self, run: TrackedRun) -> None:
        super().__init__()
        self.run = run

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
        """Add a module's hyperparameters to the run's settings."""
        self.run.configure(vars(params) if isinstance(params, Namespace) else params)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log measures of a step."""
        self.run.log({**metrics, **({} if step is None else {"trainer/global_step": step})})
