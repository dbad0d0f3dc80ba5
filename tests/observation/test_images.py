"""The images beside a job's tables are those of the samples, small enough, and come back as they were."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from denote.data.samples import TensorInputs
from denote.errors import StoreError
from denote.observation.result import FILE, LONGEST_SIDE, Images, shown_inputs, small


def test_images_of_the_samples_once_each_and_the_mean_of_fit(tmp_path: Path) -> None:
    values = torch.arange(5 * 2 * 3).reshape(5, 2, 3).to(torch.uint8)
    found = shown_inputs(TensorInputs(values, 30), pl.Series([4, 1, 4]), np.array([0, 2]))
    assert found is not None
    found.write(tmp_path)
    read = Images.read(tmp_path)
    assert read is not None
    assert read.samples.tolist() == [1, 4]
    np.testing.assert_allclose(read.inputs, values[[1, 4]].numpy() / 30, rtol=1e-6)
    np.testing.assert_allclose(read.mean, values[[0, 2]].float().mean(0).numpy() / 30, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (2, 4, 4), (1, 2, 3, 4)])
def test_what_is_no_image_is_not_kept(shape: tuple[int, ...]) -> None:
    assert shown_inputs(TensorInputs(torch.zeros(3, *shape)), pl.Series([0]), np.arange(2)) is None


def test_without_examples_there_are_no_images_but_a_mean() -> None:
    found = shown_inputs(TensorInputs(torch.ones(3, 2, 2)), pl.Series([], dtype=pl.Int64), np.arange(2))
    assert found is not None
    assert (len(found.samples), found.inputs.shape, float(found.mean.min())) == (0, (0, 2, 2), 1.0)


def test_large_images_become_means_over_squares() -> None:
    images = np.arange(2 * 200 * 101, dtype=np.float32).reshape(1, 2, 200, 101)
    found = small(images)
    assert found.shape == (1, 2, 66, 33)
    assert max(found.shape[-2:]) <= LONGEST_SIDE
    np.testing.assert_allclose(found[0, 1, 2, 3], images[0, 1, 6:9, 9:12].mean(), rtol=1e-6)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert Images.read(tmp_path) is None
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(StoreError, match="holds no images"):
        Images.read(tmp_path)
