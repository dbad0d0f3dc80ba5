"""Training as an axis: epochs of a sweep come from one training, and are those that separate trainings would end in."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import TINY, Command
from safetensors.numpy import load_file

from denote import cli
from denote.object_models import training
from denote.object_models.spec import ModelSpec

QUIET = [*TINY, "probe=neuron", "attribute=classes", "layer=first", "logger=none"]
MODELS = Path("multirun/.store/models")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[ModelSpec]:
    """The specs that were trained, in order."""
    seen: list[ModelSpec] = []
    train = training.train

    def spy(spec: ModelSpec, *args: object) -> object:
        seen.append(spec)
        return train(spec, *args)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(training, "train", spy)
    return seen


def test_epochs_of_a_sweep_come_from_one_training_per_seed(denote: Command, trainings: list[ModelSpec]) -> None:
    answer = denote("-m", "architecture.epoch=0,1,3", "seed=0,1", "sweep_name=e", *QUIET)
    assert answer.code == 0, answer
    assert len(trainings) == 2
    tables = {
        name: pl.read_parquet(f"multirun/e/sweep/{name}.parquet") for name in ("cells", "label_proportion_by_depth")
    }
    models = tables["cells"].select("seed", "trained", "epoch", "object_model").unique()
    assert models.height == models["object_model"].n_unique() == 6
    curves = tables["label_proportion_by_depth"].select("trained", "epoch", "n_models").sort("epoch")
    assert curves.rows() == [(False, 0, 2), (True, 1, 2), (True, 3, 2)]
    assert denote("-m", "architecture.epoch=0,1,3", "seed=0,1", "sweep_name=e", *QUIET).out.startswith("Nothing to do")


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
