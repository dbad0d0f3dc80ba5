"""Tables as LaTeX that needs the package booktabs alone, whatever the names in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

from denote.reporting.answer.words import clean
from denote.reporting.paper.table import Cell, PaperTable
from denote.reporting.paper.widths import broken, heading_lines, text_widths

_COMPARED = {">=": "≥", "<=": "≤"}
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
    yield r"\medskip\centering\footnotesize\setlength{\tabcolsep}{3.5pt}"
    yield rf"\begin{{tabular}}{{@{{}}{''.join('r' if number else 'l' for number in table.numeric)}@{{}}}}"
    yield r"\toprule\addlinespace"
    widths = text_widths(table)
    yield _row([_heading(name, width) for name, width in zip(table.header, widths, strict=True)])
    yield r"\midrule"
    for place, row in enumerate(table.rows):
        if table.stacked and place:
            yield r"\addlinespace"
        yield _row([_entry(cell, width, stacked=table.stacked) for cell, width in zip(row, widths, strict=True)])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for said in _below(table):
        yield rf"\par\smallskip{{\footnotesize {said}}}"
    yield r"\end{table*}"


def _row(entries: list[str]) -> str:
    return rf"{' & '.join([_after_end(entries[0]), *entries[1:]])} \\"


def _after_end(entry: str) -> str:
    r"""Return what stands after the end of a row, of which ``[`` and ``*`` would be read as options."""
    return "{}" + entry if entry.startswith(("[", "*")) else entry


def _heading(name: str, width: int | None) -> str:
    """Write a column's name, above numbers its words below each other, as numbers are narrower."""
    lines = heading_lines(name) if width is None else [name]
    return _stack([*map(escaped, lines)], "b", "r") if len(lines) > 1 else escaped(name)


def _stack(lines: list[str], place: str, side: str) -> str:
    r"""Set lines below each other.

    Args:
        lines: As LaTeX.
        place: What stands at the height of the row: ``c`` the middle, ``b`` the last line.
        side: Where lines begin or end: ``l`` or ``r``.
    """
    set_out = r" \\ ".join(map(_after_end, lines))
    return rf"\begin{{tabular}}[{place}]{{@{{}}{side}@{{}}}}{set_out}\end{{tabular}}"


def _entry(cell: Cell, width: int | None, *, stacked: bool) -> str:
    mark = rf"\textsuperscript{{{cell.mark}}}" if cell.mark else ""
    if stacked and (parts := _INTERVAL.match(cell.text)):
        return _stack([escaped(parts["value"]), rf"\scriptsize {escaped(parts['interval'])}{mark}"], "c", "r")
    if width is not None and len(lines := broken(cell.text, width)) > 1:
        return _stack([*map(escaped, lines[:-1]), escaped(lines[-1]) + mark], "c", "l")
    return (escaped(cell.text) or DASH) + mark


def _below(table: PaperTable) -> Iterator[str]:
    for mark, why in table.notes.items():
        yield rf"\textsuperscript{{{mark}}} {escaped(why)}."
    if table.more:
        yield f"{escaped(table.more)}."


def escaped(text: str) -> str:
    """Return a text as LaTeX shows it; a sign before a number is a minus, and comparisons have one sign.

    Args:
        text: Any text; what moves the cursor or turns the direction of a line is written out.
    """
    text = clean(text, LONGEST)
    for written, sign in _COMPARED.items():
        text = text.replace(written, sign)
    return _MINUS.sub("$-$", _encoder().unicode_to_latex(text))


@cache
def _encoder() -> UnicodeToLatexEncoder:
    return UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)
