"""What makes every number doubtful comes first, in the same words wherever findings are shown."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic
from rich.console import Console

from denote.data.trained_on import UNKNOWN
from denote.reporting.answer import answer
from denote.reporting.answer.doubts import CHECKS
from denote.reporting.everything import print_everything
from denote.reporting.findings import copies_sentences, copies_sheet, doubts, no_copies_sentences, shares
from denote.reporting.report import Report
from denote.tables import DUPLICATES, table


def row(kind: str, part: str, other: str, n_rows: int, n_part: int = 500, **more: object) -> dict[str, object]:
    known = {"dataset": "digits", "of": "inputs", "kind": kind, "part": part, "other": other, "n_part": n_part}
    return {**known, "n_rows": n_rows, "share": n_rows / n_part, "n_examined": n_part, **more}


@pytest.fixture
def tables() -> dict[str, pl.DataFrame]:
    found = synthetic.all_tables(2, 4, 8)
    copies = [row("exact", "fit", "object", 2), row("exact", "test", "fit", 1), row("near", "test", "test", 470),
              row("near", "test", "fit", 0)]  # fmt: skip
    return found | {
        "cells": found["cells"].with_columns(trained_on=pl.lit(UNKNOWN)),
        "duplicates": table(copies, DUPLICATES),
    }


def test_copies_are_told_with_their_numbers_test_first(tables: dict[str, pl.DataFrame]) -> None:
    (said,) = copies_sentences(tables["duplicates"])
    assert said.startswith(
        "Copies of rows in digits: 1 of 500 test rows (.002) equals a row of fit; 2 of 500 fit rows (.004) equal a row "
        "of object; 470 of 500 test rows (.940) nearly equal another one. Copies are no independent evidence"
    )
    assert "split.group=COLUMN" in said
    assert "groups=" in said


def test_a_quick_level_says_what_it_left_out_and_that_what_was_asked_for_was_made(
    tables: dict[str, pl.DataFrame],
) -> None:
    bare = dict(tables, null_check=tables["null_check"].clear())
    for name in ("cells", "neurons", "layers"):
        nothing = [pl.lit(None, tables[name].schema[column]).alias(column) for column in CHECKS.get(name, [])]
        bare[name] = tables[name].with_columns(
            *nothing, evidence_level=pl.lit("quick"), note_codes=pl.lit("left_out_by_level")
        )
    said = [doubt.text for doubt in answer(bare).doubts]
    assert "evidence=quick made no controls, permutations or second searches: evidence=standard adds them." in said
    asked = bare | {"neurons": bare["neurons"].with_columns(rotated_share=pl.lit(0.2))}
    assert any("second searches but those asked for: " in doubt.text for doubt in answer(asked).doubts)


def test_of_jobs_that_dealt_rows_otherwise_the_worst_is_told(tables: dict[str, pl.DataFrame]) -> None:
    other = table([row("exact", "test", "fit", 30, 400)], DUPLICATES)
    (said,) = copies_sentences(pl.concat([tables["duplicates"], other]))
    assert "30 of 400 test rows (.075)" in said
    assert "1 of 500" not in said


def test_without_copies_it_is_said_that_there_are_none_and_what_was_not_looked_at() -> None:
    found = table(
        [row("exact", "test", "fit", 0), row("near", "test", "fit", 0, note="not looked for: token ids")], DUPLICATES
    )
    assert copies_sentences(found) == []
    assert no_copies_sentences(found) == [
        "Copies of rows in digits: none beyond chance, exact or near (not looked for: token ids)."
    ]
    assert copies_sentences(table([], DUPLICATES)) == no_copies_sentences(table([], DUPLICATES)) == []


def test_they_come_first_in_report_and_terminal(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    first = doubts(tables)
    assert "is unknown; on its own training rows noise denotes" in first[0]
    assert first[1].startswith("Copies of rows")
    html = Report(title="t", status=[], tables=tables, figures=[]).write(tmp_path).read_text(encoding="utf-8")
    places = [
        html.index(text) for text in ("on its own training rows noise denotes", "Copies of rows in digits", "live;")
    ]
    assert places == sorted(places)
    assert "with a copy in" in html
    out = io.StringIO()
    print_everything(tables, folder=tmp_path, console=Console(file=out, width=10_000))
    lines = out.getvalue().splitlines()
    assert lines[0] == f"warning: {first[0]}"
    assert lines[1] == f"warning: {first[1]}"


def test_runs_are_compared_by_shares(tables: dict[str, pl.DataFrame]) -> None:
    found = shares(tables["duplicates"])
    assert found["copies/near/test-test"] == 0.94
    assert found["copies/near/test-fit"] == 0
    assert len(copies_sheet(tables["duplicates"]).rows) == 4
