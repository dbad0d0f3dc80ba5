"""Batches: what a network is called with, what its forward asks for, and which positions are padding or samples."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor, nn

from denote.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Words:
    """Where every sample of a batch lies in one of its sequences, if samples are words and not whole sequences.

    Attributes:
        sequence: Index of the sequence in the batch.
        start: First position of the word.
        end: One behind its last position; None where every word is one position.
    """

    sequence: Int[Tensor, " sample"]
    start: Int[Tensor, " sample"]
    end: Int[Tensor, " sample"] | None = None

    @property
    def positions(self) -> tuple[Int[Tensor, " position"], Int[Tensor, " position"]]:
        """Of every position of a word, word after word: the word, and the place in its sequence."""
        if self.end is None:
            return torch.arange(len(self.start), device=self.start.device), self.start
        lengths = self.end - self.start
        word = torch.repeat_interleave(lengths)
        offset = torch.arange(len(word), device=word.device) - (lengths.cumsum(0) - lengths)[word]
        return word, self.start[word] + offset

    def to(self, device: str | torch.device) -> Words:
        """Return the same on a device."""
        end = None if self.end is None else self.end.to(device)
        return Words(self.sequence.to(device), self.start.to(device), end)


@dataclass(frozen=True)
class Named:
    """Tensors by name, which become keyword arguments of a network.

    Attributes:
        tensors: By name of the argument, the main one first; as many rows in each. The empty name is that of a
            network's only argument.
        mask: Which positions of each sequence are no padding; None where inputs are no sequences, or all are full.
        words: Where the samples are; None where every row is a sample.
    """

    tensors: Mapping[str, Shaped[Tensor, " row *shape"]]
    mask: Bool[Tensor, "row position"] | None = None
    words: Words | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(next(iter(self.tensors.values()))) if self.words is None else len(self.words.sequence)

    def map(self, change: Callable[[Tensor], Tensor]) -> Named:
        """Return the batch with every tensor of rows, and the mask, changed by a function."""
        tensors = {name: change(tensor) for name, tensor in self.tensors.items()}
        return replace(self, tensors=tensors, mask=None if self.mask is None else change(self.mask))

    def to(self, device: str | torch.device) -> Named:
        """Return the same on a device."""
        return replace(self.map(lambda rows: rows.to(device)), words=self.words and self.words.to(device))


Batch = Shaped[Tensor, " row *shape"] | Named
"""One tensor, the network's only argument, or several by name."""


class Texts(Protocol):
    """What people read in the place of samples, in memory or made when asked for."""

    def __getitem__(self, place: Any) -> Any:
        """Return the text of one sample, or those of a slice."""
        ...


def call(network: nn.Module, batch: Batch) -> Any:
    """Return what a network gives for a batch.

    Args:
        network: Any module.
        batch: What it is called with.

    Raises:
        DataError: if ids or positions lie beyond the tables in which the network looks them up.
    """
    named = {"": batch} if isinstance(batch, Tensor) else batch.tensors
    try:
        if "" in named:
            return network(named[""])
        return network(Fields(named)) if Arguments.of(network).takes_batch(named) else network(**named)
    except IndexError as error:
        # What torch says where an embedding has no such row, in every network.
        if "index out of range in self" not in str(error):
            raise
        ids = next(iter(named.values()))
        problem = f"the network has no place for {tuple(ids.shape[1:])} tokens with ids up to {int(ids.max())}"
        raise DataError("inputs", problem, "its own tokenizer, sequences as short as it takes") from error


def mask_of(batch: Batch) -> Bool[Tensor, "row position"] | None:
    """Return which positions are no padding, where that is known."""
    return None if isinstance(batch, Tensor) else batch.mask


def words_of(batch: Batch) -> Words | None:
    """Return where the samples are, where they are words."""
    return None if isinstance(batch, Tensor) else batch.words


def first_of(batch: Batch, times: int = 1) -> Batch:
    """Repeat the first sample, each time in a row of its own; copied because networks may modify their inputs.

    Args:
        batch: With one sample at least.
        times: Number of rows, 1 or more.
    """
    if isinstance(batch, Tensor):
        return batch[:1].repeat_interleave(times, 0)
    words, row = batch.words, 0
    if words is not None:
        row, end = int(words.sequence[0]), None if words.end is None else words.end[:1].expand(times)
        words = Words(torch.arange(times, device=words.start.device), words.start[:1].expand(times), end)
    return replace(batch.map(lambda rows: rows[row : row + 1].repeat_interleave(times, 0)), words=words)


def backwards(batch: Batch) -> Batch:
    """Return the samples of a batch, the last one first."""
    return batch.flip(0) if isinstance(batch, Tensor) else batch.map(lambda rows: rows.flip(0))


def selected(batch: Batch, rows: Int[Tensor, " row"]) -> Batch:
    """Return some rows of a batch whose samples are rows."""
    return batch[rows] if isinstance(batch, Tensor) else batch.map(lambda values: values[rows])


def repeated(batch: Batch, times: int) -> Batch:
    """Return a batch several times, one copy after the other."""
    if isinstance(batch, Tensor):
        return torch.cat([batch] * times)
    n_rows, words = len(next(iter(batch.tensors.values()))), batch.words
    if words is not None:
        shift = torch.arange(times, device=words.start.device).repeat_interleave(len(words.start)) * n_rows
        end = None if words.end is None else words.end.repeat(times)
        words = Words(words.sequence.repeat(times) + shift, words.start.repeat(times), end)
    return replace(batch.map(lambda values: torch.cat([values] * times)), words=words)


def at_words(
    values: Shaped[Tensor, "row position *rest"], words: Words, pooling: str = "mean"
) -> Shaped[Tensor, " sample *rest"]:
    """Return what a network gives for the words of its sequences; no other position enters.

    Args:
        values: For every position of the sequences.
        words: Where the words are.
        pooling: Of a word's positions: ``mean``, ``max``, ``first`` or ``last``.
    """
    if words.end is None or pooling == "first":
        return values[words.sequence, words.start]
    if pooling == "last":
        return values[words.sequence, words.end - 1]
    word, position = words.positions
    return torch.segment_reduce(values[words.sequence[word], position], pooling, lengths=words.end - words.start)


LABELS = ("label", "labels", "target", "targets", "y")
"""Names under which batches carry what a network should say, not what it is called with."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of a network's forward.

    Attributes:
        required: Names of those without a default, in order.
        optional: Names of those with one.
        takes_any: Whether it takes arguments of any name.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    takes_any: bool = False

    @classmethod
    def of(cls, network: Any) -> Arguments:
        """Return the arguments of a network; none where there is no network or its forward does not say."""
        network = getattr(network, "_orig_mod", network)  # what torch.compile was given
        inner = getattr(network, "called_instead", network)  # what only wraps it
        if not isinstance(inner, nn.Module):
            return cls()
        try:
            parameters = inspect.signature(inner.forward).parameters.values()
        except (TypeError, ValueError):
            return cls(takes_any=True)
        named = [one for one in parameters if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
        required = tuple(one.name for one in named if one.default is one.empty)
        optional = tuple(one.name for one in named if one.default is not one.empty)
        return cls(required, optional, takes_any=len(named) < len(parameters))

    def takes_batch(self, given: Mapping[str, Any]) -> bool:
        """Return whether the forward takes one object that holds everything, and none of it by name."""
        return len(self.required) == 1 and not self.takes_any and not set(given) & {*self.required, *self.optional}

    def without_lengths(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch without lengths of sequences that the forward does not take."""
        taken = {*self.required, *self.optional}
        if self.takes_any or self.takes_batch(given) or not taken:
            return dict(given)
        return {name: values for name, values in given.items() if name in taken or not is_length(name, values)}

    def labels_among(self, given: Mapping[str, Any]) -> list[str]:
        """Return which entries are labels: by their name, unless the forward cannot do without them."""
        return [name for name in given if name.lower() in LABELS and name not in self.required and len(given) > 1]


def is_length(name: str, values: Tensor) -> bool:
    """Return whether an entry is one whole number per row that is called a length.

    Args:
        name: Of the entry.
        values: Its tensor.
    """
    return "len" in name.lower() and values.ndim == 1 and values.dtype not in (torch.bool, torch.float32, torch.float64)


class Fields(dict[str, Any]):
    """A batch whose entries are also its attributes, as networks expect that take a whole batch."""

    def __getattr__(self, name: str) -> Any:
        """Return an entry.

        Raises:
            AttributeError: if there is none.
        """
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(f"the batch holds no {name!r}, only {', '.join(self)}") from error


def mask_of_lengths(tensors: Mapping[str, Tensor], *, tell: bool = False) -> Bool[Tensor, "row position"] | None:
    """Return which positions of the sequences are no padding, or None where no entry says so.

    Lengths are whole numbers, one per row, at least 1, under a name with ``len`` in it. The axis of positions of the
    main input is the one as long as the longest, else the first that is long enough.

    Args:
        tensors: A batch by name.
        tell: Whether to log what is done with the lengths.
    """
    sequences = next((tensor for tensor in tensors.values() if tensor.ndim > 1), None)
    if sequences is None:
        return None
    sizes = list(sequences.shape[1:])
    for name, lengths in tensors.items():
        if lengths.ndim != 1 or lengths.dtype.is_floating_point or lengths.dtype == torch.bool:
            continue
        longest, shortest = int(lengths.max()), int(lengths.min())
        fits = [n for n in sizes if n == longest] or [n for n in sizes if n >= longest]
        if "len" not in name.lower():
            if tell and shortest < longest and longest in sizes and shortest > 0:
                log.warning("inputs[%r] may be lengths of sequences: called 'lengths' it keeps padding out", name)
        elif shortest < 1 or not fits:
            if tell:
                held = f"{shortest} to {longest} for inputs of shape {tuple(sizes)}"
                log.warning("inputs[%r] holds %s: not used, so padding enters the states", name, held)
        else:
            if tell:
                log.info("inputs[%r]: positions behind them are padding, of %d", name, fits[0])
            return torch.arange(fits[0])[None] < lengths[:, None]
    return None
