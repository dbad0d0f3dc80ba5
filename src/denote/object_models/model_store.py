"""Object models by key: trained once, whoever asks, and loaded ever after."""

from __future__ import annotations

import logging
import platform
import shutil
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from denote.config.environment import as_written
from denote.digests import FILES, DamagedError, damaged_files, digests_of, read_sealed, set_aside, write_sealed
from denote.errors import ConfigError, StoreError
from denote.files import flush_folder, remove_temporaries
from denote.locks import is_abandoned, locked
from denote.object_models.checkpoints import has_checkpoint, remove_checkpoints
from denote.object_models.spec import ModelSpec, TrainerOptions
from denote.object_models.weights import BEST, epoch_file, read_weights
from denote.progress import step

if TYPE_CHECKING:
    from denote.data.module import SamplesModule
    from denote.object_models.training import ObjectModel

log = logging.getLogger(__name__)

UNFINISHED = ".partial"
"""End of the name of a folder in which a training runs."""


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

        A job that asks for a model in training waits for it. What is damaged is moved aside. It, and an epoch that was
        not kept, is had by training again, which must end in the same weights.

        Args:
            spec: What shapes the weights.
            data_module: Samples and parts that agree with it.
            options: How a training runs; shapes no weights.

        Raises:
            ConfigError: if the loss is no longer finite.
            StoreError: if weights do not fit the network, or the epoch asked for was never reached.
        """
        options = options or TrainerOptions()
        network = spec.untaught_network().eval()
        if not spec.is_trained_here:
            return TrainedModel(network, spec, 0 if spec.is_initialisation else None, [], None, was_trained=False)
        record, was_trained = self.record(spec), False
        lock = self.root / f"{spec.training_key}.lock"
        if record is None or not _is_settled(record, spec.epoch) or is_abandoned(lock):
            with locked(lock, f"training of network {spec.training_key}"):
                record = self._healed(spec)
                while record is None or not _is_settled(record, spec.epoch):
                    record, was_trained = self._train(spec, data_module, options, record), True
                self._tidy(spec)
        read_weights(network, self.folder(spec) / _weights_file(record, spec.epoch))
        epoch = record.best_epoch if spec.epoch is None else spec.epoch
        return TrainedModel(network, spec, epoch, record.history, record.best_epoch, was_trained)

    def folder(self, spec: ModelSpec) -> Path:
        """Return where the training of ``spec`` is stored."""
        return self.root / spec.training_key

    def record(self, spec: ModelSpec) -> ModelRecord | None:
        """Return the stored training of ``spec``, or None where it is not there or damaged; needs no Lightning."""
        return _sound(self.folder(spec), spec.training_key)

    def _tidy(self, spec: ModelSpec) -> None:
        """Remove what a process left that was killed when all was trained; a checkpoint may be gone on from."""
        remove_temporaries(self.folder(spec))
        unfinished = self.folder(spec).with_suffix(UNFINISHED)
        if not has_checkpoint(unfinished):
            shutil.rmtree(unfinished, ignore_errors=True)

    def _healed(self, spec: ModelSpec) -> ModelRecord | None:
        """Return what is sound of the stored training; damage is moved aside."""
        folder = self.folder(spec)
        try:
            record = ModelRecord.read(folder, spec.training_key)
        except DamagedError as error:
            set_aside(folder, f"has a {FILE} that {error.damage}")
            return None
        if record is None:
            if folder.exists():
                set_aside(folder, f"has lost its {FILE}")
            return None
        damaged = damaged_files(folder, {FILES: record.files})
        for file, problem in damaged.items():
            set_aside(file, problem)
        return replace(record, files={name: of for name, of in record.files.items() if folder / name not in damaged})

    def _train(
        self, spec: ModelSpec, data_module: SamplesModule, options: TrainerOptions, before: ModelRecord | None
    ) -> ModelRecord:
        epochs = {*spec.save_epochs, spec.epoch or 0, *(before.kept_epochs if before else ())} - {0}
        unfinished = self.folder(spec).with_suffix(UNFINISHED)
        record = _sound(unfinished, spec.training_key)  # of a process that was killed when it was about to move it
        if record is None or not all(_is_settled(record, epoch) for epoch in epochs):
            record = _trained(spec, data_module, options, epochs, unfinished)
        if before is None:
            unfinished.replace(self.folder(spec))
            flush_folder(self.root)
        else:
            self._complete(spec, before, record, unfinished)
        return record

    def _complete(self, spec: ModelSpec, before: ModelRecord, record: ModelRecord, unfinished: Path) -> None:
        """Move the weights of a repeated training beside those that were kept, if it was a repetition."""
        folder = self.folder(spec)
        same = all(record.files.get(name) == expected for name, expected in before.files.items())
        if same:
            for name in record.files.keys() - before.files.keys():
                (unfinished / name).replace(folder / name)
            record.write(folder)
        elif BEST not in before.files:
            set_aside(folder, "cannot be completed, as training again gives other weights on this machine")
            unfinished.replace(folder)
        shutil.rmtree(unfinished, ignore_errors=True)
        if not same and BEST in before.files:
            problem = f"epoch {spec.epoch} was not kept, and training again gives other weights on this machine"
            allowed = f"kept: {before.kept_epochs}, or remove {folder} to train anew"
            raise StoreError("architecture.epoch", problem, allowed)


def _trained(
    spec: ModelSpec, data_module: SamplesModule, options: TrainerOptions, epochs: set[int], folder: Path
) -> ModelRecord:
    """Train in a folder, going on where a training was interrupted there, and leave its weights and its record."""
    with step("loading Lightning", once=True):  # which takes seconds
        from denote.object_models.training import train

    folder.mkdir(exist_ok=True)
    try:
        kept = train(spec, data_module, folder, epochs, options)
    except ConfigError:
        if not has_checkpoint(folder):  # of an earlier command, whose training this one's mistake must not cost
            shutil.rmtree(folder)
        raise
    files = digests_of(folder, kept.files)
    record = ModelRecord(
        spec.training_key, as_written(spec.described()), kept.history, kept.best_epoch, files, versions()
    )
    record.write(folder)
    remove_checkpoints(folder)
    return record


def _sound(folder: Path, training_key: str) -> ModelRecord | None:
    """Return the record in a folder, None where there is none or anything is damaged."""
    try:
        record = ModelRecord.read(folder, training_key)
    except DamagedError:
        return None
    return None if record is None or damaged_files(folder, {FILES: record.files}) else record


def _is_settled(record: ModelRecord, epoch: int | None) -> bool:
    """Return whether training again could not add ``epoch``: it is kept, or was never reached."""
    if BEST not in record.files:
        return False
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
        files: Size and digest of each weights file, by name.
        versions: Packages it was trained with.
    """

    training_key: str
    spec: dict[str, Any]
    history: list[dict[str, float]]
    best_epoch: int
    files: dict[str, dict[str, Any]]
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
        """Write to ``folder``, whole or not at all, with a digest of itself."""
        write_sealed(folder / FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path, training_key: str) -> ModelRecord | None:
        """Return the record in ``folder``, or None where there is none. The files it names are not looked at.

        Args:
            folder: Of the training.
            training_key: The key that it must have.

        Raises:
            DamagedError: if it is not as it was written, or another model's.
        """
        path = folder / FILE
        if not path.exists():
            return None
        saved = read_sealed(path, required=True)
        if saved.get("training_key") != training_key:
            raise DamagedError(path, "is that of another training")
        return cls(**{name: saved[name] for name in cls.__dataclass_fields__})


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape weights."""
    installed = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:  # run from a source tree
            installed[package] = "not installed"
    return installed
