"""What the libraries of Hugging Face give: splits of a dataset, their tables, a tokenizer; locally or from the Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from denote.errors import DataError, first_line, install

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

KINDS = (".parquet", ".csv", ".json", ".jsonl", ".arrow")

SENTENCE = "sentence"
"""Column that numbers the sequence of every word."""


def load_split(path: str, name: str | None, split: str, revision: str | None, n: int | None) -> Dataset:
    """One split of a dataset. No code of a dataset is run: the library reads files of data only, from its version 4 on.

    Args:
        path: A local folder of files of data, or an id on the Hub.
        name: Of the dataset's configuration, where it has several.
        split: Its name.
        revision: Commit, tag or branch on the Hub.
        n: Only the first ``n`` rows.

    Raises:
        DataError: naming ``dataset.path``, with what to do where there is no network.
    """
    try:
        import datasets
    except ImportError as error:
        raise DataError("dataset", "needs Hugging Face datasets, which is not installed", install("hub")) from error
    try:
        found = datasets.load_dataset(path, name, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            "dataset.path", f"{path!r} cannot be had ({first_line(error).rstrip('.')})", _remedy(path)
        ) from error
    return found if n is None else found.select(range(min(n, len(found))))


def load_tokenizer(name: str | None, **settings: Any) -> PreTrainedTokenizerBase:
    """A tokenizer by its id on the Hub, or from a local folder; code that comes with one is not run.

    Args:
        name: The id, or the folder.
        settings: What the tokenizer's class takes besides.

    Raises:
        DataError: naming ``dataset.tokenizer``, with what to do where there is no network.
    """
    where = "dataset.tokenizer"
    if not name:
        raise DataError(where, "is missing", "needed for text: an id on the Hub, or a folder with tokenizer.json")
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise DataError(where, "needs transformers, which is not installed", install("hub")) from error
    try:
        return AutoTokenizer.from_pretrained(name, trust_remote_code=False, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        remedy = "fetch it once where there is a network, or name a local folder with tokenizer.json"
        raise DataError(where, f"{name!r} cannot be had ({first_line(error).rstrip('.')})", remedy) from error


def table_of(data: Dataset) -> pl.DataFrame:
    """Columns with one number, yes/no, text or date per row; classes by their names."""
    from datasets import ClassLabel, Value

    kept = [name for name, kind in data.features.items() if isinstance(kind, Value | ClassLabel)]
    table = data.select_columns(kept).with_format("polars")[:] if kept else pl.DataFrame(height=len(data))
    named = {name: kind.names for name in kept if isinstance(kind := data.features[name], ClassLabel)}
    return _plain(_named(table, named))


def images_of(data: Dataset, column: str) -> Dataset:
    """The dataset with the images of a column as they are stored: the library would decode whatever Pillow can.

    Raises:
        DataError: if the column holds no images.
    """
    from datasets import Image

    if not isinstance(data.features[column], Image):
        problem = f"{column!r} holds {data.features[column]}, no images"
        raise DataError("dataset.inputs", problem, "needed for dataset.kind=image: a column of images")
    return data.cast_column(column, Image(decode=False))


def stored_image(held: Mapping[str, Any] | None) -> Path | BytesIO:
    """Where an image of `images_of` is.

    Raises:
        ValueError: if there is none.
    """
    if held is None or (held["bytes"] is None and held["path"] is None):
        raise ValueError("there is none")
    return Path(held["path"]) if held["bytes"] is None else BytesIO(held["bytes"])


def word_table(data: Dataset, words: str) -> pl.DataFrame:
    """A row per word: columns with one value per word, and those of its sequence repeated.

    Args:
        data: The split.
        words: Column of lists of words.

    Raises:
        DataError: if ``words`` is no such column.
    """
    from datasets import ClassLabel, List, Value

    lists = {name: kind.feature for name, kind in data.features.items() if isinstance(kind, List)}
    inner = {name: kind for name, kind in lists.items() if isinstance(kind, Value | ClassLabel)}
    if words not in inner or not isinstance(inner[words], Value) or inner[words].dtype != "string":
        raise DataError("dataset.inputs", f"{words!r} has no lists of words", f"it holds {data.features.get(words)}")
    columns = data.select_columns(list(inner)).with_format("polars")[:]
    lengths = columns[words].list.len()
    together = [name for name in inner if (columns[name].list.len() == lengths).all()]
    named = {name: kind.names for name in together if isinstance(kind := inner[name], ClassLabel)}
    beside = table_of(data).select(cs.exclude(*together, SENTENCE))
    joined = beside.hstack(columns.select(together)).with_row_index(SENTENCE).filter(lengths > 0)
    return _named(joined.explode(together), named)


def _named(table: pl.DataFrame, names: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Codes of classes as names; -1, which stands for an unknown class, becomes null."""
    return table.with_columns(
        pl.col(column).replace_strict(dict(enumerate(classes)), default=None, return_dtype=pl.String)
        for column, classes in names.items()
    )


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(cs.numeric() | cs.string() | cs.boolean() | cs.temporal())


def _remedy(path: str) -> str:
    if Path(path).expanduser().is_dir():
        return f"needed: a folder with files that end in {', '.join(KINDS)}, or of images"
    return "fetch it once where there is a network, or name a local folder of its parquet files: dataset.path=FOLDER"
