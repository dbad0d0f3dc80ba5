"""A dataset small enough to train on in a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from denote.config.settings import TrainingSettings
from denote.data.module import SamplesModule
from denote.data.samples import Samples, TensorInputs
from denote.object_models.architectures.mlp import MLP
from denote.object_models.spec import ModelSpec, rows_key

N, SHAPE, CLASSES = 240, (4, 4), 3
SETTINGS = TrainingSettings(6, 32, "adam", lr=1e-2, weight_decay=0.0, patience=None, validation_share=0.1)


class Blobs(SamplesModule):
    """Three Gaussian classes."""

    def load(self) -> Samples:
        """Draw them, always the same."""
        rng = np.random.default_rng(0)
        targets = np.arange(N) % CLASSES
        values = rng.normal(size=(N, *SHAPE)) + rng.normal(size=(CLASSES, *SHAPE))[targets]
        table = pl.DataFrame({"class": targets})
        return Samples("blobs", TensorInputs(values), targets, tuple("abc"), table, "class", key="blobs-0")


@pytest.fixture(scope="session")
def data_module() -> Blobs:
    """The set-up data module, whose order follows seed 0."""
    module = Blobs(batch_size=SETTINGS.batch_size, order_seed=0)
    module.setup()
    return module


@pytest.fixture
def spec(data_module: Blobs) -> ModelSpec:
    """A small MLP with dropout, so that training draws."""

    def network() -> torch.nn.Module:
        mlp = MLP(SHAPE, CLASSES, layers=2, width=8, normalisation="batch")
        mlp.hidden_1.add_module("dropout", torch.nn.Dropout(0.2))
        return mlp

    return ModelSpec(
        architecture={"_target_": "blobs mlp", "layers": 2, "width": 8},
        network=network,
        input_shape=SHAPE,
        n_classes=CLASSES,
        data_key=data_module.samples.key,
        rows_digest=rows_key(data_module.train_rows, data_module.validation_rows),
        training=SETTINGS,
        seed=0,
    )


@pytest.fixture
def patient(spec: ModelSpec) -> ModelSpec:
    """The same, stopped by a patience of one epoch."""
    return replace(spec, training=replace(SETTINGS, max_epochs=60, patience=1))
