"""``denote-report format=[pdf,svg,latex,markdown]``: a folder for a paper, whose numbers are those of the tables."""

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from command_line import Sweep

import denote
from denote.cli import commands as cli
from denote.errors import ConfigError, StoreError
from denote.runs import single
from denote.runs.record import PAGE

ALL = "format=[pdf,svg,latex,markdown]"


@pytest.fixture
def copy(sweep: Sweep, tmp_path: Path) -> Path:
    """A copy of the sweep that may be changed."""
    return Path(shutil.copytree(sweep.folder, tmp_path / "t", ignore=shutil.ignore_patterns("wandb")))


@pytest.fixture(scope="module")
def paper(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper of a copy of the sweep, beside which its results lie."""
    ignored = shutil.ignore_patterns("wandb")
    folder = Path(shutil.copytree(sweep.folder, tmp_path_factory.mktemp("paper") / "t", ignore=ignored))
    assert report(folder, ALL) == 0
    return folder / "sweep" / "paper"


def report(folder: Path, *arguments: str) -> int:
    return cli._command("denote-report", [f"sweep={folder}", *arguments])


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert report(folder, *arguments) == cli.MISTAKE
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def kinds(folder: Path) -> set[str]:
    return {file.suffix for file in folder.iterdir() if file.name != "methods.md"}


def test_every_format_is_there_and_recorded(paper: Path) -> None:
    assert kinds(paper) == {".pdf", ".svg", ".tex", ".md"}
    status = json.loads((paper.parent / "status.json").read_text(encoding="utf-8"))
    assert status["paper"] == {"formats": ["pdf", "svg", "latex", "markdown"], "width": 3.3, "epochs": "last"}
    assert {f"paper/{file.name}" for file in paper.iterdir()} <= status["files"].keys()


def test_figures_of_the_report_are_left_alone(paper: Path, sweep: Sweep) -> None:
    before = {file.name for file in (sweep.folder / "sweep" / "figures").iterdir()}
    assert {file.name for file in (paper.parent / "figures").iterdir()} == before


def test_methods_count_what_the_tables_hold(paper: Path) -> None:
    neurons, cells = (pl.read_parquet(paper.parent / f"{name}.parquet") for name in ("neurons", "cells"))
    page = (paper / "methods.md").read_text(encoding="utf-8")
    rows = pl.read_parquet(paper.parent / "duplicates.parquet").filter(pl.col("part") == "object")["n_part"].max()
    assert f"{rows} rows (object) were for training the networks" in page
    assert "(validation\\_share)" in page
    assert f"{cells['n_test'].max()} other rows (test)" in page
    assert f"this makes {neurons['n_tests'].max():,} tests" in page
    assert "split.seed=0" in page
    assert re.search(r"Versions: denote \d", page)
    for said in ("shuffled", "rotated", "untrained", "raw input"):
        assert f"Control {said}: " in page
    assert "Control control task" not in page
    assert "Held-out AUROC of attributes by depth, mean over networks: digits" in page


def test_a_paper_that_cannot_be_written_leaves_no_page_of_earlier_figures(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(*_: object) -> None:
        raise StoreError("format=pdf", "there is nothing to show")

    job = next(copy.glob("*layer=0-*"))
    assert report(job, "figures=none") == 0
    assert PAGE in json.loads((job / "run.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(single, "_write_paper", nothing)
    assert refused(job, capsys, "format=pdf") == "format=pdf: there is nothing to show"
    assert PAGE not in json.loads((job / "run.json").read_text(encoding="utf-8"))


def test_html_is_the_default_and_writes_a_paper_that_is_there_again(copy: Path, unpainted: None) -> None:
    assert report(copy, "figures=none") == 0
    folder = copy / "sweep" / "paper"
    assert not folder.exists()
    assert report(copy, "format=latex") == 0
    assert kinds(folder) == {".tex"}
    assert report(copy, "format=[markdown]") == 0
    assert kinds(folder) == {".tex", ".md"}
    assert report(copy, "figures=none", "format=html") == 0
    assert kinds(folder) == {".tex", ".md"}


def test_the_names_come_last(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(copy, "format=[markdown]") == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    folder, _, names = last.partition(": ")
    assert Path(folder) == copy / "sweep" / "paper"
    assert names.split(", ") == sorted(file.name for file in Path(folder).iterdir())


def test_of_a_job(copy: Path, unpainted: None) -> None:
    job = next(path.parent for path in sorted(copy.glob("*/run.json")))
    assert report(job, "format=[pdf,latex]", "paper_width=6.75") == 0
    assert kinds(job / "paper") == {".pdf", ".tex"}
    assert json.loads((job / "run.json").read_text(encoding="utf-8"))["paper"]["width"] == 6.75
    assert "1 network of " in (job / "paper" / "methods.md").read_text(encoding="utf-8")


def test_mistakes_are_one_line(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    assert "allowed: html, pdf, svg, latex, markdown" in refused(sweep.folder, capsys, "format=docx")
    assert "the list lacks its ]; allowed: 'format=[pdf]'" in refused(sweep.folder, capsys, "format=[pdf", "latex]")
    assert "did you mean 'latex'?" in refused(sweep.folder, capsys, "format=[latx]")
    assert "a list of html, pdf" in refused(sweep.folder, capsys, "format=[]")
    assert "a list of html, pdf" in refused(sweep.folder, capsys, "format=[pdf,pdf]")
    for unclosed in ("[pdf", "pdf]", "[pdf,svg"):
        assert "the list lacks its" in refused(sweep.folder, capsys, f"format={unclosed}")
    assert "the list lacks its ]" in refused(sweep.folder, capsys, "figure_formats=[png")
    assert "allowed: last, all" in refused(sweep.folder, capsys, "format=pdf", "paper_epochs=first")
    for width in ("0", "wide", "100"):
        assert "paper_width" in refused(sweep.folder, capsys, "format=pdf", f"paper_width={width}")


def test_where_nothing_can_be_shown_nothing_is_changed(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denote.runs.paper.paper_tables", lambda *_: iter(()))
    before = (copy / "sweep" / "status.json").read_bytes()
    assert "there is nothing to show" in refused(copy, capsys, "format=latex")
    assert (copy / "sweep" / "status.json").read_bytes() == before
    assert not (copy / "sweep" / "paper").exists()


def test_a_paper_that_fails_costs_no_merge(
    copy: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a sweep has a paper every merge writes it again; nobody asked for it then."""
    assert report(copy, "figures=none", "format=markdown") == 0
    status = copy / "sweep" / "status.json"
    before = status.stat().st_mtime_ns

    def broken(*_: object) -> str:
        raise ValueError("no room for letters\nat all")

    monkeypatch.setattr("denote.runs.paper.methods", broken)
    assert report(copy, "figures=none") == 0
    now = json.loads(status.read_text(encoding="utf-8"))
    assert status.stat().st_mtime_ns > before
    assert now["paper"] is None
    assert not (copy / "sweep" / "paper").exists()
    assert not any(name.startswith("paper/") for name in now["files"])
    (said,) = [each.getMessage() for each in caplog.records if "paper" in each.getMessage()]
    assert "(ValueError: no room for letters)" in said
    assert "format=[markdown]" in said
    assert "\n" not in said
    monkeypatch.undo()
    assert report(copy, "figures=none", "format=markdown") == 0
    assert (copy / "sweep" / "paper" / "methods.md").is_file()


def test_in_python(sweep: Sweep, tmp_path: Path, unpainted: None) -> None:
    loaded = denote.load(sweep.folder)
    folder = loaded.paper(tmp_path / "new" / "paper", formats=("svg", "latex"))
    assert kinds(folder) == {".svg", ".tex"}
    assert kinds(loaded.paper(folder, formats=["markdown"])) == {".md"}
    job = denote.load(next(path.parent for path in sorted(sweep.folder.glob("*/run.json"))))
    assert kinds(job.paper(tmp_path / "job", formats=["markdown"])) == {".md"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(StoreError, match="would be lost"):
        loaded.paper(tmp_path / "mine")
    for wrong in ({"formats": ["docx"]}, {"formats": []}, {"width": 1}, {"epochs": "first"}):
        with pytest.raises(ConfigError, match="allowed"):
            loaded.paper(tmp_path / "other", **wrong)
