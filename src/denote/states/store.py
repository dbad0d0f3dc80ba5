"""States by key: recorded in one pass over the inputs, written whole or not at all, memory-mapped ever after."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from filelock import FileLock
from jaxtyping import Int
from torch import nn

from denote.byte_units import in_units
from denote.errors import ConfigError, StoreError, one_of
from denote.states.extraction import write_states
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.states.manifest import Manifest, Origin, array_path
from denote.states.pooling import POOLINGS
from denote.states.state import LayerState

if TYPE_CHECKING:
    from denote.data.samples import Samples

EXTRACTS = ("all", "asked")
ROWS_FILE = "rows.npy"


class StateStore:
    """States under ``<root>/states/<key of model, data, rows and schema>/<pooling>/<layer>.npy``.

    Args:
        root: The store's folder; made when first needed.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root) / "states"

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
        *,
        extract: str = "all",
        every: Sequence[Layer] | None = None,
        batch_size: int = 256,
        device: str | torch.device = "cpu",
    ) -> list[LayerState]:
        """The states of ``layers`` on ``rows``, recorded now where they are not recorded yet.

        Args:
            model_key: Key of the object model; the network must have its weights.
            network: The network; mode, hooks and device are as before afterwards.
            samples: The dataset.
            rows: Row ids, ascending.
            layers: What is asked for, as `list_layers` gives them.
            every: All layers of the network, pooled as asked for; listed by the default rule where None.
            extract: ``all`` records every layer while the inputs are run anyway, ``asked`` only those asked for and
                ends the forward pass after the deepest.
            batch_size: Inputs run at once.
            device: Where the network runs.

        Raises:
            StateError: if an activation is NaN or infinite; nothing of this pass is kept.
            StoreError: if the disk is too full, or what is recorded cannot be used.
        """
        if extract not in EXTRACTS:
            raise ConfigError("store.extract", f"{extract!r} cannot be used", one_of(extract, EXTRACTS))
        rows = _ascending(rows)
        if (found := self.peek(model_key, samples.key, rows, layers)) is not None:
            return found
        origin = Origin.of(model_key, samples.key, rows)
        folder = self.root / origin.key
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / f"{origin.key}.lock"):
            manifest = Manifest.read(folder, origin)
            if extract == "all" and every is None:
                every = _every(network, samples, rows, layers)
            wanted = [*layers, *(every or () if extract == "all" else ())]
            new = list({array_path(layer): layer for layer in wanted if not manifest.has(layer)}.values())
            if new:
                _check_disk(self.root, len(rows), new)
                manifest = self._record(network, samples, rows, new, manifest, batch_size, torch.device(device))
        return [manifest.load(folder, layer, rows) for layer in layers]

    def _record(
        self,
        network: nn.Module,
        samples: Samples,
        rows: Int[np.ndarray, " row"],
        layers: Sequence[Layer],
        manifest: Manifest,
        batch_size: int,
        device: torch.device,
    ) -> Manifest:
        """Write arrays aside, move them to their place, name them in the manifest last: only then do they exist."""
        folder = self.root / manifest.origin.key
        unfinished = folder.with_suffix(".partial")
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a job that was killed
        try:
            paths = {layer.name: unfinished / array_path(layer) for layer in layers}
            write_states(network, samples.inputs, rows, layers, paths, batch_size, device)
            np.save(unfinished / ROWS_FILE, rows, allow_pickle=False)
            for path in [ROWS_FILE, *(array_path(layer) for layer in layers)]:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / path).replace(folder / path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        manifest = manifest.add(layers)
        manifest.write(folder)
        return manifest


def _every(network: nn.Module, samples: Samples, rows: Int[np.ndarray, " row"], layers: Sequence[Layer]) -> list[Layer]:
    """Every layer, maps pooled as the layers asked for are."""
    poolings = [layer.pooling for layer in layers if layer.pooling in POOLINGS]
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    asked = {layer.name for layer in layers}
    every = list_layers(network, samples.inputs[rows[:1]].to(device), *poolings[:1])
    return [layer for layer in every if layer.name not in asked]


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
