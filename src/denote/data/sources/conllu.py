"""Treebanks in the CoNLL-U format: every word a sample, its sentence the input, annotations the attribute table."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from denote.config.given_files import check_regular, check_size
from denote.config.keys import SCHEMA, digest, digest_files
from denote.data.learned import Target, classes_of
from denote.data.module import SamplesModule
from denote.data.samples import CLASSES, Samples
from denote.data.tokens import word_inputs
from denote.errors import DataError

log = logging.getLogger(__name__)


OWN = ("form", "lemma", "upos", "xpos", "deprel", "capitalised", "position", "sentence_length", "sentence")
"""Columns that every table has, before those of morphology."""


WHERE = "dataset.path"
"""The key of the file."""

WORDS_TAKE = 10
"""Bytes of memory, at least, for each byte of a treebank."""

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
        DataError.refuse_unknown(self.target, table.columns, "dataset.target", "words have no {!r}")
        target = Target(self.target, CLASSES, *classes_of(table[self.target]))
        file, lengths = Path(str(self.path)).expanduser(), np.array([len(words) for words in sentences])
        inputs, cut = word_inputs(table["form"], lengths, self.min_count, self.tokenizer)
        settings = [self.target, self.n, cut]
        key = digest({"dataset": "conllu", "content": digest_files([file]), "settings": settings, "schema": SCHEMA})
        return target.samples(file.stem, inputs, table, key)


def word_table(sentences: list[list[Word]]) -> pl.DataFrame:
    """Return the attribute table: a row per word, null where a word has no such feature, or it is not known with which
    value.

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
        pl.Series(name, [_single_value(word, name) for word in words], dtype=pl.String) for name in features
    )


def _single_value(word: Word, feature: str) -> str | None:
    """Return the value of a feature; None where it is one of several."""
    value = word.morphology.get(feature)
    return None if value is None or OR in value else value


def _log_disjunctions(words: list[Word]) -> None:
    """Say which words may have one value or another, and so are neither yes nor no."""
    several = Counter(f"{name}={value}" for word in words for name, value in word.morphology.items() if OR in value)
    if several:
        examples = [f"{name} ({count})" for name, count in several.most_common(SHOWN)]
        listed = ", ".join([*examples, "..."] if len(several) > SHOWN else examples)
        log.warning(
            "dataset.path: %d values of features are one or another, so null (not known): %s", several.total(), listed
        )


FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""Columns of a line, separated by tabs; ``_`` stands for no value."""

NO_WORD = re.compile(r"(?P<first>\d{1,9})-(?P<last>\d{1,9})|(?P<after>\d{1,9})\.(?P<number>\d{1,9})")
"""Ids of lines that are no words: a range of words that are written as one, and an empty node."""

OR = ","
"""Between values of a feature of which one holds: ``PronType=Int,Rel``."""


@dataclass(frozen=True)
class Word:
    """One line.

    Attributes:
        values: By name of `FIELDS`; None for no value.
        morphology: Features by name: ``Number`` is ``Sing``. A value with commas says that one of several holds, so
            it is not known which.
    """

    values: dict[str, str | None]
    morphology: dict[str, str] = field(default_factory=dict)


def read_conllu(path: str | Path | None) -> list[list[Word]]:
    """Return the sentences of a file. Ranges (``3-4``) and empty nodes (``5.1``) are no words and are passed over.

    Quotation marks are characters like others; a field that is empty has no value.

    Args:
        path: A ``.conllu`` file.

    Raises:
        DataError: naming file and line, for a line that is not in the format, or a file that cannot be read.
    """
    if not path:
        raise DataError(WHERE, "no file is given", "needed: a file in the CoNLL-U format")
    file = Path(path).expanduser()
    sentences: list[list[Word]] = [[]]
    names: Counter[str] = Counter()
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            sentences.append([])
        elif line.startswith("#"):
            key, _, name = line[1:].partition("=")
            names.update([name.strip()] if key.strip() == "sent_id" else [])
        else:
            sentences[-1].extend(_words(line, f"{file} line {number}", len(sentences[-1])))
    filled = [words for words in sentences if words]
    if not filled:
        raise DataError(WHERE, f"{file} has no words", "needed: a file in the CoNLL-U format")
    if twice := [name for name, count in names.items() if count > 1]:
        problem = f"values of sent_id stand at several sentences, such as {twice[0]}: perhaps a file twice in one"
        log.warning("%s: %d %s", WHERE, len(twice), problem)
    return filled


def _lines(file: Path) -> list[str]:
    """Return the lines of a text, whatever ends them, without the byte order mark with which some editors begin a
    file.
    """
    check_regular(file, WHERE, needed="needed: a file in the CoNLL-U format")
    check_size(file, WORDS_TAKE * file.stat().st_size, WHERE)
    try:
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise DataError(WHERE, f"{file} cannot be read ({error})") from error
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", error.object[: error.start])) + 1
        raise DataError(WHERE, f"{file} line {line} is no text in UTF-8", "needed: the file saved as UTF-8") from error
    # Not `splitlines`, for which a form such as U+2028 ends a line.
    return [line.removeprefix("\ufeff") for line in re.split(r"\r\n|\r|\n", text)]


def _words(line: str, location: str, before: int) -> Iterator[Word]:
    """Yield the word of a line, if it is one."""
    parts = [part.strip(" ") for part in line.split("\t")]
    if len(parts) != len(FIELDS):
        tabs = "no tab" if len(parts) == 1 else f"{len(parts)} columns"
        raise DataError(WHERE, f"{location} has {tabs}", f"needed: {len(FIELDS)} columns, separated by tabs")
    name = parts[0]
    if (skipped := NO_WORD.fullmatch(name)) and _is_next(skipped, before):
        return
    if name != str(before + 1):
        problem = f"{location} is word {name!r} where {before + 1} is next"
        raise DataError(WHERE, problem, "needed: words from 1 in order")
    values = {field: None if part in ("", "_") else part for field, part in zip(FIELDS, parts, strict=True)}
    if not parts[1]:
        raise DataError(WHERE, f"{location} is a word without a form")
    # A form that is an underscore is written like a missing one, and then its lemma is.
    if parts[1] == "_":
        values |= {"form": "_", "lemma": parts[2] or None}
    yield Word(values, _morphology(values["feats"], location))


def _is_next(skipped: re.Match[str], before: int) -> bool:
    """Return whether a range begins with the next word and has two at least, or an empty node follows the last one."""
    first, last, after, number = (int(digits or 0) for digits in skipped.groups())
    return first == before + 1 and last > first if skipped["last"] else after == before and number > 0


def _morphology(text: str | None, location: str) -> dict[str, str]:
    """Return features by name from ``Number=Sing|Person=3``."""
    features: dict[str, str] = {}
    for part in (text or "").split("|") if text else ():
        name, equals, value = part.partition("=")
        if not (name and equals and all(value.split(OR))):
            raise DataError(WHERE, f"{location} has the feature {part!r}", "needed: NAME=VALUE|NAME=VALUE, or _")
        if name in features:
            problem = f"{location} has the feature {name!r} twice"
            raise DataError(WHERE, problem, f"needed: {name}={features[name]},{value}")
        if value != "_":
            features[name] = value
    return features
