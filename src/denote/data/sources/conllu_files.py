"""Files in the CoNLL-U format: a line per word, of ten columns."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from denote.errors import DataError

log = logging.getLogger(__name__)

FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""Columns of a line, separated by tabs; ``_`` stands for no value."""

NO_WORD = re.compile(r"(?P<first>\d+)-(?P<last>\d+)|(?P<after>\d+)\.(?P<number>\d+)")
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


def read_conllu(path: str | Path | None, where: str = "dataset.path") -> list[list[Word]]:
    """The sentences of a file. Ranges (``3-4``) and empty nodes (``5.1``) are no words and are passed over.

    Quotation marks are characters like others; a field that is empty has no value.

    Raises:
        DataError: naming file and line, for a line that is not in the format, or a file that cannot be read.
    """
    if not path:
        raise DataError(where, "no file is given", "needed: a file in the CoNLL-U format")
    file = Path(path).expanduser()
    sentences: list[list[Word]] = [[]]
    names: Counter[str] = Counter()
    for number, line in enumerate(_lines(file, where), start=1):
        if not line.strip():
            sentences.append([])
        elif line.startswith("#"):
            key, _, name = line[1:].partition("=")
            names.update([name.strip()] if key.strip() == "sent_id" else [])
        else:
            sentences[-1].extend(_words(line, f"{file} line {number}", len(sentences[-1]), where))
    found = [words for words in sentences if words]
    if not found:
        raise DataError(where, f"{file} has no words", "needed: a file in the CoNLL-U format")
    if twice := [name for name, count in names.items() if count > 1]:
        log.warning("%s: %d values of sent_id stand at several sentences, such as %s: perhaps a file twice in one",
                    where, len(twice), twice[0])  # fmt: skip
    return found


def _lines(file: Path, where: str) -> list[str]:
    """The lines of a text, whatever ends them, without the byte order mark with which some editors begin a file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(where, f"{file} cannot be read ({error})") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", content[: error.start])) + 1
        raise DataError(where, f"{file} line {line} is no text in UTF-8", "needed: the file saved as UTF-8") from error
    # Not `splitlines`, for which a form such as U+2028 ends a line.
    return [line.removeprefix("\ufeff") for line in re.split(r"\r\n|\r|\n", text)]


def _words(line: str, place: str, before: int, where: str) -> Iterator[Word]:
    """The word of a line, if it is one."""
    parts = [part.strip(" ") for part in line.split("\t")]
    if len(parts) != len(FIELDS):
        tabs = "no tab" if len(parts) == 1 else f"{len(parts)} columns"
        raise DataError(where, f"{place} has {tabs}", f"needed: {len(FIELDS)} columns, separated by tabs")
    name = parts[0]
    if (skipped := NO_WORD.fullmatch(name)) and _is_next(skipped, before):
        return
    if name != str(before + 1):
        raise DataError(where, f"{place} is word {name!r} where {before + 1} is next", "needed: words from 1 in order")
    values = {field: None if part in ("", "_") else part for field, part in zip(FIELDS, parts, strict=True)}
    if not parts[1]:
        raise DataError(where, f"{place} is a word without a form")
    # A form that is an underscore is written like a missing one, and then its lemma is.
    if parts[1] == "_":
        values |= {"form": "_", "lemma": parts[2] or None}
    yield Word(values, _morphology(values["feats"], place, where))


def _is_next(skipped: re.Match[str], before: int) -> bool:
    """Whether a range begins with the next word and has two at least, or an empty node follows the last one."""
    first, last, after, number = (int(each or 0) for each in skipped.groups())
    return first == before + 1 and last > first if skipped["last"] else after == before and number > 0


def _morphology(text: str | None, place: str, where: str) -> dict[str, str]:
    """Features by name from ``Number=Sing|Person=3``."""
    found: dict[str, str] = {}
    for part in (text or "").split("|") if text else ():
        name, equals, value = part.partition("=")
        if not (name and equals and all(value.split(OR))):
            raise DataError(where, f"{place} has the feature {part!r}", "needed: NAME=VALUE|NAME=VALUE, or _")
        if name in found:
            raise DataError(where, f"{place} has the feature {name!r} twice", f"needed: {name}={found[name]},{value}")
        if value != "_":
            found[name] = value
    return found
