"""Inputs that are shown beside what neurons denote: pictures on one sprite, rows of a table, words, texts.

`shown_inputs` chooses what there is to be shown of an input: the picture, the row of the table that it is made of, the
word in its sentence, the text, and where nothing of that is known what the attribute table says of its row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float32, UInt8
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from denote.data.tokens import WordInputs
from denote.digests import check
from denote.errors import StoreError, told
from denote.files import atomic_write
from denote.numbers import count
from denote.observation.arguments import SampleInfo
from denote.observation.input_pictures import COLUMNS, SAID, pictures_in, planes_of, sprite_of
from denote.observation.input_texts import (
    MOST_VALUES,
    Rows,
    as_json,
    is_of_tokens,
    main_tensor,
    number_rows,
    table_rows,
    texts_of,
    words_in_context,
)
from denote.tables import INPUTS, empty, read_table, write_table

TABLE, SPRITE, MEAN, BEFORE = "inputs", "inputs.png", "inputs.safetensors", "examples.safetensors"
"""The table in a job's folder, the file of its pictures, that of the mean input, and what held both before."""

IMAGE, ROW, WORDS, TEXT, NOTE = "image", "row", "words", "text", "note"
"""Kinds of rows; a `NOTE` has no sample and says what is not shown and why."""

LARGEST_TEXTS = 1_000_000
"""Bytes of all texts together."""

BATCH = 1024
"""Inputs that are drawn or read at once."""

NOT_SHOWN = "inputs are not shown (report.inputs=false)"


@dataclass(frozen=True, eq=False)
class InputsShown:
    """Inputs of the samples in ``examples``.

    Attributes:
        rows: Columns of ``tables.INPUTS``, a row per sample, without notes.
        sprite: Pictures as one PNG, tiles side by side from the top left; None where inputs are no pictures.
        tile: Width and height of a tile in pixels.
        columns: Tiles in a row of the sprite.
        notes: What is not shown, and why.
        mean: Mean over the *fit* rows of inputs that are images, in full size and in the range of the data: the ground
            on which relevance at the input is drawn; None for others.
    """

    rows: pl.DataFrame = field(default_factory=lambda: empty(INPUTS))
    sprite: bytes | None = None
    tile: tuple[int, int] = (0, 0)
    columns: int = COLUMNS
    notes: tuple[str, ...] = ()
    mean: Float32[np.ndarray, "*whole"] | None = None

    @classmethod
    def withheld(cls) -> InputsShown:
        """Return nothing, as `NOT_SHOWN` says."""
        return cls(notes=(NOT_SHOWN,))

    @property
    def is_withheld(self) -> bool:
        """Return whether inputs are not stored because nobody may see them."""
        return NOT_SHOWN in self.notes

    def write(self, folder: Path) -> None:
        """Save into a job's folder, each file whole or not at all; files of what is not shown any more go."""
        for name, is_there in ((SPRITE, self.sprite is not None), (MEAN, self.mean is not None), (BEFORE, False)):
            if not is_there:
                (folder / name).unlink(missing_ok=True)
        if self.sprite is not None:
            with atomic_write(folder / SPRITE) as temporary:
                temporary.write_bytes(self.sprite)
        if self.mean is not None:
            with atomic_write(folder / MEAN) as temporary:
                save_file({"mean": np.ascontiguousarray(self.mean)}, temporary)
        write_table(folder, TABLE, pl.concat([self.rows, _rows(NOTE, [None] * len(self.notes), self.notes)]))

    @classmethod
    def read(cls, folder: Path) -> InputsShown | None:
        """What `write` saved; of a folder of before there was such a table the images that it has, or None.

        Raises:
            StoreError: if a file is damaged.
        """
        if not (folder / f"{TABLE}.parquet").is_file():
            return _before(folder)
        held = read_table(folder, TABLE)
        is_note, sprite = held["kind"] == NOTE, _bytes_of(folder / SPRITE)
        arrays = _arrays_of(folder / MEAN)
        found = cls(held.filter(~is_note), notes=tuple(held.filter(is_note)["text"].to_list()), mean=arrays.get("mean"))
        return found if sprite is None else found.with_sprite(sprite, str(folder / SPRITE))

    def with_sprite(self, sprite: bytes, where: str) -> InputsShown:
        """Return the same with a sprite, which says how it is cut.

        Args:
            sprite: The PNG.
            where: What to name in an error.

        Raises:
            StoreError: if it is none.
        """
        try:
            width, height, columns = (int(Image.open(BytesIO(sprite)).info[name]) for name in SAID)
        except (OSError, KeyError, ValueError, Image.DecompressionBombError) as problem:
            raise StoreError(where, f"is no sprite of inputs ({told(problem)})") from problem
        return InputsShown(self.rows, sprite, (width, height), columns, self.notes, self.mean)

    @cached_property
    def pictures(self) -> Mapping[int, UInt8[np.ndarray, "height width *plane"]]:
        """The tile of every sample that has one."""
        if self.sprite is None:
            return {}
        of_images = self.rows.filter(kind=IMAGE)
        tiles = pictures_in(self.sprite, self.tile, self.columns, of_images["sprite"].to_list())
        return dict(zip(of_images["sample"].to_list(), tiles, strict=True))

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


def shown_inputs(info: SampleInfo, examples: pl.DataFrame, *, is_asked: bool = True) -> InputsShown:
    """Return what is shown of the inputs in some examples, at most a megabyte of pictures and one of texts.

    Args:
        info: What is known of the samples.
        examples: Columns of ``tables.EXAMPLES``. Where not all inputs fit, those of low rank come first.
        is_asked: Whether anything of the inputs may be shown at all.
    """
    if not is_asked:
        return InputsShown.withheld()
    order = examples.group_by("sample").agg(pl.col("rank").min()).sort("rank", "sample")
    samples = order["sample"].to_numpy().astype(np.int64)
    mean = mean_input(info)
    if not len(samples):
        return InputsShown(mean=mean)
    found = _of_inputs(info, samples)
    return InputsShown(found.rows, found.sprite, found.tile, found.columns, found.notes, mean)


def _of_inputs(info: SampleInfo, samples: Rows) -> InputsShown:
    """Show samples, those that matter most first, as what they are."""
    inputs, table = info.inputs, info.table
    if inputs is None:
        return _as_rows(info, samples, "inputs are not known, only states: the columns of each row are shown")
    if isinstance(inputs, WordInputs):
        numbers = "words are not known, so numbers of tokens are shown"
        is_token = is_of_tokens(inputs.sequences, main_tensor(inputs.sequences, np.zeros(1, np.int64)))
        if inputs.texts is None and not is_token:
            return _as_rows(info, samples, "positions of sequences of numbers are not shown, but the columns of each")
        return _as_texts(WORDS, samples, words_in_context(inputs, samples), numbers if inputs.texts is None else None)
    if getattr(inputs, "layers", None) is not None:
        return _as_rows(info, samples, "inputs are not known, only states: the columns of each row are shown")
    if hasattr(inputs, "names") and table is not None:
        return _as_rows(info, samples)
    example = main_tensor(inputs, samples[:1])
    if is_of_tokens(inputs, example):
        numbers = "texts are not known, so numbers of tokens are shown"
        is_known = getattr(inputs, "texts", None) is not None
        return _as_texts(TEXT, samples, texts_of(inputs, samples), None if is_known else numbers)
    if planes_of(example.float().numpy()) is not None:
        return _as_pictures(info, samples)
    if example.ndim == 2:
        return _as_rows(info, samples, with_numbers=True)
    return _as_rows(info, samples, f"inputs of shape {tuple(example.shape[1:])} are not shown, but the columns of each")


def _as_pictures(info: SampleInfo, samples: Rows) -> InputsShown:
    inputs = info.inputs

    def read(part: slice) -> Float32[np.ndarray, "sample plane height width"]:
        planes = planes_of(main_tensor(inputs, samples[part]).float().numpy())  # type: ignore[arg-type]
        if planes is None:
            raise StoreError("inputs", "differ in shape")
        return planes

    sprite = sprite_of(read, len(samples))
    assert sprite is not None  # noqa: S101  (there are samples)
    shown = samples[: sprite.n_tiles]
    left_out = _left_out(len(samples), len(shown))
    return InputsShown(_tiles(shown), sprite.png, sprite.tile, COLUMNS, left_out)


def _tiles(samples: Rows) -> pl.DataFrame:
    columns = {"sample": samples.tolist(), "kind": IMAGE, "sprite": range(len(samples)), "text": None}
    return pl.DataFrame(columns, schema=dict(INPUTS))


def _as_rows(info: SampleInfo, samples: Rows, note: str | None = None, *, with_numbers: bool = False) -> InputsShown:
    """Show what the table says of every sample, and the numbers of inputs that are numbers without names."""
    table = pl.DataFrame() if info.table is None else info.table
    if not (with_numbers or table.width):
        return InputsShown(notes=(note or "nothing is known of inputs that could be shown",))
    rows: Iterable[dict[str, str | None]] = table_rows(table, samples)
    if with_numbers and info.inputs is not None:
        width = int(main_tensor(info.inputs, samples[:1]).shape[1])
        note = f"the first {MOST_VALUES} of {width} numbers of each are shown" if width > MOST_VALUES else note
        rows = (number | row for number, row in zip(number_rows(info.inputs, samples), rows, strict=True))
    return _as_texts(ROW, samples, map(as_json, rows), note)


def _as_texts(kind: str, samples: Rows, texts: Iterable[str], note: str | None = None) -> InputsShown:
    kept: list[str] = []
    room = LARGEST_TEXTS
    for text in texts:
        room -= len(text.encode())
        if room < 0:
            break
        kept.append(text)
    notes = (*([note] if note else []), *_left_out(len(samples), len(kept)))
    return InputsShown(_rows(kind, samples[: len(kept)].tolist(), kept), notes=notes)


def _rows(kind: str, samples: Iterable[int | None], texts: Iterable[str]) -> pl.DataFrame:
    columns = {"sample": list(samples), "text": list(texts)}
    frame = pl.DataFrame(columns, schema_overrides={"sample": pl.Int64, "text": pl.String})
    return frame.with_columns(kind=pl.lit(kind), sprite=pl.lit(None, pl.Int64)).select(*INPUTS)


def _left_out(n: int, shown: int) -> tuple[str, ...]:
    return (f"{count(n - shown, 'input')} of {n} left out, as more would be too large",) if shown < n else ()


def mean_input(info: SampleInfo) -> Float32[np.ndarray, "*whole"] | None:
    """Return the mean over *fit* of inputs that are images of one plane or three; None of others."""
    inputs, fit = info.inputs, info.parts.fit
    if inputs is None or not is_image(tuple(inputs.shape)) or is_of_tokens(inputs, main_tensor(inputs, fit[:1])):
        return None
    total = np.zeros(inputs.shape, dtype=np.float64)
    for start in range(0, len(fit), BATCH):
        total += main_tensor(inputs, fit[start : start + BATCH]).double().sum(0).numpy()
    mean: Float32[np.ndarray, "*whole"] = (total / max(len(fit), 1)).astype(np.float32)
    return mean


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether relevance at the input can be drawn over an input: one plane, or one or three of them."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def _bytes_of(file: Path) -> bytes | None:
    if not file.is_file():
        return None
    check(file)
    return file.read_bytes()


def _arrays_of(file: Path) -> dict[str, np.ndarray]:
    if not file.is_file():
        return {}
    try:
        check(file)
        return load_file(file)
    except (OSError, SafetensorError) as problem:
        raise StoreError(str(file), f"holds no inputs ({told(problem)})") from problem


def _before(folder: Path) -> InputsShown | None:
    """Return the images of a job of before: arrays in the range of the data."""
    arrays = _arrays_of(folder / BEFORE)
    if not {"samples", "inputs", "mean"} <= arrays.keys():
        return None
    samples, planes = arrays["samples"], planes_of(arrays["inputs"])
    if planes is None or not len(samples):
        return InputsShown(mean=arrays["mean"])
    sprite = sprite_of(lambda part: planes[part], len(samples))
    assert sprite is not None  # noqa: S101  (there are samples)
    return InputsShown(_tiles(samples[: sprite.n_tiles]), sprite.png, sprite.tile, COLUMNS, mean=arrays["mean"])
