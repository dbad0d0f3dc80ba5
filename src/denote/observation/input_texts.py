"""Inputs that are read: rows of a table, words in their sentence, texts, numbers of tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Int
from torch import Tensor

from denote.data.batch import mask_of
from denote.data.columns.text_dates import made_of_dates
from denote.data.samples import Inputs
from denote.data.tokens import WordInputs

LONGEST_TEXT, LONGEST_VALUE, LONGEST_WORD = 600, 120, 40
"""Letters of a text, of a value in a row, and of a word; longer ones end in an ellipsis."""

AROUND = 12
"""Words before and after a word that are shown with it."""

MOST_VALUES = 48
"""Values of a row."""

Rows = Int[np.ndarray, " row"]


def cut(text: str, longest: int) -> str:
    """Return a text of at most that many letters, with an ellipsis where it was longer."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def table_rows(table: pl.DataFrame, rows: Rows) -> Iterator[dict[str, str | None]]:
    """Give rows of a table: values as texts by column, None where there is none.

    Args:
        table: As the user knows it; what denote made of dates is left out.
        rows: Numbers of the rows.
    """
    made = made_of_dates(table)
    columns = [name for name in table.columns if name not in made][:MOST_VALUES]
    values = [_texts(table[name].gather(rows)) for name in columns]
    for row in range(len(rows)):
        yield {name: held[row] for name, held in zip(columns, values, strict=True)}


def _texts(column: pl.Series) -> list[str | None]:
    if column.dtype.is_float():  # the digits that were typed, without those of an inexact sum or float32
        digits = 15 if column.dtype == pl.Float64 else 6
        found = [None if value is None else f"{value:.{digits}g}" for value in column]
    elif column.dtype == pl.String or column.dtype.is_numeric() or column.dtype.is_temporal():
        found = column.cast(pl.String).to_list()
    else:
        found = [None if value is None else str(value) for value in column]
    return [None if text is None else cut(text, LONGEST_VALUE) for text in found]


def number_rows(inputs: Inputs, rows: Rows) -> Iterator[dict[str, str | None]]:
    """Give inputs that are numbers by their names or else by their place, of many the first.

    Args:
        inputs: One axis of numbers for every sample.
        rows: Row ids.
    """
    values = main_tensor(inputs, rows)[:, :MOST_VALUES].numpy()
    names = getattr(inputs, "names", None) or [f"input {place}" for place in range(values.shape[1])]
    for row in values:
        yield {str(name): f"{value:.6g}" for name, value in zip(names, row, strict=False)}


def words_in_context(inputs: WordInputs, rows: Rows) -> Iterator[str]:
    """Give words as JSON: those around in the same sequence, and which of them it is; numbers where none are known.

    Args:
        inputs: Samples are words or tokens.
        rows: Row ids.
    """
    for row in rows.tolist():
        if inputs.texts is None:
            words, place = _numbers(inputs.sequences, np.array([inputs.sequence[row]]))[0], int(inputs.start[row])
        else:
            first, end = np.searchsorted(inputs.sequence, [inputs.sequence[row], inputs.sequence[row] + 1])
            low, high = max(first, row - AROUND), min(end, row + AROUND + 1)
            words, place = list(inputs.texts[low:high]), row - int(low)
        start = max(0, place - AROUND)
        around = [cut(str(word), LONGEST_WORD) for word in words[start : place + AROUND + 1]]
        yield as_json({"words": around, "at": place - start})


def texts_of(inputs: Inputs, rows: Rows) -> Iterator[str]:
    """Give sequences as JSON texts; numbers of tokens where no text is known.

    Args:
        inputs: Samples are sequences.
        rows: Row ids.
    """
    texts = getattr(inputs, "texts", None)
    held = [" ".join(ids) for ids in _numbers(inputs, rows)] if texts is None else [str(texts[row]) for row in rows]
    yield from (as_json(cut(text, LONGEST_TEXT)) for text in held)


def main_tensor(inputs: Inputs, rows: Rows) -> Tensor:
    """Return the first tensor of what a network is called with for some samples."""
    batch = inputs[rows]
    return batch if isinstance(batch, Tensor) else next(iter(batch.tensors.values()))


def is_of_tokens(inputs: Inputs, example: Tensor) -> bool:
    """Return whether samples are sequences of token ids.

    Args:
        inputs: All inputs.
        example: The main tensor of some.
    """
    is_small = example.dtype in (torch.bool, torch.uint8)  # columns of yes and no, or bytes
    return hasattr(inputs, "n_tokens") or (example.ndim == 2 and not example.dtype.is_floating_point and not is_small)


def _numbers(inputs: Inputs, rows: Rows) -> list[list[str]]:
    ids, mask = main_tensor(inputs, rows), mask_of(inputs[rows])
    kept: Sequence[Any] = [slice(None)] * len(ids) if mask is None else list(mask)
    return [[str(number) for number in of_row[held].tolist()] for of_row, held in zip(ids, kept, strict=True)]


def as_json(value: Any) -> str:
    """Return plain values as JSON, in which only what has to be is escaped."""
    return json.dumps(value, ensure_ascii=False)
