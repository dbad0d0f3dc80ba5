"""All tables and sentences (verbose=true) fit 80 columns and take no markup from names."""

from io import StringIO
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic
from rich.console import Console

from denote.evidence.rule import Rule
from denote.reporting.everything import print_everything
from denote.reporting.jobs import Job, tally


def summary(tables: dict[str, pl.DataFrame], **kwargs: object) -> str:
    out = StringIO()
    print_everything(tables, console=Console(file=out, width=80), **({"folder": Path("sweep")} | kwargs))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return synthetic.all_tables(3, 9, 16)


def test_each_layer_has_its_line_with_its_numbers(tables: dict[str, pl.DataFrame]) -> None:
    lines = summary(tables).splitlines()
    for row in tables["label_proportion_by_depth"].iter_rows(named=True):
        line = next(x.split() for x in lines if x.split()[:1] == [str(row["depth"])] and row["layer"] in x)
        assert line[2:4] == [str(row["n_live"]), str(row["n_denoting"])]
        assert ("null" in line) == (row["label_proportion_mean"] is None)
    assert any("logits*" in line for line in lines)


def test_it_fits_and_is_plain_in_a_pipe(tables: dict[str, pl.DataFrame]) -> None:
    said = summary(tables, jobs=[Job("a", "finished")])
    assert max(map(len, said.splitlines())) <= 80
    assert "\x1b" not in said


def test_no_column_is_cut_off_where_all_are_there(tables: dict[str, pl.DataFrame]) -> None:
    """Controls were run, networks have no value at some layers, counts are large, intervals long and all known."""
    numbers = {
        "n_live": 12_345, "n_denoting": 1_234, "n_models": 12, "n_models_with_value": 11, "share_denoting": 1.0,
        "untrained_share_denoting": 0.0, "rotated_share_denoting": 1.0, "label_proportion_mean": 0.9999,
        "label_proportion_low": 0.9, "label_proportion_high": 1.0, "folded_mean": 0.25,
    }  # fmt: skip
    by_depth = tables["label_proportion_by_depth"].with_columns(pl.lit(v).alias(name) for name, v in numbers.items())
    lines = summary({**tables, "label_proportion_by_depth": by_depth}).splitlines()
    rows = [line for line in lines if "12,345" in line]
    assert len(rows) == len(by_depth)
    assert all(line.rstrip().endswith(".25") and "11/12" in line and ">.99 [.90, 1.00]" in line for line in rows)
    assert any(line.split()[-3:] == ["label", "proportion", "folded"] for line in lines)


def test_failed_jobs_carry_their_reason_and_brackets_survive(tables: dict[str, pl.DataFrame]) -> None:
    jobs = [Job("fine", "finished"), Job("mlp[red]x", "failed", "layer.select: no layer '[bold]'; allowed: blocks.0")]
    said = summary(tables, jobs=jobs, warnings=["object model [0] is at chance"])
    assert "2 jobs: 1 finished, 1 failed" in said
    assert "mlp[red]x: layer.select: no layer '[bold]'" in said
    assert "object model [0] is at chance" in said
    assert tally([]) == "0 jobs: none"
    redone = [Job("a", "finished"), Job("b", "finished"), Job("b (again)", "failed", again=True)]
    assert tally(redone) == "2 jobs: 2 finished; made again: 1 failed"


def test_paths_are_relative_to_where_the_user_is(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "multirun" / "demo" / "sweep"
    folder.mkdir(parents=True)
    assert "report.html" not in summary(tables, folder=folder)
    (folder / "report.html").touch()
    shown = summary(tables, folder=folder)
    assert "multirun/demo/sweep/report.html" in shown
    assert str(tmp_path) not in shown


def test_empty_tables_are_no_crash(tables: dict[str, pl.DataFrame]) -> None:
    assert "Nothing was observed" in summary({name: frame.clear() for name, frame in tables.items()})


def test_tests_made_are_printed_beside_what_chance_gives(tables: dict[str, pl.DataFrame]) -> None:
    said = summary(tables, rule=Rule(null=0.85))
    row = next(line.split() for line in said.splitlines() if line.startswith(" cells"))
    n = tables["cells"]["p_value"].drop_nulls().len()
    assert row[1:5] == ["guessing", str(n), str(n), f"({0.05 * n:.0f})"]
    assert row[-1] == str(tables["cells"]["decisive"].sum())
    assert "no alarm" in said
    assert "tested against .85" in said
    assert "could not have been found decisive" in " ".join(said.split())


def test_decisive_attributes_stand_with_the_layer_and_without_a_number_of_another(
    tables: dict[str, pl.DataFrame],
) -> None:
    said = " ".join(summary(tables).split())
    assert "linear probe: 5 of 6 attributes become decisive at a hidden layer" in said


def test_an_alarm_is_bold_and_cannot_be_overlooked(tables: dict[str, pl.DataFrame]) -> None:
    assert "ALARM" not in summary(tables)
    loud = tables | {"null_check": synthetic.null_check_table(alarm=True)}
    assert "ALARM: Null check: 7 of 20" in summary(loud)
    out = StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system="standard")
    print_everything(loud, console=console, folder=Path("sweep"))
    assert "\x1b[1;31mALARM: Null check: 7 of 20" in out.getvalue()
