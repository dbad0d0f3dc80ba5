"""The states that are benchmarked: a drawn one, and the layers of a network that was trained for it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int8
from numpy.lib.format import open_memmap
from torch import Tensor, nn

from denote.data.sources.shapes import CATEGORIES, Drawing, load_shapes
from denote.object_models.architectures.mlp import MLP
from denote.streams import stream, stream_seed

PROPORTIONS = (0.02, 0.5)
"""The rarest and the most frequent attribute."""

RANK = 48
"""Directions that the neurons of the drawn state share."""

EPOCHS, BATCH, TRAIN_ROWS = 3, 128, 10_000
"""A few seconds of training, on rows that are not recorded."""

TARGET = "colour"
"""What the network is trained on: the category that it learns in that time."""

DRAWN_AT_ONCE = 512


@dataclass(frozen=True)
class Recorded:
    """A state in memory.

    Attributes:
        name: ``synthetic`` or ``network``.
        values: Activations.
        labels: 1 or 0.
        note: What kind of state it is.
    """

    name: str
    values: Float32[np.ndarray, "sample neuron"]
    labels: Int8[np.ndarray, "sample attribute"]
    note: str


@dataclass(frozen=True)
class Stored:
    """Layers on disk.

    Attributes:
        name: ``synthetic`` or ``network``.
        files: One float32 ``.npy`` per layer.
        labels: 1 or 0.
        note: What kind of network it is.
    """

    name: str
    files: tuple[Path, ...]
    labels: Int8[np.ndarray, "sample attribute"]
    note: str

    def opened(self) -> Iterator[np.ndarray]:
        """Each layer as a read-only memory map."""
        for file in self.files:
            yield np.load(file, mmap_mode="r")


class Bench:
    """The arguments, and states that are made when they are first asked for.

    Args:
        arguments: Of the command line.
        folder: Where files may be put.
    """

    def __init__(self, arguments: Namespace, folder: Path) -> None:
        self.arguments, self.folder = arguments, folder
        self.state, self.stored = cache(self._state), cache(self._stored)

    def _state(self, name: str, times: int = 1) -> Recorded:
        """A state; with ``times`` that many times as many rows, neurons and attributes."""
        a = self.arguments
        sizes = (a.rows * times, a.neurons * times, a.attributes * times)
        if name == "synthetic":
            return Recorded(name, *synthetic(*sizes, a.seed), note=f"{RANK} shared directions and noise")
        outs = [np.empty(sizes[:2], dtype=np.float32) for _ in range(2)]
        labels, accuracy = network(outs, sizes[2], a.seed)
        values = outs[1]
        dead = np.count_nonzero((values == values[0]).all(0))
        note = f"second hidden layer of two, {accuracy:.2f} accurate, {dead} dead neurons"
        return Recorded(name, values, labels, note)

    def _stored(self, name: str) -> Stored:
        a = self.arguments
        files = tuple(self.folder / f"{name}-{layer}.npy" for layer in range(a.layers))
        if name == "synthetic":
            for layer, file in enumerate(files):
                values, labels = synthetic(a.rows, a.neurons, a.attributes, a.seed, layer)
                np.save(file, values)
            return Stored(name, files, labels, "every layer drawn anew")
        outs: list[np.ndarray] = [open_memmap(f, "w+", np.float32, (a.rows, a.neurons)) for f in files]
        labels, accuracy = network(outs, a.attributes, a.seed)
        return Stored(name, files, labels, f"hidden layers of one network, {accuracy:.2f} accurate")


def proportions(attributes: int) -> np.ndarray:
    """Label proportions, evenly spaced."""
    return np.linspace(*PROPORTIONS, attributes) if attributes > 1 else np.array([PROPORTIONS[1]])


def highest(values: np.ndarray, proportion: float) -> np.ndarray:
    """1 for that share of the rows, those with the largest values; at least one row has each label."""
    count = min(max(1, round(proportion * len(values))), len(values) - 1)
    chosen = np.zeros(len(values), dtype=np.int8)
    chosen[np.argsort(-values, kind="stable")[:count]] = 1
    return chosen


def synthetic(
    rows: int, neurons: int, attributes: int, seed: int, layer: int = 0
) -> tuple[Float32[np.ndarray, "sample neuron"], Int8[np.ndarray, "sample attribute"]]:
    """Correlated Gaussian neurons and labels of a logistic model; layers have other neurons and the same labels."""
    shared, own = stream("benchmark rows", seed), stream("benchmark neurons", seed, layer)
    rank = min(RANK, neurons)
    factors = shared.standard_normal((rows, rank), dtype=np.float32)
    # Few directions are strong and many are weak, as in trained layers.
    strengths = (np.arange(1, rank + 1, dtype=np.float32) ** -0.5)[:, None]
    mixing = own.standard_normal((rank, neurons), dtype=np.float32) * strengths
    values = own.standard_normal((rows, neurons), dtype=np.float32)
    values += factors @ mixing
    weights = shared.standard_normal((rank, attributes)) / np.sqrt(rank)
    logits = 4 * factors @ weights + shared.logistic(size=(rows, attributes))
    columns = [highest(logits[:, i], p) for i, p in enumerate(proportions(attributes))]
    return values, np.stack(columns, axis=1)


def network(outs: list[np.ndarray], attributes: int, seed: int) -> tuple[Int8[np.ndarray, "sample attribute"], float]:
    """Train an MLP with that many hidden layers on drawn shapes and fill the arrays with what they do on other rows.

    Args:
        outs: ``[sample, neuron]`` for each hidden layer.
        attributes: Number of label columns.
        seed: Of shapes, weights and order.

    Returns:
        Labels that cut size, place, rotation and brightness at their quantiles, and the share of rows it gets right.
    """
    rows, width = outs[0].shape
    trained_on = min(TRAIN_ROWS, max(rows, 1_000))
    drawing = load_shapes(rows + trained_on, seed).inputs
    if not isinstance(drawing, Drawing):
        raise TypeError("the shapes are no drawing")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed("benchmark network", seed))
        model = MLP(drawing.shape, len(CATEGORIES[TARGET]), layers=len(outs), width=width)
        _train(model, drawing, np.arange(rows, rows + trained_on), seed)
    brightness, right = np.empty(rows), 0
    for start in range(0, rows, DRAWN_AT_ONCE):
        places = np.arange(start, min(start + DRAWN_AT_ONCE, rows))
        pictures = drawing[places]
        brightness[places] = pictures.mean((1, 2, 3)).numpy()
        logits = recorded(model, pictures, [out[places[0] : places[-1] + 1] for out in outs])
        right += int((logits.argmax(1).numpy() == drawing.codes[TARGET][places]).sum())
    factors = [drawing.size[:rows], drawing.x[:rows], drawing.y[:rows], drawing.rotation[:rows], brightness]
    columns = [highest(factors[i % len(factors)], p) for i, p in enumerate(proportions(attributes))]
    return np.stack(columns, axis=1), right / rows


def _train(model: MLP, drawing: Drawing, rows: np.ndarray, seed: int) -> None:
    # Drawing costs more than a step of training, so every picture is drawn once.
    pictures = torch.cat([drawing[part] for part in np.array_split(rows, -(-len(rows) // DRAWN_AT_ONCE))])
    targets = torch.from_numpy(drawing.codes[TARGET][rows].astype(np.int64))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(EPOCHS):
        order = torch.from_numpy(stream("benchmark order", seed, epoch).permutation(len(rows)))
        for batch in order.split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(pictures[batch]), targets[batch]).backward()
            optimiser.step()


@torch.no_grad()
def recorded(model: MLP, pictures: Tensor, outs: list[np.ndarray]) -> Tensor:
    """Fill the arrays with what the hidden layers do, and hand back the logits."""
    hidden = pictures.flatten(1)
    for name, out in zip(model.observed_layers[:-1], outs, strict=True):
        hidden = model.get_submodule(name)(hidden)
        out[:] = hidden.numpy()
    logits: Tensor = model.logits(hidden)
    return logits
