"""A comparison on the terminal, in at most 14 lines of 100 columns."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from denote.comparison.compare import Comparison
from denote.progress import hide
from denote.reporting.answer.fit import MOST_LINES, WIDTH
from denote.reporting.comparison.compose import comparison_answer
from denote.reporting.terminal import NARROWEST, print_answer, terminal


def print_comparison(comparison: Comparison, page: Path | None = None, console: Console | None = None) -> None:
    """Print what differs.

    Args:
        comparison: What was compared.
        page: The page with everything behind it.
        console: Where to print; standard output where None.
    """
    hide()
    console = console or terminal()
    width = min(max(console.width, NARROWEST), WIDTH)
    print_answer(comparison_answer(comparison, page, most_lines=MOST_LINES, width=width), console)
