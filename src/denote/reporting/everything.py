"""Everything that the terminal can show (``verbose=true``): tables by depth, tests, what chance gives, every doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from denote.evidence.rule import Rule, decisive_rule, denoting_rule
from denote.figures.curves import Curve, curves, is_untested
from denote.reporting import attribute_sheets, chance
from denote.reporting import findings as doubts
from denote.reporting.answer.next_step import relative
from denote.reporting.depth_course import depth_sentences, depth_tests_sheet
from denote.reporting.findings import observed
from denote.reporting.jobs import Job, tally
from denote.reporting.sheet import Column, between, share, whole
from denote.reporting.stability import stability_sentences

MOST_LISTED = 10

_WARNING = "[bold yellow]warning:[/] {}"

TESTS_SHOWN = ("test", "models", "layers", "p", "Holm", "least p", "testable")
"""Columns of the tests of depth that the terminal has room for."""


def print_everything(
    tables: Mapping[str, pl.DataFrame],
    jobs: Sequence[Job] = (),
    *,
    folder: Path,
    rule: Rule | None = None,
    warnings: Sequence[str] = (),
    console: Console,
) -> None:
    """Print the tables and sentences that the answer rests on.

    Args:
        tables: Those of ``tables.SWEEP_TABLES`` as they stand in the sweep's folder.
        jobs: What became of the jobs.
        folder: The sweep's folder with ``report.html``.
        rule: The rule that decided the tables; the default one where None.
        warnings: What makes the numbers doubtful, one sentence each; a null check that rang is added from its table.
        console: Where to print.
    """
    cells, neurons, by_depth = (tables[name] for name in ("cells", "neurons", "label_proportion_by_depth"))
    _say(console, doubts.doubts(tables), _WARNING)
    _say(console, doubts.level_sentences(tables))
    _say(console, observed(cells, neurons))
    for curve in curves(by_depth):
        console.print(depth_table(curve, curve.of(by_depth)))
    if not by_depth.is_empty():
        console.print(_caveat(by_depth), highlight=False, style="dim")
    _print_depth_tests(console, tables)
    _say(console, stability_sentences(tables["stability"]))
    _say(console, attribute_sheets.first_decisive_sentences(tables["first_decisive"]))
    _say(console, attribute_sheets.audit_sentences(tables["audit"]))
    _print_belief(console, tables, rule or Rule())
    _print_jobs(console, jobs, relative(folder).parent)
    _say(console, chance.alarms(tables["null_check"]), "[bold red]ALARM: {}[/]")
    _say(console, warnings, _WARNING)
    console.print()
    for what, path in (("report", "report.html"), ("figures", "figures"), ("tables", "*.parquet")):
        if not any(folder.glob(path)):
            continue  # a job by itself has no report
        # A path is for copying: never broken over two lines.
        console.print(f"{what:8} {escape(str(relative(folder) / path))}", highlight=False, soft_wrap=True)


def _say(console: Console, sentences: Sequence[str], markup: str = "{}") -> None:
    """Print sentences, a line each, inside some markup."""
    for sentence in sentences:
        console.print(markup.format(escape(sentence)), highlight=False)


def _table(title: str | None, padding: int) -> Table:
    """Return a table without columns that has a line below its header alone, and so much space right of a column."""
    title = None if title is None else escape(title)
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, padding, 0, 0))


def depth_table(curve: Curve, by_depth: pl.DataFrame) -> Table:
    """One row per layer: live neurons, how many denote, the controls' share, mean label proportion and folded.

    ``nets`` says how many networks the means are made of, where that is not all of them.
    """
    rotated = by_depth["rotated_share_denoting"].is_not_null().any()
    apart = (by_depth["n_models_with_value"] < by_depth["n_models"]).any()
    columns: list[Column] = [
        ("depth", lambda row: "-" if row["depth"] is None else str(row["depth"])),
        ("layer", lambda row: escape(row["layer"]) + ("*" if row["head"] else "")),
        *whole(n_live="live", n_denoting="denote"),
        *share(share_denoting="share", untrained_share_denoting="untr."),
        *(share(rotated_share_denoting="rot.") if rotated else ()),
        *([("nets", lambda row: f"{row['n_models_with_value']}/{row['n_models']}")] if apart else ()),
        *between("label_proportion", label_proportion_mean="label proportion"),
        *share(folded_mean="folded"),
    ]
    looks: dict[str, dict[str, Any]] = {
        "layer": {"min_width": 10, "overflow": "fold"},
        "label proportion": {"no_wrap": True},
    }
    table = _table(curve.title, padding=0)  # with all columns there is no room for more in 80 letters
    for heading, _ in columns:
        table.add_column(heading, **looks.get(heading, {"justify": "right", "no_wrap": True}))
    head = by_depth.select(is_untested()).to_series()
    for row in by_depth.with_columns(head.alias("head")).sort("depth", nulls_last=True).iter_rows(named=True):
        table.add_row(*(write(row) for _, write in columns))
    return table


def _print_depth_tests(console: Console, tables: Mapping[str, pl.DataFrame]) -> None:
    """The tests that the verdicts rest on, those of single architectures left to the report; then the verdicts."""
    tests = tables["depth_tests"].filter(
        pl.col("role") != "exploratory", pl.col("p_value").is_not_null(), pl.col("trained").fill_null(value=True)
    )
    for _, own in tests.group_by("dataset", "trained", "epoch", "family", maintain_order=True):
        written = depth_tests_sheet(own)
        of, family = written.rows[0][:2]
        table = _table(f"{of}, {family}: does it depend on depth?", padding=1)
        for name in TESTS_SHOWN:
            table.add_column(name, justify="left" if name == "test" else "right")
        for row in written.rows:
            table.add_row(*(escape(row[written.header.index(name)]) for name in TESTS_SHOWN))
        console.print(table)
    _say(console, depth_sentences(tables))


def _caveat(by_depth: pl.DataFrame) -> str:
    text = "share, untr., rot.: share of live neurons, of untrained networks' and of random directions, that denote. "
    text += "* head: drawn, not tested. null: no value, see the table's note. "
    text += "Raw label proportion mostly follows polarity: read the folded column."
    if by_depth["rotated_share_denoting"].is_null().all():
        text += " No rotated control: nothing here shows that single neurons are special."
    return text


def _print_belief(console: Console, tables: Mapping[str, pl.DataFrame], rule: Rule) -> None:
    """Tests made with what chance would give, the null check and the power; nothing where nothing was observed."""
    tests = chance.families(tables, rule)
    if not tests:
        return
    console.print(_words(rule), highlight=False, style="dim")
    table = _table(None, padding=1)
    for heading in tests[0].row:
        table.add_column(heading, justify="left" if heading in ("tests of", "against") else "right")
    for family in tests:
        table.add_row(*map(escape, family.row.values()))
    console.print(table)
    belief = [
        *chance.untested_sentences(tests),
        *chance.chance_sentences(tables),
        *doubts.no_copies_sentences(tables["duplicates"]),
    ]
    _say(console, [*belief, *chance.power_sentences(tables), *chance.apart_sentences(tests)])


def _words(rule: Rule) -> str:
    return (
        f"decisive: an observer reads the attribute ({decisive_rule(rule)}). denotes: one neuron and a threshold do "
        f"({denoting_rule(rule)})."
    )


def _print_jobs(console: Console, jobs: Sequence[Job], sweep: Path) -> None:
    if not jobs:
        return
    console.print(tally(jobs), highlight=False)
    failed = [job for job in jobs if not job.counts]
    for job in failed[:MOST_LISTED]:
        line = f"  [red]{escape(job.status)}[/] {escape(job.name)}: {escape(job.told(sweep))}"
        console.print(line, highlight=False, soft_wrap=True)  # it ends with a path, which is for copying
    if len(failed) > MOST_LISTED:
        console.print(f"  and {len(failed) - MOST_LISTED} more, see status.json", highlight=False)
