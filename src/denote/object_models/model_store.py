"""Object models by key: trained once, whoever asks, and loaded ever after."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from torch import nn

from denote.config.keys import digest_files
from denote.errors import ConfigError, StoreError
from denote.files import write_text
from denote.object_models.spec import ModelSpec, TrainerOptions
from denote.object_models.weights import BEST, epoch_file, read_weights
from denote.progress import step

if TYPE_CHECKING:
    from denote.data.module import SamplesModule
    from denote.object_models.training import ObjectModel


@dataclass(frozen=True)
class TrainedModel:
    """An object model with its weights, in eval mode on the CPU.

    Attributes:
        network: The module that is observed.
        spec: What was asked for.
        epoch: Passes over the training rows behind the weights; 0 at initialisation, None if trained elsewhere.
        history: One row per epoch of the training: ``epoch train_loss train_accuracy val_loss val_accuracy``, with
            the metric of another task in the place of accuracy; empty where nothing was trained.
        best_epoch: The epoch with the lowest validation loss; None where nothing was trained.
        was_trained: True if it was trained just now, False if it was loaded or needed no training.
    """

    network: nn.Module
    spec: ModelSpec
    epoch: int | None
    history: list[dict[str, float]]
    best_epoch: int | None
    was_trained: bool

    @property
    def model(self) -> ObjectModel:
        """The LightningModule around the network."""
        from denote.object_models.training import object_model  # Lightning takes seconds to import

        return object_model(self.spec, self.network).eval()


class ModelStore:
    """Object models under ``<root>/models/<training key>/``.

    Args:
        root: The store's folder; made when first needed.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root) / "models"

    def obtain(
        self, spec: ModelSpec, data_module: SamplesModule, options: TrainerOptions | None = None
    ) -> TrainedModel:
        """Return the model that ``spec`` describes: loaded, or trained and stored.

        A job that asks for a model in training waits for it. An epoch that was not kept is had by training again,
        which must end in the same weights.

        Args:
            spec: What shapes the weights.
            data_module: Samples and parts that agree with it.
            options: How a training runs; shapes no weights.

        Raises:
            ConfigError: if the loss is no longer finite.
            StoreError: if what is stored cannot be used, or the epoch asked for was never reached.
        """
        options = options or TrainerOptions()
        network = spec.untaught_network().eval()
        if not spec.is_trained_here:
            return TrainedModel(network, spec, 0 if spec.is_initialisation else None, [], None, was_trained=False)
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / f"{spec.training_key}.lock"):
            record, was_trained = self.record(spec), False
            while record is None or not _is_settled(record, spec.epoch):
                record, was_trained = self._train(spec, data_module, options, record), True
            read_weights(network, self.folder(spec) / _weights_file(record, spec.epoch))
        epoch = record.best_epoch if spec.epoch is None else spec.epoch
        return TrainedModel(network, spec, epoch, record.history, record.best_epoch, was_trained)

    def folder(self, spec: ModelSpec) -> Path:
        """Return where the training of ``spec`` is stored."""
        return self.root / spec.training_key

    def record(self, spec: ModelSpec) -> ModelRecord | None:
        """Return the stored training of ``spec``, or None; needs no Lightning.

        Raises:
            StoreError: if what is stored cannot be used.
        """
        return ModelRecord.read(self.folder(spec), spec.training_key)

    def _train(
        self, spec: ModelSpec, data_module: SamplesModule, options: TrainerOptions, before: ModelRecord | None
    ) -> ModelRecord:
        with step("loading Lightning", once=True):  # which takes seconds
            from denote.object_models.training import LAST, train

        epochs = {*spec.save_epochs, spec.epoch or 0, *(before.kept_epochs if before else ())} - {0}
        unfinished = self.folder(spec).with_suffix(".partial")
        unfinished.mkdir(exist_ok=True)
        try:
            kept = train(spec, data_module, unfinished, epochs, options)
        except ConfigError:
            shutil.rmtree(unfinished)
            raise
        files = file_digests(unfinished)
        record = ModelRecord(spec.training_key, spec.described(), kept.history, kept.best_epoch, files, versions())
        record.write(unfinished)
        (unfinished / LAST).unlink()
        if before is None:
            unfinished.replace(self.folder(spec))
        else:
            self._add_epochs(spec, before, record, unfinished)
        return record

    def _add_epochs(self, spec: ModelSpec, before: ModelRecord, record: ModelRecord, unfinished: Path) -> None:
        """Move the epochs of a repeated training beside those that were kept, if it was a repetition."""
        same = all(record.files.get(name) == digest for name, digest in before.files.items())
        if same:
            for name in record.files.keys() - before.files.keys():
                (unfinished / name).replace(self.folder(spec) / name)
            record.write(self.folder(spec))
        shutil.rmtree(unfinished)
        if not same:
            problem = f"epoch {spec.epoch} was not kept, and training again gives other weights on this machine"
            allowed = f"kept: {before.kept_epochs}, or remove {self.folder(spec)} to train anew"
            raise StoreError("architecture.epoch", problem, allowed)


def _is_settled(record: ModelRecord, epoch: int | None) -> bool:
    """Return whether training again could not add ``epoch``: it is kept, or was never reached."""
    return epoch is None or epoch in record.kept_epochs or epoch > record.last_epoch


def _weights_file(record: ModelRecord, epoch: int | None) -> str:
    if epoch is None:
        return BEST
    if epoch > record.last_epoch:
        problem = f"epoch {epoch} was never reached: training stopped after epoch {record.last_epoch}"
        allowed = f"0 to {record.last_epoch}, or trainer.patience=null to train for all of trainer.max_epochs"
        raise StoreError("architecture.epoch", problem, allowed)
    return epoch_file(epoch)


FILE = "model.json"
_PACKAGES = ("denote", "torch", "pytorch-lightning", "numpy")


@dataclass(frozen=True)
class ModelRecord:
    """``model.json`` of one training.

    Attributes:
        training_key: Key of the training, equal to its folder's name.
        spec: What shaped it.
        history: One row per epoch: ``epoch train_loss train_accuracy val_loss val_accuracy``, or another task's
            metric.
        best_epoch: The epoch whose weights are the model's.
        files: Digest of each weights file by name.
        versions: Packages it was trained with.
    """

    training_key: str
    spec: dict[str, Any]
    history: list[dict[str, float]]
    best_epoch: int
    files: dict[str, str]
    versions: dict[str, str]

    @property
    def last_epoch(self) -> int:
        """The epoch after which training stopped."""
        return len(self.history)

    @property
    def kept_epochs(self) -> list[int]:
        """Epochs whose weights can be had besides the best, ascending."""
        return [epoch for epoch in range(1, self.last_epoch + 1) if epoch_file(epoch) in self.files]

    def write(self, folder: Path) -> None:
        """Write to ``folder``, whole or not at all."""
        write_text(folder / FILE, json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path, training_key: str) -> ModelRecord | None:
        """Return the record in ``folder``, or None where there is none.

        Args:
            folder: Of the training.
            training_key: The key that it must have.

        Raises:
            StoreError: if it cannot be read, is another model's, or a file it names is missing or changed.
        """
        path = folder / FILE
        if not path.exists():
            return None
        again = "remove the folder to train again"
        try:
            record = cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise StoreError(str(path), f"cannot be read ({error})", again) from error
        if record.training_key != training_key:
            raise StoreError(str(path), f"training_key is {record.training_key!r}, not {training_key!r}", again)
        for name, expected in record.files.items():
            file = folder / name
            if not file.exists():
                raise StoreError(str(file), "is missing, though model.json names it", again)
            if digest_files([file]) != expected:
                raise StoreError(str(file), "is not the file that model.json describes", again)
        return record


def file_digests(folder: Path) -> dict[str, str]:
    """Return the digest of each weights file in ``folder``."""
    return {path.name: digest_files([path]) for path in sorted(folder.glob("*.safetensors"))}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape weights."""
    installed = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:  # run from a source tree
            installed[package] = "not installed"
    return installed
