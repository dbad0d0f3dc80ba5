"""States by key: recorded once with their manifest, written whole or not at all, memory-mapped ever after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import torch
from filelock import FileLock
from jaxtyping import Int
from torch import nn

from denote.config.byte_units import in_units
from denote.config.keys import SCHEMA, digest, digest_array
from denote.errors import StoreError
from denote.files import write_text
from denote.states.axes import likely
from denote.states.capture import write_states
from denote.states.layers import Layer
from denote.states.state import LayerState

if TYPE_CHECKING:
    from denote.data.samples import Samples


FILE = "manifest.json"
OF_NETWORK = ("depth", "relative_depth", "is_head", "is_listed", "sign_identified", "module_class", "note")
"""What is said of a layer's place in its network, and so of which other modules are layers, but not of its array."""

_AGAIN = "remove the folder to record again"


@dataclass(frozen=True)
class Origin:
    """What states are recorded from; together it names their folder.

    Attributes:
        model_key: Key of the object model.
        data_key: Key of the samples.
        rows_digest: Key of the recorded row ids.
        n_rows: How many rows.
        schema: Version of the code's results.
    """

    model_key: str
    data_key: str
    rows_digest: str
    n_rows: int
    schema: int = SCHEMA

    @classmethod
    def of(cls, model_key: str, data_key: str, rows: Int[np.ndarray, " row"]) -> Origin:
        """The origin of states of one model on some rows of one dataset."""
        return cls(model_key, data_key, digest_array(rows), len(rows))

    @property
    def key(self) -> str:
        """Name of the folder."""
        return digest(asdict(self))


@dataclass(frozen=True)
class Manifest:
    """The states in a folder.

    Attributes:
        origin: What they were recorded from.
        layers: What describes each array, by its path in the folder.
    """

    origin: Origin
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write to ``folder``, whole or not at all."""
        held = {"origin": asdict(self.origin), "layers": self.layers}
        write_text(folder / FILE, json.dumps(held, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path, origin: Origin) -> Manifest:
        """The manifest in ``folder``; an empty one where there is none.

        Raises:
            StoreError: naming file and field, if it is not that of ``origin``.
        """
        path = folder / FILE
        if not path.exists():
            return cls(origin)
        try:
            saved = json.loads(path.read_text())
            recorded, layers = dict(saved["origin"]), dict(saved["layers"])
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(str(path), f"cannot be read ({type(error).__name__}: {error})", _AGAIN) from error
        for name, expected in asdict(origin).items():
            _same(path, name, recorded.get(name), expected)
        return cls(origin, layers)

    def has(self, layer: Layer) -> bool:
        """Whether the layer's state is recorded."""
        return array_path(layer) in self.layers

    def add(self, layers: Sequence[Layer]) -> Manifest:
        """The manifest with further layers."""
        return Manifest(self.origin, self.layers | {array_path(layer): _described(layer) for layer in layers})

    def load(self, folder: Path, layer: Layer, rows: Int[np.ndarray, " row"]) -> LayerState:
        """A recorded state as a read-only memory map.

        Raises:
            StoreError: naming file and field, if it is not the state of ``layer`` on ``rows``.
        """
        path = folder / array_path(layer)
        recorded = self.layers[array_path(layer)]
        for name, expected in _described(layer).items():
            _same(folder / FILE, f"{name} of {array_path(layer)}", recorded.get(name), expected)
        try:
            values = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError(str(path), f"cannot be read ({error})", _AGAIN) from error
        _same(path, "shape", list(values.shape), [self.origin.n_rows, layer.n_neurons])
        _same(path, "dtype", str(values.dtype), "float32")
        return LayerState(layer, values, rows)


def array_path(layer: Layer) -> str:
    """Path of a layer's array in the folder; equal layers pooled or read otherwise lie apart."""
    is_usual = not layer.axes or layer.axes == likely(len(layer.axes))
    folder = layer.pooling if is_usual else f"{layer.pooling}/{'-'.join(layer.axes)}"
    return f"{folder}/{quote(layer.name, safe='')}.npy"


def _described(layer: Layer) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(json.dumps(asdict(layer)))  # tuples become the lists they are read back as
    return {name: value for name, value in described.items() if name not in OF_NETWORK}


def _same(path: Path, name: str, came: object, expected: object) -> None:
    if came != expected:
        raise StoreError(str(path), f"{name} is {came!r}, not {expected!r}", _AGAIN)


ROWS_FILE = "rows.npy"


class StateStore:
    """States under ``<root>/states/<key of model, data, rows and schema>/<pooling>/<layer>.npy``.

    Args:
        root: The store's folder; made when first needed.
        batch_size: Inputs run at once.
        device: Where networks run.
    """

    def __init__(self, root: Path | str, batch_size: int = 256, device: str | torch.device = "cpu") -> None:
        self.root, self.batch_size, self.device = Path(root) / "states", batch_size, torch.device(device)

    def peek(
        self, model_key: str, data_key: str, rows: Int[np.ndarray, " row"], layers: Sequence[Layer]
    ) -> list[LayerState] | None:
        """The states of ``layers`` if all of them are recorded, else None; needs no model.

        Raises:
            StoreError: naming file and field, if what is recorded cannot be used.
        """
        origin = Origin.of(model_key, data_key, _ascending(rows))
        folder = self.root / origin.key
        manifest = Manifest.read(folder, origin)
        if not all(manifest.has(layer) for layer in layers):
            return None
        return [manifest.load(folder, layer, rows) for layer in layers]

    def states(
        self,
        model_key: str,
        network: nn.Module,
        samples: Samples,
        rows: Int[np.ndarray, " row"],
        layers: Sequence[Layer],
        also: Sequence[Layer] = (),
    ) -> list[LayerState]:
        """Return the states of ``layers`` on ``rows``, recorded now where they are not recorded yet.

        Args:
            model_key: Key of the object model; the network must have its weights.
            network: The network; mode, hooks and device are as before afterwards.
            samples: The dataset.
            rows: Row ids, ascending.
            layers: What is asked for, as `list_layers` gives them. The forward pass ends after the deepest.
            also: Layers that are recorded too while the inputs are run anyway.

        Raises:
            StateError: if an activation is NaN or infinite; nothing of this pass is kept.
            StoreError: if the disk is too full, or what is recorded cannot be used.
        """
        if (recorded := self.peek(model_key, samples.key, rows, layers)) is not None:
            return recorded
        rows = _ascending(rows)
        origin = Origin.of(model_key, samples.key, rows)
        folder = self.root / origin.key
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / f"{origin.key}.lock"):
            manifest = Manifest.read(folder, origin)
            new = list({array_path(layer): layer for layer in [*layers, *also] if not manifest.has(layer)}.values())
            if new:
                _check_disk(self.root, len(rows), new)
                self._record(network, samples, rows, new, folder)
                manifest = manifest.add(new)
                manifest.write(folder)
        return [manifest.load(folder, layer, rows) for layer in layers]

    def _record(
        self, network: nn.Module, samples: Samples, rows: Int[np.ndarray, " row"], layers: Sequence[Layer], folder: Path
    ) -> None:
        """Write arrays aside and move them to their place; named in the manifest, which comes last, they exist."""
        unfinished = folder.with_suffix(".partial")
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a job that was killed
        try:
            paths = {layer: unfinished / array_path(layer) for layer in layers}
            write_states(network, samples.inputs, rows, paths, self.batch_size, self.device)
            np.save(unfinished / ROWS_FILE, rows, allow_pickle=False)
            for path in [ROWS_FILE, *(array_path(layer) for layer in layers)]:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / path).replace(folder / path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _check_disk(root: Path, n_rows: int, layers: Sequence[Layer]) -> None:
    needed = 4 * n_rows * sum(layer.n_neurons for layer in layers)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise StoreError(
            "store.path",
            f"states of {len(layers)} layers on {n_rows} rows need {in_units(needed)}, "
            f"{in_units(free)} are free in {root}",
            "another store.path, store.extract=asked, or layer.pooling=mean",
        )


def _ascending(rows: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    rows = np.asarray(rows, dtype=np.int64)
    if len(rows) == 0 or (np.diff(rows) <= 0).any():
        raise ValueError("rows of a state must be ascending, each once, and at least one")
    return rows
