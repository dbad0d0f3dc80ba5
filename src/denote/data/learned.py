"""What the object model is taught, where that is not the class that observers see: merged classes, shuffled targets.

Both are worlds with a known answer (docs/worlds.md): the same inputs under fewer distinctions, or under none at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Int, Int64

from denote.data.samples import CLASSES, NUMERIC, Samples
from denote.errors import DataError
from denote.keys import digest
from denote.streams import stream


@dataclass(frozen=True)
class Learned:
    """The targets of training.

    Attributes:
        targets: Index of the learned class per row; or a number per row, in standard deviations from the mean of the
            object part; or a row of 0 and 1 per row. Rows outside the object part are never shuffled, so what is
            scored there is the truth.
        n_classes: How many classes or labels are learned, 1 for a number: outputs of the network.
        shuffled: Whether the targets were permuted among the rows that are trained on.
        task: What they are, see `denote.data.samples.TASKS`.
    """

    targets: Int64[np.ndarray, " sample *label"] | Float32[np.ndarray, " sample"]
    n_classes: int
    shuffled: bool = False
    task: str = CLASSES

    @classmethod
    def of(cls, samples: Samples, rows: Int[np.ndarray, " row"] | Sequence[int] = ()) -> Learned:
        """The targets as they are, numbers standardised by those of some rows, where there are any."""
        targets = samples.targets
        if samples.task == NUMERIC and len(rows):
            # A network starts near 0 and a loss is summed in float32: prices in millions would never be learned.
            spread = float(targets[rows].std(dtype=np.float64)) or 1.0
            targets = ((targets - targets[rows].mean(dtype=np.float64)) / spread).astype(np.float32)
        elif samples.task == NUMERIC:
            targets = targets.astype(np.float32)
        else:
            targets = targets.astype(np.int64, copy=False)
        return cls(targets, samples.n_outputs, task=samples.task)

    def permuted(self, rows: Int[np.ndarray, " row"], seed: int) -> Learned:
        """The same with the targets of some rows dealt among them, so that every class keeps its size."""
        targets = self.targets.copy()
        targets[rows] = stream("shuffled targets", seed).permutation(targets[rows])
        return replace(self, targets=targets, shuffled=True)


@dataclass(frozen=True)
class Lesson:
    """The settings ``dataset.merge_classes`` and ``dataset.shuffle_targets``.

    Attributes:
        merge: Number of groups of neighbouring classes that are learned; None for the classes as they are.
        shuffle: Whether targets are permuted among the rows of the object part.

    Raises:
        DataError: for a value that no dataset could have.
    """

    merge: int | None = None
    shuffle: bool = False

    def __post_init__(self) -> None:
        """Refuse what can be known to be wrong without the data."""
        if not isinstance(self.shuffle, bool):
            raise DataError("dataset.shuffle_targets", f"{self.shuffle!r} came", "allowed: true, false")
        whole = isinstance(self.merge, int) and not isinstance(self.merge, bool)
        if self.merge is not None and not (whole and self.merge >= 2):
            allowed = "allowed: null, or a whole number from 2 to the number of classes"
            raise DataError("dataset.merge_classes", f"{self.merge!r} came", allowed)

    def __call__(self, samples: Samples, rows: Int[np.ndarray, " row"], seed: int) -> tuple[Samples, Learned]:
        """The samples under the name and key of what is learned from them, and the targets of training.

        Class ``c`` of ``n`` becomes group ``floor(c k / n)`` of ``k``; as many groups as classes change nothing.

        Args:
            samples: With the classes that observers see, which stay.
            rows: The object part, with the rows that stop the training.
            seed: Of the split; chooses the permutation.

        Raises:
            DataError: for more groups than classes, or targets to shuffle without an object part.
        """
        learned, words = Learned.of(samples, rows), [samples.name]
        shaped: list[str | int] = []
        n, k = learned.n_classes, self.merge
        if k is not None:
            samples.classes_for("dataset.merge_classes")
        if k is not None and k > n:
            allowed = f"allowed: null, or a whole number from 2 to {n}"
            raise DataError("dataset.merge_classes", f"{k} groups of {n} classes", allowed)
        if k is not None and k < n:
            learned = Learned(samples.targets * k // n, k)
            words, shaped = [*words, f"{k}classes"], [*shaped, "merged", k]
        if self.shuffle:
            if not len(rows):
                raise DataError("dataset.shuffle_targets", "there is no object part to train on", "allowed: false")
            learned = learned.permuted(rows, seed)
            words, shaped = [*words, "shuffled"], [*shaped, "shuffled", seed]
        key = digest([samples.key, *shaped]) if shaped else samples.key
        return replace(samples, name="-".join(words), key=key), learned
