"""Keys hold everything that shapes a model and nothing else; initialisation is a function of its settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from denote.config.settings import TrainingSettings
from denote.errors import ConfigError
from denote.object_models.spec import ModelSpec, rows_key

SHAPING = {
    "architecture": {"_target_": "another"},
    "input_shape": (16,),
    "n_classes": 4,
    "data_key": "other data",
    "rows_digest": "other rows",
    "seed": 1,
    "task": "labels",
}
TRAINING = {
    "max_epochs": 7,
    "batch_size": 16,
    "optimizer": "sgd",
    "lr": 0.5,
    "weight_decay": 0.1,
    "patience": 3,
    "validation_share": 0.2,
    "threads": 2,
    "devices": 2,
}


@pytest.mark.parametrize("name", SHAPING)
def test_every_shaping_field_changes_the_training(spec: ModelSpec, name: str) -> None:
    assert replace(spec, **{name: SHAPING[name]}).training_key != spec.training_key


@pytest.mark.parametrize("name", TRAINING)
def test_every_training_setting_changes_the_training_and_not_the_initialisation(spec: ModelSpec, name: str) -> None:
    other = replace(spec, training=replace(spec.training, **{name: TRAINING[name]}))
    assert other.training_key != spec.training_key
    assert other.key != spec.key
    assert other.twin(0).key == spec.twin(0).key


def test_the_lists_above_are_complete() -> None:
    assert set(TRAINING) == set(TrainingSettings.__dataclass_fields__)
    rest = {"network", "training", "trained", "epoch", "save_epochs", "draw", "weights", "elsewhere"}
    assert set(SHAPING) == set(ModelSpec.__dataclass_fields__) - rest


def test_epochs_share_a_training_and_have_keys_of_their_own(spec: ModelSpec) -> None:
    epochs = [replace(spec, epoch=epoch, save_epochs=(1, 2)) for epoch in (None, 0, 1, 2)]
    assert {e.training_key for e in epochs} == {spec.training_key}
    assert len({e.key for e in epochs}) == 4
    assert epochs[0].key == spec.key


def test_the_untrained_twin_is_epoch_zero_whatever_the_training(spec: ModelSpec) -> None:
    untrained = replace(spec, trained=False)
    other = replace(spec, rows_digest="other", training=replace(spec.training, max_epochs=50), epoch=0)
    assert untrained.key == spec.twin(0).key == other.key
    assert replace(untrained, data_key="other").key != untrained.key  # a key column of tables that hold both datasets
    assert len({spec.twin(draw).key for draw in range(3)} | {replace(spec, seed=1).twin(0).key}) == 4


def test_initialisation_is_repeatable_and_leaves_the_global_generator_alone(spec: ModelSpec) -> None:
    before = torch.get_rng_state()
    first = spec.initial_network().state_dict()
    torch.rand(3)
    second = spec.initial_network().state_dict()
    torch.set_rng_state(before)
    spec.initial_network()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)
    for other in (spec.twin(1), replace(spec, seed=1)):
        assert not torch.equal(first["logits.weight"], other.initial_network().state_dict()["logits.weight"])


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"epoch": 7}, "architecture.epoch"),
        ({"epoch": -1}, "architecture.epoch"),
        ({"save_epochs": (1, 9)}, "architecture.save_epochs"),
        ({"epoch": 2, "trained": False}, "architecture.epoch"),
    ],
)
def test_impossible_epochs_are_named(spec: ModelSpec, change: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: "):
        replace(spec, **change)


def test_rows_key_tells_training_from_validation_rows() -> None:
    a, b = np.array([0, 1, 2]), np.array([3])
    assert rows_key(a, b) != rows_key(b, a) != rows_key(np.array([0, 1]), np.array([2, 3]))
    assert rows_key(a.astype(np.int32), b) == rows_key(a, b)
