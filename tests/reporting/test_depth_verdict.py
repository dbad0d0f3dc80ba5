"""Verdict, tests and their limits as they are read."""

from __future__ import annotations

import io

import polars as pl
import pytest
from rich.console import Console
from synthetic_tables import all_tables, empty_tables

from denote.evidence.rule import Rule
from denote.numbers import proportion
from denote.reporting.depth_course import depth_sentences, depth_tests_sheet
from denote.reporting.everything import _print_depth_tests
from denote.reporting.page.evidence import sections


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return all_tables(seeds=8)


def printed(tables: dict[str, pl.DataFrame], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    _print_depth_tests(console, tables)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_verdict_is_told_with_its_numbers(tables: dict[str, pl.DataFrame]) -> None:
    row = tables["depth_verdicts"].row(0, named=True)
    said = " ".join(depth_sentences(tables))
    assert f"Verdict: {row['verdict']} (primary p = " in said
    assert "8 networks; planned" in said
    exploratory = tables | {"depth_verdicts": tables["depth_verdicts"].with_columns(planned=pl.lit(False))}
    assert "8 networks; exploratory" in " ".join(depth_sentences(exploratory))
    assert "TPR = TNR = .98" in depth_sentences(tables)[-1]
    assert depth_sentences(empty_tables()) == []


def test_polarity_is_the_correlation_over_hidden_layers(tables: dict[str, pl.DataFrame]) -> None:
    hidden = tables["label_proportion_by_model"].filter(pl.col("relative_depth") < 1).drop_nulls("label_proportion")
    r = hidden.select(pl.corr("label_proportion", "on_proportion")).item()
    (said,) = (sentence for sentence in depth_sentences(tables) if "correlates by" in sentence)
    assert f"r = {proportion(r)}" in said
    assert f"over {len(hidden)} pairs of network and layer" in said


def test_too_few_networks_is_said_first_and_nothing_is_called_untestable() -> None:
    said = depth_sentences(all_tables(seeds=3))
    assert "a verdict on depth needs 6 networks or more of one architecture; this sweep has 3" in said[0]
    assert "(3 networks; not compared, too few networks have a value: blocks.0, blocks.1)" in said[1]
    assert "(a description: no test)" in said[3]
    whole = " ".join(said)
    assert "not testable" not in whole
    assert "Verdict" not in whole


def test_the_tests_fit_a_terminal_of_80_columns(tables: dict[str, pl.DataFrame]) -> None:
    said = printed(tables)
    for test in ("folded - rotated", "folded", "unfolded", "share - rotated"):
        assert f"flips of {test} " in said
    assert "…" not in said
    assert "mnist, epoch 20, sets of classes" in said
    untrained = tables | {
        name: tables[name].with_columns(trained=pl.lit(False))
        for name in (
            "depth_description",
            "depth_parts",
            "depth_tests",
            "depth_verdicts",
            "label_proportion_by_model",
        )
    }
    assert printed(untrained) == ""


def test_the_report_holds_every_test(tables: dict[str, pl.DataFrame]) -> None:
    tests = tables["depth_tests"]
    sheet = depth_tests_sheet(tests)
    assert len(sheet.rows) == len(tests)
    assert any(sheet in section.sheets for section in sections(tables, [], Rule()))
    assert [row[sheet.header.index("testable")] for row in sheet.rows] == [
        "yes" if testable else "no" for testable in tests["testable"]
    ]
