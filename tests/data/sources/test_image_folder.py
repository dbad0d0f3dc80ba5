"""Folders of images: sizes, colours, rows that belong to their file, and files that are no images."""

import logging

import numpy as np
import polars as pl
import pytest
from PIL import Image

from denote.attributes.rules import columns
from denote.data.sources.images import ImagesModule
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
    for background in ("nope", "#ffffff00", [1, 2], [0, 0, 256], [True, 0, 0], None, 3):
        with pytest.raises(DataError, match=r"dataset\.background: .*; allowed: a colour by name, such as white"):
            module(folder, background=background)
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


HIDDEN, SEEN = (200, 0, 0), (0, 0, 200)
"""Colours under transparent and under opaque pixels."""


def half(left, right, *, opaque=255):
    """A picture whose left half is transparent."""
    image = Image.new("RGBA", (8, 8), (*left, 0))
    image.paste((*right, opaque), (4, 0, 8, 8))
    return image


def palette(**settings):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*HIDDEN, *SEEN, 0, 0, 0])
    image.paste(1, (4, 0, 8, 8))
    return image, settings


TRANSPARENT = {
    "channel.png": (half(HIDDEN, SEEN), {}),
    "channel.webp": (half(HIDDEN, SEEN), {"lossless": True, "exact": True}),
    "channel.tiff": (half(HIDDEN, SEEN), {}),
    "palette.png": palette(transparency=0),
    "bytes.png": palette(transparency=bytes([0, 255])),
    "palette.gif": palette(transparency=0),
    "colour.png": (half(HIDDEN, SEEN).convert("RGB"), {"transparency": HIDDEN}),
}


@pytest.fixture
def pictured(tmp_path):
    """Writes pictures and their table, and reads them."""

    def read(pictures, **settings):
        for name, (image, how) in pictures.items():
            image.save(tmp_path / name, **how)
        kinds = [("a", "b")[at % 2] for at in range(len(pictures))]
        pl.DataFrame({"file": list(pictures), "kind": kinds}).write_csv(tmp_path / "labels.csv")
        samples = ImagesModule(tmp_path, tmp_path / "labels.csv", "kind", **{"size": 8, **settings}).load()
        return 255 * samples.inputs[np.arange(len(pictures))].numpy(), samples

    return read


@pytest.mark.parametrize(("background", "seen"), [("white", 255), ("#000", 0), ([9, 9, 9], 9)])
def test_transparent_pixels_show_the_background_and_never_their_own_colour(pictured, caplog, background, seen):
    with caplog.at_level(logging.INFO):
        pixels, _ = pictured(TRANSPARENT, background=background)
    for image, name in zip(pixels, TRANSPARENT, strict=True):
        np.testing.assert_allclose(image[:, :, :4], seen, atol=1e-3, err_msg=name)
        np.testing.assert_allclose(image[:, 0, 7], SEEN, atol=1e-3, err_msg=name)
    assert "7 of 7 images are transparent in places, which show" in caplog.text


def test_grey_half_transparent_and_upright(pictured):
    grey = half((0, 0, 0), (100, 100, 100), opaque=128).convert("LA")
    turned = Image.Exif()
    turned[0x0112] = 6  # the right of the file is the bottom of the picture
    pixels, _ = pictured({"a.png": (grey, {}), "b.png": (half(HIDDEN, SEEN), {"exif": turned})}, channels=1)
    np.testing.assert_allclose(pixels[0, 0, :, :4], 255, atol=1e-3)
    np.testing.assert_allclose(pixels[0, 0, :, 4:], 255 + (100 - 255) * 128 / 255, atol=1)
    np.testing.assert_allclose(pixels[1, 0, :4], 255, atol=1e-3)
    assert pixels[1, 0, 4:].max() < 30


def test_icons_drawn_in_the_alpha_channel_alone_differ(pictured, caplog):
    icons = {}
    for number in range(4):
        alpha = np.zeros((32, 32, 4), dtype=np.uint8)
        alpha[(8, 14)[number % 2] : (24, 18)[number % 2], :, 3] = 255
        icons[f"{number}.png"] = (Image.fromarray(alpha), {})
    pixels, samples = pictured(icons, size=16)
    assert len({image.tobytes() for image in pixels}) == 2
    assert pixels.max() == 255
    assert pictured(icons, size=16, background="grey")[1].key != samples.key
    assert "blank" not in caplog.text
    pictured(icons, size=16, background="black")
    assert "4 of 4 images are transparent and blank on black (dataset.background), choose another" in caplog.text


def test_opaque_pictures_are_as_they_were_on_any_background(pictured, caplog):
    pictures = {
        "one.png": (half(HIDDEN, SEEN).getchannel("A").convert("1"), {}),
        "full.png": (half(HIDDEN, SEEN).convert("RGB").convert("RGBA"), {}),
        "print.jpg": (half(HIDDEN, SEEN).convert("CMYK"), {"quality": 100}),
        "more.png": (half(HIDDEN, SEEN).convert("RGB"), {}),
    }
    with caplog.at_level(logging.INFO):
        pixels, samples = pictured(pictures)
    np.testing.assert_allclose(pixels[0, 0], np.tile([0.0] * 4 + [255] * 4, (8, 1)))
    assert np.abs(pixels[2] - pixels[3]).max() < 6
    np.testing.assert_allclose(pixels[1], pixels[3])
    assert "transparent" not in caplog.text
    assert pictured(pictures, background="black")[1].key == samples.key


def test_of_moving_pictures_the_first_frame_is_read_and_that_is_said(pictured, caplog):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in (HIDDEN, SEEN))
    moving = {"save_all": True, "append_images": [second]}
    pixels, _ = pictured({"a.gif": (first, moving), "b.png": (first, moving), "c.tiff": (first, moving)})
    np.testing.assert_allclose(pixels, np.broadcast_to(np.array(HIDDEN)[:, None, None], pixels.shape), atol=1e-3)
    assert "3 of 3 images have several frames, of which the first is read: a.gif" in caplog.text


def test_more_than_8_bits_are_refused_by_name(pictured):
    deep = Image.fromarray(np.zeros((8, 8), dtype=np.uint16))
    with pytest.raises(DataError, match=r"a\.png \(mode I;16: more than 8 bits per channel\)"):
        pictured({"a.png": (deep, {}), "b.png": (deep, {})})


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
