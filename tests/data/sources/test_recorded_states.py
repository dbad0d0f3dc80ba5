"""Activations from files: their order, their shapes, and what is wrong with them in one line."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from denote.data.sources.recorded_states import StatesModule
from denote.errors import DataError

N = 40


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {f"block.{n}": random.standard_normal((N, 3 + n)).astype(np.float32) for n in (10, 9, 1)}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    pl.DataFrame({"odd": [n % 2 == 1 for n in range(N)], "kind": ["a", "b"] * (N // 2)}).write_csv(path)
    return path


def written(folder: Path, how: str) -> Path:
    path = folder / f"acts.{how}"
    if how == "npz":
        np.savez(path, **arrays())
    elif how == "safetensors":
        save_file(arrays(), path)
    else:
        path.mkdir()
        for name, values in arrays().items():
            np.save(path / f"{name}.npy", values)
    return path


@pytest.mark.parametrize(("how", "order"), [("npz", (10, 9, 1)), ("safetensors", (1, 9, 10)), ("folder", (1, 9, 10))])
def test_layers_come_in_the_files_order_or_by_name(tmp_path: Path, table: Path, how: str, order: tuple[int]) -> None:
    samples = StatesModule(written(tmp_path, how), table).load()
    batch = samples.inputs[np.array([3, 1])]
    assert list(batch.tensors) == [f"block.{n}" for n in order]
    for name, values in arrays().items():
        assert torch.equal(batch.tensors[name], torch.from_numpy(values[[3, 1]]))
    assert not samples.has_classes


def test_what_is_asked_for_comes_in_that_order_and_shapes_the_key(tmp_path: Path, table: Path) -> None:
    path = written(tmp_path, "npz")
    two = StatesModule(path, table, target="kind", layers=["block.1", "block.10"]).load()
    assert two.inputs.layers == ("block.1", "block.10")
    assert two.classes == ("a", "b")
    turned = StatesModule(path, table, target="kind", layers=["block.10", "block.1"]).load()
    assert two.key != turned.key


def test_the_key_is_of_the_contents_wherever_they_lie(tmp_path: Path, table: Path) -> None:
    keys = {
        StatesModule(written(tmp_path, how), table, layers=["block.1", "block.9"]).load().key
        for how in ("npz", "safetensors", "folder")
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"a": np.zeros(N)}, r"array 'a' has shape \(40,\)"),
        ({"a": np.array([["x"]] * N)}, "type <U1"),
        ({"a": np.zeros((N - 1, 2))}, "40 rows in .* for 39 samples of array 'a'"),
        ({"a": np.array([[None]] * N)}, "holds Python objects"),
        ({}, "holds no arrays"),
        ({"": np.zeros((N, 2))}, "an array of .* has no name"),
    ],
)
def test_arrays_that_are_no_states_are_named(
    tmp_path: Path, table: Path, values: dict[str, np.ndarray], said: str
) -> None:
    np.savez(tmp_path / "acts.npz", **values)
    with pytest.raises(DataError, match=said):
        StatesModule(tmp_path / "acts.npz", table).load()


@pytest.mark.parametrize(
    ("path", "layers", "said"),
    [
        ("acts.txt", None, "is no file of arrays; allowed"),
        ("none.npz", None, "none.npz cannot be read"),
        (None, None, "is no file of arrays"),
        ("acts.npz", ["block.2"], "there is no array 'block.2'; did you mean"),
        ("acts.npz", "block.1", "allowed: null, or a list of names"),
    ],
)
def test_what_cannot_be_had_is_named(
    tmp_path: Path, table: Path, path: str | None, layers: list[str] | str | None, said: str
) -> None:
    written(tmp_path, "npz")
    with pytest.raises(DataError, match=said):
        StatesModule(tmp_path / path if path else None, table, layers=layers).load()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu])
def test_short_floats_are_read_as_the_numbers_they_are(tmp_path: Path, table: Path, kind: torch.dtype) -> None:
    short = torch.from_numpy(np.abs(arrays()["block.1"])).to(kind)
    save_tensors({"a": short}, tmp_path / "acts.safetensors")
    batch = StatesModule(tmp_path / "acts.safetensors", table).load().inputs[np.arange(N)]
    assert torch.equal(batch.tensors["a"], short.float())


@pytest.mark.parametrize(
    ("short", "said"),
    [
        (torch.zeros(N, 2, dtype=torch.complex64), "type complex64; needed: numbers"),
        (torch.zeros(N, 2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2), "float4_e2m1fn_x2"),
    ],
)
def test_numbers_that_are_not_real_or_share_a_byte_are_named(
    tmp_path: Path, table: Path, short: torch.Tensor, said: str
) -> None:
    save_tensors({"a": short}, tmp_path / "acts.safetensors")
    with pytest.raises(DataError, match=said) as error:
        StatesModule(tmp_path / "acts.safetensors", table).load()
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("size", [1, 2])
def test_bytes_without_a_type_are_named(tmp_path: Path, table: Path, size: int) -> None:
    """What NumPy writes of arrays of ml_dtypes."""
    np.savez(tmp_path / "acts.npz", a=np.zeros((N, 2), dtype=f"V{size}"))
    with pytest.raises(DataError, match=r"save bfloat16 and 8-bit floats, .* as float32"):
        StatesModule(tmp_path / "acts.npz", table).load()
