"""Treebanks in the CoNLL-U format: every word a sample, its sentence the input, annotations the attribute table."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from denote.data.conllu_files import OR, Word, read_conllu
from denote.data.module import SamplesModule
from denote.data.samples import Samples
from denote.data.subwords import word_inputs
from denote.data.targets import classes_of
from denote.errors import DataError, one_of
from denote.keys import SCHEMA, digest, digest_files

log = logging.getLogger(__name__)

OWN = ("form", "lemma", "upos", "xpos", "deprel", "capitalised", "position", "sentence_length", "sentence")
"""Columns that every table has, before those of morphology."""


SHOWN = 5
"""Values that are named in a line of the log."""


class ConlluModule(SamplesModule):
    """A treebank.

    Args:
        path: A ``.conllu`` file.
        target: Column of the attribute table that the network learns for every word: ``upos``, ``deprel``.
        min_count: Occurrences in the object part below which a form is the unknown word.
        n: Only the first ``n`` sentences; None for all.
        tokenizer: See `load_tokenizer`: cuts every word into the token ids of a network that was trained elsewhere;
            None makes a vocabulary of the forms.
        settings: Those of `SamplesModule`.
    """

    paths = ("path", "tokenizer")

    def __init__(
        self,
        path: str | Path | None,
        target: str = "upos",
        min_count: int = 2,
        n: int | None = None,
        tokenizer: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        for name, value in (("min_count", min_count), ("n", 1 if n is None else n)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise DataError(f"dataset.{name}", f"{value!r}", "allowed: a whole number of 1 or more")
        self.path, self.target, self.min_count, self.n = path, target, min_count, n
        self.tokenizer = tokenizer

    def load(self) -> Samples:
        """Read the file; the vocabulary is made once the object part is known.

        Raises:
            DataError: for a file or line that cannot be read (which), or a target that is no column.
        """
        sentences = read_conllu(self.path)[: self.n]
        table = word_table(sentences)
        if self.target not in table.columns:
            raise DataError("dataset.target", f"words have no {self.target!r}", one_of(self.target, table.columns))
        targets, classes = classes_of(table[self.target])
        file, lengths = Path(str(self.path)).expanduser(), np.array([len(words) for words in sentences])
        inputs, cut = word_inputs(table["form"], lengths, self.min_count, self.tokenizer)
        settings = [self.target, self.n, cut]
        return Samples(
            name=file.stem,
            inputs=inputs,
            targets=targets,
            classes=classes,
            table=table,
            target=self.target,
            key=digest({"dataset": "conllu", "content": digest_files([file]), "settings": settings, "schema": SCHEMA}),
        )


def word_table(sentences: list[list[Word]]) -> pl.DataFrame:
    """The attribute table: a row per word, null where a word has no such feature, or it is not known with which value.

    Returns:
        The columns of `OWN` (``position`` in its sentence from 1, ``sentence`` the sentence's number from 0), then
        one per feature of morphology by alphabet.
    """
    words = [word for sentence in sentences for word in sentence]
    lengths = np.array([len(sentence) for sentence in sentences])
    named = {name: [word.values[name] for word in words] for name in ("form", "lemma", "upos", "xpos", "deprel")}
    table = pl.DataFrame(named, schema=dict.fromkeys(named, pl.String)).with_columns(
        capitalised=pl.Series([str(word.values["form"])[:1].isupper() for word in words]),
        position=pl.Series(np.concatenate([np.arange(1, n + 1) for n in lengths])),
        sentence_length=pl.Series(np.repeat(lengths, lengths)),
        sentence=pl.Series(np.repeat(np.arange(len(lengths)), lengths)),
    )
    columns = {name for word in words for name in word.morphology}
    if taken := sorted(columns & set(OWN)):
        log.warning("dataset.path: the features %s are left out: the table has columns of that name", ", ".join(taken))
    features = sorted(columns - set(OWN))
    _log_disjunctions(words)
    return table.with_columns(
        pl.Series(name, [_known(word, name) for word in words], dtype=pl.String) for name in features
    )


def _known(word: Word, feature: str) -> str | None:
    """The value of a feature; None where it is one of several."""
    value = word.morphology.get(feature)
    return None if value is None or OR in value else value


def _log_disjunctions(words: list[Word]) -> None:
    """Say which words may have one value or another, and so are neither yes nor no."""
    several = Counter(f"{name}={value}" for word in words for name, value in word.morphology.items() if OR in value)
    if several:
        shown = ", ".join(f"{name} ({count})" for name, count in several.most_common(SHOWN))
        log.warning("dataset.path: %d values of features are one or another, so null (not known): %s%s",
                    several.total(), shown, ", ..." if len(several) > SHOWN else "")  # fmt: skip
