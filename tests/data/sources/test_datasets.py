"""The datasets: digits and idx files against what they hold, drawn shapes against what was asked for."""

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy import ndimage

from denote.data.sources.digits import MNISTModule, load_digits, load_mnist, stroke_columns
from denote.data.sources.shapes import CATEGORIES, load_shapes
from denote.errors import DataError

RING = np.array(["......", ".####.", ".#..#.", ".####.", "......"])
EIGHT = np.array([".###..", ".#.#..", ".###..", ".#.#..", ".###.."])
OPEN = np.array(["####..", "#.....", "####..", "......", "......"])
DIAGONAL = np.array([".#....", "#.#...", ".#....", "......", "......"])
EMPTY = np.array(["......"] * 5)


def pixels(*drawings):
    return np.stack([[[16 * (mark == "#") for mark in line] for line in drawing] for drawing in drawings])


def test_stroke_columns_of_drawings():
    found = stroke_columns(pixels(RING, EIGHT, OPEN, DIAGONAL, EMPTY), 16, 7)
    assert found["loops"].to_list() == [1, 2, 0, 1, 0]
    assert found["height"].to_list() == [3, 5, 3, 3, 0]
    assert found["width"].to_list() == [4, 3, 4, 3, 0]
    assert found["ink"].to_list() == pytest.approx([10 / 30, 13 / 30, 9 / 30, 4 / 30, 0])


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits as read

    samples, bundled = load_digits(), read()
    assert (len(samples), samples.inputs.shape) == (1797, (1, 8, 8))
    np.testing.assert_allclose(samples.inputs[np.arange(1797)].numpy()[:, 0], bundled.images / 16, rtol=1e-6)
    assert samples.table.columns == ["class", "ink", "height", "width", "loops"]
    assert samples.table["class"].to_list() == bundled.target.tolist()
    loops = samples.table.group_by("class").agg(pl.col("loops").mean()).sort("class")["loops"]
    assert loops[0] > 0.7
    assert loops[8] > 1.3
    assert max(loops[1], loops[5], loops[7]) < 0.2
    assert samples.key == load_digits().key


def test_loops_agree_with_counting_image_by_image():
    samples = load_digits()
    images = samples.inputs[np.arange(50)].numpy()[:, 0] * 16
    plain = [ndimage.label(np.pad(image <= 7, 1, constant_values=True))[1] - 1 for image in images]
    assert samples.table["loops"].head(50).to_list() == plain


def idx(values):
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">u4").tobytes()
    return header + values.astype(np.uint8).tobytes()


def write(folder: Path, part: str, n: int, zipped: bool) -> None:
    draw = np.random.default_rng(n)
    for kind, values in (("images-idx3", draw.integers(0, 256, (n, 28, 28))), ("labels-idx1", np.arange(n) % 10)):
        path = folder / f"{part}-{kind}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(idx(values)) if zipped else idx(values))


def test_train_and_t10k_together_are_a_predefined_split(tmp_path):
    write(tmp_path, "train", 60, zipped=False)
    write(tmp_path, "t10k", 40, zipped=True)
    module = MNISTModule(tmp_path, batch_size=16)
    module.setup()
    assert np.array_equal(module.parts.object, np.arange(60))
    assert len(module.parts.fit) == len(module.parts.test) == 20
    assert module.samples.targets[60:64].tolist() == [0, 1, 2, 3]
    assert len(load_mnist(tmp_path, n=30)) == 60


def test_the_key_follows_the_contents_and_not_the_place_or_the_packing(tmp_path):
    for name, zipped, n in (("here", True, 30), ("there", False, 30), ("other", False, 31)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "t10k", n, zipped)
    here, there, other = (load_mnist(tmp_path / name).key for name in ("here", "there", "other"))
    assert here == there != other
    assert load_mnist(tmp_path / "here").predefined is None


def test_missing_files_are_named_with_the_folder(tmp_path):
    with pytest.raises(DataError, match=rf"dataset.root: no MNIST files in {tmp_path}.*t10k-images-idx3-ubyte"):
        load_mnist(tmp_path)
    with pytest.raises(DataError, match=r"dataset\.root: no folder is given"):
        load_mnist(None)
    write(tmp_path, "t10k", 5, zipped=False)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_every_truncation_and_a_wrong_kind_of_file_are_refused(tmp_path, zipped):
    write(tmp_path, "t10k", 5, zipped)
    path = next(tmp_path.glob("t10k-images*"))
    whole = path.read_bytes()
    for size in (0, 3, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"dataset.root.*t10k-images"):
            load_mnist(tmp_path)
    labels = next(tmp_path.glob("t10k-labels*")).read_bytes()
    path.write_bytes(labels)
    with pytest.raises(DataError, match=r"begins with 00 00 08 01; .* 3 dimensions begins with 00 00 08 03"):
        load_mnist(tmp_path)


@pytest.mark.skipif("DENOTE_TEST_DATA" not in os.environ, reason="DENOTE_TEST_DATA names no folder with MNIST")
def test_the_real_t10k_files():
    samples = load_mnist(os.environ["DENOTE_TEST_DATA"], n=2000)
    assert samples.inputs.shape == (1, 28, 28)
    assert samples.table["class"].head(10).to_list() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert samples.table["ink"].is_between(0.01, 0.5).all()
    assert samples.table["height"].max() <= 20


def test_a_shape_is_the_same_in_any_number_and_any_batch():
    many, few = load_shapes(500, seed=3), load_shapes(40, seed=3)
    assert many.table.head(40).equals(few.table)
    whole = many.inputs[np.arange(500)]
    assert torch.equal(few.inputs[np.arange(40)], whole[:40])
    assert torch.equal(many.inputs[np.array([77, 3])], whole[[77, 3]])
    assert not load_shapes(40, seed=4).table.equals(few.table)


@pytest.fixture(scope="module")
def shapes():
    return load_shapes(2000, seed=0)


def ink(samples, rows):
    """Cover of each pixel, found from the picture as the distance from the corner pixel, which is background."""
    picture = samples.inputs[rows]
    away = (picture - picture[:, :, :1, :1]).abs().amax(dim=1)
    return (away / away.amax(dim=(1, 2), keepdim=True)).numpy()


def test_pictures_lie_in_the_unit_interval_and_inside_the_canvas(shapes):
    picture = shapes.inputs[np.arange(2000)]
    assert picture.min() >= 0
    assert picture.max() <= 1
    border = torch.cat([picture[:, :, 0], picture[:, :, -1], picture[..., 0], picture[..., -1]], dim=-1)
    assert torch.equal(border, border[..., :1].expand_as(border))


def test_area_and_centre_of_solid_shapes_are_those_of_the_table(shapes):
    # Area over squared corner radius: pi, 2, 3 sqrt(3) / 4, and ten triangles of the star's centre, corner, notch.
    factor = {"circle": np.pi, "square": 2, "triangle": 3 * 3**0.5 / 4, "star": 5 * 0.45 * np.sin(np.pi / 5)}
    table = shapes.table.with_row_index("row").filter(pl.col("fill") == "solid").head(400)
    cover = ink(shapes, table["row"].to_numpy())
    area = np.array([factor[shape] for shape in table["shape"]]) * table["size"].to_numpy() ** 2
    np.testing.assert_allclose(cover.sum(axis=(1, 2)), area, rtol=0.06)
    place = np.arange(32) + 0.5
    mass = cover.sum(axis=(1, 2))
    np.testing.assert_allclose((cover * place).sum(axis=(1, 2)) / mass, table["x"], atol=0.15)
    np.testing.assert_allclose((cover * place[:, None]).sum(axis=(1, 2)) / mass, table["y"], atol=0.15)


def test_rotation_turns_the_topmost_corner_clockwise(shapes):
    table = (
        shapes.table.with_row_index("row").filter((pl.col("shape") == "star") & (pl.col("fill") == "solid")).head(100)
    )
    cover = ink(shapes, table["row"].to_numpy())
    place = np.arange(32) + 0.5
    dx = place[None, None, :] - table["x"].to_numpy()[:, None, None]
    dy = place[None, :, None] - table["y"].to_numpy()[:, None, None]
    # The phase of the fifth angular moment of a five-pointed figure, from straight up, clockwise.
    moment = (cover * np.hypot(dx, dy) ** 5 * np.exp(5j * np.arctan2(dx, -dy))).sum(axis=(1, 2))
    error = np.angle(moment * np.exp(-5j * np.deg2rad(table["rotation"].to_numpy()))) / 5
    assert np.rad2deg(np.abs(error)).max() < 3


def test_an_outline_is_hollow_and_a_circle_has_no_rotation(shapes):
    table = shapes.table.with_row_index("row")
    for fill, expected in (("solid", 1.0), ("outline", 0.0)):
        chosen = table.filter((pl.col("fill") == fill) & (pl.col("shape") != "star")).head(100)
        cover = ink(shapes, chosen["row"].to_numpy())
        centre = cover[np.arange(100), chosen["y"].cast(pl.Int64), chosen["x"].cast(pl.Int64)]
        np.testing.assert_allclose(centre, expected, atol=0.35)
    assert table.filter(pl.col("shape") == "circle")["rotation"].null_count() == (table["shape"] == "circle").sum()
    assert table.filter(pl.col("shape") != "circle")["rotation"].null_count() == 0


@pytest.mark.parametrize("target", list(CATEGORIES))
def test_any_category_may_be_the_target(target):
    samples = load_shapes(200, target=target)
    assert [samples.classes[code] for code in samples.targets] == samples.table[target].to_list()
    assert set(samples.classes) == set(samples.table[target])


def test_a_target_that_is_no_category_is_refused():
    with pytest.raises(DataError, match=r"dataset.target: 'color'.*did you mean 'colour'"):
        load_shapes(10, target="color")
    with pytest.raises(DataError, match=r"dataset.target: 'size'.*allowed: shape, colour, fill, background"):
        load_shapes(10, target="size")
