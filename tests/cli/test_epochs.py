"""Training as an axis: epochs of a sweep come from one training, and are those that separate trainings would end in."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import TINY, Command
from polars.testing import assert_frame_equal
from safetensors.numpy import load_file

from denote.cli import commands as cli
from denote.object_models import training
from denote.object_models.spec import ModelSpec

OBSERVED = [
    *TINY, "probe=neuron", "attribute=classes", "layer=first", "logger=none",
    "evidence.examples=0", "evidence.stability=false", "evidence.randomisation=false",
]  # fmt: skip
QUIET = [*OBSERVED, "figures=none"]
MODELS = Path("multirun/.store/models")


def test_epochs_of_a_sweep_come_from_one_training(denote: Command, trainings: list[ModelSpec]) -> None:
    answer = denote("-m", "architecture.epoch=0,1,3", "sweep_name=e", *QUIET)
    assert answer.code == 0, answer
    assert len(trainings) == 1
    neurons, controls, by_depth = merged("e", "neurons", "controls", "label_proportion_by_depth")
    assert neurons.select("trained", "epoch", "object_model").n_unique() == neurons["object_model"].n_unique() == 3
    assert neurons.unique(["object_model", "layer", "neuron", "family"]).height == neurons.height
    curves = by_depth.select("trained", "epoch", "n_models").sort("epoch")
    assert curves.rows() == [(False, 0, 1), (True, 1, 1), (True, 3, 1)]
    twin = controls.filter((pl.col("control") == "untrained") & (pl.col("epoch") == 1) & pl.col("neuron").is_not_null())
    assert twin.height > 0
    chosen = ["layer", "neuron", "property", "threshold", "balanced_accuracy"]
    assert_frame_equal(neurons.filter(pl.col("epoch") == 0).select(chosen), twin.select(chosen))
    assert denote("-m", "architecture.epoch=0,1,3", "sweep_name=e", *QUIET).out.startswith("Nothing to do")


def merged(sweep: str, *names: str) -> list[pl.DataFrame]:
    return [pl.read_parquet(f"multirun/{sweep}/sweep/{name}.parquet") for name in names]


def test_an_epoch_of_a_sweep_is_that_of_a_training_of_its_own(denote: Command, trainings: list[ModelSpec]) -> None:
    denote("-m", "architecture.epoch=1,2", "sweep_name=together", *QUIET)
    denote("architecture.epoch=1", "store.path=alone", *QUIET)
    assert len(trainings) == 2
    (together,), (alone,) = MODELS.glob("*/epoch=001.safetensors"), Path("alone/models").glob("*/epoch=001.safetensors")
    ours, theirs = load_file(together), load_file(alone)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_the_initialisation_has_one_job_in_either_spelling(denote: Command) -> None:
    assert denote("-m", "architecture.trained=false", "architecture.epoch=null,0", "sweep_name=u", *QUIET).code == 0
    assert denote("-m", "architecture.epoch=0", "sweep_name=u", *QUIET).out.startswith("Nothing to do")
    assert len(list(Path("multirun/u").glob("*/run.json"))) == 1


def test_an_epoch_beyond_the_last_fails_alone(denote: Command, trainings: list[ModelSpec]) -> None:
    answer = denote("-m", "architecture.epoch=1,9", "sweep_name=b", *QUIET)
    assert answer.code == 1
    records = [json.loads(path.read_text(encoding="utf-8")) for path in Path("multirun/b").glob("*/run.json")]
    assert sorted(record["status"] for record in records) == ["failed", "finished"]
    (reason,) = [record["error"]["message"] for record in records if record["error"]]
    assert reason.startswith("architecture.epoch: there is no epoch 9")
    assert len(trainings) == 1


def test_denote_train_keeps_all_epochs_of_one_training(
    denote: Command, trainings: list[ModelSpec], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._command("denote-train", ["-m", "architecture.epoch=0,1,2", *TINY, "logger=none"]) == 0
    assert len(trainings) == 1
    assert len(list(MODELS.glob("*/*epoch*"))) == 2
    assert capsys.readouterr().out.count("object_model") == 3


def test_a_report_of_epochs_needs_their_saved_evidence_alone(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    denote("-m", "architecture.epoch=0,2", "sweep_name=r", *OBSERVED)
    place = Path("multirun/r/sweep")
    tables = {path.stem: pl.read_parquet(path) for path in place.glob("*.parquet")}
    figures = {path.name for path in (place / "figures").iterdir()}
    shutil.rmtree(place)
    shutil.rmtree("multirun/.store")
    monkeypatch.setattr(training, "train", None)
    monkeypatch.setattr(sys, "argv", ["denote-report", "sweep=multirun/r"])
    with pytest.raises(SystemExit) as end:
        cli.report()
    assert end.value.code == 0
    assert tables
    for name, table in tables.items():
        assert_frame_equal(pl.read_parquet(place / f"{name}.parquet"), table)
    assert {path.name for path in (place / "figures").iterdir()} == figures
    assert not Path("multirun/.store").exists()
