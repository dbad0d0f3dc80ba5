"""How an object model is trained: the settings that shape its weights, and those that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from denote.errors import ConfigError, one_of

if TYPE_CHECKING:
    from pytorch_lightning import Callback
    from pytorch_lightning.loggers import Logger

OPTIMIZERS = ("adam", "adamw", "sgd")


@dataclass(frozen=True)
class TrainingSettings:
    """Numbers and strings that shape the weights; all of them enter the training's key.

    Attributes:
        max_epochs: Most passes over the training rows, at least 1.
        batch_size: Rows per step, at least 1.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        lr: Learning rate, above 0.
        weight_decay: At least 0.
        patience: Epochs without a lower validation loss after which training stops; None trains all epochs.
        validation_share: Share of the *object* part that early stopping looks at, in (0, 1).
    """

    max_epochs: int = 50
    batch_size: int = 64
    optimizer: str = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    patience: int | None = 5
    validation_share: float = 0.1

    def __post_init__(self) -> None:
        checks = {
            "max_epochs": (self.max_epochs >= 1, "a whole number from 1 up"),
            "batch_size": (self.batch_size >= 1, "a whole number from 1 up"),
            "optimizer": (self.optimizer in OPTIMIZERS, one_of(self.optimizer, OPTIMIZERS)),
            "lr": (self.lr > 0, "a number above 0"),
            "weight_decay": (self.weight_decay >= 0, "a number from 0 up"),
            "patience": (self.patience is None or self.patience >= 1, "null, or a whole number from 1 up"),
            "validation_share": (0 < self.validation_share < 1, "a number in (0, 1)"),
        }
        for name, (holds, allowed) in checks.items():
            if not holds:
                raise ConfigError(f"trainer.{name}", f"{getattr(self, name)!r} cannot be used", allowed)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> TrainingSettings:
        """Settings from a mapping; what it leaves out has its default.

        Raises:
            ConfigError: for a name that is none of the settings.
        """
        names = [f.name for f in fields(cls)]
        for name in settings:
            if name not in names:
                raise ConfigError(f"trainer.{name}", "there is no such setting", one_of(name, names))
        return cls(**settings)


@dataclass(frozen=True)
class TrainerOptions:
    """What may differ between two runs that give the same weights; none of it enters a key.

    Attributes:
        accelerator: Lightning's ``cpu``, ``gpu``, ``mps`` or ``auto``.
        devices: Lightning's number of devices, or a list of them.
        progress: Whether a progress bar is shown.
        logger: Gets losses and accuracies per epoch; None for nothing.
        callbacks: Further Lightning callbacks, which must not change the weights.
    """

    accelerator: str = "cpu"
    devices: int | list[int] = 1
    progress: bool = False
    logger: Logger | None = None
    callbacks: Sequence[Callback] = field(default=())
