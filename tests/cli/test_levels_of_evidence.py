"""A quick job becomes a standard one in its folder, and its results are those of a standard job from the start."""

import json
from pathlib import Path

import polars as pl
import pytest
from command_line import Command
from polars.testing import assert_frame_equal

from denote import load
from denote.observation.result import Observation
from denote.runs.outcome import statuses
from denote.runs.single import report_job
from denote.tables import JOB_TABLES, SWEEP_TABLES, has_tables, read_tables, says

SMALL = (
    "architecture.layers=1", "architecture.width=8", "trainer.max_epochs=2", "trainer.progress=false", "logger=none",
    "attribute=odd", "probe=linear", "evidence.bootstraps=20", "figures=none",
)  # fmt: skip


def record_of(job: Path) -> dict[str, object]:
    return dict(json.loads((job / "run.json").read_text(encoding="utf-8")))


def test_a_job_is_upgraded(denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = denote(*SMALL, "evidence=quick")
    assert quick.code == 0, quick
    assert "evidence=standard adds them" in " ".join(quick.out.split())
    assert len(quick.out[quick.out.index("Observed") :].splitlines()) <= 14
    (job,) = (tmp_path / "multirun" / "single").iterdir()
    first, found = record_of(job), read_tables(job, JOB_TABLES)
    assert first["evidence_level"] == "quick"
    assert set(found["cells"]["evidence_level"]) == {"quick"}
    assert found["cells"].select(says("left_out_by_level").all()).item()
    assert found["controls"].is_empty()
    assert found["cells"]["auroc_low"].null_count() == 0
    assert found["cells"].select("selectivity", "untrained_auroc", "input_auroc").null_count().sum_horizontal().item()

    # An upgrade that fails leaves what was there.
    def failing(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Observation, "write", failing)
        assert denote(*SMALL).code != 0
    assert record_of(job)["status"] == "finished"
    assert record_of(job)["evidence_level"] == "quick"
    assert_frame_equal(read_tables(job, JOB_TABLES)["cells"], found["cells"])

    for refused in (denote(*SMALL, "on_existing=fail"), denote("-m", *SMALL, "on_existing=fail", "sweep_name=single")):
        assert refused.code == 2
        assert (
            "is finished at evidence=quick; allowed: on_existing=skip, which adds what evidence=standard" in refused.err
        )

    assert denote(*SMALL).code == 0
    assert [folder.name for folder in (tmp_path / "multirun" / "single").iterdir()] == [job.name]
    assert not list(job.glob("*.new"))
    upgraded = read_tables(job, JOB_TABLES)
    assert record_of(job)["evidence_level"] == "standard"
    assert not upgraded["cells"].select(says("left_out_by_level").any()).item()

    again = denote(*SMALL, "evidence=quick")
    assert again.code == 0
    assert_frame_equal(read_tables(job, JOB_TABLES)["cells"], upgraded["cells"])
    assert record_of(job)["evidence_level"] == "standard"

    assert denote(*SMALL, "store.path=elsewhere", "hydra.run.dir=scratch").code == 0
    scratch = tmp_path / "scratch"
    for name, frame in read_tables(scratch, JOB_TABLES).items():
        assert_frame_equal(frame, upgraded[name], check_exact=True)
    assert (scratch / "observers.safetensors").read_bytes() == (job / "observers.safetensors").read_bytes()
    assert load(job).tables["layers"]["evidence_level"].unique().to_list() == ["standard"]


def test_a_merge_of_mixed_levels_says_so(denote: Command, tmp_path: Path) -> None:
    sweep = (*SMALL, "sweep_name=mixed", "control=[shuffled]", "control.shuffled.draws=2")
    assert denote("-m", *sweep, "seed=0,1", "evidence=quick").code == 0
    status = tmp_path / "multirun" / "mixed" / "sweep" / "status.json"
    assert json.loads(status.read_text(encoding="utf-8"))["evidence"] == "quick"
    mixed = denote("-m", *sweep, "seed=1", "evidence=quick,standard")
    assert mixed.code == 0
    assert "Levels of evidence are mixed" in mixed.out
    assert "evidence=standard for all of them adds what some lack" in " ".join(mixed.out.split())
    found = json.loads(status.read_text(encoding="utf-8"))
    assert found["evidence"] == "quick, standard"
    assert sorted(job["evidence"] for job in found["jobs"]) == ["quick", "standard"]
    assert "Levels of evidence are mixed" in (status.parent / "report.html").read_text(encoding="utf-8")
    cells = pl.read_parquet(status.parent / "cells.parquet")
    assert set(cells.select("seed", "evidence_level").unique().rows()) == {(0, "quick"), (1, "standard")}
    assert cells["n_tests"].unique().to_list() == [cells["p_value"].count()]


FEW = ("control=[shuffled]", "control.shuffled.draws=2")


def test_what_is_typed_on_top_of_a_level_is_made(denote: Command, tmp_path: Path) -> None:
    assert denote(*SMALL, *FEW, "evidence=quick").code == 0
    (job,) = (tmp_path / "multirun" / "single").iterdir()
    assert read_tables(job, JOB_TABLES)["scan"]["max_p_value"].null_count() > 0
    assert denote(*SMALL, *FEW, "evidence=quick", "evidence.permutations=200").code == 0
    assert read_tables(job, JOB_TABLES)["scan"]["max_p_value"].null_count() == 0
    ended = record_of(job)["ended"]
    assert denote(*SMALL, *FEW, "evidence=quick").code == 0
    assert record_of(job)["ended"] == ended


def test_an_upgrade_in_a_sweep_that_fails_is_a_failure_and_keeps_what_was_there(
    denote: Command, tmp_path: Path
) -> None:
    sweep = (*SMALL, *FEW, "sweep_name=up", "seed=0")
    assert denote("-m", *sweep, "evidence=quick").code == 0
    job = next((tmp_path / "multirun" / "up").glob("*/run.json")).parent
    report_job(job, {"figures": "none"})  # adds the tables of a sweep
    failing = denote("-m", *sweep, "memory_limit=10KiB")
    assert failing.code == 1, failing
    assert "Nothing to do" not in failing.out
    status = json.loads((job.parent / "sweep" / "status.json").read_text(encoding="utf-8"))
    assert sorted(entry["status"] for entry in status["jobs"]) == ["failed", "finished"]
    reason = next(entry["reason"] for entry in status["jobs"] if entry["status"] == "failed")
    assert "memory_limit" in reason
    assert "earlier results stay" in reason
    assert record_of(job)["evidence_level"] == "quick"
    assert denote("-m", *sweep, "evidence=quick").code == 0  # what this asks for is there

    assert denote("-m", *sweep).code == 0
    assert record_of(job)["evidence_level"] == "standard"
    assert not has_tables(job, SWEEP_TABLES)  # those of the quick results are gone
    assert len(statuses(job.parent)) == 1

    assert not (job / "figures").exists()
    assert denote("-m", *sweep, "figures=all").code == 0  # of a job that is finished, too
    assert list((job / "figures").glob("*.png"))
