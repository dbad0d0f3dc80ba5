"""What is written beside an object model's weights: what shaped them, how training went, which files there are."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from denote.errors import StoreError
from denote.files import write_text
from denote.keys import digest_files
from denote.object_models.weights import epoch_file

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
        """The record in ``folder``, or None where there is none.

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
    """Digest of each weights file in ``folder``."""
    return {path.name: digest_files([path]) for path in sorted(folder.glob("*.safetensors"))}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape weights."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a source tree
            found[package] = "not installed"
    return found
