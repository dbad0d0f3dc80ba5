"""Verdict, tests and their limits as they are read."""

from __future__ import annotations

import io

import polars as pl
import pytest
from rich.console import Console
from synthetic_tables import all_tables, empty_tables

from denote.evidence.rule import Rule
from denote.numbers import proportion
from denote.reporting.depth_tests import depth_tests_sheet, verdict_sentences
from denote.reporting.report import sections
from denote.reporting.terminal import _print_depth_tests


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return all_tables(seeds=8)


def printed(tables: dict[str, pl.DataFrame], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    _print_depth_tests(console, tables)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_verdict_is_told_with_its_numbers(tables: dict[str, pl.DataFrame]) -> None:
    row = tables["depth_verdicts"].row(0, named=True)
    said = verdict_sentences(tables)
    assert f"Verdict: {row['verdict']} (primary p = " in said[0]
    assert "8 object models; planned" in said[0]
    exploratory = tables | {"depth_verdicts": tables["depth_verdicts"].with_columns(planned=pl.lit(False))}
    assert "8 object models; exploratory" in verdict_sentences(exploratory)[0]
    assert "TPR = TNR = .98" in said[-1]
    assert verdict_sentences(empty_tables()) == []


def test_polarity_is_the_correlation_over_hidden_layers(tables: dict[str, pl.DataFrame]) -> None:
    hidden = tables["label_proportion_by_model"].filter(pl.col("relative_depth") < 1).drop_nulls("label_proportion")
    r = hidden.select(pl.corr("label_proportion", "on_proportion")).item()
    assert f"r = {proportion(r)}" in verdict_sentences(tables)[1]
    assert f"over {len(hidden)} pairs of network and layer" in verdict_sentences(tables)[1]


def test_why_nothing_could_be_shown_is_told() -> None:
    few = all_tables(seeds=3)
    assert "not testable with 3 models" in verdict_sentences(few)[0]


def test_the_tests_fit_a_terminal_of_80_columns(tables: dict[str, pl.DataFrame]) -> None:
    said = printed(tables)
    for test in ("folded - rotated", "folded", "unfolded", "share - rotated"):
        assert f"flips of {test} " in said
    assert "…" not in said
    assert "mnist, epoch 20, family 'subsets'" in said
    untrained = tables | {
        name: tables[name].with_columns(trained=pl.lit(False))
        for name in ("depth_tests", "depth_verdicts", "label_proportion_by_model")
    }
    assert printed(untrained) == ""


def test_the_report_holds_every_test(tables: dict[str, pl.DataFrame]) -> None:
    tests = tables["depth_tests"]
    sheet = depth_tests_sheet(tests)
    assert len(sheet.rows) == len(tests)
    assert sheet in sections(tables, [], Rule())[0].sheets
    assert [row[sheet.header.index("testable")] for row in sheet.rows] == [
        "yes" if testable else "no" for testable in tests["testable"]
    ]
