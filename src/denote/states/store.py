"""States by key: recorded once with their manifest, written whole or not at all, memory-mapped ever after.

The manifest holds a digest of every array and of itself. An array is held against its digest when a process first loads
it; states that are damaged count as not recorded, and are recorded again where the network is at hand.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from denote.config.byte_units import in_units
from denote.config.keys import SCHEMA, digest, digest_array
from denote.digests import FILES, DamagedError, check_file, damage_of, digests_of, read_sealed, set_aside, write_sealed
from denote.errors import NoSpaceError
from denote.files import flush_file, flush_folder, remove_temporaries
from denote.locks import is_abandoned, locked
from denote.states.axes import likely
from denote.states.layers import Layer
from denote.states.sharing import write_shared_states
from denote.states.state import LayerState

if TYPE_CHECKING:
    from denote.data.samples import Samples


log = logging.getLogger(__name__)

FILE = "manifest.json"
ROWS_FILE = "rows.npy"
OF_NETWORK = ("depth", "relative_depth", "is_head", "is_listed", "sign_identified", "module_class", "note")
"""What is said of a layer's place in its network, and so of which other modules are layers, but not of its array."""


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
        files: Size and digest of each array, and of the row ids, by path.
    """

    origin: Origin
    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write to ``folder``, whole or not at all, with a digest of itself."""
        write_sealed(folder / FILE, {"origin": asdict(self.origin), "layers": self.layers, FILES: self.files})

    @classmethod
    def read(cls, folder: Path, origin: Origin) -> Manifest:
        """Return the manifest in ``folder``; an empty one where there is none.

        Raises:
            DamagedError: if it is not as it was written, or not that of ``origin``.
        """
        path = folder / FILE
        if not path.exists():
            return cls(origin)
        saved = read_sealed(path, required=True)
        if saved.get("origin") != asdict(origin):
            raise DamagedError(path, "is that of other states")
        return cls(origin, saved["layers"], saved[FILES])

    def has(self, layer: Layer) -> bool:
        """Return whether the layer's state is recorded, as the layer is described now."""
        path = array_path(layer)
        return path in self.files and self.layers.get(path) == _described(layer)

    def add(self, layers: Sequence[Layer], folder: Path) -> Manifest:
        """Return the manifest with further layers, whose arrays were just written to ``folder``."""
        described = {array_path(layer): _described(layer) for layer in layers}
        files = digests_of(folder, [ROWS_FILE, *described])
        return Manifest(self.origin, {**self.layers, **described}, {**self.files, **files})

    def without(self, paths: Collection[str]) -> Manifest:
        """Return the manifest without some of its files."""
        layers = {path: layer for path, layer in self.layers.items() if path not in paths}
        return Manifest(self.origin, layers, {path: of for path, of in self.files.items() if path not in paths})

    def load(self, folder: Path, layer: Layer, rows: Int[np.ndarray, " row"]) -> LayerState:
        """Return a recorded state as a read-only memory map.

        Raises:
            DamagedError: naming the file, if it is not as it was written.
        """
        path = folder / array_path(layer)
        check_file(path, self.files[array_path(layer)])
        try:
            values = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DamagedError(path, f"cannot be read ({error})") from error
        came, expected = (list(values.shape), str(values.dtype)), ([self.origin.n_rows, layer.n_neurons], "float32")
        if came != expected:
            raise DamagedError(path, f"has shape and type {came}, not {expected}")
        return LayerState(layer, values, rows)


def array_path(layer: Layer) -> str:
    """Path of a layer's array in the folder; equal layers pooled or read otherwise lie apart."""
    is_usual = not layer.axes or layer.axes == likely(len(layer.axes))
    folder = layer.pooling if is_usual else f"{layer.pooling}/{'-'.join(layer.axes)}"
    return f"{folder}/{quote(layer.name, safe='')}.npy"


def _described(layer: Layer) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(json.dumps(asdict(layer)))  # tuples become the lists they are read back as
    return {name: value for name, value in described.items() if name not in OF_NETWORK}


UNFINISHED = ".partial"
"""End of the name of a folder in which states are being recorded."""


class StateStore:
    """States under ``<root>/states/<key of model, data, rows and schema>/<pooling>/<layer>.npy``.

    Args:
        root: The store's folder; made when first needed.
        batch_size: Inputs run at once.
        device: Where networks run.
        devices: Most devices of that kind that share in recording.

    Attributes:
        used: Keys of the folders whose states were asked for.
    """

    def __init__(
        self, root: Path | str, batch_size: int = 256, device: str | torch.device = "cpu", devices: int = 1
    ) -> None:
        self.root, self.batch_size = Path(root) / "states", batch_size
        self.device, self.devices = torch.device(device), devices
        self.used = set[str]()

    def peek(
        self, model_key: str, data_key: str, rows: Int[np.ndarray, " row"], layers: Sequence[Layer]
    ) -> list[LayerState] | None:
        """Return the states of ``layers`` if all of them are recorded and sound, else None; needs no model."""
        origin = Origin.of(model_key, data_key, _ascending(rows))
        folder = self.root / origin.key
        self.used.add(origin.key)
        try:
            manifest = Manifest.read(folder, origin)
            if not all(manifest.has(layer) for layer in layers):
                return None
            check_file(folder / ROWS_FILE, manifest.files.get(ROWS_FILE, {}))
            return [manifest.load(folder, layer, rows) for layer in layers]
        except DamagedError as error:
            log.debug("%s", error)
            return None

    def states(
        self,
        model_key: str,
        network: nn.Module,
        samples: Samples,
        rows: Int[np.ndarray, " row"],
        layers: Sequence[Layer],
        also: Sequence[Layer] = (),
    ) -> list[LayerState]:
        """Return the states of ``layers`` on ``rows``, recorded now where they are not recorded yet, or are damaged.

        Args:
            model_key: Key of the object model; the network must have its weights.
            network: The network; mode, hooks and device are as before afterwards.
            samples: The dataset.
            rows: Row ids, ascending.
            layers: What is asked for, as `list_layers` gives them. The forward pass ends after the deepest.
            also: Layers that are recorded too while the inputs are run anyway.

        Raises:
            StateError: if an activation is NaN or infinite; nothing of this pass is kept.
            NoSpaceError: if the disk is too full.
        """
        rows = _ascending(rows)
        origin = Origin.of(model_key, samples.key, rows)
        folder, lock = self.root / origin.key, self.root / f"{origin.key}.lock"
        recorded = self.peek(model_key, samples.key, rows, layers)
        if recorded is not None and not is_abandoned(lock):
            return recorded
        with locked(lock, f"recording of states of network {model_key}"):
            remove_temporaries(folder)
            shutil.rmtree(folder.with_suffix(UNFINISHED), ignore_errors=True)  # left by a job that was killed
            manifest = _healed(folder, origin, [ROWS_FILE, *map(array_path, [*layers, *also])])
            new = list({array_path(layer): layer for layer in [*layers, *also] if not manifest.has(layer)}.values())
            if new or ROWS_FILE not in manifest.files:
                _check_disk(self.root, len(rows), new)
                self._record(network, samples, rows, new, folder)
                manifest = manifest.add(new, folder)
                manifest.write(folder)
        return [manifest.load(folder, layer, rows) for layer in layers]

    def _record(
        self, network: nn.Module, samples: Samples, rows: Int[np.ndarray, " row"], layers: Sequence[Layer], folder: Path
    ) -> None:
        """Write arrays aside and move them to their place; named in the manifest, which comes last, they exist."""
        unfinished = folder.with_suffix(UNFINISHED)
        try:
            unfinished.mkdir(exist_ok=True)
            paths = {layer: unfinished / array_path(layer) for layer in layers}
            if layers:
                write_shared_states(network, samples.inputs, rows, paths, self.batch_size, self.device, self.devices)
            np.save(unfinished / ROWS_FILE, rows, allow_pickle=False)
            _move([ROWS_FILE, *(array_path(layer) for layer in layers)], unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _healed(folder: Path, origin: Origin, paths: Sequence[str]) -> Manifest:
    """Return the manifest in a folder, without those files at ``paths`` that are damaged; they are moved aside."""
    try:
        manifest = Manifest.read(folder, origin)
    except DamagedError as error:
        set_aside(folder, f"has a {FILE} that {error.damage}")
        return Manifest(origin)
    looked_at = {path: manifest.files[path] for path in paths if path in manifest.files}
    problems = {path: damage_of(folder / path, expected) for path, expected in looked_at.items()}
    damaged = {path: problem for path, problem in problems.items() if problem is not None}
    for path, problem in damaged.items():
        set_aside(folder / path, problem)
    return manifest.without(damaged)


def _move(paths: Sequence[str], source: Path, folder: Path) -> None:
    """Move files with their subfolders into a folder; after a power cut they are whole where they are named."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        flush_file(source / path)
        (source / path).replace(folder / path)
    above = {place for path in paths for place in (folder / path).parents}
    for place in above & {folder.parent, folder, *folder.rglob("*")}:
        flush_folder(place)


def _check_disk(root: Path, n_rows: int, layers: Sequence[Layer]) -> None:
    needed = 4 * n_rows * sum(layer.n_neurons for layer in layers)
    free = shutil.disk_usage(root).free
    if needed > free:
        lack = f"no space left for states of {len(layers)} layers on {n_rows} rows ({in_units(needed)})"
        raise NoSpaceError(root, lack, "with another store.path, store.extract=asked or layer.pooling=mean")


def _ascending(rows: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    rows = np.asarray(rows, dtype=np.int64)
    if len(rows) == 0 or (np.diff(rows) <= 0).any():
        raise ValueError("rows of a state must be ascending, each once, and at least one")
    return rows
