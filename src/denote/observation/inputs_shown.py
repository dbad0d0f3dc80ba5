"""Inputs that are shown beside what neurons denote: pictures on one sprite, rows of a table, words, texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from denote.digests import check
from denote.errors import StoreError
from denote.files import atomic_write
from denote.tables import INPUTS, empty, read_table, write_table

TABLE, SPRITE = "inputs", "inputs.png"
"""The table in a job's folder, and the file of its pictures."""

COLUMNS = 32
"""Tiles in a row of the sprite."""

IMAGE, ROW, WORDS, TEXT, NOTE = "image", "row", "words", "text", "note"
"""Kinds of rows; a `NOTE` has no sample and says what is left out and why."""


@dataclass(frozen=True, eq=False)
class InputsShown:
    """Inputs of the samples in ``examples``.

    Attributes:
        rows: Columns of ``tables.INPUTS``, a row per sample, without notes.
        sprite: Pictures as one PNG, tiles side by side from the top left; None where inputs are no pictures.
        tile: Width and height of a tile in pixels.
        columns: Tiles in a row of the sprite.
        notes: What is not shown, and why.
    """

    rows: pl.DataFrame = field(default_factory=lambda: empty(INPUTS))
    sprite: bytes | None = None
    tile: tuple[int, int] = (0, 0)
    columns: int = COLUMNS
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Save into a job's folder, each file whole or not at all; a sprite that was there before goes."""
        notes = [{"sample": None, "kind": NOTE, "sprite": None, "text": note} for note in self.notes]
        write_table(folder, TABLE, pl.concat([self.rows, pl.DataFrame(notes, schema=dict(INPUTS))]))
        if self.sprite is None:
            (folder / SPRITE).unlink(missing_ok=True)
        else:
            with atomic_write(folder / SPRITE) as temporary:
                temporary.write_bytes(self.sprite)

    @classmethod
    def read(cls, folder: Path) -> InputsShown | None:
        """What `write` saved, or None in a folder of before there were inputs.

        Raises:
            StoreError: if a file is damaged.
        """
        if not (folder / f"{TABLE}.parquet").is_file():
            return None
        held = read_table(folder, TABLE)
        is_note = held["kind"] == NOTE
        notes = tuple(held.filter(is_note)["text"].to_list())
        if not (folder / SPRITE).is_file():
            return cls(held.filter(~is_note), notes=notes)
        check(folder / SPRITE)
        sprite = (folder / SPRITE).read_bytes()
        try:
            said = {name: int(text) for name, text in Image.open(BytesIO(sprite)).info.items() if name in _SAID}
            tile, columns = (said["tile_width"], said["tile_height"]), said["columns"]
        except (OSError, UnidentifiedImageError, KeyError, ValueError) as problem:
            raise StoreError(str(folder / SPRITE), f"is no sprite ({type(problem).__name__})") from problem
        return cls(held.filter(~is_note), sprite, tile, columns, notes)

    @cached_property
    def pictures(self) -> Mapping[int, UInt8[np.ndarray, "height width *colour"]]:
        """The tile of every sample that has one."""
        if self.sprite is None:
            return {}
        pixels, (width, height) = np.asarray(Image.open(BytesIO(self.sprite))), self.tile
        return {
            sample: pixels[y * height : (y + 1) * height, x * width : (x + 1) * width]
            for sample, place in self.rows.filter(kind=IMAGE).select("sample", "sprite").iter_rows()
            for y, x in [divmod(place, self.columns)]
        }

    @cached_property
    def entries(self) -> Mapping[int, Mapping[str, Any]]:
        """What is shown of every sample: ``{"sprite": tile}``, ``{"row": {column: value}}``, ``{"words": [...], "at":
        place}`` or ``{"text": text}``.
        """
        found: dict[int, Mapping[str, Any]] = {}
        for sample, kind, sprite, text in self.rows.select("sample", "kind", "sprite", "text").iter_rows():
            held = {"sprite": sprite} if kind == IMAGE else json.loads(text)
            found[sample] = {kind: held} if kind in (ROW, TEXT) else held
        return found


_SAID = ("tile_width", "tile_height", "columns")


def png_of(pixels: UInt8[np.ndarray, "height width *colour"], tile: tuple[int, int], columns: int) -> bytes:
    """Return pixels as a PNG that says how they are cut into tiles."""
    said, out = PngInfo(), BytesIO()
    for name, value in zip(_SAID, (*tile, columns), strict=True):
        said.add_text(name, str(value))
    Image.fromarray(pixels).save(out, "PNG", optimize=True, pnginfo=said)
    return out.getvalue()
