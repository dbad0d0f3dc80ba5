"""Tokens or words of given sequences as samples: which positions they are, and their columns one value each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from denote.data.batch import mask_of
from denote.data.memory.given_inputs import HeldInputs
from denote.data.memory.plain_numbers import plain_array
from denote.data.samples import Inputs
from denote.data.text.subwords import spans_of
from denote.data.text.tokens import WordInputs
from denote.errors import DataError, one_of

SAMPLE, TOKEN, WORD = "sample", "token", "word"
UNITS = (SAMPLE, TOKEN, WORD)
"""What a sample is: a row of the inputs, every position that is no padding, or every word of a tokenizer's input."""


def in_units(inputs: Inputs, unit: str, given: Any) -> Inputs:
    """The inputs with the samples that were asked for.

    Args:
        inputs: A row per sequence.
        unit: One of `UNITS`.
        given: What the user handed over, which knows of words if a fast tokenizer made it.

    Raises:
        DataError: naming ``unit``, if the inputs have no such samples.
    """
    if unit not in UNITS:
        raise DataError("unit", f"{unit!r} is unknown", one_of(unit, UNITS))
    if unit == SAMPLE:
        return inputs
    if not isinstance(inputs, HeldInputs):
        raise DataError("unit", f"{unit!r} of a {type(inputs).__name__}", "inputs in memory: a tensor or a mapping")
    if unit == WORD:
        return _words(inputs, given)
    sequence, start = np.nonzero(_known(inputs))
    return WordInputs(inputs, sequence, start)


def _known(inputs: HeldInputs) -> np.ndarray:
    """Which positions are no padding."""
    batch = inputs[np.arange(len(inputs))]
    mask = mask_of(batch)
    if mask is not None:
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
    sequence = np.repeat(np.arange(len(spans)), [len(each) for each in spans])
    together = np.concatenate(spans)
    return WordInputs(inputs, sequence, together[:, 0], together[:, 1])


def per_sample(values: Any, inputs: Inputs) -> Any:
    """A column with a value per sample, of one that may have a value for every position, padding too.

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
    """`per_sample` of every column of a mapping; a data frame has a row per sample."""
    if not isinstance(attributes, Mapping):
        return attributes
    return {name: per_sample(values, inputs) for name, values in attributes.items()}
