"""Treebanks in the CoNLL-U format: every word a sample, its sentence the input, annotations the attribute table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from denote.data.module import SamplesModule
from denote.data.samples import Samples
from denote.data.subwords import word_inputs
from denote.data.targets import classes_of
from denote.errors import DataError, one_of
from denote.keys import SCHEMA, digest, digest_files

FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""Columns of a line, separated by tabs; ``_`` stands for no value."""

OWN = ("form", "lemma", "upos", "xpos", "deprel", "capitalised", "position", "sentence_length", "sentence")
"""Columns that every table has, before those of morphology."""


@dataclass(frozen=True)
class Word:
    """One line.

    Attributes:
        values: By name of `FIELDS`; None for no value.
        morphology: Features by name: ``Number`` is ``Sing``.
    """

    values: dict[str, str | None]
    morphology: dict[str, str]


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


def read_conllu(path: str | Path | None, where: str = "dataset.path") -> list[list[Word]]:
    """The sentences of a file. Ranges (``3-4``) and empty nodes (``5.1``) are no words and are passed over.

    Raises:
        DataError: naming file and line, for a line that is not in the format, or a file that cannot be read.
    """
    if not path:
        raise DataError(where, "no file is given", "needed: a file in the CoNLL-U format")
    file = Path(path).expanduser()
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(where, f"{file} cannot be read ({error})") from error
    sentences: list[list[Word]] = [[]]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            sentences.append([])
        elif not line.startswith("#"):
            sentences[-1].extend(_words(line.rstrip("\r"), f"{file} line {number}", len(sentences[-1]), where))
    found = [words for words in sentences if words]
    if not found:
        raise DataError(where, f"{file} has no words", "needed: a file in the CoNLL-U format")
    return found


def word_table(sentences: list[list[Word]]) -> pl.DataFrame:
    """The attribute table: a row per word, null where a word has no such feature.

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
    features = sorted({name for word in words for name in word.morphology} - set(OWN))
    return table.with_columns(
        pl.Series(name, [word.morphology.get(name) for word in words], dtype=pl.String) for name in features
    )


def _words(line: str, place: str, before: int, where: str) -> Iterator[Word]:
    """The word of a line, if it is one."""
    parts = line.split("\t")
    if len(parts) != len(FIELDS):
        problem = f"{place} has {len(parts)} columns"
        raise DataError(where, problem, f"needed: {len(FIELDS)}, separated by tabs")
    name = parts[0]
    if "-" in name or "." in name:
        return
    if name != str(before + 1):
        raise DataError(where, f"{place} is word {name!r} where {before + 1} is next", "needed: words from 1 in order")
    # A form or lemma that is an underscore is written like a missing one.
    values = {field: None if part == "_" and field not in ("form", "lemma") else part
              for field, part in zip(FIELDS, parts, strict=True)}  # fmt: skip
    if not parts[1]:
        raise DataError(where, f"{place} is a word without a form")
    yield Word(values, _morphology(values["feats"], place, where))


def _morphology(text: str | None, place: str, where: str) -> dict[str, str]:
    """Features by name from ``Number=Sing|Person=3``."""
    found = {}
    for part in (text or "").split("|") if text else ():
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise DataError(where, f"{place} has the feature {part!r}", "needed: NAME=VALUE|NAME=VALUE, or _")
        found[name] = value
    return found
