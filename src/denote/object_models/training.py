"""Train a network as a LightningModule, deterministic in its settings and seed, resumed where it was interrupted."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from pytorch_lightning.callbacks import Callback, Checkpoint, EarlyStopping
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor, nn
from torchmetrics import Metric

from denote.data.batch import Batch
from denote.data.module import Taught
from denote.data.samples import CLASSES
from denote.digests import FILES, damaged_files, digests_of
from denote.errors import ConfigError
from denote.object_models.checkpoints import UNNAMED, keep, newest
from denote.object_models.devices import Share, train_on_devices
from denote.object_models.epoch_progress import EpochProgress
from denote.object_models.lightning_session import lightning_session, torch_threads
from denote.object_models.spec import ModelSpec, TrainerOptions, rows_key
from denote.object_models.task import TASKS, outputs_of
from denote.object_models.weights import BEST, best_file, epoch_file, write_weights
from denote.progress.steps import Step, step
from denote.streams import stream_seed

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

    from denote.data.module import SamplesModule


_OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


class ObjectModel(pl.LightningModule):
    """A network with the loss and the metric of its task; one step serves training, validation and test.

    Losses and predictions are put together over an epoch and logged when it ends: logging every step costs more than a
    step of a small network.

    Args:
        network: Maps a batch of inputs to outputs ``[sample, output]``; where samples are words of sequences, to
            outputs ``[sequence, position, output]``.
        n_classes: Number of outputs: classes, labels, or 1 for a number.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        lr: Learning rate, above 0.
        weight_decay: At least 0.
        task: ``classes`` (cross-entropy, accuracy), ``numeric`` (mean squared error, R squared) or ``labels`` (binary
            cross-entropy, mean accuracy).

    Attributes:
        share: How batches are shared where several devices train it.
    """

    def __init__(
        self,
        network: nn.Module,
        n_classes: int,
        optimizer: str = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        task: str = CLASSES,
    ) -> None:
        super().__init__()
        ConfigError.refuse_unknown(optimizer, _OPTIMIZERS, "trainer.optimizer", "no optimizer is called {!r}")
        self.save_hyperparameters(ignore=["network"])
        self.network = network
        self.task = TASKS[task]
        stages = ("train_", "val_", "test_")
        self.metrics = nn.ModuleDict({stage: self.task.metric(n_classes) for stage in stages})
        self._epochs = {stage: EpochSteps() for stage in stages}
        self.share: Share | None = None

    def forward(self, inputs: Batch) -> Float[Tensor, "sample output"]:
        """Return logits, or numbers, of the samples."""
        return outputs_of(self.network, inputs)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer named in the settings.

        Raises:
            ConfigError: if the network has no parameters.
        """
        if next(self.parameters(), None) is None:
            raise ConfigError("architecture.trained", "the network has nothing to train", "allowed: false")
        hparams: Any = self.hparams
        kind = _OPTIMIZERS[hparams.optimizer]
        return kind(self.parameters(), lr=hparams.lr, weight_decay=hparams.weight_decay)  # type: ignore[call-arg] # the base class does not declare what all three take

    def training_step(self, batch: Taught, batch_idx: int) -> Tensor:
        """Return the loss of a training batch, weighted where it is a share: the mean over devices is the batch's."""
        loss = self._step(batch, "train_")
        return loss if self.share is None else loss * self.share.weight(batch_idx, len(batch[1]))

    def validation_step(self, batch: Taught, batch_idx: int) -> Tensor:
        """Return the loss of a batch that early stopping looks at."""
        return self._step(batch, "val_")

    def test_step(self, batch: Taught, batch_idx: int) -> Tensor:
        """Return the loss of a held-out batch."""
        return self._step(batch, "test_")

    def on_train_epoch_start(self) -> None:
        """Begin an epoch, whatever became of the last one."""
        self._begin("train_")

    def on_validation_epoch_start(self) -> None:
        """Begin an epoch's validation."""
        self._begin("val_")

    def on_test_epoch_start(self) -> None:
        """Begin a test."""
        self._begin("test_")

    def on_train_batch_end(self, outputs: Any, batch: Taught, batch_idx: int) -> None:
        """Log the training's loss and metric of the epoch with its last batch: callbacks see them when it ends."""
        if self.trainer.is_last_batch:
            self._log("train_")

    def on_validation_epoch_end(self) -> None:
        """Log the validation's loss and metric of the epoch."""
        self._log("val_")

    def on_test_epoch_end(self) -> None:
        """Log the loss and metric of held-out rows."""
        self._log("test_")

    def transfer_batch_to_device(self, batch: Taught, device: torch.device, dataloader_idx: int) -> Taught:
        """Leave a batch that is there already; Lightning would look through it for things to move."""
        if device.type == "cpu":
            return batch
        return cast(Taught, super().transfer_batch_to_device(batch, device, dataloader_idx))

    def _step(self, batch: Taught, stage: str) -> Tensor:
        inputs, targets, _ = batch
        outputs = self(inputs)
        loss = self.task.loss(outputs, targets)
        steps = self._epochs[stage]
        steps.add(loss.detach(), self.task.predict(outputs.detach()), targets)
        if steps.n_judged >= HELD:
            cast(Metric, self.metrics[stage]).update(*steps.take_judged())
        return loss

    def _begin(self, stage: str) -> None:
        self._epochs[stage].clear()
        cast(Metric, self.metrics[stage]).reset()

    def _log(self, stage: str) -> None:
        steps, metric = self._epochs[stage], cast(Metric, self.metrics[stage])
        if steps.n_judged:
            metric.update(*steps.take_judged())
        loss = steps.loss(self.trainer)
        measures: dict[str, Tensor | Metric] = {f"{stage}loss": loss, f"{stage}{self.task.measure}": metric}
        self.log_dict(measures, on_step=False, on_epoch=True, prog_bar=True, batch_size=1)


HELD = 1 << 16
"""Predictions that are held until the metric gets them: one call for many batches, which are small."""


class EpochSteps:
    """The steps of one epoch: their mean loss, and predictions beside targets that no metric has seen."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin an epoch."""
        self._sum: Tensor | None = None
        self._n = self.n_judged = 0
        self._judged: list[tuple[Tensor, Tensor]] = []

    def add(self, loss: Tensor, predictions: Tensor, targets: Tensor) -> None:
        """Add a batch.

        Args:
            loss: Mean loss of its samples.
            predictions: Of each sample.
            targets: Of each sample.
        """
        n = len(targets)
        self._sum = loss * n if self._sum is None else self._sum + loss * n
        self._n += n
        self.n_judged += targets.numel()
        self._judged.append((predictions, targets))

    def loss(self, trainer: pl.Trainer) -> Tensor:
        """Mean loss of all samples, those of all devices."""
        assert self._sum is not None  # noqa: S101 # Lightning ends no epoch without a step
        if trainer.world_size == 1:
            return self._sum / self._n
        sums = torch.stack([self._sum.double(), torch.full_like(self._sum, self._n, dtype=torch.float64)])
        of_all = cast(Tensor, trainer.strategy.reduce(sums, reduce_op="sum"))
        return (of_all[0] / of_all[1]).to(self._sum.dtype)

    def take_judged(self) -> tuple[Tensor, Tensor]:
        """Give predictions and targets of all samples since they were last taken."""
        predictions, targets = zip(*self._judged, strict=True)
        self.n_judged, self._judged = 0, []
        return torch.cat(predictions), torch.cat(targets)


SAVE_EVERY = 5.0
"""Seconds of training that a killed process may lose: a checkpoint of every epoch costs as much as a small network's
epoch."""


def object_model(spec: ModelSpec, network: nn.Module) -> ObjectModel:
    """Return the LightningModule around the network of an object model."""
    training = spec.training
    return ObjectModel(network, spec.n_classes, training.optimizer, training.lr, training.weight_decay, spec.task)


def train(
    spec: ModelSpec, data_module: SamplesModule, folder: Path, epochs: Collection[int], options: TrainerOptions
) -> KeepWeights:
    """Train a model, leaving its best weights and those of ``epochs`` in ``folder``.

    An unfinished training that ``folder`` holds goes on from its last checkpoint, to the same weights. A checkpoint is
    moved aside if it is damaged, names weights that are damaged, or holds anything but weights and numbers.

    Args:
        spec: What shapes the weights.
        data_module: Samples and parts that agree with it.
        folder: Where weights and checkpoints go.
        epochs: Whose weights are kept besides the best.
        options: How the training runs.

    Raises:
        ConfigError: if the loss is no longer finite, or more devices are asked for than there are or can share it.
        DeviceError: if a process of another device failed or was lost.
        KeyboardInterrupt: if the user stops it; ``folder`` then holds what is needed to go on.
    """
    _check_agreement(spec, data_module)
    _check_shares(spec, data_module)
    kept = KeepWeights(folder, epochs, spec.seed)
    resume = newest(folder, kept.refusal)
    if resume is None:
        kept.clear()
    counted = step("epoch", spec.training.max_epochs, at_most=spec.training.patience is not None)
    with lightning_session(), isolate_rng(), torch_threads(spec.training.threads), counted as shown:
        devices, model = spec.training.devices, object_model(spec, spec.untaught_network())
        if devices > 1:
            model.share = Share(len(data_module.train_rows), spec.training.batch_size, devices)

        def fit_at(rank: int) -> Fit:
            loaders = data_module.train_dataloader(rank, devices), data_module.val_dataloader(rank, devices)
            keeping = KeepWeights(folder, (), spec.seed, rank) if rank else kept
            callbacks = [keeping, KeepCheckpoint(keeping), *_patience(spec)]
            fit = Fit(model, loaders, callbacks, spec.training.max_epochs, folder, resume)
            return fit if rank else fit.told(options, _progress(spec, options, shown))

        train_on_devices(fit_at, spec.training, options)
    kept.finish()
    return kept


@dataclass(frozen=True)
class Fit:
    """A training as one process runs it.

    Attributes:
        model: The network and how it learns.
        loaders: Batches to learn from and to stop by.
        callbacks: What happens between epochs.
        max_epochs: Most epochs.
        folder: Where weights and checkpoints go.
        resume: The checkpoint to go on from, or None.
        logger: Gets losses and metrics.
    """

    model: ObjectModel
    loaders: tuple[Any, Any]
    callbacks: list[Callback]
    max_epochs: int
    folder: Path
    resume: Path | None
    logger: Logger | None = None

    def told(self, options: TrainerOptions, progress: list[Callback]) -> Fit:
        """Return the same with what only the first process has."""
        callbacks = [self.callbacks[0], *options.callbacks, *self.callbacks[1:], *progress]
        return replace(self, callbacks=callbacks, logger=options.logger)

    def __call__(self, devices: dict[str, Any]) -> None:
        """Train.

        Args:
            devices: Arguments of the Trainer that say where.
        """
        trainer = pl.Trainer(
            **devices,
            max_epochs=self.max_epochs,
            logger=self.logger or False,
            callbacks=self.callbacks,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            default_root_dir=self.folder,
        )
        trainer.fit(self.model, *self.loaders, ckpt_path=self.resume, weights_only=True)


def _patience(spec: ModelSpec) -> list[Callback]:
    if spec.training.patience is None:
        return []
    # KeepWeights names the setting to change when the loss is not finite, so this need not look.
    return [Patience("val_loss", patience=spec.training.patience, check_finite=False)]


def _progress(spec: ModelSpec, options: TrainerOptions, shown: Step) -> list[Callback]:
    return [EpochProgress(shown, f"val_{TASKS[spec.task].measure}")] if options.progress else []


def _check_shares(spec: ModelSpec, data_module: SamplesModule) -> None:
    """Refuse more devices than a batch can be shared by: batch statistics need two rows on each.

    Raises:
        ConfigError: naming the number of devices and of rows.
    """
    devices = spec.training.devices
    enough = min(len(data_module.train_rows) // 2, len(data_module.validation_rows))
    if devices > max(1, enough):
        rows = f"{len(data_module.train_rows)} training and {len(data_module.validation_rows)} validation rows"
        raise ConfigError("trainer.devices", f"{devices} cannot share {rows}", f"allowed: 1 to {max(1, enough)}")


def _check_agreement(spec: ModelSpec, data_module: SamplesModule) -> None:
    """Hold that the data module is what the key says, else weights would be stored under a wrong key."""
    agreed = {
        "data_key": (spec.data_key, data_module.samples.key),
        "rows_digest": (spec.rows_digest, rows_key(data_module.train_rows, data_module.validation_rows)),
        "batch_size": (spec.training.batch_size, data_module.batch_size),
        "seed": (spec.seed, data_module.order_seed),
    }
    for name, (of_spec, of_data) in agreed.items():
        if of_spec != of_data:
            raise ValueError(f"{name} of the model spec is {of_spec!r} but the data module has {of_data!r}")


class KeepWeights(Checkpoint):
    """Writes weights when an epoch ends; its state travels in Lightning's checkpoint, so a resumed training goes on.

    Args:
        folder: Where the weights go.
        epochs: Epochs to keep besides the best.
        seed: Seed of what the network draws while it trains (dropout), afresh for every epoch.
        rank: Number of the device, from 0; each draws its own, and the first one writes.

    Attributes:
        history: One row per finished epoch: ``epoch`` (1 first), and loss and metric of training and validation.
        best_epoch: The epoch with the lowest validation loss so far, the first of equals.
    """

    def __init__(self, folder: Path, epochs: Collection[int], seed: int, rank: int = 0) -> None:
        self.folder, self.epochs, self.seed, self.rank = folder, frozenset(epochs), seed, rank
        self.history: list[dict[str, float]] = []
        self.best_epoch, self.best_loss = 0, inf

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Name the epoch's stream, so that an epoch draws the same whether training was interrupted or not."""
        of_device = (self.rank,) if self.rank else ()
        torch.manual_seed(stream_seed("training", self.seed, trainer.current_epoch, *of_device))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the measures and write the weights if they are wanted."""
        assert isinstance(pl_module, ObjectModel)  # noqa: S101 # ours are the only modules this callback is given
        epoch, network, measures = trainer.current_epoch + 1, pl_module.network, ("loss", pl_module.task.measure)
        names = [f"{part}_{measure}" for part in ("train", "val") for measure in measures]
        row = {name: float(trainer.callback_metrics[name]) for name in names}
        for name in ("train_loss", "val_loss"):
            if not isfinite(row[name]):
                problem = f"{name} is {row[name]} after epoch {epoch} at lr {pl_module.hparams['lr']:g}"
                raise ConfigError("trainer.lr", problem, "try a lower one")
        self.history.append({"epoch": epoch, **row})
        if row["val_loss"] < self.best_loss:
            self.best_epoch, self.best_loss = epoch, row["val_loss"]
            if self.rank == 0:
                write_weights(network, self.folder / best_file(epoch))
        if epoch in self.epochs:
            write_weights(network, self.folder / epoch_file(epoch))

    @property
    def files(self) -> list[str]:
        """Names of the weights in the folder, which the first device knows."""
        if self.rank:
            return []
        epochs = sorted(epoch for epoch in self.epochs if 0 < epoch <= len(self.history))
        names = [BEST, best_file(self.best_epoch), *map(epoch_file, epochs)]
        return [name for name in names if (self.folder / name).exists()]

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs to go on."""
        files = digests_of(self.folder, self.files)
        return {"history": self.history, "best_epoch": self.best_epoch, "best_loss": self.best_loss, FILES: files}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.history = list(state_dict["history"])
        self.best_epoch, self.best_loss = state_dict["best_epoch"], state_dict["best_loss"]

    def refusal(self, checkpoint: dict[str, Any]) -> str | None:
        """Return why a training cannot go on from a checkpoint: weights that it names are damaged."""
        state = checkpoint["callbacks"][self.state_key]
        if (self.folder / BEST).exists():  # of a process that was killed between `finish` and the record
            (self.folder / BEST).replace(self.folder / best_file(state["best_epoch"]))
        for file, problem in damaged_files(self.folder, state).items():
            return f"cannot be resumed from: {file.name} {problem}"
        return None

    def clear(self) -> None:
        """Remove all files of a training that nothing can go on from."""
        for file in self.folder.iterdir():
            if file.is_file():
                file.unlink()

    def forget_former(self) -> None:
        """Remove the best weights of former epochs, which no checkpoint names any more."""
        for file in self.folder.glob(best_file(None)):
            if file.name != best_file(self.best_epoch):
                file.unlink()

    def finish(self) -> None:
        """Give the best weights their name once the training is over, and remove those that nobody asked for."""
        (self.folder / best_file(self.best_epoch)).replace(self.folder / BEST)
        for file in {*self.folder.glob("*.safetensors")} - {self.folder / name for name in self.files}:
            file.unlink()


class KeepCheckpoint(Checkpoint):
    """Writes Lightning's checkpoint when an epoch ends, `SAVE_EVERY` seconds after the last one, and at the end.

    Args:
        kept: The weights that it names.
    """

    def __init__(self, kept: KeepWeights) -> None:
        self.kept, self.written = kept, time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write it if it is time, which devices that train together find at once."""
        is_time = time.monotonic() - self.written >= SAVE_EVERY
        if trainer.strategy.reduce_boolean_decision(is_time, all=False):
            self._write(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write it: a training that is over does not begin again."""
        self._write(trainer)

    def _write(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.kept.folder / UNNAMED)
        if self.kept.rank == 0:
            keep(self.kept.folder / UNNAMED)
            self.kept.forget_former()
        self.written = time.monotonic()


class Patience(EarlyStopping):
    """Early stopping that, resumed after its patience ran out, does not train another epoch."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop before the first step if the checkpoint is that of the last epoch."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True
