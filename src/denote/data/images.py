"""A folder of images as a dataset, with a table that has a row per image."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from denote.data.attribute_table import AttributeTableModule
from denote.data.pixels import MAXIMUM, Square, read_images
from denote.data.samples import CLASSES, Samples, TensorInputs
from denote.data.table import column_of, log_missing
from denote.data.targets import target_names, target_of
from denote.errors import DataError
from denote.keys import SCHEMA, digest, digest_array

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
        self.square, self.skip_broken = Square(size, channels, background), skip_broken

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
        pixels, kept = read_images(
            names,
            lambda number: self.root / names[number],
            self.square,
            skip_broken=self.skip_broken,
            where="dataset.root",
        )
        target = target_of(table, self.target, self.task, read.line_of).at(kept)
        table = table[kept]
        log_missing(table, table.columns)
        return Samples(
            name=self.root.name,
            inputs=TensorInputs(pixels, MAXIMUM),
            targets=target.values,
            classes=target.classes,
            table=table,
            target=target.name,
            task=target.task,
            categories=read.categories,
            key=digest({"dataset": "images", "content": [digest_array(pixels), digest_array(target.values)],
                        "schema": SCHEMA}),
        )  # fmt: skip

    def _log_others(self, names: Sequence[str]) -> None:
        """Say how many files of the folder no row names: perhaps the table is that of another folder."""
        if not self.root.is_dir():
            raise DataError("dataset.root", f"there is no folder {self.root}", "needed: the folder of the images")
        here = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}
        found = here & {str(Path(name)) for name in names}
        if not found:
            problem = f"{self.root} has none of the {len(names)} files that {self.file!r} names, such as {names[0]}"
            raise DataError("dataset.root", problem, "needed: the folder that the names start from")
        log.info("dataset.root: %d files of the folder are in no row of the table", len(here - found))
