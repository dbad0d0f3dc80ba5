"""Tables as LaTeX that needs the package booktabs alone, whatever the names in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

from denote.reporting.answer.words import clean
from denote.reporting.paper.table import Cell, PaperTable

_MINUS = re.compile(r"(?<![\w.])-(?=\.?\d)")
_INTERVAL = re.compile(r"^(?P<value>\S+) (?P<interval>\[[^\]]*\])$")
DASH = "--"
LONGEST = 10_000
"""Letters of a text; names are cut before."""


def latex(table: PaperTable) -> str:
    r"""Return a table as LaTeX, to be read by ``\input``.

    Args:
        table: The table.
    """
    return "\n".join(_lines(table)) + "\n"


def _lines(table: PaperTable) -> Iterator[str]:
    yield r"% Made by denote. Needs \usepackage{booktabs}. Letters beyond Latin and Greek need LuaLaTeX or XeLaTeX."
    yield r"\begin{table*}"
    yield rf"\caption{{{escaped(table.caption)}}}\label{{tab:{re.sub('[^A-Za-z0-9.-]', '-', table.name)}}}"
    yield r"\centering\footnotesize\setlength{\tabcolsep}{3.5pt}"
    yield rf"\begin{{tabular}}{{@{{}}{''.join('r' if number else 'l' for number in table.numeric)}@{{}}}}"
    yield r"\toprule"
    yield _row([_heading(name, number) for name, number in zip(table.header, table.numeric, strict=True)])
    yield r"\midrule"
    for place, row in enumerate(table.rows):
        if table.stacked and place:
            yield r"\addlinespace"
        yield _row([_entry(cell, stacked=table.stacked) for cell in row])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for said in _below(table):
        yield rf"\par\smallskip{{\footnotesize {said}}}"
    yield r"\end{table*}"


def _row(entries: list[str]) -> str:
    r"""Return a row; after the end of another, ``[`` and ``*`` would be read as options of its end."""
    if entries[0].startswith(("[", "*")):
        entries = ["{}" + entries[0], *entries[1:]]
    return rf"{' & '.join(entries)} \\"


def _heading(name: str, number: bool) -> str:
    """Write a column's name, its words below each other above numbers, which are narrower."""
    words = [escaped(word) for word in name.split(" ")]
    return _stack(words, "b") if number and len(words) > 1 else escaped(name)


def _stack(lines: list[str], place: str) -> str:
    r"""Set lines below each other, at the middle (``c``) or the bottom (``b``) of a row."""
    set_out = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[{place}]{{@{{}}r@{{}}}}{set_out}\end{{tabular}}"


def _entry(cell: Cell, *, stacked: bool) -> str:
    if stacked and (parts := _INTERVAL.match(cell.text)):
        return _stack([escaped(parts["value"]), rf"\scriptsize {escaped(parts['interval'])}"], "c")
    return (escaped(cell.text) or DASH) + (rf"\textsuperscript{{{cell.mark}}}" if cell.mark else "")


def _below(table: PaperTable) -> Iterator[str]:
    for mark, why in table.notes.items():
        yield rf"\textsuperscript{{{mark}}} {escaped(why)}."
    if table.more:
        yield f"{escaped(table.more)}."


def escaped(text: str) -> str:
    """Return a text as LaTeX shows it; a sign before a number is a minus.

    Args:
        text: Any text; what moves the cursor or turns the direction of a line is written out.
    """
    return _MINUS.sub("$-$", _encoder().unicode_to_latex(clean(text, LONGEST)))


@cache
def _encoder() -> UnicodeToLatexEncoder:
    return UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)
