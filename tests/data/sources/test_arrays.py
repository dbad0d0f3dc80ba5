"""Arrays of every kind of file against the array that was written, and files that would run code."""

import pickle

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file

from denote.config import given_files
from denote.data.sources.arrays import ArraysModule, read_array, read_arrays
from denote.errors import DataError

VALUES = np.random.default_rng(0).normal(size=(12, 2, 3)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    np.savez(tmp_path / "one.npz", VALUES)
    np.savez(tmp_path / "two.npz", x=VALUES, y=VALUES * 2)
    save_file({"x": torch.from_numpy(VALUES)}, tmp_path / "a.safetensors")
    save_file({"x": torch.from_numpy(VALUES).bfloat16()}, tmp_path / "half.safetensors")
    pl.DataFrame({"kind": ["a", "b", "c"] * 4, "big": [None, *range(11)]}).write_csv(tmp_path / "rows.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "array"), [("a.npy", None), ("one.npz", None), ("two.npz", "x"), ("a.safetensors", None)]
)
def test_every_kind_of_file_gives_its_array(folder, name, array):
    samples = ArraysModule(folder / name, folder / "rows.csv", "kind", array).load()
    np.testing.assert_array_equal(samples.inputs[np.array([3, 0])].numpy(), VALUES[[3, 0]])
    assert samples.classes == ("a", "b", "c")
    assert samples.table["big"].null_count() == 1


def test_a_file_larger_than_the_memory_is_mapped_in_a_folder_and_refused_alone(folder, monkeypatch):
    monkeypatch.setattr(given_files, "machine_memory", lambda: 100)
    np.testing.assert_array_equal(read_arrays(folder)["a"], VALUES)
    with pytest.raises(DataError, match=r"a\.npy holds .*; this machine has 100 B of memory"):
        read_array(folder / "a.npy")


def test_half_precision_and_bytes(folder):
    np.testing.assert_allclose(read_array(folder / "half.safetensors"), VALUES, rtol=0.01)
    np.save(folder / "bytes.npy", np.full((12, 4), 255, dtype=np.uint8))
    samples = ArraysModule(folder / "bytes.npy", folder / "rows.csv", "kind", maximum=255).load()
    assert samples.inputs[np.arange(12)].unique().tolist() == [1.0]


def test_floats_of_8_bits_and_what_numpy_writes_of_them(folder):
    short = torch.from_numpy(VALUES).to(torch.float8_e4m3fn)
    save_file({"x": short}, folder / "quarter.safetensors")
    np.testing.assert_array_equal(read_array(folder / "quarter.safetensors"), short.float().numpy())
    np.save(folder / "quarter.npy", short.view(torch.uint8).numpy().view("V1"))
    with pytest.raises(DataError, match=r"quarter\.npy holds \|V1, no numbers; .* save bfloat16 and 8-bit floats"):
        read_array(folder / "quarter.npy")


@pytest.mark.parametrize("shape", [(12, 4, 6, 6), (12, 6, 6, 4)])
def test_images_that_may_be_transparent_are_said(folder, caplog, shape):
    np.save(folder / "rgba.npy", np.zeros(shape, dtype=np.uint8))
    ArraysModule(folder / "rgba.npy", folder / "rows.csv", "kind", maximum=255).load()
    assert "images of 4 channels become inputs as they are" in caplog.text


def test_numbers_in_another_byte_order_and_what_are_no_numbers(folder):
    np.save(folder / "other.npy", VALUES.astype(VALUES.dtype.newbyteorder(">")))
    samples = ArraysModule(folder / "other.npy", folder / "rows.csv", "kind").load()
    np.testing.assert_array_equal(samples.inputs[np.arange(12)].numpy(), VALUES)
    np.save(folder / "dates.npy", np.zeros((12, 2), dtype="datetime64[s]"))
    with pytest.raises(DataError, match=r"dates.npy holds datetime64\[s\], no numbers"):
        ArraysModule(folder / "dates.npy", folder / "rows.csv", "kind").load()


def test_lengths_that_differ_are_said_with_both_numbers(folder):
    pl.read_csv(folder / "rows.csv").head(7).write_csv(folder / "few.csv")
    with pytest.raises(DataError, match=r"7 rows in .*few\.csv for 12 inputs in .*a\.npy"):
        ArraysModule(folder / "a.npy", folder / "few.csv", "kind").load()


class Hostile:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_file_of_python_objects_is_refused_and_nothing_runs(folder, suffix):
    hostile = np.array([Hostile(folder / "trace")], dtype=object)
    np.save(folder / "bad.npy", hostile) if suffix == ".npy" else np.savez(folder / "bad.npz", hostile)
    with pytest.raises(DataError, match=r"holds Python objects"):
        read_array(folder / f"bad{suffix}")
    (folder / "renamed.npy").write_bytes(pickle.dumps(Hostile(folder / "trace")))
    with pytest.raises(DataError, match=r"renamed\.npy"):
        read_array(folder / "renamed.npy")
    assert not (folder / "trace").exists()


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("two.npz", None, r"there are 2 arrays; choose one: dataset\.array=x \| y"),
        ("two.npz", "z", r"dataset\.array: there is no array 'z'"),
        ("gone.npy", None, r"gone\.npy cannot be read"),
        ("rows.csv", None, r"is no file of arrays; allowed: files that end in \.npz"),
        (None, None, r"is no file of arrays"),
    ],
)
def test_files_that_cannot_be_used(folder, name, array, said):
    with pytest.raises(DataError, match=said):
        read_array(name and folder / name, array)


def test_numbers_that_are_not_finite_are_counted(folder):
    np.save(folder / "nan.npy", np.where(VALUES > 2, np.nan, VALUES) if (VALUES > 2).any() else VALUES * np.nan)
    with pytest.raises(DataError, match=r"NaN or infinite"):
        ArraysModule(folder / "nan.npy", folder / "rows.csv", "kind").load()
