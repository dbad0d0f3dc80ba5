"""Inputs that are token ids: whole sequences as samples, or every word of a sentence as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from denote.data.batch import Named, Words
from denote.data.samples import Inputs
from denote.keys import digest, digest_array

PADDING, UNKNOWN = 0, 1
"""Token ids of our own vocabularies that are no form: behind the end of a sentence, and for every form not in it."""


@dataclass(frozen=True, eq=False)
class SequenceInputs:
    """Sequences of token ids, each a sample.

    Attributes:
        ids: Token ids, sequence after sequence.
        starts: Place of the first id of every sequence, and the number of ids at the end.
        n_tokens: Number of token ids, the largest + 1.
        padding: Token id behind the end of a sequence; no layer's state holds it, since it is masked.
    """

    ids: Int[np.ndarray, " place"]
    starts: Int64[np.ndarray, " bound"]
    n_tokens: int
    padding: int = PADDING

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], n_tokens: int, padding: int = PADDING) -> SequenceInputs:
        """From a list of ids per sequence.

        Args:
            sequences: Token ids of each.
            n_tokens: Number of token ids.
            padding: Token id behind the end of a sequence.
        """
        lengths = np.array([len(each) for each in sequences])
        ids = np.fromiter((token for each in sequences for token in each), dtype=np.int32, count=int(lengths.sum()))
        return cls(ids, _bounds(lengths), n_tokens, padding)

    @property
    def key(self) -> str:
        """Digest of what they hold."""
        return digest([digest_array(self.ids), digest_array(self.starts), self.n_tokens, self.padding])

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of positions of the longest sequence."""
        return (int(np.diff(self.starts).max()),)

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.starts) - 1

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Named:
        """Return these sequences, padded to the longest of them, as ``input_ids`` and ``attention_mask``."""
        index = np.asarray(rows, dtype=np.int64)
        lengths = self.starts[index + 1] - self.starts[index]
        position = np.arange(lengths.max(initial=0))
        mask = position < lengths[:, None]
        padded = np.full(mask.shape, self.padding, dtype=np.int64)
        padded[mask] = self.ids[(self.starts[index, None] + position)[mask]]
        is_token = torch.from_numpy(mask)
        return Named({"input_ids": torch.from_numpy(padded), "attention_mask": is_token.long()}, is_token)


@dataclass(frozen=True, eq=False)
class WordInputs:
    """Every word of every sequence as a sample; a batch holds each sequence once, however many of its words are in it.

    Attributes:
        sequences: What a network is called with.
        sequence: Sequence of every word, ascending from 0.
        start: First position of every word in its sequence.
        end: One behind its last position; None where every word is one position.
        vocabulary: The form of every token id, where ids are those of forms.
    """

    sequences: Inputs
    sequence: Int64[np.ndarray, " sample"]
    start: Int64[np.ndarray, " sample"]
    end: Int64[np.ndarray, " sample"] | None = None
    vocabulary: tuple[str, ...] = ()

    @classmethod
    def of_tokens(cls, sequences: SequenceInputs, kept: Bool[np.ndarray, " place"] | None = None) -> WordInputs:
        """Return every token as a sample, but those that are not kept.

        Args:
            sequences: Whole sequences.
            kept: Which tokens are samples; None for all.
        """
        sequence = np.repeat(np.arange(len(sequences)), np.diff(sequences.starts))
        start = np.arange(len(sequences.ids)) - sequences.starts[sequence]
        return cls(sequences, sequence, start) if kept is None else cls(sequences, sequence[kept], start[kept])

    @property
    def shape(self) -> tuple[int, ...]:
        """That of one sequence."""
        return self.sequences.shape

    @property
    def n_tokens(self) -> int:
        """Number of token ids.

        Raises:
            AttributeError: where sequences are none of token ids.
        """
        return int(self.sequences.n_tokens)  # type: ignore[attr-defined]  # see `Inputs`

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.sequence)

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Named:
        """Return the sequences of these words, and where in them the words are."""
        index = np.asarray(rows, dtype=np.int64)
        chosen, sequence_of = np.unique(self.sequence[index], return_inverse=True)
        batch = self.sequences[chosen]
        if isinstance(batch, Tensor):
            batch = Named({"": batch})
        end = None if self.end is None else torch.from_numpy(self.end[index])
        return replace(batch, words=Words(torch.from_numpy(sequence_of), torch.from_numpy(self.start[index]), end))


def fit_words(
    forms: pl.Series, lengths: Int64[np.ndarray, " sentence"], min_count: int, rows: Int[np.ndarray, " row"]
) -> WordInputs:
    """Token ids by a vocabulary of the forms of some words; all others are unknown.

    Args:
        forms: Of every word, sentence after sentence.
        lengths: Words of every sentence.
        min_count: Occurrences among ``rows`` below which a form is unknown too.
        rows: Ids of the words that are fitted on.
    """
    counts = forms.gather(rows).alias("form").value_counts().filter(pl.col("count") >= min_count)
    # By count, so that ids do not depend on the order of the file's sentences; then by alphabet.
    frequent = counts.sort(["count", "form"], descending=[True, False])["form"].to_list()
    vocabulary = ("<pad>", "<unk>", *frequent)
    token_of = {form: token for token, form in enumerate(frequent, start=UNKNOWN + 1)}
    ids = np.array([token_of.get(form, UNKNOWN) for form in forms], dtype=np.int64)
    sentences = SequenceInputs(ids, _bounds(lengths), len(vocabulary))
    return replace(WordInputs.of_tokens(sentences), vocabulary=vocabulary)


def _bounds(lengths: Int[np.ndarray, " sequence"]) -> Int64[np.ndarray, " bound"]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
