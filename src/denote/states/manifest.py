"""``manifest.json`` of a folder of states: what they were recorded from, and every array in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jaxtyping import Int

from denote.errors import StoreError
from denote.files import write_text
from denote.keys import SCHEMA, digest, digest_array
from denote.states.axes import likely
from denote.states.layers import Layer
from denote.states.state import LayerState

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
            found = json.loads(path.read_text())
            recorded, layers = dict(found["origin"]), dict(found["layers"])
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
