"""A dataset with its split: parts, batches of (inputs, learned target, row), a reproducible training order.

It has the loaders of a LightningDataModule without being one: a job that trains nothing need not wait for Lightning.
`as_lightning` gives one to a Trainer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int, Int64, Shaped
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler

from denote.config.class_sources import USUAL_PATHS
from denote.config.keys import digest
from denote.data.batch import Batch
from denote.data.learned import Learned, Lesson
from denote.data.parts import Parts, SplitSettings, validation_rows
from denote.data.samples import Rows, Samples
from denote.data.trained_on import UNKNOWN, TrainedOn
from denote.errors import DataError, first_line
from denote.streams import stream, torch_stream

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule

Taught = tuple[Batch, Shaped[Tensor, " sample *label"], Int64[Tensor, " sample"]]
"""Inputs, learned targets, row ids; Lightning moves all three to the device by their ``to``."""


class SamplesModule(ABC):
    """A dataset with its split; a subclass says how to `load` it.

    Args:
        split: The keys of ``split.*``, see `SplitSettings`.
        batch_size: Samples per batch.
        validation: Share of the object part by which training is stopped, in (0, 1).
        order_seed: Chooses the order of training; the object model's seed.
        needs_object: False where the network was trained elsewhere and all rows are observed.
        workers: Processes that fetch batches; 0 fetches in this one.
        shuffle_targets: Whether the object model is taught targets permuted among the rows of the object part.
        merge_classes: Number of groups of neighbouring classes that it is taught instead of the classes, or None.

    Attributes:
        samples: The loaded samples, after `setup`, with the classes that observers see.
        learned: The targets of training.
        parts: *object*, *fit* and *test*.
        train_rows: Rows of the object part that are trained on, ascending.
        validation_rows: Rows of the object part that training is stopped by, ascending.
        trained_on: What ``architecture.trained_on`` says of a network that was trained elsewhere.
        trained: What that says of the rows, after `setup`; None where the network is trained here.
        source: Digest of the code of a class that is no part of denote; empty for ours. Its samples may change without
            their key, which the class makes itself, so that both are their key.
    """

    paths: ClassVar[tuple[str, ...]] = USUAL_PATHS
    """Settings that name files, or folders of files: their content shapes results, wherever they lie. Another tuple is
    written out in the body of the class, where it can be read without importing it."""

    samples: Samples
    learned: Learned
    parts: Parts
    train_rows: Int[np.ndarray, " train_row"]
    validation_rows: Int[np.ndarray, " validation_row"]

    def __init__(
        self,
        *,
        split: SplitSettings | Mapping[str, Any] | None = None,
        batch_size: int = 128,
        validation: float = 0.1,
        order_seed: int = 0,
        needs_object: bool = True,
        workers: int = 0,
        shuffle_targets: bool = False,
        merge_classes: int | None = None,
    ) -> None:
        if batch_size < 1:
            raise DataError("dataset.batch_size", f"{batch_size}", "allowed: 1 or more")
        self.split = SplitSettings.of(split)
        self.batch_size, self.validation, self.order_seed = batch_size, validation, order_seed
        self.needs_object, self.workers = needs_object, workers
        self.lesson = Lesson(merge_classes, shuffle_targets)
        self.trained_on = UNKNOWN
        self.trained: TrainedOn | None = None
        self.source: Mapping[str, str] = {}
        self._is_set_up = False

    @property
    def dealing(self) -> tuple[str, ...]:
        """Columns that deal the rows into parts."""
        return tuple(name for name in (self.split.group, self.split.column) if name)

    @abstractmethod
    def load(self) -> Samples:
        """Read or make the samples; called once.

        Raises:
            DataError: if they cannot be had.
        """

    def setup(self, stage: str | None = None) -> None:
        """Load and split, once, whatever the stage."""
        if self._is_set_up:
            return
        try:
            loaded = self.load()
        except MemoryError as error:
            problem = f"it takes more memory than this machine has ({first_line(error)})"
            raise DataError("dataset", problem, "fewer or smaller samples") from error
        samples = replace(loaded, dealing=self.dealing)
        if self.source:
            samples = replace(samples, key=digest([samples.key, self.source]))
        if not self.needs_object:
            self.trained = TrainedOn.read(self.trained_on, len(samples), "architecture.trained_on")
        self.parts = self.split(samples, needs_object=self.needs_object, trained=self.trained)
        samples = samples.fitted(self.parts.object if self.needs_object else self.parts.fit)
        self.samples, self.learned = self.lesson(samples, self.parts.object, self.split.seed)
        self.train_rows = self.validation_rows = self.parts.object
        if self.needs_object:
            self.train_rows, self.validation_rows = validation_rows(
                self.samples, self.parts.object, share=self.validation, seed=self.split.seed, group=self.split.group
            )
        self._is_set_up = True

    def train_dataloader(self, device: int = 0, devices: int = 1) -> DataLoader[Taught]:
        """Batches of the training rows in an order that only ``order_seed`` and the epoch decide.

        Args:
            device: Which of the devices that train together gets them, from 0.
            devices: How many share every batch.
        """
        # A last batch of one sample has no variance, which batch normalisation refuses.
        rest = len(self.train_rows) % self.batch_size
        drop_last = len(self.train_rows) > self.batch_size and 0 < rest < 2 * devices
        sequence = getattr(self.samples.inputs, "sequence", None)
        together = None if sequence is None else sequence[self.train_rows]
        order = TrainingOrder(self.train_rows, self.order_seed, together)
        if devices == 1:
            return self._loader(order, drop_last)
        return self._shared(BatchSampler(order, self.batch_size, drop_last), device, devices)

    def val_dataloader(self, device: int = 0, devices: int = 1) -> DataLoader[Taught]:
        """Batches of the validation rows, ascending.

        Args:
            device: Place of the device among those that train together, from 0; see `train_dataloader`.
            devices: Their number, at least 1.
        """
        if devices == 1:
            return self._loader(self.validation_rows)
        even = np.array_split(self.validation_rows, -(-len(self.validation_rows) // self.batch_size))
        return self._shared([rows.tolist() for rows in even], device, devices)

    def test_dataloader(self) -> DataLoader[Taught]:
        """Batches of *test*, ascending."""
        return self._loader(self.parts.test)

    def batches(self, rows: Rows, size: int) -> Iterator[tuple[Batch, Rows]]:
        """Read inputs in batches.

        Args:
            rows: Row ids, in the order in which they are read.
            size: Rows at a time, at most.

        Returns:
            Inputs, and their row ids.
        """
        for start in range(0, len(rows), size):
            chosen = rows[start : start + size]
            yield self.samples.inputs[chosen], chosen

    def _loader(self, rows: Any, drop_last: bool = False) -> DataLoader[Taught]:
        return self._loads(batch_size=self.batch_size, sampler=rows, drop_last=drop_last)

    def _shared(self, batches: Any, device: int, devices: int) -> DataLoader[Taught]:
        return self._loads(batch_sampler=BatchShares(batches, device, devices))

    def _loads(self, **batches: Any) -> DataLoader[Taught]:
        # Its own generator: a DataLoader draws a seed for its workers, by default from torch's global state.
        return DataLoader(
            _WholeBatches(self.samples, self.learned),
            collate_fn=_as_it_is,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            generator=torch_stream("loader", self.order_seed),
            **batches,
        )


def as_lightning(module: SamplesModule) -> LightningDataModule:
    """Return what a Trainer takes as ``datamodule``, with the loaders of a dataset.

    Args:
        module: The dataset; it is set up when the Trainer asks for it.
    """
    from pytorch_lightning import LightningDataModule  # takes seconds

    class Loaders(LightningDataModule):
        setup = staticmethod(module.setup)
        train_dataloader = staticmethod(module.train_dataloader)
        val_dataloader = staticmethod(module.val_dataloader)
        test_dataloader = staticmethod(module.test_dataloader)

    return Loaders()


class TrainingOrder(Sampler[int]):
    """A fresh permutation of the rows in every epoch, which Lightning announces by `set_epoch`.

    The epoch is part of the stream's name, so training that is resumed at epoch 7 sees the order of epoch 7.

    Args:
        rows: Row ids.
        seed: Names the permutations.
        together: The sequence of every row, where rows are words: a network runs on whole sequences, so words in any
            order would make it run on nearly as many sequences as a batch has words. Sequences are permuted then.
    """

    def __init__(self, rows: Rows, seed: int, together: Rows | None = None) -> None:
        self._rows, self._seed, self._epoch = rows, seed, 0
        self._place = None if together is None else np.unique(together, return_inverse=True)[1]

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is next."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Row ids in this epoch's order."""
        draws = stream("training order", self._seed, self._epoch)
        if self._place is None:
            return iter(draws.permutation(self._rows).tolist())
        turn = draws.permutation(self._place.max(initial=0) + 1)
        return iter(self._rows[np.argsort(turn[self._place], kind="stable")].tolist())

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)


class BatchShares(Sampler[list[int]]):
    """The share that one of several devices has of every batch: all together go over each row once.

    Args:
        batches: Row ids of every batch; each has at least as many as there are devices.
        device: Whose share it is, from 0.
        devices: How many share a batch; their numbers of rows differ by at most one.
    """

    def __init__(self, batches: BatchSampler | Sequence[list[int]], device: int, devices: int) -> None:
        self._batches, self._device, self._devices = batches, device, devices
        self.sampler = getattr(batches, "sampler", None)  # Lightning tells it the epoch

    def __iter__(self) -> Iterator[list[int]]:
        """Row ids of this device's share of one batch after the other."""
        for rows in self._batches:
            first, last = (len(rows) * place // self._devices for place in (self._device, self._device + 1))
            yield rows[first:last]

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._batches)


class _WholeBatches(Dataset[Taught]):
    """Fetches a batch by one indexing: row by row costs more than a small network's step."""

    def __init__(self, samples: Samples, learned: Learned) -> None:
        self._samples, self._learned = samples, learned

    def __len__(self) -> int:
        return len(self._samples)

    def __getitems__(self, rows: list[int]) -> Taught:
        index = np.asarray(rows, dtype=np.int64)
        return self._samples.inputs[index], torch.from_numpy(self._learned.targets[index]), torch.from_numpy(index)


def _as_it_is(batch: Any) -> Any:
    return batch
