"""What a terminal shows after a run: the answer in a few lines, and everything where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from denote.evidence.rule import Rule
from denote.progress import hide
from denote.reporting.answer import Answer, answer
from denote.reporting.answer.contents import ALARM, BELIEVE, NEXT
from denote.reporting.answer.fit import INDENT, MOST_LINES, WIDTH, wrapped
from denote.reporting.jobs import Job

if TYPE_CHECKING:
    from denote.states.listing import Listing

MOST_LISTED = 10
"""Failed jobs that are named where nothing finished."""


NARROWEST = 80
"""Columns that the lines are counted at where a terminal has fewer."""


def print_summary(
    tables: Mapping[str, pl.DataFrame],
    jobs: Sequence[Job] = (),
    *,
    folder: Path,
    rule: Rule | None = None,
    command: str = "",
    remark: str = "",
    verbose: bool = False,
    console: Console | None = None,
) -> None:
    """Print what a run or sweep found: at most 14 lines of 100 columns, or everything, and then those.

    Args:
        tables: Those of ``tables.SWEEP_TABLES`` as they stand in the folder.
        jobs: What became of the jobs.
        folder: That of the results, with ``report.html``.
        rule: The rule that decided the tables; the default one where None.
        command: What the user typed; empty where it is not known.
        remark: A line that comes first.
        verbose: Print everything that the answer rests on, too.
        console: Where to print; standard output where None, without colour codes when that is no terminal.
    """
    hide()
    console = console or terminal()
    if verbose:
        from denote.reporting.everything import print_everything

        print_everything(tables, jobs, folder=folder, rule=rule, console=console)
        console.print()
    lines = MOST_LINES
    if remark:
        console.print(Text(remark), soft_wrap=True, highlight=False)
        lines -= 1
    width = min(max(console.width, NARROWEST), WIDTH)
    said = answer(tables, jobs, rule=rule, folder=folder, command=command, most_lines=lines, width=width)
    print_answer(said, console)


def terminal() -> Console:
    """Return standard output; where that is no terminal its lines have as many columns as an answer."""
    console = Console()
    return console if console.is_terminal or os.environ.get("COLUMNS") else Console(width=WIDTH)


def print_answer(said: Answer, console: Console) -> None:
    """Print the blocks of an answer, each after the name of its question.

    Args:
        said: The answer.
        console: Where to print; a narrower one breaks more lines.
    """
    alarmed = any(doubt.level == ALARM for doubt in said.doubts)
    width = max(min(console.width, WIDTH) - INDENT, INDENT)
    for block in said.blocks:
        style = ("bold red" if alarmed else "yellow") if block.question == BELIEVE else ""
        paths = block.question == NEXT
        rows = [row for line in block.lines for row in wrapped(line, width, whole_words=paths)]
        for name, row in zip([block.question, *[""] * len(rows)], rows, strict=False):
            # Names of attributes and files are the user's: a text holds them as they are, without markup.
            beside = Text.assemble((f"{name:{INDENT}}", "bold"), (row, style))
            below = [Text(name, "bold"), Text(row)] if name else [Text(row)]  # a long path, whole
            for text in [beside] if cell_len(row) <= width else below:
                console.print(text, soft_wrap=True, highlight=False)


def print_layers(title: str, found: Listing, console: Console | None = None) -> None:
    """Print the layers of a network: depth, name, class, shape and axes of the output, pooling, number of neurons.

    Below them stands what is doubtful, what cannot be observed, and why.
    """
    hide()
    table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("depth", "layer", "class", "shape", "axes", "pooling", "neurons"):
        table.add_column(heading, justify="right" if heading in ("depth", "neurons") else "left", overflow="fold")
    for layer in found.layers:
        output = (layer.shape_text, layer.axes_text, layer.pooling, f"{layer.n_neurons:,}")
        table.add_row(str(layer.depth), escape(layer.name), layer.module_class, *output)
    console = console or Console()
    with console.capture() as drawn:
        console.print(table)
    lines = [line.rstrip() for line in drawn.get().splitlines()]
    print("\n".join(line for line in lines if line), file=console.file)
    for layer in found.layers:
        if layer.note:
            console.print(f"{escape(layer.name)}: {escape(layer.note)}", soft_wrap=True)
    for name, reason in found.left_out.items():
        of_class = found.class_of(name)
        shown = escape(name) if of_class is None else f"{escape(name)} ({of_class})"
        console.print(f"left out: {shown} {escape(reason)}", soft_wrap=True)
