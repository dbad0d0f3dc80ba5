"""Figures may show inputs: where ``report.inputs=false`` removes those, no figure, report or record of them is left."""

from pathlib import Path

import polars as pl
import pytest

from denote.config.report_settings import REPORT, ReportSettings
from denote.digests import FILES, digests_of, write_sealed
from denote.reporting.jobs import FINISHED, Job
from denote.runs.figure_folder import FIGURES
from denote.runs.inputs_again import change_inputs
from denote.runs.merge_status import MERGED, STATUS, WITHHELD, status_of_merge, write_status
from denote.runs.merged_results import _keep
from denote.runs.outcome import Outcome
from denote.runs.record import PAGE, read_record, write_record
from denote.tables import EXAMPLES, INPUTS, empty, read_table, write_table

EXAMPLE = {
    "object_model": "m", "layer": "hidden_1", "pooling": "mean", "neuron": 0, "family": "columns", "probe_seed": 0,
    "property": "x", "kind": "top", "rank": 0, "sample": 3, "activation": 1.0, "has_property": True, "target": None,
}  # fmt: skip
"""Of a data set without classes: the table is the same with inputs and without."""


def with_figures(folder: Path) -> Path:
    (folder / FIGURES).mkdir(parents=True)
    (folder / FIGURES / "examples-hidden_1.png").write_bytes(b"a picture of a user's input")
    write_table(folder, "examples", pl.DataFrame([EXAMPLE], schema=dict(EXAMPLES)))
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = with_figures(tmp_path / "demo" / "seed0")
    write_table(folder, "inputs", empty(INPUTS))
    (folder / "report.html").write_text("a picture of a user's input")
    config = {REPORT: {"inputs": True, "per_job": True}}
    record = {"config": config, REPORT: {"inputs": True}, FIGURES: {"formats": ["png"]}}
    files = digests_of(folder, ["examples.parquet", "inputs.parquet"])
    write_record(folder, {**record, PAGE: digests_of(folder, ["report.html"])["report.html"], FILES: files})
    return folder


def withhold(job: Path) -> None:
    change_inputs(job, ReportSettings(inputs=False), lambda: pytest.fail("no data is needed"), in_sweep=False)


def test_a_job_without_inputs_promises_no_page_and_has_no_figure(job: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = read_table(job, "examples")
    withhold(job)
    record = read_record(job) or {}
    assert PAGE not in record
    assert record[REPORT] == {"inputs": False}
    assert not (job / "report.html").exists()
    assert not (job / FIGURES).exists()
    assert read_table(job, "examples").equals(before)
    assert sum("report.inputs changed" in line for line in caplog.messages) == 1


def test_figures_of_a_sweep_go_with_the_inputs_of_a_job(job: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They went by the tables alone, which do not tell."""
    sweep = Outcome(job.parent, [Job(job.name, FINISHED)])
    place = with_figures(sweep.folder / MERGED)
    write_status(sweep, place, "", drawn={"formats": ["png"]})
    fresh = [sweep.folder / name for name in ("same", "without", "still")]
    for folder in fresh:
        folder.mkdir()
        write_table(folder, "examples", read_table(place, "examples"))
    (kept,) = _keep(sweep, fresh[0], status_of_merge(sweep))
    assert kept.path.parent == fresh[0] / FIGURES
    withhold(job)
    assert _keep(sweep, fresh[1], status_of_merge(sweep)) == []
    assert not (fresh[1] / FIGURES).exists()
    assert caplog.messages[-1].startswith("demo: report.inputs changed")
    write_status(sweep, place, "", drawn={"formats": ["png"]})
    assert status_of_merge(sweep)[WITHHELD] == [job.name]
    assert _keep(sweep, fresh[2], status_of_merge(sweep))


def test_a_status_that_does_not_know_whose_inputs_it_shows_shows_none(job: Path) -> None:
    """One of before, or one that was damaged."""
    sweep = Outcome(job.parent, [Job(job.name, FINISHED)])
    place = with_figures(sweep.folder / MERGED)
    write_sealed(place / STATUS, {"sweep": "demo"})
    withhold(job)
    (sweep.folder / "fresh").mkdir()
    assert _keep(sweep, sweep.folder / "fresh", status_of_merge(sweep)) == []
