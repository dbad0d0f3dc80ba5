"""Images from a folder as a dataset: pictures brought to one size, and a table that has a row per image."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from jaxtyping import Int, UInt8

from denote.config.given_files import check_regular
from denote.config.keys import SCHEMA, digest, digest_array
from denote.data.columns.table_files import AttributeTableModule, log_missing
from denote.data.learned import target_names, target_of
from denote.data.samples import CLASSES, Samples, TensorInputs, column_of
from denote.errors import DataError, first_line

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)


class ImagesModule(AttributeTableModule):
    """Images by file name.

    Args:
        root: The folder.
        table: See `read_columns`; its columns are the attribute table.
        target: Column that the network learns; a list of columns for labels.
        file: Column of file names, relative to ``root``.
        size: Side in pixels to which every image is resized and cropped.
        channels: 1 for grey, 3 for colour.
        background: What shows through transparent pixels, see `Square`.
        skip_broken: Whether images that are missing or broken are left out, which is counted.
        task: ``classes``, ``numeric`` or ``labels``.
        settings: Those of `AttributeTableModule`.
    """

    paths = ("root", "table")

    def __init__(
        self,
        root: str | Path,
        table: str | Path | None,
        target: str | Sequence[str],
        file: str = "file",
        size: int = 32,
        channels: int = 3,
        background: str | Sequence[int] = "white",
        skip_broken: bool = False,
        task: str = CLASSES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.root, self.table, self.file = Path(root).expanduser(), table, file
        self.target, self.task = target, task
        self.square = Square(size, channels, background, skip_broken)

    def load(self) -> Samples:
        """Read the table and every image that it names; they are held as bytes.

        Raises:
            DataError: for images that are missing or broken (which), or a table that cannot be used.
        """
        targets = target_names(self.target)
        read = self.read(self.table, "dataset.table", targets, as_text=[self.file])
        table = read.checked(targets, needed=[self.file, *self.dealing])
        files = column_of(table, self.file, "dataset.file")
        if files.null_count():
            first = read.line_of(int(files.is_null().arg_true()[0]))
            raise DataError("dataset.file", f"{files.null_count()} rows name no file, the first is {first}")
        names = [str(name) for name in files]
        for row, name in enumerate(names):
            if Path(name).is_absolute() or ".." in Path(name).parts:
                problem = f"{name!r} ({read.line_of(row)}) leads out of {self.root}"
                raise DataError("dataset.file", problem, "needed: names of files in the folder")
        self._log_others(names)
        pixels, kept = read_images(names, lambda number: self.root / names[number], self.square, "dataset.root")
        target = target_of(table, self.target, self.task, read.line_of).at(kept)
        table = table[kept]
        log_missing(table, table.columns)
        content = [digest_array(pixels), digest_array(target.values)]
        key = digest({"dataset": "images", "content": content, "schema": SCHEMA})
        inputs = TensorInputs(pixels, MAXIMUM)
        return target.samples(self.root.name, inputs, table, key, categories=read.categories)

    def _log_others(self, names: Sequence[str]) -> None:
        """Say how many files of the folder no row names: perhaps the table is that of another folder."""
        if not self.root.is_dir():
            raise DataError("dataset.root", f"there is no folder {self.root}", "needed: the folder of the images")
        here = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}
        named = here & {str(Path(name)) for name in names}
        if not named:
            problem = f"{self.root} has none of the {len(names)} files that {self.file!r} names, such as {names[0]}"
            raise DataError("dataset.root", problem, "needed: the folder that the names start from")
        log.info("dataset.root: %d files of the folder are in no row of the table", len(here - named))


MAXIMUM = 255.0
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""What is read, as Pillow calls it; for some others, such as EPS, Pillow would run another program."""
MOST_PIXELS = 178_956_970
"""Pixels of a picture, the number above which Pillow takes it for an attack: it takes half a gigabyte to read."""
SHOWN = 3
"""Images of a kind that are named."""


@dataclass(frozen=True)
class Square:
    """What every picture is brought to: upright, without transparency, resized until it covers a square, cropped.

    Attributes:
        size: Side in pixels.
        channels: 1 for grey, 3 for colour.
        background: What shows through where a picture is transparent: a colour by name (``white``) or as ``#rrggbb``,
            or three numbers from 0 to 255.
        skip_broken: Whether pictures that cannot be read are left out, which is logged.
    """

    size: int
    channels: int
    background: str | Sequence[int] = "white"
    skip_broken: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that cannot be, before any picture is read.

        Raises:
            DataError: naming the key.
        """
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise DataError("dataset.size", f"{self.size!r}", "allowed: a whole number of pixels, 1 or more")
        if self.channels not in (1, 3):
            raise DataError("dataset.channels", f"{self.channels!r}", "allowed: 1 (grey), 3 (colour)")
        _colour(self.background)

    def of(self, opaque: Image) -> UInt8[np.ndarray, "channel y x"]:
        """Return an upright picture without transparency as an array."""
        from PIL import Image, ImageOps

        plain = opaque.convert("L" if self.channels == 1 else "RGB")
        fitted = np.asarray(ImageOps.fit(plain, (self.size, self.size), Image.Resampling.BILINEAR))
        return fitted[None] if self.channels == 1 else fitted.transpose(2, 0, 1)


def read_images(
    names: Sequence[str], source: Callable[[int], Path | BinaryIO], square: Square, where: str
) -> tuple[UInt8[np.ndarray, "image channel y x"], Int[np.ndarray, " image"]]:
    """Return all images as squares; what had to be decided on the way is logged.

    Args:
        names: What to call each image in an error.
        source: Says where the image of that number is.
        square: What they are brought to.
        where: What to name in an error.

    Returns:
        The images, and the numbers of those that were read, ascending.

    Raises:
        DataError: naming the first images that are missing or broken, unless they are skipped; if none is left.
    """
    images = np.empty((len(names), square.channels, square.size, square.size), dtype=np.uint8)
    kept: list[int] = []
    broken, transparent, blank, of_several = [list[str]() for _ in range(4)]
    for number, name in enumerate(names):
        try:
            image, frames = open_image(source(number))
            opaque = on_background(image, square.background)
            images[len(kept)] = square.of(opaque)
        except _errors() as error:
            broken.append(f"{name} ({_reason(error)})")
            continue
        kept.append(number)
        of_several += [name] if frames > 1 else []
        if opaque is not image:
            (transparent if np.ptp(np.asarray(opaque), axis=(0, 1)).any() else blank).append(name)
    of, shows = f"of {len(names)} images", f"{square.background} (dataset.background)"
    if broken and not (square.skip_broken and kept):
        problem = f"{len(broken)} {of} are missing or broken: {_listed(broken)}"
        raise DataError(where, problem, "repair them, or leave such images out: dataset.skip_broken=true")
    for level, chosen, problem in (
        (logging.WARNING, broken, f"{of} are missing or broken, left out"),
        (logging.INFO, transparent, f"{of} are transparent in places, which show {shows}"),
        (logging.WARNING, blank, f"{of} are transparent and blank on {shows}, choose another"),
        (logging.WARNING, of_several, f"{of} have several frames, of which the first is read"),
    ):
        if chosen:
            log.log(level, "%s: %d %s: %s", where, len(chosen), problem, _listed(chosen))
    return images[: len(kept)], np.array(kept, dtype=np.int64)


def open_image(file: Path | BinaryIO) -> tuple[Image, int]:
    """Return an image of one of `FORMATS`, upright, and of how many frames it is the first.

    Pixels are read now, so that no file stays open.

    Raises:
        ValueError: for more than 8 bits per channel.
    """
    from PIL import Image, ImageOps

    if isinstance(file, Path) and file.exists():
        check_regular(file, "image")
    with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
        opened = Image.open(file, formats=FORMATS)
    with opened as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(
                f"{image.width} x {image.height} pixels; at most {MOST_PIXELS:,} are read: make it smaller"
            )
        frames = int(getattr(image, "n_frames", 1))
        image.load()
        if image.mode == "F" or image.mode.startswith("I"):
            raise ValueError(f"mode {image.mode}: more than 8 bits per channel")
        return ImageOps.exif_transpose(image), frames


def on_background(image: Image, background: str | Sequence[int]) -> Image:
    """Lay an image on a colour, since the colours of transparent pixels are seen by nobody and often arbitrary.

    Args:
        image: In any mode; transparency may be a channel, of the palette, or one colour.
        background: See `Square`.

    Returns:
        The same object where nothing shows through.
    """
    from PIL import Image

    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):
        return image
    ground = Image.new("RGBA", layer.size, (*_colour(background), 255))
    return Image.alpha_composite(ground, layer).convert("RGB")


def _colour(background: str | Sequence[int]) -> tuple[int, ...]:
    from PIL import ImageColor

    allowed = "allowed: a colour by name, such as white or black, or [red,green,blue] from 0 to 255"
    try:
        colour = ImageColor.getrgb(background) if isinstance(background, str) else tuple(background)
    except (TypeError, ValueError) as error:
        raise DataError("dataset.background", f"{background!r}", allowed) from error
    if len(colour) != 3 or not all(type(part) is int and 0 <= part <= 255 for part in colour):
        raise DataError("dataset.background", f"{background!r}", allowed)
    return colour


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _errors() -> tuple[type[Exception], ...]:
    """Return what Pillow raises for files that are no images, or only part of one."""
    from PIL import Image

    return (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError, DataError)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if type(error).__name__ == "UnidentifiedImageError":
        return f"no image of {', '.join(FORMATS)}"
    return first_line(error)
