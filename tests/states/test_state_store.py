"""The store of states: right numbers, one pass, whole or nothing, and no trust in what does not fit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from denote.data.samples import Samples
from denote.digests import DAMAGED, write_sealed
from denote.errors import NoSpaceError, StateError
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.states.state import state_of_all
from denote.states.store import Manifest, StateStore

IMAGE = torch.zeros(1, 1, 8, 8)


class Counting:
    """Inputs that count how often each row is read."""

    def __init__(self, inputs: Any) -> None:
        self.inputs, self.shape = inputs, inputs.shape
        self.reads = np.zeros(len(inputs), dtype=int)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: np.ndarray) -> torch.Tensor:
        self.reads[rows] += 1
        tensor: torch.Tensor = self.inputs[rows]
        return tensor


@pytest.fixture
def counted(samples: Samples) -> Samples:
    return replace(samples, inputs=Counting(samples.inputs))


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path, batch_size=7)


@pytest.fixture
def layers(convnet: nn.Module) -> list[Layer]:
    return list_layers(convnet, IMAGE, "flatten")


def arrays(store: StateStore) -> set[str]:
    return {path.stem for path in store.root.rglob("*.npy")} - {"rows"}


def test_states_are_those_of_a_plain_forward(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    states = store.states("m", convnet, samples, rows, layers)
    convnet.eval()
    with torch.no_grad():
        x = samples.inputs[rows]
        for state in states[:2]:
            x = convnet.get_submodule(state.layer.name)(x)
            np.testing.assert_allclose(state.values, x.flatten(1).numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(states[3].values, convnet(samples.inputs[rows]).numpy(), rtol=1e-5, atol=1e-6)
    for state in states:
        assert isinstance(state.values, np.memmap)
        assert not state.values.flags.writeable
        assert state.values.dtype == np.float32
        assert np.array_equal(state.rows, rows)


def test_each_input_is_read_once_for_all_layers_and_never_again(
    store: StateStore, convnet: nn.Module, counted: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    store.states("m", convnet, counted, rows, layers)
    expected = np.isin(np.arange(len(counted)), rows).astype(int)
    assert np.array_equal(counted.inputs.reads, expected)

    def refuse(*args: Any) -> None:
        raise AssertionError("the network ran")

    convnet.register_forward_pre_hook(refuse)
    for picked in (layers, layers[1:2]):
        again = store.states("m", convnet, counted, rows, picked)
        assert [state.layer for state in again] == picked
    assert np.array_equal(counted.inputs.reads, expected)


def test_all_records_what_was_not_asked_for_and_asked_does_not(
    tmp_path: Path, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    every, asked = StateStore(tmp_path / "all"), StateStore(tmp_path / "asked")
    every.states("m", convnet, samples, rows, layers[1:2], also=layers)
    assert arrays(every) == {layer.name for layer in layers}
    assert every.peek("m", samples.key, rows, layers) is not None  # maps pooled alike
    asked.states("m", convnet, samples, rows, layers[1:2])
    assert arrays(asked) == {"conv_2"}
    assert asked.peek("m", samples.key, rows, layers) is None
    both = asked.states("m", convnet, samples, rows, layers)
    for state, whole in zip(both, every.peek("m", samples.key, rows, layers) or (), strict=True):
        assert np.array_equal(state.values, whole.values)


def test_poolings_lie_side_by_side(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    (flat,) = store.states("m", convnet, samples, rows, layers[:1])
    (mean,) = store.states("m", convnet, samples, rows, list_layers(convnet, IMAGE, "mean")[:1])
    np.testing.assert_allclose(
        np.asarray(flat.values).reshape(len(rows), 4, -1).mean(2), mean.values, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("change", ["model", "data", "rows"])
def test_another_origin_is_another_state(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer], change: str
) -> None:
    store.states("m", convnet, samples, rows, layers)
    model_key = "other" if change == "model" else "m"
    data_key = "other" if change == "data" else samples.key
    assert store.peek(model_key, data_key, rows[1:] if change == "rows" else rows, layers) is None
    assert store.peek("m", samples.key, rows.copy(), layers) is not None


def test_a_layer_has_its_state_whatever_other_modules_are_layers(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    plain = store.states("m", convnet, samples, rows, layers[:1])
    moved = replace(layers[0], depth=5, relative_depth=0.3, is_head=True, is_listed=False)
    again = store.peek("m", samples.key, rows, [moved])
    assert again is not None
    assert again[0].layer == moved
    assert np.array_equal(again[0].at(rows), plain[0].at(rows))


def test_batch_size_enters_no_key(
    store: StateStore, convnet: nn.Module, counted: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    store.states("m", convnet, counted, rows, layers)
    before = counted.inputs.reads.copy()
    StateStore(store.root.parent, batch_size=11).states("m", convnet, counted, rows, layers)
    assert np.array_equal(before, counted.inputs.reads)


def test_rows_are_found_and_missing_ones_named(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    (state,) = store.states("m", convnet, samples, rows, layers[:1])
    picked = rows[[4, 0, 4]]
    assert np.array_equal(state.at(picked), np.asarray(state.values)[[4, 0, 4]])
    assert type(state.at(picked)) is np.ndarray
    with pytest.raises(StateError, match=r"^state of layer conv_1: 2 of 3 rows were not recorded, the first is row 5"):
        state.at(np.array([rows[0], 5, 1000]))


def test_all_layers_side_by_side(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    states = store.states("m", convnet, samples, rows, layers)
    whole = state_of_all(states)
    assert (whole.layer.name, whole.layer.depth, whole.layer.relative_depth) == ("state", None, None)
    assert whole.layer.n_neurons == whole.values.shape[1] == 64 + 24 + 5 + 3
    assert np.array_equal(whole.values[:, 64:88], states[1].values)
    assert whole.neuron_name(0) == "conv_1, channel 0, y 0, x 0"
    assert whole.neuron_name(87) == "conv_2, channel 5, y 1, x 1"
    assert whole.neuron_name(95) == "logits, unit 2"
    assert states[2].neuron_name(1) == "unit 1"
    with pytest.raises(IndexError, match="no neuron 96"):
        whole.neuron_name(96)
    with pytest.raises(ValueError, match="different rows"):
        state_of_all([states[0], replace(states[1], rows=rows + 1)])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_state_that_is_not_finite_is_named_and_leaves_nothing(
    tmp_path: Path, mlp: nn.Module, samples: Samples, rows: np.ndarray, bad: float
) -> None:
    store = StateStore(tmp_path)  # one batch holds all rows
    mlp.hidden_2.linear.bias.data[4] = bad
    with pytest.raises(StateError, match=rf"^layer hidden_2, unit 4: {len(rows)} NaN or infinite .* row {rows[0]}$"):
        store.states("m", mlp, samples, rows, list_layers(mlp, IMAGE))
    assert arrays(store) == set()
    assert mlp.training
    assert store.peek("m", samples.key, rows, list_layers(mlp, IMAGE)) is None


def test_huge_activations_are_finite(store: StateStore, mlp: nn.Module, samples: Samples, rows: np.ndarray) -> None:
    mlp.logits.bias.data[:] = 3e38
    states = store.states("m", mlp, samples, rows, list_layers(mlp, IMAGE))
    assert (np.asarray(states[-1].values) > 1e38).all()


def test_killed_in_the_middle_nothing_loads_and_the_next_run_repairs(
    store: StateStore,
    convnet: nn.Module,
    samples: Samples,
    rows: np.ndarray,
    layers: list[Layer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    for target in ("denote.states.capture.pool", "denote.states.store.Manifest.write"):
        with monkeypatch.context() as patch:
            patch.setattr(target, killed)
            # A kill leaves no time to clean up.
            patch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)
            with pytest.raises(KeyboardInterrupt):
                store.states("m", convnet, samples, rows, layers)
        assert list(store.root.rglob("*.npy"))  # something was written
        assert store.peek("m", samples.key, rows, layers) is None
    states = store.states("m", convnet, samples, rows, layers)
    assert all(np.isfinite(state.values).all() and state.values.any() for state in states)
    assert not list(store.root.glob("*.partial"))


def test_a_full_disk_is_known_before_anything_is_written(
    store: StateStore,
    convnet: nn.Module,
    samples: Samples,
    rows: np.ndarray,
    layers: list[Layer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100, total=1 << 30))
    lack = r"^no space left for states of 4 layers on 20 rows \(7\.5 KiB\) in .*: 0\.0 of 1024 MiB are free; free some"
    with pytest.raises(NoSpaceError, match=lack):
        store.states("m", convnet, samples, rows, layers)
    assert arrays(store) == set()


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-len(content) // 3] ^= 4
    file.write_bytes(content)


def sealed_otherwise(manifest: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write another manifest in place of one, with a digest that is right."""
    found = json.loads(manifest.read_text())
    change(found)
    write_sealed(manifest, found)


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a flipped array": ("conv_1.npy", flipped),
    "a short array": ("conv_1.npy", lambda file: file.write_bytes(file.read_bytes()[:-10])),
    "zeros in an array": ("conv_1.npy", lambda file: file.write_bytes(file.read_bytes()[:-400] + bytes(400))),
    "no array": ("conv_1.npy", Path.unlink),
    "another array": ("conv_1.npy", lambda file: shutil.copy(file.with_name("conv_2.npy"), file)),
    "flipped rows": ("rows.npy", flipped),
    "no rows": ("rows.npy", Path.unlink),
    "a flipped manifest": ("manifest.json", flipped),
    "half a manifest": ("manifest.json", lambda file: file.write_bytes(file.read_bytes()[:300])),
    "an empty manifest": ("manifest.json", lambda file: file.write_bytes(b"")),
    "no JSON object": ("manifest.json", lambda file: file.write_text("[]")),
    "a manifest without a digest": ("manifest.json", lambda file: file.write_text('{"origin": 3, "layers": {}}')),
    "no manifest": ("manifest.json", Path.unlink),
    "another manifest": (
        "manifest.json",
        lambda file: sealed_otherwise(file, lambda found: found["origin"].update(model_key="other")),
    ),
    "a layer of another shape": (
        "manifest.json",
        lambda file: sealed_otherwise(file, lambda found: found["layers"]["flatten/conv_1.npy"].update(shape=[3])),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_never_used_and_recorded_again(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer], damage: str
) -> None:
    before = [np.array(state.values) for state in store.states("m", convnet, samples, rows, layers)]
    file, spoil = DAMAGES[damage]
    (path,) = store.root.rglob(file)
    spoil(path)
    assert store.peek("m", samples.key, rows, layers) is None
    again = store.states("m", convnet, samples, rows, layers)
    for state, values in zip(again, before, strict=True):
        np.testing.assert_array_equal(state.values, values)
    assert store.peek("m", samples.key, rows, layers) is not None
    (path,) = [path for path in store.root.rglob(file) if DAMAGED not in path.parts]
    assert list(store.root.glob("*/manifest.json"))


def test_damage_is_named_and_moved_aside(
    store: StateStore,
    convnet: nn.Module,
    samples: Samples,
    rows: np.ndarray,
    layers: list[Layer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.states("m", convnet, samples, rows, layers)
    (path,) = store.root.rglob("conv_2.npy")
    flipped(path)
    damaged = path.read_bytes()
    store.states("m", convnet, samples, rows, layers[:2])
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{path} is damaged: its content is not what was written; it is moved to ")
    assert (path.parent / DAMAGED / "conv_2.npy").read_bytes() == damaged


def test_only_what_is_damaged_is_recorded_again(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    store.states("m", convnet, samples, rows, layers)
    made = {path: path.stat().st_mtime_ns for path in store.root.rglob("*.npy")}
    (path,) = store.root.rglob("conv_2.npy")
    flipped(path)
    store.states("m", convnet, samples, rows, layers)
    again = {path for path, at in made.items() if path.stat().st_mtime_ns != at}
    assert {path.name for path in again} == {"conv_2.npy", "rows.npy"}


def test_arrays_are_on_disk_before_the_manifest_names_them(
    store: StateStore,
    convnet: nn.Module,
    samples: Samples,
    rows: np.ndarray,
    layers: list[Layer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flushed, flush = set[int](), os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (flushed.add(os.fstat(file).st_ino), flush(file))[1])
    named, write = list[bool](), Manifest.write

    def written(manifest: Manifest, folder: Path) -> None:
        files = [folder, folder.parent, *(path for path in folder.rglob("*"))]
        named.append({file.stat().st_ino for file in files} <= flushed)
        write(manifest, folder)

    monkeypatch.setattr(Manifest, "write", written)
    store.states("m", convnet, samples, rows, layers)
    assert named == [True]


def test_asking_wrongly(
    store: StateStore, convnet: nn.Module, samples: Samples, rows: np.ndarray, layers: list[Layer]
) -> None:
    for wrong in (rows[::-1], rows[:0], np.array([1, 1])):
        with pytest.raises(ValueError, match="ascending"):
            store.states("m", convnet, samples, wrong, layers)


def test_names_with_odd_characters_stay_inside_the_folder(
    store: StateStore, samples: Samples, rows: np.ndarray
) -> None:
    network = nn.Sequential(nn.Flatten())
    network.add_module("/up/a *", nn.Linear(64, 2))
    (state,) = store.states("m", network, samples, rows, list_layers(network, IMAGE))
    assert state.layer.name == "/up/a *"
    assert len(list(store.root.glob("*/none/*.npy"))) == 1


def test_an_interrupted_extraction_restores_the_network(
    store: StateStore, mlp: nn.Module, samples: Samples, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("denote.states.capture._write_header", full)
    with pytest.raises(OSError, match="no space left"):
        store.states("m", mlp, samples, rows, list_layers(mlp, IMAGE))
    assert mlp.training
    assert not any(module._forward_hooks for module in mlp.modules())
    assert not list(store.root.glob("*.partial"))


def test_more_layers_than_files_stay_open(
    store: StateStore, mlp: nn.Module, samples: Samples, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = list_layers(mlp, IMAGE)
    whole = store.states("m", mlp, samples, rows, layers)
    monkeypatch.setattr("denote.states.capture.KEPT_OPEN", 1)
    again = store.states("other", mlp, samples, rows, layers)
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


GROWTH = """
import tempfile
from pathlib import Path
import numpy as np
from benchmarks.extraction import CASES, made, ours
from benchmarks.processes import most_resident
from denote.states.listing import list_layers

case, peaks = CASES["mlp 4 x 256"], []
for n in (4096, 4096, 40960):
    network, inputs = made(case, n)
    layers = list_layers(network, inputs[np.arange(1)])
    with tempfile.TemporaryDirectory() as folder:
        ours(network, inputs, np.arange(n), layers, Path(folder))
    peaks.append(most_resident())  # not ru_maxrss, which begins with what the process held that started this one
print(peaks[2] - peaks[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_rows() -> None:
    scripts = Path(__file__).parents[2] / "scripts"
    ran = subprocess.run([sys.executable, "-c", GROWTH], cwd=scripts, capture_output=True, text=True, check=True)
    # Ten times the rows have 145 MiB of states more.
    assert int(ran.stdout) < 48 << 20
