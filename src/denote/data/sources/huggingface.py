"""Datasets of the Hugging Face libraries, local or from the Hub, as samples: images, text, token ids, or words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import polars.selectors as cs
from jaxtyping import Bool

from denote.config.keys import SCHEMA, digest, digest_array
from denote.data.columns.table_files import AttributeTableModule
from denote.data.learned import target_names, target_of
from denote.data.samples import CLASSES, Inputs, Samples, TensorInputs, Unfitted
from denote.data.sources.images import MAXIMUM, Square, read_images
from denote.data.tokens import SequenceInputs, WordInputs, load_tokenizer, word_inputs
from denote.errors import DataError, first_line, install

if TYPE_CHECKING:
    from datasets import Dataset


KINDS = (".parquet", ".csv", ".json", ".jsonl", ".arrow")

SENTENCE = "sentence"
"""Column that numbers the sequence of every word."""


def load_split(path: str, name: str | None, split: str, revision: str | None, n: int | None) -> Dataset:
    """Return one split of a dataset. No code of a dataset is run: the library reads files of data only, from its
    version 4 on.

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
        data = datasets.load_dataset(path, name, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        remedy = (
            "fetch it once where there is a network, or name a local folder of its parquet files: dataset.path=FOLDER"
        )
        if Path(path).expanduser().is_dir():
            remedy = f"needed: a folder with files that end in {', '.join(KINDS)}, or of images"
        raise DataError("dataset.path", f"{path!r} cannot be had ({first_line(error).rstrip('.')})", remedy) from error
    return data if n is None else data.select(range(min(n, len(data))))


def table_of(data: Dataset) -> pl.DataFrame:
    """Return the columns with one number, yes/no, text or date per row; classes by their names."""
    from datasets import ClassLabel, Value

    kept = [name for name, kind in data.features.items() if isinstance(kind, Value | ClassLabel)]
    table = data.select_columns(kept).with_format("polars")[:] if kept else pl.DataFrame(height=len(data))
    return _named(table, data.features).select(cs.numeric() | cs.string() | cs.boolean() | cs.temporal())


def images_of(data: Dataset, column: str) -> Dataset:
    """Return the dataset with the images of a column as they are stored: the library would decode whatever Pillow can.

    Args:
        data: The split.
        column: Of images.

    Raises:
        DataError: if the column holds no images.
    """
    from datasets import Image

    if not isinstance(data.features[column], Image):
        problem = f"{column!r} holds {data.features[column]}, no images"
        raise DataError("dataset.inputs", problem, "needed for dataset.kind=image: a column of images")
    return data.cast_column(column, Image(decode=False))


def stored_image(held: Mapping[str, Any] | None) -> Path | BytesIO:
    """Return where an image of `images_of` is.

    Raises:
        ValueError: if there is none.
    """
    if held is None or (held["bytes"] is None and held["path"] is None):
        raise ValueError("there is none")
    return Path(held["path"]) if held["bytes"] is None else BytesIO(held["bytes"])


def word_table(data: Dataset, words: str) -> pl.DataFrame:
    """Return a row per word: columns with one value per word, and those of its sequence repeated.

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
    beside = table_of(data).select(cs.exclude(*together, SENTENCE))
    joined = beside.hstack(columns.select(together)).with_row_index(SENTENCE).filter(lengths > 0)
    return _named(joined.explode(together), inner)


def _named(table: pl.DataFrame, kinds: Mapping[str, Any]) -> pl.DataFrame:
    """Return codes of classes as names; -1, which stands for an unknown class, becomes null."""
    from datasets import ClassLabel

    of_table = {name: kind for name, kind in kinds.items() if name in table.columns}
    classes = {name: kind.names for name, kind in of_table.items() if isinstance(kind, ClassLabel)}
    return table.with_columns(
        pl.col(name).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)
        for name, names in classes.items()
    )


LENGTH, SEQUENCE = "n_tokens", "sequence"
"""Columns with the number of token ids of every sequence and, where tokens are samples, the sequence's number."""

_OWN = (LENGTH, SEQUENCE, "token", "position")

UNITS = ("sequence", "token")


class HuggingFaceModule(AttributeTableModule):
    """Splits of a dataset, from a local folder or the Hub.

    Args:
        path: See `load_split`.
        inputs: Column that becomes the input.
        target: Column that the network learns; a list of columns for labels.
        kind: What ``inputs`` holds: ``image``, ``text``, ``ids`` (lists of token ids) or ``words`` (lists of words,
            each a sample, with columns of lists of the same lengths as their attributes).
        name: See `load_split`.
        splits: The split to train on, then those held out; one alone is dealt by ``split.fractions``.
        revision: See `load_split`.
        n: Only the first ``n`` rows of each split.
        size: Of images: side in pixels to which they are resized and cropped.
        channels: Of images: 1 for grey, 3 for colour.
        background: Of images: what shows through transparent pixels, see `Square`.
        skip_broken: Of images: whether those that cannot be read are left out, which is counted.
        tokenizer: Of text and words: see `load_tokenizer`; words without one get a vocabulary of their forms.
        max_length: Of text: token ids after which it is cut.
        unit: Of text and ids: ``sequence``, or ``token``, where every token that is no special one is a sample.
        min_count: Of words: occurrences in the object part below which a form is the unknown word.
        task: ``classes``, ``numeric`` or ``labels``.
        settings: Those of `AttributeTableModule`.
    """

    paths = ("path", "tokenizer")

    def __init__(
        self,
        path: str,
        inputs: str,
        target: str | Sequence[str],
        kind: str,
        name: str | None = None,
        splits: Sequence[str] = ("train", "test"),
        revision: str | None = None,
        n: int | None = None,
        size: int = 32,
        channels: int = 3,
        background: str | Sequence[int] = "white",
        skip_broken: bool = False,
        tokenizer: str | None = None,
        max_length: int = 128,
        unit: str = "sequence",
        min_count: int = 2,
        task: str = CLASSES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        DataError.refuse_unknown(kind, _MAKERS, "dataset.kind")
        _check_unit(unit, kind, self.split.group)
        if not isinstance(path, str) or not path:
            raise DataError("dataset.path", f"{path!r}", "needed: a local folder, or an id on the Hub")
        if isinstance(splits, str) or not splits or len(set(splits)) < len(splits):
            # One that is named twice would be learned from and held out.
            raise DataError("dataset.splits", f"{splits!r}", "allowed: a list of different names, such as [train,test]")
        for key, value in (("n", 1 if n is None else n), ("max_length", max_length), ("min_count", min_count)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise DataError(f"dataset.{key}", f"{value!r}", "allowed: a whole number of 1 or more")
        self.path, self.name, self.splits, self.revision, self.n = path, name, splits, revision, n
        self.inputs, self.target, self.kind, self.task = inputs, target, kind, task
        self.square = Square(size, channels, background, skip_broken)
        self.tokenizer, self.unit, self.max_length, self.min_count = tokenizer, unit, max_length, min_count

    def load(self) -> Samples:
        """Read the splits.

        Raises:
            DataError: for a dataset that cannot be had (what to do), or columns that are not there.
        """
        from datasets import concatenate_datasets

        parts = [load_split(self.path, self.name, split, self.revision, self.n) for split in self.splits]
        data = concatenate_datasets(parts)
        DataError.refuse_unknown(self.inputs, data.column_names, "dataset.inputs", "there is no column {!r}")
        held_out = np.repeat([int(index > 0) for index in range(len(parts))], [len(part) for part in parts])
        inputs, table, rows, key = _MAKERS[self.kind](self, data)
        targets = target_names(self.target)
        ours = [name for name in (self.inputs, *_OWN) if name in table.columns]
        # Words, and what belongs to words, are what they look like.
        read = self.reread(table, targets, table.columns if self.kind == "words" else ours)
        table = read.checked(targets, needed=self.dealing)
        target = target_of(table, self.target, self.task)
        content = [key, digest_array(target.values), digest_array(held_out[rows])]
        key = digest({"dataset": "huggingface", "kind": self.kind, "content": content, "schema": SCHEMA})
        name, predefined = self.path.rstrip("/").rpartition("/")[2], held_out[rows] if len(parts) > 1 else None
        return target.samples(name, inputs, table, key, categories=read.categories, predefined=predefined)

    def images(self, data: Dataset) -> Made:
        """Return images as bytes."""
        held = images_of(data, self.inputs)
        names = [f"row {row} of {self.inputs!r}" for row in range(len(data))]
        pixels, rows = read_images(
            names, lambda row: stored_image(held[row][self.inputs]), self.square, "dataset.inputs"
        )
        return TensorInputs(pixels, MAXIMUM), table_of(data)[rows], rows, digest_array(pixels)

    def text(self, data: Dataset) -> Made:
        """Return texts as token ids of a tokenizer."""
        tokenizer = load_tokenizer(self.tokenizer)
        texts = ["" if text is None else text for text in data[self.inputs]]
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                problem = f"row {row} of {self.inputs!r} is no text"
                raise DataError("dataset.inputs", problem, "needed for dataset.kind=text")
        if not texts:
            return self._sequences(data, [], len(tokenizer), 0)
        encoded = tokenizer(texts, truncation=True, max_length=self.max_length, return_special_tokens_mask=True)
        padding = 0 if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)
        made = self._sequences(data, encoded["input_ids"], len(tokenizer), padding)
        if self.unit == "sequence":
            return replace(made[0], texts=texts), *made[1:]
        kept = np.concatenate([np.array(special) == 0 for special in encoded["special_tokens_mask"]])
        return _tokens(made, kept, tokenizer.convert_ids_to_tokens)

    def ids(self, data: Dataset) -> Made:
        """Return lists of token ids as they are."""
        sequences = data[self.inputs][:]
        for row, ids in enumerate(sequences):
            if not (isinstance(ids, list) and ids and all(type(i) is int and i >= 0 for i in ids)):
                problem = f"row {row} of {self.inputs!r} is no list of token ids"
                raise DataError("dataset.inputs", problem, "needed: whole numbers of 0 or more, one at least")
        made = self._sequences(data, sequences, 1 + max(map(max, sequences)), 0)
        return made if self.unit == "sequence" else _tokens(made)

    def _sequences(
        self, data: Dataset, sequences: Sequence[Sequence[int]], n_tokens: int, padding: int
    ) -> tuple[SequenceInputs, pl.DataFrame, np.ndarray, str]:
        inputs = SequenceInputs.of(sequences, n_tokens, padding)
        if empty := int((np.diff(inputs.starts) == 0).sum()):
            raise DataError("dataset.inputs", f"{empty} rows of {self.inputs!r} have no tokens", "leave them out")
        table = _with(table_of(data), pl.Series(LENGTH, np.diff(inputs.starts)))
        return inputs, table, np.arange(len(data)), inputs.key

    def words(self, data: Dataset) -> Made:
        """Return every word a sample; the vocabulary is made once the object part is known."""
        table = word_table(data, self.inputs)
        sentences = table[SENTENCE]
        _, lengths = np.unique(sentences.to_numpy(), return_counts=True)
        forms = table[self.inputs].fill_null("")
        inputs, cut = word_inputs(forms, lengths, self.min_count, self.tokenizer)
        key = digest([digest(forms.to_list()), digest_array(lengths), cut])
        return inputs, table, sentences.to_numpy().astype(np.int64), key


def _check_unit(unit: str, kind: str, group: str | None) -> None:
    where = "dataset.unit"
    DataError.refuse_unknown(unit, UNITS, where)
    if unit == "token" and kind not in ("text", "ids"):
        raise DataError(where, f"token, and the inputs are of kind {kind}", "allowed for kind=text and kind=ids")
    if unit == "token" and group is None:
        problem = "token, and tokens of one sequence could be in both fit and test"
        raise DataError(where, problem, f"needed: split.group={SEQUENCE}, or a column of larger groups")


def _with(table: pl.DataFrame, *columns: pl.Series) -> pl.DataFrame:
    """Return the attribute table with columns of ours, which replace none of the user's."""
    for column in columns:
        if column.name in table.columns:
            problem = f"has a column {column.name!r}, which is what denote calls one of its own"
            raise DataError("dataset.path", problem, "rename it")
    return table.with_columns(columns)


def _tokens(
    made: tuple[SequenceInputs, pl.DataFrame, np.ndarray, str],
    kept: Bool[np.ndarray, " place"] | None = None,
    form: Callable[[list[int]], Any] | None = None,
) -> Made:
    """Return every token as a sample, with its sequence's columns and its own: ``sequence``, ``token``, ``position``
    from 1.

    Args:
        made: Of whole sequences.
        kept: Which tokens; None for all.
        form: How tokens of some ids are called; None by their ids.
    """
    sequences, table, _, key = made
    inputs = WordInputs.of_tokens(sequences, kept)
    ids = sequences.ids if kept is None else sequences.ids[kept]
    tokens = pl.Series("token", [str(token) for token in (form or list)(ids.tolist())])
    positions = pl.Series("position", inputs.start + 1)
    table = _with(table[inputs.sequence], tokens, positions, pl.Series(SEQUENCE, inputs.sequence))
    inputs = inputs if form is None else replace(inputs, texts=tokens)
    return inputs, table, inputs.sequence, digest([key, digest_array(inputs.start), digest_array(inputs.sequence)])


Made = tuple[Inputs | Unfitted, pl.DataFrame, np.ndarray, str]
"""Inputs, attribute table, the row of the dataset that each sample comes from, and a key of the inputs."""

_MAKERS = {
    "image": HuggingFaceModule.images,
    "text": HuggingFaceModule.text,
    "ids": HuggingFaceModule.ids,
    "words": HuggingFaceModule.words,
}
