"""Test that a training is alone on its device, whatever the environment says of other processes."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from pytorch_lightning.utilities import rank_zero_only

from denote.data.module import SamplesModule
from denote.errors import ConfigError
from denote.object_models.model_store import ModelStore, TrainedModel
from denote.object_models.spec import ModelSpec
from denote.observers.mlp import MlpProbe

SLURM = {
    "SLURM_NTASKS": "4", "SLURM_JOB_ID": "123", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "3", "SLURM_LOCALID": "3",
    "SLURM_NODEID": "1", "SLURM_NNODES": "2", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_STEP_NODELIST": "n1",
}  # fmt: skip
TORCHRUN = {
    "RANK": "2", "LOCAL_RANK": "2", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4", "GROUP_RANK": "0", "NODE_RANK": "1",
    "MASTER_ADDR": "10.255.255.1", "MASTER_PORT": "1", "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0",
}  # fmt: skip
MPI = {
    "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "PMI_RANK": "3", "PMI_SIZE": "4", "LSB_JOBID": "1",
    "LSB_DJOB_RANKFILE": "/nowhere", "JSM_NAMESPACE_RANK": "3", "JSM_NAMESPACE_SIZE": "4",
    "JSM_NAMESPACE_LOCAL_RANK": "3",
}  # fmt: skip
LEFTOVERS = {
    "ntasks": SLURM,
    "ntasks_per_node": SLURM | {"SLURM_NTASKS_PER_NODE": "4"},
    "interactive": SLURM | {"SLURM_JOB_NAME": "interactive"},
    "torchrun": TORCHRUN,
    "mpi": MPI,
    "all": SLURM | TORCHRUN | MPI,
}


@pytest.fixture(scope="module")
def plain(data_module: SamplesModule, tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store of models that were trained without such variables."""
    return ModelStore(tmp_path_factory.mktemp("store"))


def digests(model: TrainedModel) -> dict[str, bytes]:
    """Bytes of every tensor of the network."""
    return {name: tensor.numpy().tobytes() for name, tensor in model.network.state_dict().items()}


@pytest.fixture
def srun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an ``srun`` first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "srun"
    command.write_text("#!/bin/sh\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return command


@pytest.mark.usefixtures("srun")
@pytest.mark.parametrize("variables", LEFTOVERS.values(), ids=LEFTOVERS)
def test_what_schedulers_leave_in_the_environment_changes_nothing(
    variables: dict[str, str],
    plain: ModelStore,
    spec: ModelSpec,
    data_module: SamplesModule,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = plain.obtain(spec, data_module)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rank_zero_only, "rank", 3)  # as if Lightning had been imported among them
    before = dict(os.environ)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        came = ModelStore(tmp_path).obtain(spec, data_module)
    assert digests(came) == digests(expected)
    assert came.history == expected.history
    assert (dict(os.environ), rank_zero_only.rank) == (before, 3)


@pytest.mark.usefixtures("srun")
def test_an_observer_trains_alone_and_silently_inside_an_allocation(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    state = rng.normal(size=(200, 4)).astype(np.float32)
    labels = (state[:, :1] > 0).astype(np.int8)
    probe = MlpProbe(width=4, max_epochs=2)
    expected = probe.fit(state, labels, seed=0).weights
    for name, value in (SLURM | TORCHRUN | MPI).items():
        monkeypatch.setenv(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(probe.fit(state, labels, seed=0).weights, expected)
    assert capfd.readouterr() == ("", "")


def test_settings_of_lightning_in_the_environment_are_refused(
    spec: ModelSpec, data_module: SamplesModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PL_TRAINER_GRADIENT_CLIP_VAL", "0.01")
    with pytest.raises(ConfigError, match=r"^PL_TRAINER_GRADIENT_CLIP_VAL: is set in the environment; .*; unset it"):
        ModelStore(tmp_path).obtain(spec, data_module)
