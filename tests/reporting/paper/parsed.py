"""Tables of a paper as a reader's program parses them back."""

import re
from pathlib import Path

from markdown_it import MarkdownIt

Grid = list[list[str]]

NUMBER = re.compile(r"(?<![\w.])[<>]?[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e-\d+)?")
_SIGN = {r"\ensuremath{<}": "<", r"\ensuremath{>}": ">", r"{\textbackslash}": "\\", r"{\textasciitilde}": "~"}
_SIGN |= {r"\ensuremath{\geq}": ">=", r"\ensuremath{\leq}": "<="}
_SIGN |= {r"{\textasciicircum}": "^", "$-$": "-", r"{\textellipsis}": "…", r"\ensuremath{\alpha}": "α", r"\'e": "é"}


def of_markdown(text: str) -> Grid:
    """Return header and rows of the first table, as they are shown."""
    rows: Grid = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level > 3:
            rows[-1].append("".join(each.content for each in token.children or () if each.type == "text"))
    return rows


def of_latex(text: str) -> Grid:
    """Return header and rows between the rules, as they are set."""
    body = re.search(r"\\toprule(.*)\\bottomrule", text, re.DOTALL)
    assert body is not None
    flat = re.sub(r"\\begin\{tabular\}\[.\]\{@\{\}[lr]@\{\}\}(.*?)\\end\{tabular\}", _unstacked, body[1])
    flat = re.sub(r"\\midrule|\\addlinespace", "", flat).replace("{}[", "[").replace("{}*", "*")
    lines = [line.strip() for line in re.split(r"\\\\\n", flat) if line.strip()]
    return [[_shown(entry.strip()) for entry in re.split(r"(?<!\\)&", line)] for line in lines]


def _unstacked(match: re.Match[str]) -> str:
    return " ".join(part.strip() for part in match[1].replace(r"\scriptsize", "").split(r"\\"))


def _shown(entry: str) -> str:
    entry = re.sub(r"\\textsuperscript\{(\w+)\}", r"\1", entry)
    for written, sign in _SIGN.items():
        entry = entry.replace(written, sign)
    entry = re.sub(r"\\([_&%#{}$])", r"\1", entry)
    return "–" + entry[2:] if re.fullmatch(r"--\w*", entry) else entry


def agrees(text: str, *values: float | None) -> bool:
    """Return whether an entry shows these numbers, from left to right, each to its last decimal.

    ``>.99`` is a number between that and 1; undefined ends are not shown.
    """
    shown, known = NUMBER.findall(text), [value for value in values if value is not None]
    return len(shown) == len(known) and all(map(_agree, shown, known))


def _agree(shown: str, value: float) -> bool:
    number = float(shown.lstrip("<>").replace(",", ""))
    if shown.startswith(">"):
        return number < value < 1
    decimals = len(shown.partition(".")[2]) if "e" not in shown else 0
    slack = abs(number) / 2 if "e" in shown else 0.5 * 10**-decimals
    return abs(number - value) <= slack + 1e-9


def read(folder: Path, name: str) -> Grid:
    """Return a table of a folder; LaTeX and Markdown hold the same."""
    grid = of_markdown((folder / f"{name}.md").read_text(encoding="utf-8"))
    assert of_latex((folder / f"{name}.tex").read_text(encoding="utf-8")) == grid
    return grid
