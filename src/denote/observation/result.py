"""What an observation gives: tables, observers, and the inputs that neurons' examples are drawn from again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float32, Int, Int64
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from denote.data.samples import Inputs
from denote.denotation.depth.analysis import DepthAnalysis, depth_analysis
from denote.denotation.depth.plan import Analysis
from denote.digests import check
from denote.errors import StoreError
from denote.evidence.rule import Rule
from denote.files import atomic_write
from denote.observers.observer import Observer, save_observers
from denote.states.layers import Layer
from denote.tables import JOB_TABLES, write_table

FILE = "examples.safetensors"
LONGEST_SIDE = 96
"""Pixels; larger images are kept as means over squares of pixels, which is enough for a thumbnail."""

BATCH = 1024
"""Inputs that are drawn or read at once."""


@dataclass(frozen=True, eq=False)
class Images:
    """Inputs that are images, ``(height, width)`` or ``(channels, height, width)``, in the dataset's range.

    Attributes:
        samples: Row ids of the dataset, ascending.
        inputs: The image of each.
        mean: Mean over the *fit* rows, in full size: the ground on which relevance at the input is drawn.
    """

    samples: Int64[np.ndarray, " sample"]
    inputs: Float32[np.ndarray, " sample *shape"]
    mean: Float32[np.ndarray, "*whole"]

    def write(self, folder: Path) -> None:
        """Save into a job's folder, whole or not at all."""
        arrays = {"samples": self.samples, "inputs": self.inputs, "mean": self.mean}
        with atomic_write(folder / FILE) as temporary:
            save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, temporary)

    @classmethod
    def read(cls, folder: Path) -> Images | None:
        """What `write` saved, or None where it saved nothing.

        Raises:
            StoreError: if the file is damaged.
        """
        if not (folder / FILE).is_file():
            return None
        try:
            check(folder / FILE)
            return cls(**load_file(folder / FILE))
        except (OSError, SafetensorError, TypeError) as problem:
            raise StoreError(str(folder / FILE), f"holds no images ({type(problem).__name__})") from problem


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether an input can be shown: one plane, or one or three of them."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def shown_inputs(inputs: Inputs | None, samples: pl.Series, fit: Int[np.ndarray, " row"]) -> Images | None:
    """The images of some samples and the mean image; None where inputs are no images.

    Args:
        inputs: All inputs of the dataset.
        samples: Row ids, in any order and as often as they come.
        fit: Row ids of *fit*.
    """
    if inputs is None or not is_image(tuple(inputs.shape)):
        return None
    wanted = samples.unique().sort().to_numpy().astype(np.int64)
    total = np.zeros(inputs.shape, dtype=np.float64)
    for rows in _batches(fit):
        total += _images(inputs, rows).double().sum(0).numpy()
    kept = [small(_images(inputs, rows).numpy()) for rows in _batches(wanted) or [wanted]]
    return Images(wanted, np.concatenate(kept), (total / max(len(fit), 1)).astype(np.float32))


def _images(inputs: Inputs, rows: Int[np.ndarray, " row"]) -> Float32[Tensor, " row *shape"]:
    batch = inputs[rows]
    if not isinstance(batch, Tensor):
        raise TypeError("inputs by name have no shape of images")
    return batch.float()


def _batches(rows: Int[np.ndarray, " row"]) -> list[Int[np.ndarray, " row"]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def small(images: Float32[np.ndarray, " sample *shape"]) -> Float32[np.ndarray, " sample *smaller"]:
    """Images of at most `LONGEST_SIDE` pixels a side: means over squares; what fills no square is cut off."""
    height, width = images.shape[-2:]
    step = -(-max(height, width) // LONGEST_SIDE)
    if step == 1:
        return images
    rows, columns = height // step, width // step
    squares = images[..., : rows * step, : columns * step].reshape(*images.shape[:-2], rows, step, columns, step)
    means: np.ndarray = squares.mean(axis=(-3, -1), dtype=np.float32)
    return means


INPUT = "input"
"""Name under which the observers of the raw input are kept, beside those of the layers."""


@dataclass(frozen=True)
class Evidence:
    """Tables by name, the three that are read most by an attribute each.

    Attributes:
        tables: The frames of ``tables.JOB_TABLES`` at least, by name; corrections over what is in them alone.
    """

    tables: Mapping[str, pl.DataFrame]

    @property
    def cells(self) -> pl.DataFrame:
        """Columns of ``tables.CELLS``: one row per object model, layer, attribute and probe."""
        return self.tables["cells"]

    @property
    def neurons(self) -> pl.DataFrame:
        """Columns of ``tables.NEURONS``: one row per neuron and attribute family."""
        return self.tables["neurons"]

    @property
    def controls(self) -> pl.DataFrame:
        """Columns of ``tables.CONTROLS``: the replicates behind the control columns."""
        return self.tables["controls"]

    def depth_analysis(self, analysis: Analysis | None = None) -> DepthAnalysis:
        """Analyse how the label proportion of what neurons denote depends on depth; see `denote.depth_analysis`.

        Args:
            analysis: What was planned; None: nothing, all is exploratory.
        """
        return depth_analysis(self.neurons, self.controls, self.tables["layers"], analysis=analysis)


@dataclass(frozen=True)
class Observation(Evidence):
    """What one observation found.

    Attributes:
        observers: The fitted observers by ``layer/probe``, of a probe of several sizes by ``layer/probe-k``; those of
            the raw input under ``input/probe``.
        layers: The layers that were observed.
        attributes: Names of the attributes, in the order of the observers' columns.
        object_model: Key of the object model.
        input_shape: Shape of one input; empty where it is not known.
        rule: The rule that decided.
        images: Inputs that are shown (`observation.images`), or None where inputs are no images.
        truth: Where the network knows what its neurons denote (docs/worlds.md), what it says of each; else None.
    """

    observers: Mapping[str, Observer]
    layers: tuple[Layer, ...]
    attributes: tuple[str, ...]
    object_model: str
    input_shape: tuple[int, ...] = ()
    rule: Rule = field(default_factory=Rule)
    images: Images | None = None
    truth: pl.DataFrame | None = None

    @property
    def evidence_level(self) -> str | None:
        """How much evidence there is, by its name in ``evidence=``; None of a result from before there were levels."""
        return next(iter(self.tables["layers"]["evidence_level"]), None)

    def depth_analysis(self, analysis: Analysis | None = None) -> DepthAnalysis:
        """As of any evidence, with the rule that decided."""
        return depth_analysis(self.neurons, self.controls, self.tables["layers"], analysis=analysis, rule=self.rule)

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Columns of ``tables.LABEL_PROPORTION_BY_DEPTH`` for this one object model."""
        return self.depth_analysis().by_depth

    def write(self, folder: Path) -> None:
        """Save tables, observers, images and truth into a job's folder, each file whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = {name: self.tables[name] for name in JOB_TABLES}
        for name, frame in (tables if self.truth is None else {**tables, "truth": self.truth}).items():
            write_table(folder, name, frame)
        save_observers(folder / "observers.safetensors", self.observers)
        if self.images is not None:
            self.images.write(folder)
