"""Formats of figures add up, and ``figures=none`` leaves those that still show the tables beside them."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from command_line import Command

from denote.cli import commands as cli

SMALL = (
    "architecture.layers=1", "architecture.width=8", "trainer.max_epochs=2", "trainer.progress=false", "logger=none",
    "attribute=odd", "probe=linear", "evidence=quick", "evidence.bootstraps=20",
)  # fmt: skip


def kinds(results: Path) -> set[str]:
    return {path.suffix for path in (results / "figures").iterdir()}


def stamps(results: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (results / "figures").iterdir() if path.suffix != ".csv"}


def report(folder: Path, *arguments: str) -> None:
    assert cli._command("denote-report", [f"sweep={folder}", *arguments]) == 0


def drawn(results: Path, record: str) -> set[str]:
    """The formats that a record says there are."""
    return set(json.loads((results / record).read_text(encoding="utf-8"))["figures"]["formats"])


def test_of_a_sweep(denote: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ("-m", *SMALL, "sweep_name=kept")
    assert denote(*sweep, "seed=0").code == 0
    folder = tmp_path / "multirun" / "kept"
    results = folder / "sweep"
    assert kinds(results) == {".png", ".csv"}
    report(folder, "figure_formats=[svg]")
    report(folder, "figure_formats=[pdf]")
    assert kinds(results) == {".png", ".svg", ".pdf", ".csv"}
    before, whole = stamps(results), (results / "report.html").read_text(encoding="utf-8")

    assert denote(*sweep, "seed=0", "figures=none").code == 0
    report(folder, "figures=none")  # the tables are the same
    assert stamps(results).keys() == before.keys()
    assert drawn(results, "status.json") == {"png", "svg", "pdf"}
    again = (results / "report.html").read_text(encoding="utf-8")
    captions = json.loads((results / "status.json").read_text(encoding="utf-8"))["figures"]["captions"]
    assert again.count('href="figures/') == whole.count('href="figures/') == len(captions) > 0
    assert all((results / "figures" / f"{name}.png").is_file() for name in captions)
    assert "figures=none" not in capsys.readouterr().out
    assert denote(*sweep, "seed=0").out.startswith("Nothing to do")

    assert denote(*sweep, "seed=0,1").code == 0  # drawn anew, in all formats
    assert kinds(results) == {".png", ".svg", ".pdf", ".csv"}
    assert all(when > before[name] for name, when in stamps(results).items() if name in before)

    gone = denote(*sweep, "seed=0,1,2", "figures=none", "report.per_job=true")
    assert gone.code == 0
    page = (results / "report.html").read_text(encoding="utf-8")
    jobs = [path.parent for path in folder.glob("*/run.json")]
    assert len(jobs) == 3
    assert all(f'href="../{quote(job.name)}/report.html"' in page for job in jobs)
    assert all('href="../sweep/report.html"' in (job / "report.html").read_text(encoding="utf-8") for job in jobs)
    assert not (results / "figures").exists()
    assert gone.out.count("the tables changed") == 1
    assert "To draw them: denote-report" in (results / "report.html").read_text(encoding="utf-8")


def test_of_a_job(denote: Command, tmp_path: Path) -> None:
    assert denote(*SMALL, "figure_formats=[svg]").code == 0
    (job,) = (tmp_path / "multirun" / "single").iterdir()
    report(job, "figure_formats=[pdf]")
    every = {".png", ".svg", ".pdf", ".csv"}
    assert kinds(job) == every
    before = stamps(job)
    report(job, "figures=none")
    page = job / "report.html"
    assert 'href="figures/' in page.read_text(encoding="utf-8")
    page.write_text("damaged")
    assert denote(*SMALL, "figures=none").code == 0
    assert page.stat().st_size > 10_000
    assert denote(*SMALL, "figures=none", "on_existing=redo").code == 0  # finds the same
    assert stamps(job) == before
    assert drawn(job, "run.json") == {"png", "svg", "pdf"}
    report(job, "format=markdown")
    assert (job / "paper" / "methods.md").is_file()
    assert denote(*SMALL, "on_existing=redo").code == 0
    assert not (job / "paper").exists()
    assert kinds(job) == every
    assert all(when > before[name] for name, when in stamps(job).items())

    more = (*SMALL, "evidence.permutations=200")
    gone = denote(*more, "figures=none")
    assert gone.code == 0
    assert not (job / "figures").exists()
    assert gone.out.count("the tables changed") == 1
    assert json.loads((job / "run.json").read_text(encoding="utf-8"))["figures"] is None
    assert denote(*more).code == 0
    assert kinds(job) == {".png", ".csv"}
