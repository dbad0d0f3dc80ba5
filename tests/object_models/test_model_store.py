"""The store trains once, resumes to the same weights, and serves nothing that is not whole."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from denote.data.module import SamplesModule
from denote.digests import described, write_sealed
from denote.errors import ConfigError, StoreError
from denote.object_models import epoch_progress, training
from denote.object_models.model_store import ModelStore, TrainedModel
from denote.object_models.spec import ModelSpec, TrainerOptions
from denote.progress.steps import Step, Steps, current, words


class StopAfter(pl.Callback):
    """Press Ctrl-C in the middle of an epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_batch_end(self, trainer: pl.Trainer, *args: object) -> None:
        """Interrupt."""
        if trainer.current_epoch == self.epochs:
            raise KeyboardInterrupt


class CountEpochs(pl.Callback):
    """Count the epochs that begin."""

    def __init__(self) -> None:
        self.epochs = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """One more."""
        self.epochs += 1


def weights(trained: TrainedModel) -> dict[str, torch.Tensor]:
    return dict(trained.network.state_dict())


def assert_equal_weights(a: TrainedModel, b: TrainedModel) -> None:
    wa, wb = weights(a), weights(b)
    assert wa.keys() == wb.keys()
    for name in wa:
        assert torch.equal(wa[name], wb[name]), name


def interrupted(store: ModelStore, spec: ModelSpec, data_module: SamplesModule, epochs: int) -> None:
    """Interrupt a training whose epochs are as long as checkpoints are apart."""
    options = TrainerOptions(callbacks=[StopAfter(epochs)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAVE_EVERY", 0)
        with pytest.raises(KeyboardInterrupt):
            store.obtain(spec, data_module, options)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def test_a_second_run_trains_nothing_and_gives_the_same(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, trainings: list[ModelSpec]
) -> None:
    first = ModelStore(tmp_path).obtain(spec, data_module)
    second = ModelStore(tmp_path).obtain(spec, data_module)
    assert (first.was_trained, second.was_trained, len(trainings)) == (True, False, 1)
    assert first.history == second.history
    assert_equal_weights(first, second)
    assert not second.model.training


def test_training_learns_and_keeps_its_best_epoch(
    tmp_path: Path, patient: ModelSpec, data_module: SamplesModule
) -> None:
    trained = ModelStore(tmp_path).obtain(patient, data_module)
    losses = [row["val_loss"] for row in trained.history]
    assert [row["epoch"] for row in trained.history] == list(range(1, len(losses) + 1))
    assert trained.epoch == trained.best_epoch == 1 + int(np.argmin(losses))
    assert len(losses) == trained.best_epoch + 1 < patient.training.max_epochs
    with torch.no_grad():
        rows = data_module.validation_rows
        logits = trained.model(data_module.samples.inputs[rows])
        targets = torch.from_numpy(data_module.samples.targets[rows])
        loss = torch.nn.functional.cross_entropy(logits, targets)
    assert float(loss) == pytest.approx(min(losses), rel=1e-5)
    assert (logits.argmax(1) == targets).float().mean() > 0.6


def test_training_is_repeatable_and_leaves_global_generators_alone(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule
) -> None:
    first = ModelStore(tmp_path / "a").obtain(spec, data_module)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 # the legacy generator is what must stay untouched
    states = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    second = ModelStore(tmp_path / "b").obtain(spec, data_module)
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002
    assert_equal_weights(first, second)


@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_an_interrupted_training_goes_on_to_the_same_weights(
    tmp_path: Path, shared: Path, spec: ModelSpec, data_module: SamplesModule, epochs: int
) -> None:
    whole = ModelStore(shared).obtain(spec, data_module)
    store = ModelStore(tmp_path)
    before = signal.getsignal(signal.SIGINT)
    interrupted(store, spec, data_module, epochs)
    assert signal.getsignal(signal.SIGINT) is before
    assert store.record(spec) is None
    count = CountEpochs()
    resumed = store.obtain(spec, data_module, TrainerOptions(callbacks=[count]))
    assert count.epochs == spec.training.max_epochs - epochs
    assert resumed.history == whole.history
    assert_equal_weights(resumed, whole)
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not list(tmp_path.rglob("*.partial"))


def test_a_mistake_of_a_later_command_costs_no_interrupted_training(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, counted = ModelStore(tmp_path), CountEpochs()
    interrupted(store, spec, data_module, 2)
    monkeypatch.setenv("PL_TRAINER_PRECISION", "16")
    with pytest.raises(ConfigError, match="PL_TRAINER_PRECISION"):
        store.obtain(spec, data_module)
    monkeypatch.delenv("PL_TRAINER_PRECISION")
    store.obtain(spec, data_module, TrainerOptions(callbacks=[counted]))
    assert counted.epochs == spec.training.max_epochs - 2


def test_an_interrupt_between_checkpoints_costs_their_epochs_only(
    tmp_path: Path, shared: Path, spec: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ModelStore(shared).obtain(spec, data_module)
    monkeypatch.setattr(training, "SAVE_EVERY", 1.0)
    clock = iter([0.0, 0.4, 0.8, 1.2, 1.2, 1.6, 2.0, *([2.0] * 20)])  # made; three epochs, written; two epochs
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    store = ModelStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        store.obtain(spec, data_module, TrainerOptions(callbacks=[StopAfter(5)]))
    count = CountEpochs()
    resumed = store.obtain(spec, data_module, TrainerOptions(callbacks=[count]))
    assert count.epochs == spec.training.max_epochs - 3
    assert resumed.history == whole.history
    assert_equal_weights(resumed, whole)


def test_the_threads_of_a_training_are_a_setting_and_enter_its_key(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule
) -> None:
    class Threads(pl.Callback):
        def on_train_batch_end(self, *args: object) -> None:
            seen.add(torch.get_num_threads())

    before, seen = torch.get_num_threads(), set[int]()
    two = replace(spec, training=replace(spec.training, threads=2))
    ModelStore(tmp_path).obtain(two, data_module, TrainerOptions(callbacks=[Threads()]))
    assert seen == {2}
    assert torch.get_num_threads() == before
    assert two.training_key != spec.training_key


def test_a_training_killed_after_its_last_epoch_trains_no_further(
    tmp_path: Path, patient: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ModelStore(tmp_path / "whole").obtain(patient, data_module)
    store = ModelStore(tmp_path / "killed")

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("denote.object_models.model_store.digests_of", die)
        with pytest.raises(KeyboardInterrupt):
            store.obtain(patient, data_module)
    assert store.record(patient) is None
    count = CountEpochs()
    resumed = store.obtain(patient, data_module, TrainerOptions(callbacks=[count]))
    assert count.epochs == 0
    assert resumed.history == whole.history
    assert_equal_weights(resumed, whole)


class Hostile:
    """What a checkpoint with code in it would run."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        """Leave a trace when unpickled."""
        return Path.touch, (self.trace,)


def hostile(checkpoint: Path, trace: Path) -> None:
    """Put a checkpoint with code in place of another one, under the name that its digest gives it."""
    made = checkpoint.with_name("made")
    torch.save({"state_dict": Hostile(trace)}, made)
    checkpoint.unlink()
    made.rename(checkpoint.with_name(f"last-{described(made)['sha256']}.ckpt"))


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("damage", ["hostile", "cut", "flipped", "flipped weights", "no weights"])
def test_a_training_does_not_go_on_from_what_is_damaged(
    tmp_path: Path,
    shared: Path,
    spec: ModelSpec,
    data_module: SamplesModule,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = ModelStore(shared).obtain(spec, data_module)
    store, trace = ModelStore(tmp_path), tmp_path / "trace"
    interrupted(store, spec, data_module, 3)
    (checkpoint,) = tmp_path.rglob("*.ckpt")
    (best,) = tmp_path.rglob("best=*")
    if damage == "hostile":
        hostile(checkpoint, trace)
    elif damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    elif damage == "no weights":
        best.unlink()
    else:
        flipped(best if damage == "flipped weights" else checkpoint)
    count = CountEpochs()
    again = store.obtain(spec, data_module, TrainerOptions(callbacks=[count]))
    assert not trace.exists()
    assert count.epochs == spec.training.max_epochs
    assert_equal_weights(again, whole)
    assert again.history == whole.history
    (line,) = [record.getMessage() for record in caplog.records]
    assert ".ckpt" in line
    assert "made again" in line


def test_a_checkpoint_that_was_not_written_in_full_is_none(
    tmp_path: Path, shared: Path, spec: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ModelStore(shared).obtain(spec, data_module)
    store, save = ModelStore(tmp_path), pl.Trainer.save_checkpoint

    def full(trainer: pl.Trainer, path: Path, *args: Any, **kwargs: Any) -> None:
        save(trainer, path, *args, **kwargs)
        if trainer.current_epoch >= 3:
            Path(path).write_bytes(Path(path).read_bytes()[:1000])
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(training, "SAVE_EVERY", 0)
        patch.setattr(pl.Trainer, "save_checkpoint", full)
        with pytest.raises(OSError, match="No space"):
            store.obtain(spec, data_module)
    count = CountEpochs()
    again = store.obtain(spec, data_module, TrainerOptions(callbacks=[count]))
    assert 0 < count.epochs < spec.training.max_epochs
    assert_equal_weights(again, whole)
    assert sorted(path.name for path in store.folder(spec).iterdir()) == ["model.json", "model.safetensors"]


def test_a_training_killed_before_its_folder_is_moved_trains_no_more(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, trainings: list[ModelSpec]
) -> None:
    store = ModelStore(tmp_path)
    first = store.obtain(spec, data_module)
    store.folder(spec).rename(store.folder(spec).with_suffix(".partial"))
    assert_equal_weights(first, store.obtain(spec, data_module))
    assert len(trainings) == 1
    assert not list(tmp_path.rglob("*.partial"))


def test_what_is_stored_is_found_without_importing_lightning() -> None:
    code = (
        "import sys, denote.object_models.model_store, denote.object_models.architectures.mlp, "
        "denote.object_models.architectures.convnet, denote.states.store, denote.states.listing; "
        "sys.exit('pytorch_lightning' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_epochs_are_selected_without_training_again(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, trainings: list[ModelSpec]
) -> None:
    store = ModelStore(tmp_path)
    best = store.obtain(replace(spec, save_epochs=(0, 1, 3)), data_module)
    one, three = (store.obtain(replace(spec, epoch=epoch), data_module) for epoch in (1, 3))
    assert len(trainings) == 1
    assert (one.epoch, three.epoch) == (1, 3)
    assert not torch.equal(weights(one)["logits.weight"], weights(three)["logits.weight"])
    assert one.history == best.history
    zero, twin = store.obtain(replace(spec, epoch=0), data_module), store.obtain(spec.twin(0), data_module)
    assert_equal_weights(zero, twin)
    assert (zero.epoch, zero.history, zero.was_trained) == (0, [], False)
    assert len(trainings) == 1


def test_an_epoch_that_was_not_kept_is_had_by_training_again(
    tmp_path: Path, shared: Path, spec: ModelSpec, data_module: SamplesModule, trainings: list[ModelSpec]
) -> None:
    store = ModelStore(tmp_path)
    best = store.obtain(replace(spec, save_epochs=(1,)), data_module)
    second = store.obtain(replace(spec, epoch=2), data_module)
    assert second.was_trained
    assert store.record(spec).kept_epochs == [1, 2]
    assert len(trainings) == 2
    assert_equal_weights(best, store.obtain(spec, data_module))
    assert len(trainings) == 2
    assert not list(tmp_path.rglob("*.partial"))


def test_an_epoch_wanted_after_an_interruption_is_kept_too(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, trainings: list[ModelSpec]
) -> None:
    store = ModelStore(tmp_path)
    interrupted(store, spec, data_module, 3)
    assert store.obtain(replace(spec, epoch=1), data_module).epoch == 1


def test_a_repetition_that_differs_is_refused_and_keeps_what_was_there(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    first = store.obtain(replace(spec, save_epochs=(1,)), data_module)
    other = replace(spec, seed=5).initial_network
    monkeypatch.setattr(training, "object_model", lambda s, _, make=training.object_model: make(s, other()))
    with pytest.raises(StoreError, match=r"architecture\.epoch: epoch 2 was not kept.*kept: \[1\]"):
        store.obtain(replace(spec, epoch=2), data_module)
    monkeypatch.undo()
    assert_equal_weights(first, store.obtain(spec, data_module))


def test_an_epoch_that_was_never_reached_is_named(
    tmp_path: Path, patient: ModelSpec, data_module: SamplesModule, trainings: list[ModelSpec]
) -> None:
    store = ModelStore(tmp_path)
    last = len(store.obtain(patient, data_module).history)
    with pytest.raises(StoreError, match=f"epoch 60 was never reached: training stopped after epoch {last}"):
        store.obtain(replace(patient, epoch=60), data_module)
    assert len(trainings) == 1


def test_a_loss_that_is_not_finite_names_the_learning_rate_and_leaves_nothing(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule
) -> None:
    wild = replace(spec, training=replace(spec.training, lr=1e30, optimizer="sgd"))
    with pytest.raises(ConfigError, match=r"^trainer\.lr: (train|val)_loss is (nan|inf) after epoch 1 at lr 1e\+30"):
        ModelStore(tmp_path).obtain(wild, data_module)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_data_module_that_is_not_the_specs_is_refused(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule
) -> None:
    for change in ({"seed": 1}, {"data_key": "other"}, {"rows_digest": "other"}):
        with pytest.raises(ValueError, match=f"^{next(iter(change))} of the model spec"):
            ModelStore(tmp_path).obtain(replace(spec, **change), data_module)


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a flipped record": ("model.json", flipped),
    "half a record": ("model.json", lambda file: file.write_bytes(file.read_bytes()[:40])),
    "a record without a digest": ("model.json", lambda file: file.write_text("{}")),
    "another record": (
        "model.json",
        lambda file: write_sealed(file, json.loads(file.read_text()) | {"training_key": "0" * 16}),
    ),
    "no record": ("model.json", Path.unlink),
    "flipped weights": ("model.safetensors", flipped),
    "no weights": ("model.safetensors", Path.unlink),
    "flipped weights of an epoch": ("epoch=001.safetensors", flipped),
    "weights of another epoch": (
        "epoch=001.safetensors",
        lambda file: file.write_bytes((file.parent / "epoch=002.safetensors").read_bytes()),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_named_moved_aside_and_trained_again(
    tmp_path: Path,
    shared: Path,
    spec: ModelSpec,
    data_module: SamplesModule,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name, spoil = DAMAGES[damage]
    asked = replace(spec, epoch=1 if name.startswith("epoch") else None, save_epochs=(1, 2))
    whole = ModelStore(shared).obtain(asked, data_module)
    store = ModelStore(tmp_path)
    shutil.copytree(ModelStore(shared).folder(asked), store.folder(asked))
    spoil(store.folder(asked) / name)
    assert store.record(asked) is None
    again = store.obtain(asked, data_module)
    assert again.was_trained
    assert_equal_weights(again, whole)
    assert again.history == whole.history
    (line,) = [record.getMessage() for record in caplog.records]
    assert name in line
    assert store.record(asked) is not None
    caplog.clear()
    assert not store.obtain(asked, data_module).was_trained
    assert not caplog.records


def test_damaged_weights_that_training_again_does_not_give_take_the_others_with_them(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    asked = replace(spec, save_epochs=(1,))
    first = store.obtain(asked, data_module)
    flipped(store.folder(asked) / "model.safetensors")
    other = replace(spec, seed=5).initial_network
    monkeypatch.setattr(training, "object_model", lambda s, _, make=training.object_model: make(s, other()))
    again = store.obtain(asked, data_module)
    assert not torch.equal(weights(again)["logits.weight"], weights(first)["logits.weight"])
    assert store.record(asked).kept_epochs == [1]
    assert len(list((store.root / ".damaged").iterdir())) == 1


def test_weights_of_another_network_are_refused(tmp_path: Path, spec: ModelSpec, data_module: SamplesModule) -> None:
    ModelStore(tmp_path).obtain(spec, data_module)
    other = replace(spec, network=lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)))
    with pytest.raises(StoreError, match="does not fit the network"):
        ModelStore(tmp_path).obtain(other, data_module)


def test_training_is_silent_without_progress(
    tmp_path: Path,
    spec: ModelSpec,
    data_module: SamplesModule,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    ModelStore(tmp_path).obtain(spec, data_module)
    out, err = capfd.readouterr()
    assert out + err == ""
    assert [str(w.message) for w in recwarn] == []


class Said(pl.Callback):
    """Note how the steps stand after every epoch."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.words = steps, list[str]()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Before or after others are told of the epoch."""
        self.words.append(words(self.steps.open))


def test_progress_counts_epochs_prints_nothing_and_changes_no_weights(
    tmp_path: Path, shared: Path, spec: ModelSpec, data_module: SamplesModule, capfd: pytest.CaptureFixture[str]
) -> None:
    quiet = ModelStore(shared).obtain(spec, data_module)
    steps = Steps()
    said, token = Said(steps), current.set(steps)
    try:
        shown = ModelStore(tmp_path).obtain(spec, data_module, TrainerOptions(progress=True, callbacks=[said]))
    finally:
        current.reset(token)
    accuracy = f"{quiet.history[0]['val_accuracy']:.3f}"
    assert f"epoch 2 of {spec.training.max_epochs}, val_accuracy {accuracy}" in said.words
    assert len(set(said.words)) == len(quiet.history)
    assert "".join(capfd.readouterr()) == ""
    assert_equal_weights(quiet, shown)


def test_a_long_epoch_tells_its_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch_progress, "LONG", 0)
    epochs = Step("epoch", 4)
    callback, trainer = epoch_progress.EpochProgress(epochs, "val_accuracy"), SimpleNamespace(num_training_batches=7)
    callback.on_train_epoch_start(trainer, None)  # type: ignore[arg-type] # all that it looks at
    callback.on_train_batch_end(trainer, None, None, None, 2)  # type: ignore[arg-type]
    assert epochs.words() == "epoch 1 of 4, batch 3 of 7"


def test_a_resumed_training_is_counted_from_where_it_was_interrupted(
    tmp_path: Path, spec: ModelSpec, data_module: SamplesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    with pytest.raises(KeyboardInterrupt):
        ModelStore(tmp_path).obtain(spec, data_module, TrainerOptions(callbacks=[StopAfter(2)]))
    steps = Steps()
    said, token = Said(steps), current.set(steps)
    try:
        ModelStore(tmp_path).obtain(spec, data_module, TrainerOptions(progress=True, callbacks=[said]))
    finally:
        current.reset(token)
    assert said.words[0].startswith("epoch 3 of ")
