"""Samples made of what a caller holds: rows, tokens or words of inputs, attributes, classes, groups, both parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import torch
from jaxtyping import Int64
from torch import Tensor

from denote.config.keys import digest, digest_tensor
from denote.data.batch import mask_of
from denote.data.columns.text_numbers import log_spellings
from denote.data.learned import MOST_NAMES
from denote.data.memory.given_columns import check_row_order, given_column, given_frame, plain_array
from denote.data.memory.given_inputs import HeldInputs
from denote.data.parts import Halves, Parts, SplitSettings
from denote.data.samples import Inputs, Rows, Samples
from denote.data.tokens import WordInputs, readable, spans_of
from denote.data.trained_on import TrainedOn
from denote.errors import DataError, type_in_words

CLASS, GROUP, NO_CLASS = "class", "denote group", "denote class"
"""Columns of the attribute table that hold the classes, the groups, and one class for all where none are given."""

OWN = (CLASS, GROUP, NO_CLASS)


def given_samples(inputs: Inputs, attributes: Any, classes: Any, groups: Any, name: str) -> Samples:
    """Return the dataset, its attribute table made of what was given.

    Args:
        inputs: One per row.
        attributes: A mapping of columns, or a data frame; None for none.
        classes: A column; None for none.
        groups: A column; None for none.
        name: Of the dataset.

    Raises:
        DataError: naming what does not fit.
    """
    n, given = len(inputs), given_frame(attributes) or {}
    where = {key: f"attributes[{key!r}]" for key in given}
    check_row_order({where[key]: values for key, values in given.items()} | {"classes": classes, "groups": groups})
    columns = [_column(key, values, n, where[key]) for key, values in given.items()]
    taken = set(given) & {GROUP, NO_CLASS, *([CLASS] if classes is not None else [])}
    if taken:
        raise DataError(where[min(taken)], "the name is taken", "another name")
    names: tuple[str, ...] = ("all",)
    target, codes = NO_CLASS, np.zeros(n, dtype=np.int64)
    if classes is not None:
        target, (names, codes) = CLASS, _coded(_column(CLASS, classes, n, "classes"))
    columns.append(pl.Series(target, np.array(names)[codes]))
    if groups is not None:
        columns.append(_column(GROUP, groups, n, "groups"))
    return Samples(name, inputs, codes, names, pl.DataFrame(columns), target, _key(inputs))


def no_inputs(n: int) -> Inputs:
    """Return inputs of rows of which only states are known."""
    return HeldInputs({"": torch.empty(n, 0)})


def _coded(values: pl.Series) -> tuple[tuple[str, ...], Int64[np.ndarray, " sample"]]:
    """Return the names of the classes, in order, and the index of every row."""
    if nulls := values.null_count():
        raise DataError("classes", f"null in {nulls} of {len(values)} rows", "a class for every row")
    if values.dtype.is_float() and bool((values != values.floor()).any()):
        problem = f"numbers such as {values.filter(values != values.floor())[0]:g}"
        raise DataError("classes", problem, "whole numbers, yes/no or text; attributes={name: x > 3} cuts numbers")
    if (n_classes := values.n_unique()) > MOST_NAMES:
        raise DataError("classes", f"{n_classes} different values, ids or a quantity", f"allowed: at most {MOST_NAMES}")
    return tuple(map(str, values.unique().sort())), values.rank("dense").cast(pl.Int64).to_numpy() - 1


def _column(name: str, values: Any, n: int, where: str) -> pl.Series:
    column = given_column(name, values, where)
    if len(column) != n:
        raise DataError(where, f"{len(column)} rows, but there are {n} inputs")
    log_spellings(column, where)
    return column


def _key(inputs: Inputs) -> str:
    """Return the key of the inputs: of what is in memory its content.

    What is drawn from a Dataset has no content that could be read without running all of it, and an ``id`` comes back
    once an object is gone. Its key is used once, so that its states are recorded anew in every call.
    """
    if isinstance(inputs, WordInputs):
        at = [inputs.sequence, inputs.start, *([] if inputs.end is None else [inputs.end])]
        return digest([_key(inputs.sequences), [digest_tensor(torch.from_numpy(places)) for places in at]])
    if isinstance(inputs, HeldInputs):
        return digest({name: digest_tensor(tensor) for name, tensor in inputs.tensors.items()})
    return digest([type(inputs).__name__, uuid4().hex])


def given_parts(samples: Samples, parts: Any, seed: int, trained: TrainedOn | None = None) -> Parts:
    """Return which rows are *fit* and *test*: those that were given, else halves in equal shares of the classes,
    groups whole.

    Args:
        samples: The dataset.
        parts: `Parts`, a mapping of row ids, or None.
        seed: Of the split.
        trained: What is known of the rows that the network was trained on, which leave *fit* and *test*.

    Raises:
        DataError: naming ``parts``.
    """
    if parts is None:
        settings = SplitSettings(seed=seed, group=GROUP if GROUP in samples.table.columns else None)
        return settings(samples, needs_object=False, trained=trained)
    if isinstance(parts, Parts):
        parts = {"object": parts.object, "fit": parts.fit, "test": parts.test}
    if not isinstance(parts, Mapping) or set(parts) - {"object"} != {"fit", "test"}:
        raise DataError("parts", f"{parts!r:.60}", "a mapping with fit and test, row ids of each")
    chosen = Parts(*(_row_ids(name, parts.get(name, ())) for name in ("object", "fit", "test")))
    every = np.concatenate([chosen.object, chosen.fit, chosen.test])
    if not (every.min() >= 0 and every.max() < len(samples)):
        raise DataError("parts", f"row ids from {every.min()} to {every.max()}", f"allowed: 0 to {len(samples) - 1}")
    if len(np.unique(every)) != len(every):
        raise DataError("parts", "rows stand in both parts, or twice", "every row once")
    groups = given_groups(samples, chosen)
    if groups is not None and len(shared := np.intersect1d(groups.fit, groups.test)):
        raise DataError("parts", f"{len(shared)} groups lie in fit and in test", "parts that hold groups whole")
    return chosen if trained is None or trained.rows is None else _left(samples, chosen, trained.rows)


def _left(samples: Samples, parts: Parts, trained: Rows) -> Parts:
    """Return the parts without the rows that were trained on and the other rows of their groups; those are *object*."""
    if GROUP in samples.table.columns:
        groups = samples.table[GROUP]
        trained = groups.is_in(groups[trained].implode()).arg_true().to_numpy()
    fit, test = (np.setdiff1d(part, trained) for part in (parts.fit, parts.test))
    return Parts(np.union1d(parts.object, np.intersect1d(trained, parts.observed)), fit, test)


def _row_ids(name: str, values: Any) -> Int64[np.ndarray, " row"]:
    rows = np.asarray(values.cpu() if isinstance(values, Tensor) else values)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        kind = "a mask" if rows.dtype.kind == "b" else f"an array {rows.shape} of {rows.dtype}"
        raise DataError(f"parts[{name!r}]", kind, "row ids: whole numbers; of a mask numpy.flatnonzero gives them")
    if not len(rows) and name != "object":
        raise DataError(f"parts[{name!r}]", "no rows", "row ids of both parts")
    return np.sort(rows.astype(np.int64))


def given_groups(samples: Samples, parts: Parts) -> Halves[Rows] | None:
    """Return the group of every row of both parts, where rows come in groups.

    Args:
        samples: The dataset.
        parts: Its *fit* and *test*.
    """
    if GROUP not in samples.table.columns:
        return None
    if nulls := samples.table[GROUP].null_count():
        raise DataError("groups", f"null in {nulls} of {len(samples)} rows", "a group for every row")
    codes = samples.table[GROUP].rank("dense").cast(pl.Int64).to_numpy()
    return Halves(codes[parts.fit], codes[parts.test])


SAMPLE, TOKEN, WORD = "sample", "token", "word"
UNITS = (SAMPLE, TOKEN, WORD)
"""What a sample is: a row of the inputs, every position that is no padding, or every word of a tokenizer's input."""


def in_units(inputs: Inputs, unit: str, given: Any) -> Inputs:
    """Return the inputs with the samples that were asked for.

    Args:
        inputs: A row per sequence.
        unit: One of `UNITS`.
        given: What the user handed over, which knows of words if a fast tokenizer made it.

    Raises:
        DataError: naming ``unit``, if the inputs have no such samples.
    """
    DataError.refuse_unknown(unit, UNITS, "unit")
    if unit == SAMPLE:
        if isinstance(inputs, HeldInputs) and _tells_tokens(given):
            return replace(inputs, texts=TokenTexts(given, inputs))
        return inputs
    if not isinstance(inputs, HeldInputs):
        raise DataError("unit", f"{unit!r} of {type_in_words(inputs)}", "inputs in memory: a tensor or a mapping")
    if unit == WORD:
        words = _words(inputs, given)
    else:
        sequence, start = np.nonzero(_is_no_padding(inputs))
        words = WordInputs(inputs, sequence, start)
    return replace(words, texts=TokenTexts(given, inputs, words)) if _tells_tokens(given) else words


def _tells_tokens(given: Any) -> bool:
    """Return whether a fast tokenizer made the inputs, which knows how it calls their tokens."""
    return callable(getattr(given, "tokens", None)) and bool(getattr(given, "is_fast", False))


@dataclass(frozen=True)
class TokenTexts:
    """Texts of what a fast tokenizer made, put together when they are asked for.

    Attributes:
        given: What the tokenizer gave.
        inputs: The same as inputs.
        words: Where samples are, if they are words or tokens.
    """

    given: Any
    inputs: HeldInputs
    words: WordInputs | None = None

    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return the text of a sample, or those of several."""
        if isinstance(place, slice):
            return [self._text(row) for row in range(len(self.words or self.inputs))[place]]
        return self._text(int(place))

    def _text(self, row: int) -> str:
        if self.words is None:
            mask = mask_of(self.inputs[np.array([row])])
            tokens = self.given.tokens(row)
            return readable(tokens if mask is None else list(compress(tokens, mask[0].tolist())))
        start = int(self.words.start[row])
        end = start + 1 if self.words.end is None else int(self.words.end[row])
        return readable(self.given.tokens(int(self.words.sequence[row]))[start:end])


def _is_no_padding(inputs: HeldInputs) -> np.ndarray:
    """Return which positions are no padding."""
    if (mask := mask_of(inputs[np.arange(len(inputs))])) is not None:
        return np.asarray(mask.numpy())
    first = next(iter(inputs.tensors.values()))
    if first.ndim < 2:
        raise DataError("unit", f"{TOKEN!r} of inputs of shape {tuple(first.shape)}", "inputs: sequence x position")
    return np.ones(first.shape[:2], dtype=bool)


def _words(inputs: HeldInputs, given: Any) -> WordInputs:
    word_ids: Callable[[int], Any] | None = getattr(given, "word_ids", None)
    if word_ids is None or not getattr(given, "is_fast", False):
        allowed = "inputs: what a fast tokenizer of Hugging Face gives, with is_split_into_words=True"
        raise DataError("unit", f"{WORD!r}, and inputs do not say of which word a token is part", allowed)
    spans = [spans_of(word_ids(row), f"row {row}") for row in range(len(inputs))]
    sequence = np.repeat(np.arange(len(spans)), list(map(len, spans)))
    return WordInputs(inputs, sequence, *np.concatenate(spans).T)


def per_sample(values: Any, inputs: Inputs) -> Any:
    """Return a column with a value per sample, of one that may have a value for every position, padding too.

    Args:
        values: As the user gave it.
        inputs: The inputs as `in_units` gives them.
    """
    if not isinstance(inputs, WordInputs) or inputs.end is not None:
        return values
    values = plain_array(values) if isinstance(values, Tensor) else values
    if getattr(values, "ndim", 1) != 2 or values.shape[0] != len(inputs.sequences):
        return values
    if inputs.start.max(initial=-1) >= values.shape[1]:
        problem = f"{values.shape[1]} positions, and a sequence has {inputs.start.max() + 1}"
        raise DataError("attributes", problem, "sequence x position, or one value per token")
    return values[inputs.sequence, inputs.start]


def each_per_sample(attributes: Any, inputs: Inputs) -> Any:
    """`per_sample` of every column of a mapping; a data frame has a row per sample.

    Args:
        attributes: A mapping of columns, or a data frame.
        inputs: See `per_sample`.
    """
    if not isinstance(attributes, Mapping):
        return attributes
    return {name: per_sample(values, inputs) for name, values in attributes.items()}
