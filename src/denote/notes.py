"""Notes: remarks on rows of tables, each of a kind with a code that readers ask for; notes.toml holds the sentences."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

NEXT_REMARK = "; "
"""Stands between the remarks of a note, and between their codes."""

OTHER = "other"
"""Code of free text: words of a user's own probe or control, and what versions without codes wrote."""


class Note(str):
    """The text of one remark or several, with their codes.

    Attributes:
        codes: One for every part of the text between semicolons; a remark that holds a semicolon repeats its code.
    """

    codes: tuple[str, ...]

    def __new__(cls, text: str, codes: Iterable[str]) -> Note:
        made = super().__new__(cls, text)
        made.codes = tuple(codes)
        return made

    def __getnewargs__(self) -> tuple[str, tuple[str, ...]]:  # type: ignore[override] # str has no codes
        return str(self), self.codes

    @classmethod
    def of(cls, code: str, **values: Any) -> Note:
        """Return a remark of a kind.

        Args:
            code: The kind, in notes.toml.
            values: What stands in braces in its sentence.
        """
        return cls._of_one(note_kinds()[code].text.format(**values), code)

    @classmethod
    def other(cls, text: str) -> Note:
        """Return free text as a remark."""
        return cls._of_one(text, OTHER)

    @classmethod
    def _of_one(cls, text: str, code: str) -> Note:
        return cls(text, [code] * (text.count(NEXT_REMARK) + 1))

    def about(self, columns: str) -> Note:
        """Return the same remark on some columns."""
        return Note(f"{columns}: {self}", self.codes)


@dataclass(frozen=True)
class NoteKind:
    """One kind of remark.

    Attributes:
        code: A word in snake_case.
        text: The sentence, with the names of its values in braces.
        section: Of notes.toml; ``silent`` ones say only what was not asked for or does not apply, ``untested`` ones
            why a neuron was not tested.
    """

    code: str
    text: str
    section: str

    def likeness(self, text: str) -> int:
        """Return how many letters a remark that came without a code shares with the sentence; 0 if it is another."""
        start, field, _ = self.text.partition("{")
        end = self.text.rpartition("}")[2] if field else ""
        fits = text.startswith(start) and text[len(start) :].endswith(end) and (field or text == start)
        return len(start + end) if fits else 0


@cache
def note_kinds() -> Mapping[str, NoteKind]:
    """Return the kinds of notes.toml by code."""
    sections = tomllib.loads(Path(__file__).with_name("notes.toml").read_text(encoding="utf-8"))
    return {code: NoteKind(code, text, section) for section, kinds in sections.items() for code, text in kinds.items()}


def codes_of_section(section: str) -> list[str]:
    """Return the codes of a section of notes.toml, such as ``silent``."""
    return [kind.code for kind in note_kinds().values() if kind.section == section]


def note(*reasons: str | None) -> Note | None:
    """Join reasons into one note, each once, or None where there are none; free text has the code `OTHER`."""
    remarks = [each if isinstance(each, Note) else Note.other(each) for each in dict.fromkeys(reasons) if each]
    return Note(NEXT_REMARK.join(remarks), [code for each in remarks for code in each.codes]) if remarks else None


def codes_of(notes: Sequence[str | None]) -> list[str | None]:
    """Return the column ``note_codes`` beside some notes."""
    return [each and NEXT_REMARK.join(each.codes) for each in map(note, notes)]


def codes_in(row: Mapping[str, Any]) -> list[str]:
    """Return the codes of the remarks of a table's row."""
    return (row["note_codes"] or "").split(NEXT_REMARK)


def stored_note(row: Mapping[str, Any]) -> Note | None:
    """Return the note of a table's row from its columns ``note`` and ``note_codes``."""
    return None if row["note"] is None else Note(row["note"], codes_in(row))


@cache
def older_codes(text: str) -> str:
    """Return ``note_codes`` of a note of a version that wrote none, as far as sentences begin and end as today's."""
    remarks = text.split(NEXT_REMARK)
    likest = [max(note_kinds().values(), key=lambda kind: kind.likeness(remark)) for remark in remarks]
    pairs = zip(likest, remarks, strict=True)
    return NEXT_REMARK.join(kind.code if kind.likeness(remark) else OTHER for kind, remark in pairs)
