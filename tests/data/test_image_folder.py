"""Folders of images: sizes, colours, rows that belong to their file, and files that are no images."""

import logging

import numpy as np
import polars as pl
import pytest
from PIL import Image

from denote.attributes.kinds import columns
from denote.data.images import ImagesModule
from denote.errors import DataError

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


@pytest.fixture
def folder(tmp_path):
    """Ten images of one colour with black bars left and right, wider than high, in two formats, one in a subfolder."""
    rows = []
    (tmp_path / "more").mkdir()
    for number in range(10):
        colour = ("red", "blue")[number % 2]
        name = f"more/{number}.png" if number == 3 else f"{number}.{('png', 'jpg')[number == 4]}"
        image = Image.new("RGB", (40, 20))
        image.paste(COLOURS[colour], (8, 0, 32, 20))
        image.save(tmp_path / name)
        rows.append({"file": name, "colour": colour, "number": number})
    pl.DataFrame(rows).write_csv(tmp_path / "labels.csv")
    return tmp_path


def module(folder, **settings):
    return ImagesModule(folder, folder / "labels.csv", "colour", **{"size": 8, **settings})


def test_images_are_cropped_to_their_middle_and_keep_their_row(folder, caplog):
    with caplog.at_level(logging.INFO):
        samples = module(folder).load()
    pixels = samples.inputs[np.arange(10)].numpy()
    assert pixels.shape == (10, 3, 8, 8)
    for image, colour in zip(pixels, samples.table["colour"], strict=True):
        np.testing.assert_allclose(image, np.full((8, 8, 3), COLOURS[colour]).transpose(2, 0, 1) / 255, atol=0.02)
    assert [samples.classes[target] for target in samples.targets] == samples.table["colour"].to_list()
    assert "1 files of the folder are in no row" in caplog.text
    assert module(folder, channels=1).load().inputs.shape == (1, 8, 8)


def test_missing_and_broken_images_are_named_and_skipped_only_if_asked(folder, caplog):
    (folder / "2.png").unlink()
    (folder / "5.png").write_text("no image")
    whole = (folder / "7.png").read_bytes()
    (folder / "7.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.zeros((9, 9), dtype=np.uint16)).save(folder / "8.png")
    with pytest.raises(
        DataError, match=r"4 of 10 images are missing or broken: 2\.png \(there is no such file\), 5\.p"
    ):
        module(folder).load()
    with caplog.at_level(logging.WARNING):
        samples = module(folder, skip_broken=True).load()
    assert samples.table["number"].to_list() == [0, 1, 3, 4, 6, 9]
    assert samples.inputs[np.array([2])][0, 2].mean() == pytest.approx(1, abs=0.02)  # number 3 is blue
    assert "4 of 10 images" in caplog.text


def test_a_folder_that_is_not_the_tables_and_settings_that_cannot_be(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(DataError, match=r"has none of the 10 files that 'file' names, such as 0\.png"):
        ImagesModule(elsewhere, folder / "labels.csv", "colour").load()
    with pytest.raises(DataError, match=r"there is no folder"):
        ImagesModule(folder / "none", folder / "labels.csv", "colour").load()
    with pytest.raises(DataError, match=r"dataset\.channels: 2"):
        module(folder, channels=2).load()
    with pytest.raises(DataError, match=r"dataset\.file: .*no column 'name'"):
        module(folder, file="name").load()


def test_the_key_is_that_of_the_pixels_and_not_of_the_place(folder, tmp_path_factory):
    moved = folder.rename(tmp_path_factory.mktemp("there") / "moved")
    keys = {module(moved).load().key, module(moved, size=9).load().key}
    assert len(keys) == 2
    back = moved.rename(moved.parent / "again")
    assert module(back).load().key in keys


@pytest.mark.parametrize("name", ["../2.png", "more/../../2.png", "/elsewhere/2.png"])
def test_a_name_that_leads_out_of_the_folder_is_refused(folder, name):
    table = pl.read_csv(folder / "labels.csv")
    table[4, "file"] = name
    table.write_csv(folder / "labels.csv")
    with pytest.raises(DataError, match=rf"dataset.file: '{name}' \(.*labels.csv line 6\) leads out of"):
        module(folder).load()


def test_images_for_which_pillow_would_run_a_program_are_refused(folder):
    Image.new("RGB", (4, 4)).save(folder / "2.png", format="EPS")
    with pytest.raises(DataError, match=r"2.png \(no image of PNG, JPEG"):
        module(folder).load()


def test_the_table_of_a_folder_is_read_by_the_keys_of_every_table(folder):
    """Names of files stay text, whatever they look like; numbers, dates and categories are those of any table."""
    table = pl.read_csv(folder / "labels.csv").with_columns(
        size=pl.Series(["5%", "-"] * 5), taken=pl.Series(["31/01/2020", "05/12/2021"] * 5), id=pl.Series(range(10)),
        rooms=pl.Series([1, 2, 3, 2, 1] * 2),
    )  # fmt: skip
    table.write_csv(folder / "labels.csv")
    samples = module(folder, exclude=["id"], categories=["rooms"]).load()
    assert samples.table["file"][0] == "0.png"
    assert samples.table["size"].to_list() == [5, None] * 5
    assert samples.table["taken.year"].to_list() == [2020, 2021] * 5
    assert "id" not in samples.table.columns
    assert samples.categories == ("rooms", "taken.year", "taken.month", "taken.weekday")
    names = columns("columns", samples, names=["rooms", "taken.year"]).labels.names
    assert names == ("rooms=1", "rooms=2", "rooms=3", "taken.year=2021")
    with pytest.raises(DataError, match=r"dataset.exclude: 'file' is left out, and another key names it"):
        module(folder, exclude=["file"]).load()
    table.with_columns(size=pl.Series(["5", "6", "x"] + ["7"] * 7)).write_csv(folder / "labels.csv")
    with pytest.raises(
        DataError, match=r"dataset.table: column 'size' holds numbers and 'x' .*line 4.*exclude=\[size\]"
    ):
        module(folder).load()
