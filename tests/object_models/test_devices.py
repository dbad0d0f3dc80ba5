"""Two devices train what one trains, with real processes and gloo; what ends one of them is one line."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import torch.distributed as dist

from denote.data.module import SamplesModule
from denote.errors import ConfigError, DeviceError
from denote.object_models import training
from denote.object_models.architectures.mlp import MLP
from denote.object_models.devices import Share, train_on_devices
from denote.object_models.model_store import ModelStore, TrainedModel
from denote.object_models.spec import ModelSpec, TrainerOptions, rows_key


@pytest.fixture(scope="module")
def odd(data_module: SamplesModule) -> SamplesModule:
    """125 training rows, whose last batch of 29 two devices cannot share equally, and 19 validation rows."""
    module = type(data_module)(batch_size=32, order_seed=0, validation=0.13)
    module.setup()
    return module


@pytest.fixture
def alone(spec: ModelSpec, odd: SamplesModule) -> ModelSpec:
    """A network that draws nothing while it trains."""

    def network() -> torch.nn.Module:
        return MLP((4, 4), 3, layers=2, width=8)

    rows = rows_key(odd.train_rows, odd.validation_rows)
    settings = replace(spec.training, max_epochs=4)
    return replace(spec, network=network, architecture={"layers": 2}, training=settings, rows_digest=rows)


@pytest.fixture
def shared(alone: ModelSpec) -> ModelSpec:
    """The same, trained by two devices."""
    return replace(alone, training=replace(alone.training, devices=2))


def assert_close(a: TrainedModel, b: TrainedModel, within: float) -> None:
    """Hold that weights and histories differ by rounding."""
    others = b.network.state_dict()
    for name, tensor in a.network.state_dict().items():
        torch.testing.assert_close(tensor, others[name], rtol=within, atol=within)
    for one, other in zip(a.history, b.history, strict=True):
        assert one == pytest.approx(other, rel=within, abs=within)


class KillOther(pl.Callback):
    """Kill the process of the other device when an epoch ends."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == 1:
            (other,) = multiprocessing.active_children()
            assert other.pid is not None
            os.kill(other.pid, signal.SIGKILL)


def test_two_devices_train_what_one_trains_though_one_was_killed(
    alone: ModelSpec, shared: ModelSpec, odd: SamplesModule, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store, before = ModelStore(tmp_path), dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAVE_EVERY", 0)
        with pytest.raises(DeviceError, match=r"^trainer\.devices: process 2 of 2 was killed by SIGKILL$"):
            store.obtain(shared, odd, TrainerOptions(callbacks=[KillOther()]))
    assert not dist.is_initialized()
    capfd.readouterr()  # gloo's own words
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = store.obtain(shared, odd)  # from the checkpoint of the first epoch
    assert capfd.readouterr() == ("", "")
    assert multiprocessing.active_children() == []
    assert (dict(os.environ), dist.is_initialized()) == (before, False)
    one = store.obtain(alone, odd)
    assert len(odd.train_rows) % 32 == 29
    assert_close(both, one, 1e-5)
    assert (both.spec.key == one.spec.key, both.best_epoch) == (False, one.best_epoch)


@pytest.mark.parametrize("devices", [2, 3])
def test_devices_share_the_batches_of_one(odd: SamplesModule, devices: int) -> None:
    def rows(rank: int, of: int) -> list[list[int]]:
        loader: Any = odd.train_dataloader(rank, of)
        loader.batch_sampler.sampler.set_epoch(3)
        return [batch[2].tolist() for batch in loader]

    whole, shares = rows(0, 1), [rows(rank, devices) for rank in range(devices)]
    assert [list(chain(*parts)) for parts in zip(*shares, strict=True)] == whole
    sizes = np.array([[len(batch) for batch in share] for share in shares])
    assert np.ptp(sizes, axis=0).max() <= 1
    share = Share(len(odd.train_rows), odd.batch_size, devices)
    for number, of_batch in enumerate(sizes.T):
        weights = np.array([share.weight(number, int(n)) for n in of_batch])
        np.testing.assert_allclose(weights / devices, of_batch / of_batch.sum())
    held = [batch[2].tolist() for rank in range(devices) for batch in odd.val_dataloader(rank, devices)]
    assert sorted(chain(*held)) == odd.validation_rows.tolist()


def test_a_last_batch_that_leaves_a_device_one_row_is_dropped(data_module: SamplesModule) -> None:
    assert len(data_module.train_rows) % 32 == 2
    lengths = [len(data_module.train_dataloader(0, devices)) for devices in (1, 2)]
    assert lengths == [5, 4]


def test_one_device_enters_no_key_and_several_do(spec: ModelSpec) -> None:
    several = replace(spec, training=replace(spec.training, devices=2))
    assert "devices" not in spec.described()["training"]
    assert several.described()["training"]["devices"] == 2
    assert several.training_key != spec.training_key


def test_mistakes_are_told_before_anything_starts(
    spec: ModelSpec, data_module: SamplesModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(devices: int, batch_size: int = 32) -> ModelSpec:
        return replace(spec, training=replace(spec.training, devices=devices, batch_size=batch_size))

    line = r"^trainer\.batch_size: 32 rows a step cannot be shared equally by trainer\.devices=3; .* such as 33$"
    with pytest.raises(ConfigError, match=line):
        of(3)
    of(3, batch_size=33)
    with pytest.raises(ConfigError, match=r"^trainer\.devices: 32 cannot share 130 training and 14 validation rows;"):
        ModelStore(tmp_path).obtain(of(32), data_module)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for device, expected in {
        "cuda": r"^trainer\.devices: there are no 2 GPUs; allowed here: 1 to 1, or device=cpu$",
        "cuda:1": r"^device: cuda:1 is one device, trainer\.devices=2 needs more; allowed: cuda, cpu$",
    }.items():
        with pytest.raises(ConfigError, match=expected):
            train_on_devices(lambda rank: lambda devices: None, of(2).training, TrainerOptions(device))
