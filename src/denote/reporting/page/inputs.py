"""Inputs of the page: those that neurons respond to most and those beside their thresholds, pictures on sprites."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
from jaxtyping import UInt8

if TYPE_CHECKING:
    from denote.observation.inputs_shown import InputsShown

LARGEST_SPRITES = 1_000_000
"""Bytes of all pictures of a page."""
LARGEST_TEXTS = 2_000_000
"""Characters of all rows, words and texts of a page."""
UNKNOWN = "inputs are not stored in these results: those of denote's earlier versions have none, or they are no samples"
NOTHING = "no neuron that denotes has inputs to show"

Tile: TypeAlias = UInt8[np.ndarray, "height width *plane"]
Held: TypeAlias = "Iterable[tuple[str, InputsShown | None]]"
"""By source, a name that no other data has, what a job holds of its inputs; read job by job."""


@dataclass
class PageInputs:
    """Inputs as the page reads them.

    Attributes:
        entries: By source of data and sample what is shown of it.
        sprites: What the page must know of every sprite.
        pictures: The sprites as PNG files.
        notes: What is not shown, and why.
    """

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    sprites: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def note(self) -> str | None:
        """What is not shown, as a sentence; None where all of it is."""
        text = "; ".join(self.notes)
        return f"{text[:1].upper()}{text[1:]}." if text else None

    def images(self) -> list[dict[str, str]]:
        """Return the sprites as pictures of an HTML page."""
        uris = [f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}" for picture in self.pictures]
        return [{"id": sprite["id"], "uri": uri} for sprite, uri in zip(self.sprites, uris, strict=True)]


def page_inputs(wanted: pl.DataFrame, held: Held) -> PageInputs:
    """Gather the inputs of a page from its jobs until there is one for every sample.

    Args:
        wanted: ``source``, ``sample`` and ``rank`` of the examples that are shown. Data sets of one name may be
            different files, so that their sources differ.
        held: What the jobs hold.
    """
    order = wanted.group_by("source", "sample").agg(pl.col("rank").min()).sort("source", "rank", "sample")
    missing = {str(source): dict.fromkeys(part["sample"]) for (source,), part in order.group_by("source")}
    made, tiles = PageInputs(), dict[str, dict[int, Tile]]()
    notes: dict[str, None] = {}
    for source, shown in held if missing else ():
        notes |= dict.fromkeys((UNKNOWN,) if shown is None else shown.notes)
        left = missing.get(source)
        if shown is not None and left:
            _take(shown, left, made.entries.setdefault(source, {}), tiles.setdefault(source, {}))
        if not any(missing.values()):
            break
    _draw(made, tiles)
    made.notes = [*notes, *_shorten(made)] if missing else [NOTHING]
    made.entries = {source: entries for source, entries in made.entries.items() if entries}
    return made


def _take(shown: InputsShown, left: dict[int, None], entries: dict[str, Any], tiles: dict[int, Tile]) -> None:
    """Move what a job shows of samples that are still missing to where it belongs."""
    known = shown.entries
    for sample in [sample for sample in left if sample in known]:
        del left[sample]
        if "sprite" in known[sample]:
            tiles[sample] = shown.pictures[sample]
        else:
            entries[str(sample)] = dict(known[sample])


def _draw(made: PageInputs, tiles: Mapping[str, Mapping[int, Tile]]) -> None:
    """Put tiles of one shape on one sprite; together the sprites are small enough."""
    from denote.observation.input_pictures import COLUMNS, sprite_of  # loads pillow

    shapes = {(source, tile.shape): None for source, own in tiles.items() for tile in own.values()}
    for source, shape in shapes:
        own = {sample: tile for sample, tile in tiles[source].items() if tile.shape == shape}
        planes = np.moveaxis(np.stack([tile.reshape(*shape[:2], -1) for tile in own.values()]), -1, 1)
        sprite = sprite_of(
            lambda part, planes=planes: planes[part].astype(np.float32),  # type: ignore[misc]
            len(own),
            largest=LARGEST_SPRITES // len(shapes),
            scale=(0.0, 255.0),
        )
        assert sprite is not None  # noqa: S101  (a shape has a tile)
        number = len(made.sprites)
        made.pictures.append(sprite.png)
        made.sprites.append(
            {"id": f"sprite-{number}", "tile": list(sprite.tile), "columns": COLUMNS, "tiles": sprite.n_tiles}
        )
        for tile, sample in enumerate([*own][: sprite.n_tiles]):
            made.entries[source][str(sample)] = {"sprite": [number, tile]}
        if sprite.n_tiles < len(own):
            made.notes.append(f"{len(own) - sprite.n_tiles} pictures of {source} have no room")


def _shorten(made: PageInputs) -> list[str]:
    """Leave out texts that have no room, and say so, after what was said before."""
    room, left_out = LARGEST_TEXTS, 0
    for entries in made.entries.values():
        for sample in [sample for sample, entry in entries.items() if "sprite" not in entry]:
            room -= len(json.dumps(entries[sample], ensure_ascii=False))
            if room < 0:
                del entries[sample]
                left_out += 1
    return [*made.notes, *([f"{left_out} rows or texts have no room"] if left_out else [])]
