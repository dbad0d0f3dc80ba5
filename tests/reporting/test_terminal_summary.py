"""After a run a terminal shows at most 14 lines of 100 columns; a narrower one wraps them and cuts nothing."""

from io import StringIO
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic
from rich.console import Console

from denote.reporting.answer import answer
from denote.reporting.jobs import Job
from denote.reporting.terminal import print_summary


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return synthetic.all_tables(2, 4, 16)


def summary(tables: dict[str, pl.DataFrame], width: int = 100, **more: object) -> str:
    out = StringIO()
    print_summary(tables, console=Console(file=out, width=width), **({"folder": Path("sweep")} | more))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_every_word_is_there_at_any_width(tables: dict[str, pl.DataFrame], width: int) -> None:
    said = summary(tables, width)
    lines = said.splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    assert len(lines) <= 14 or width < 80
    blocks = answer(tables, folder=Path("sweep"), width=min(max(width, 80), 100)).blocks
    assert " ".join(said.split()) == " ".join(" ".join([b.question, *b.lines]) for b in blocks)
    assert "\x1b" not in said


def test_a_remark_comes_first_and_takes_one_of_the_lines(tables: dict[str, pl.DataFrame]) -> None:
    lines = summary(tables, remark="Nothing to do: 2 of 2 jobs were finished before and are merged.").splitlines()
    assert lines[0].startswith("Nothing to do")
    assert len(lines) <= 14


def test_what_is_doubtful_is_coloured_and_brackets_survive(tables: dict[str, pl.DataFrame]) -> None:
    loud = tables | {"null_check": synthetic.null_check_table(alarm=True)}
    out = StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system="standard")
    print_summary(loud, console=console, folder=Path("sweep"))
    assert "\x1b[1;31mNull check: 7 of 20" in out.getvalue()
    said = summary(tables, jobs=[Job("fine", "finished"), Job("x", "failed", "layer.select: no layer '[bold]'")])
    assert "1 of 2 jobs is missing: failed (layer.select: no layer '[bold]')." in " ".join(said.split())


def test_everything_is_shown_before_the_answer_where_it_is_asked_for(tables: dict[str, pl.DataFrame]) -> None:
    short, every = summary(tables), summary(tables, verbose=True)
    assert every.endswith(f"\n\n{short}")
    assert "Power of the neurons" in every
    assert "tests of" in every


def test_a_path_is_for_copying_and_stays_whole(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "multirun" / ("long " * 30).strip().replace(" ", "-") / "sweep"
    folder.mkdir(parents=True)
    (folder / "report.html").touch()
    monkeypatch.chdir(tmp_path)
    shown = summary(tables, folder=folder)
    lines = shown.splitlines()
    assert lines[lines.index("Next") + 1] == str((folder / "report.html").relative_to(tmp_path))
    assert len(lines) <= 14
    assert str(tmp_path) not in shown
