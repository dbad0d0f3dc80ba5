"""One training by Lightning's Trainer, deterministic in its settings and seed, resumed where it was interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError  # only the error
from typing import TYPE_CHECKING

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, RichProgressBar
from pytorch_lightning.utilities.seed import isolate_rng

from denote.errors import StoreError
from denote.object_models.keep_weights import KeepWeights, Patience
from denote.object_models.object_model import ObjectModel
from denote.object_models.quiet import quiet_lightning
from denote.object_models.spec import ModelSpec, TrainerOptions, rows_key

if TYPE_CHECKING:
    from denote.data.module import SamplesModule

LAST = "last.ckpt"


def object_model(spec: ModelSpec) -> ObjectModel:
    """The object model before any training of ours: at initialisation, or with weights from elsewhere."""
    training = spec.training
    found = spec.elsewhere is not None and not spec.is_initialisation
    network = spec.elsewhere() if found and spec.elsewhere is not None else spec.initial_network()
    return ObjectModel(network, spec.n_classes, training.optimizer, training.lr, training.weight_decay, spec.task)


def train(
    spec: ModelSpec, data_module: SamplesModule, folder: Path, epochs: Collection[int], options: TrainerOptions
) -> KeepWeights:
    """Train a model, leaving its best weights and those of ``epochs`` in ``folder``.

    An unfinished training that ``folder`` holds goes on from its last finished epoch, to the same weights.

    Raises:
        ConfigError: if the loss is no longer finite.
        StoreError: if the checkpoint to go on from is damaged or holds anything but weights and numbers.
        KeyboardInterrupt: if the user stops it; ``folder`` then holds what is needed to go on.
    """
    _check_agreement(spec, data_module)
    kept = KeepWeights(folder, epochs, spec.seed)
    last = folder / LAST
    with quiet_lightning(), isolate_rng(), interruptible():
        trainer = pl.Trainer(
            max_epochs=spec.training.max_epochs,
            accelerator=options.accelerator,
            devices=options.devices,
            logger=options.logger or False,
            callbacks=[kept, *_callbacks(spec, folder, options)],
            enable_progress_bar=options.progress,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            default_root_dir=folder,
        )
        resume = str(_readable(last)) if last.exists() else None
        trainer.fit(object_model(spec), datamodule=data_module, ckpt_path=resume, weights_only=True)
    return kept


def _callbacks(spec: ModelSpec, folder: Path, options: TrainerOptions) -> list[Callback]:
    callbacks: list[Callback] = [
        *options.callbacks,
        ModelCheckpoint(folder, Path(LAST).stem, save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    if spec.training.patience is not None:
        # KeepWeights names the setting to change when the loss is not finite, so this need not look.
        callbacks.append(Patience("val_loss", patience=spec.training.patience, check_finite=False))
    if options.progress:
        callbacks.append(RichProgressBar(leave=False))
    return callbacks


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


def _readable(checkpoint: Path) -> Path:
    try:
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise StoreError(str(checkpoint), f"cannot be resumed from ({reason})", "remove it to train anew") from error
    return checkpoint


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C be a KeyboardInterrupt: Lightning makes it an exit and ignores the signal ever after."""
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stop
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGINT, handler)
