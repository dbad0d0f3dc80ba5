"""Inputs that are token ids: whole sequences as samples, or every word of a sentence, cut into subwords or not."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from denote.config.keys import digest, digest_array
from denote.data.batch import Named, Texts, Words
from denote.data.samples import Inputs, Rows, Unfitted
from denote.errors import DataError, first_line, install

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


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
        texts: What people read in the place of every sequence; None where it is not known.
    """

    ids: Int[np.ndarray, " place"]
    starts: Int64[np.ndarray, " bound"]
    n_tokens: int
    padding: int = PADDING
    texts: Texts | None = None

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], n_tokens: int, padding: int = PADDING) -> SequenceInputs:
        """From a list of ids per sequence.

        Args:
            sequences: Token ids of each.
            n_tokens: Number of token ids.
            padding: Token id behind the end of a sequence.
        """
        ids = np.fromiter(chain.from_iterable(sequences), dtype=np.int32)
        return cls(ids, _bounds([len(sequence) for sequence in sequences]), n_tokens, padding)

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

    def __getitem__(self, rows: Rows) -> Named:
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
        texts: What people read in the place of every word; None where it is not known.
    """

    sequences: Inputs
    sequence: Int64[np.ndarray, " sample"]
    start: Int64[np.ndarray, " sample"]
    end: Int64[np.ndarray, " sample"] | None = None
    vocabulary: tuple[str, ...] = ()
    texts: Texts | None = None

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

    def __getitem__(self, rows: Rows) -> Named:
        """Return the sequences of these words, and where in them the words are."""
        index = np.asarray(rows, dtype=np.int64)
        chosen, sequence_of = np.unique(self.sequence[index], return_inverse=True)
        batch = self.sequences[chosen]
        batch = Named({"": batch}) if isinstance(batch, Tensor) else batch
        end = None if self.end is None else torch.from_numpy(self.end[index])
        return replace(batch, words=Words(torch.from_numpy(sequence_of), torch.from_numpy(self.start[index]), end))


def fit_words(forms: pl.Series, lengths: Int64[np.ndarray, " sentence"], min_count: int, rows: Rows) -> WordInputs:
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
    return replace(WordInputs.of_tokens(sentences), vocabulary=vocabulary, texts=forms)


def _bounds(lengths: Sequence[int] | Int[np.ndarray, " sequence"]) -> Int64[np.ndarray, " bound"]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


log = logging.getLogger(__name__)

WHERE = "dataset.tokenizer"


def load_tokenizer(name: str | None, **settings: Any) -> PreTrainedTokenizerBase:
    """Return a tokenizer by its id on the Hub, or from a local folder; code that comes with one is not run.

    Args:
        name: The id, or the folder.
        settings: What the tokenizer's class takes besides.

    Raises:
        DataError: naming ``dataset.tokenizer``, with what to do where there is no network.
    """
    if not name:
        raise DataError(WHERE, "is missing", "needed for text: an id on the Hub, or a folder with tokenizer.json")
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise DataError(WHERE, "needs transformers, which is not installed", install("hub")) from error
    try:
        return AutoTokenizer.from_pretrained(name, trust_remote_code=False, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        remedy = "fetch it once where there is a network, or name a local folder with tokenizer.json"
        raise DataError(WHERE, f"{name!r} cannot be had ({first_line(error).rstrip('.')})", remedy) from error


def word_inputs(
    forms: pl.Series, lengths: Int64[np.ndarray, " sentence"], min_count: int, tokenizer: str | None
) -> tuple[Inputs | Unfitted, str | int]:
    """Return inputs whose samples are words: ids of a tokenizer, or of a vocabulary that the object part makes.

    Args:
        forms: Of every word, sentence after sentence.
        lengths: Words of every sentence.
        min_count: See `fit_words`; not asked where there is a tokenizer.
        tokenizer: See `load_tokenizer`; None for none.

    Returns:
        The inputs, and what shaped them besides forms and lengths: a key of the ids, or ``min_count``.

    Raises:
        DataError: for a tokenizer that cannot be had or used.
    """
    if tokenizer is None:
        return Unfitted(len(forms), partial(fit_words, forms, lengths, min_count)), min_count
    # Tokenizers that see spaces have to be told that every word has one before it; others take no notice.
    tokens, spans = cut_words(load_tokenizer(tokenizer, add_prefix_space=True), forms.to_list(), lengths)
    inputs = WordInputs(tokens, np.repeat(np.arange(len(lengths)), lengths), spans[:, 0], spans[:, 1], texts=forms)
    return inputs, digest([tokens.key, digest_array(spans)])


def cut_words(
    tokenizer: PreTrainedTokenizerBase, forms: Sequence[str], lengths: Int64[np.ndarray, " sentence"]
) -> tuple[SequenceInputs, Int64[np.ndarray, "word bound"]]:
    """Return the sentences as the tokenizer's ids, with its special tokens, and the span of every word (see
    `spans_of`).

    A form that the tokenizer makes nothing of, such as a sole control character, is its unknown token.

    Args:
        tokenizer: One that says of which word a token is part.
        forms: Of every word, sentence after sentence.
        lengths: Words of every sentence.

    Raises:
        DataError: for a tokenizer that does not say so, or a sentence of more tokens than its network takes.
    """
    if not tokenizer.is_fast:
        problem = f"{type(tokenizer).__name__} does not say of which word a token is part"
        raise DataError(WHERE, problem, "needed: a fast tokenizer, a folder with tokenizer.json")
    readable = _with_tokens(tokenizer, forms)
    sentences = [readable[start:end] for start, end in pairwise(_bounds(lengths))]
    encoded = tokenizer(sentences, is_split_into_words=True, verbose=False)
    _check_lengths(encoded["input_ids"], tokenizer.model_max_length)
    spans = np.concatenate([spans_of(encoded.word_ids(row), f"sentence {row}") for row in range(len(sentences))])
    padding = 0 if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)
    return SequenceInputs.of(encoded["input_ids"], len(tokenizer), padding), spans


SPACES = ("\u0120", "\u2581")
"""How subwords are marked that begin a word, by tokenizers of bytes and of sentence pieces."""

INSIDE = "##"
"""How subwords are marked that go on with one, by tokenizers of word pieces."""


def readable(tokens: Sequence[str]) -> str:
    """Return the text of some subwords side by side, without the marks of tokenizers.

    Args:
        tokens: As a tokenizer calls them.
    """
    marked = any(token.startswith(SPACES) for token in tokens)
    parts = [
        f" {token[1:]}"
        if token.startswith(SPACES)
        else token.removeprefix(INSIDE)
        if marked or token.startswith(INSIDE)
        else f" {token}"
        for token in tokens
    ]
    return "".join(parts).strip()


def spans_of(words: Sequence[int | None], where: str) -> Int64[np.ndarray, "word bound"]:
    """Return the first position of every word of a sequence, and one behind its last.

    Args:
        words: For every position the word that it is part of, None for special tokens and padding.
        where: Which sequence, for an error.

    Raises:
        DataError: if a word has no position, or positions that lie apart.
    """
    pairs = [(position, word) for position, word in enumerate(words) if word is not None]
    at = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    if not len(at):
        return at  # a sequence without a word
    first = np.flatnonzero(np.diff(at[:, 1], prepend=-1))
    if not np.array_equal(at[first, 1], np.arange(len(first))):
        raise DataError("words", f"of {where} one has no tokens, or tokens that lie apart", "a token for every word")
    last = np.append(first[1:], len(at)) - 1
    return np.stack([at[first, 0], at[last, 0] + 1], axis=1)


def _with_tokens(tokenizer: PreTrainedTokenizerBase, forms: Sequence[str]) -> list[str]:
    """Return the forms, those that give no token by the unknown one."""
    different = list(dict.fromkeys(forms))
    ids = tokenizer([[form] for form in different], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    lost = sorted(form for form, ids_of_form in zip(different, ids, strict=True) if not ids_of_form)
    if lost and tokenizer.unk_token is None:
        problem = f"makes nothing of the word {lost[0]!r} and has no unknown token"
        raise DataError(WHERE, problem, "another tokenizer, or data without that word")
    read_as = dict.fromkeys(lost, str(tokenizer.unk_token))
    if lost:
        n = sum(form in read_as for form in forms)
        log.info("%s: %d words have no token and are read as %s: %r", WHERE, n, tokenizer.unk_token, lost[:5])
    return [read_as.get(form, form) for form in forms]


def _check_lengths(sequences: Sequence[Sequence[int]], most: int) -> None:
    length, sentence = max((len(sequence), -row) for row, sequence in enumerate(sequences))
    if length > most:
        problem = f"sentence {-sentence} is cut into {length} tokens, and its network takes {most}"
        raise DataError(WHERE, problem, "shorter sentences, or the tokenizer of another network")
