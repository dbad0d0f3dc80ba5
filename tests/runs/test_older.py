"""Results of an older schema: they load and report, they are told apart, and they are never mixed with today's."""

import json
import logging
import shutil
from pathlib import Path

import polars as pl
import pytest

import denote
from denote.api.results import ObservationResult, SweepResult
from denote.config.keys import SCHEMA
from denote.evidence.rule import Rule
from denote.files import write_json
from denote.reporting.cards import cell_cards, neuron_cards
from denote.runs.outcome import statuses
from denote.runs.record import older_in_store, read_record, schema_of, schemas_in_store, write_record
from denote.runs.sweep import report_sweep
from denote.tables import SWEEP_TABLES

FIXTURE = Path(__file__).parent / "sweep_of_schema_4"
"""A sweep of two small networks on the digits, as denote wrote it under schema 4; without figures and report."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "old"))


def test_an_old_sweep_loads_and_says_what_it_lacks(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        sweep = denote.load(old)
    assert isinstance(sweep, SweepResult)
    assert set(sweep.tables) == set(SWEEP_TABLES)
    assert len(sweep.neurons) == 136
    assert sweep.tables["depth_parts"].is_empty()
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"denote-report sweep={old}" in line
    verdicts = sweep.depth_analysis().verdicts
    assert set(verdicts["verdict"]) == {"none: too few networks"}


def test_cards_of_an_old_sweep_are_those_it_stored(old: Path) -> None:
    sweep = denote.load(old)
    assert "card" not in {*sweep.cells.columns, *sweep.neurons.columns, *sweep.controls.columns}
    cells, neurons = (pl.read_parquet(old / "sweep" / f"{name}.parquet") for name in ("cells", "neurons"))
    assert cell_cards(sweep.cells, Rule())["card"].to_list() == cells["card"].to_list()
    assert neuron_cards(sweep.neurons)["card"].to_list() == neurons["card"].to_list()
    assert len(sweep.cards()) == cells["decisive"].sum() + neurons["denotes"].sum()


def test_an_old_job_loads(old: Path) -> None:
    seen = denote.load(old / "seed0")
    assert isinstance(seen, ObservationResult)
    assert seen.weights("hidden_1").shape == (8, 2)
    assert seen.depth_analysis().by_model["object_model"].n_unique() == 1


@pytest.mark.usefixtures("unpainted")
def test_an_old_sweep_reports_by_todays_analysis(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = denote.load(old).tables["cells"]
    report_sweep(old)
    said = " ".join(capsys.readouterr().out.split())
    assert "6" in said[said.index("Depth") :]  # networks that a verdict takes
    assert "not testable" not in said
    sweep = denote.load(old)
    assert isinstance(sweep, SweepResult)
    assert sweep.tables["depth_description"].height == 2
    kept = ["object_model", "layer", "attribute", "auroc", "q_value", "decisive"]
    assert sweep.cells.select(kept).equals(before.select(kept))


@pytest.mark.usefixtures("unpainted")
def test_jobs_of_another_schema_are_not_merged_with_todays(old: Path) -> None:
    """Under another schema equal settings have another key: merged, one network would be counted as two."""
    today = Path(shutil.copytree(old / "seed0", old / "today"))
    record = read_record(today)
    assert record is not None
    assert schema_of(record) == 4
    write_record(today, {**record, "schema": SCHEMA})
    jobs = {job.name: job for job in statuses(old)}
    assert [name for name, job in jobs.items() if job.counts] == ["today"]
    assert jobs["seed1"].status == "older"
    assert not jobs["seed1"].failed
    assert "of schema 4" in jobs["seed1"].reason
    report_sweep(old)
    neurons = pl.read_parquet(old / "sweep" / "neurons.parquet")
    assert neurons["object_model"].n_unique() == 1


def test_a_store_of_another_schema_is_told_apart_in_one_line(tmp_path: Path) -> None:
    assert older_in_store(tmp_path) is None
    for number, schema in enumerate((4, 4, SCHEMA)):
        write_json(tmp_path / "models" / str(number) / "model.json", {"spec": {"schema": schema}})
        write_json(tmp_path / "states" / str(number) / "manifest.json", {"origin": {"schema": schema}})
    (tmp_path / "states" / "broken").mkdir()
    (tmp_path / "states" / "broken" / "manifest.json").write_text("{")
    assert schemas_in_store(tmp_path) == {4: 4, SCHEMA: 2}
    said = older_in_store(tmp_path)
    assert said is not None
    assert "\n" not in said
    assert "4 folders of schema 4" in said
    assert f"reads schema {SCHEMA}" in said
    for path in tmp_path.rglob("*.json"):
        if path.parent.name != "broken":
            content = json.loads(path.read_text())
            next(iter(content.values()))["schema"] = SCHEMA
            write_json(path, content)
    assert older_in_store(tmp_path) is None
