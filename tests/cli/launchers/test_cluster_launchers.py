"""Sweeps under submitit, on this machine and on SLURM, and under Ray: their tables are those of the basic launcher."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import Command, spoken

from denote.cli.launchers.ray import RayEngine
from denote.errors import ConfigError

JOBS = [
    *("-m", "seed=0,1", "attribute=odd", "layer.select=0", "probe=neuron", "control=[]", "debug=fast"),
    *("architecture.layers=1", "architecture.width=8", "logger=none", "figures=none", "sweep_name=t"),
]  # fmt: skip


def slurm_answers() -> bool:
    try:
        return subprocess.run(["sinfo", "-h"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def tables(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "multirun/t/sweep").glob("*.parquet")}


def processes(folder: Path) -> set[int]:
    return {json.loads(file.read_text())["pid"] for file in folder.glob("multirun/t/*/run.json")}


@pytest.fixture
def basic(denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The merged tables of the basic launcher, from a folder of its own."""
    folder = tmp_path / "basic"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert denote(*JOBS).code == 0
    monkeypatch.chdir(tmp_path)
    assert tables(folder)
    return tables(folder)


@pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")
def test_submitit_on_this_machine(basic: dict[str, bytes], denote: Command, tmp_path: Path) -> None:
    answer = denote(*JOBS, "hydra/launcher=submitit_local", "hydra.launcher.array_parallelism=1")
    assert answer.code == 0, answer.err
    assert tables(tmp_path) == basic
    assert len(processes(tmp_path) - {os.getpid()}) == 1  # of both jobs: imports are paid for once
    left = {file.suffix for file in tmp_path.glob("multirun/t/.submitit/*/*")}
    assert left == {".out", ".err"}, "logs stay, and pickles go"


@pytest.mark.skipif(find_spec("submitit") is None or not slurm_answers(), reason="no SLURM answers")
def test_submitit_on_slurm(basic: dict[str, bytes], denote: Command, tmp_path: Path) -> None:
    answer = denote(*JOBS, "hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=5")
    assert answer.code == 0, answer.err
    assert tables(tmp_path) == basic


@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_ray_on_this_machine(basic: dict[str, bytes], tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path / "home")}
    answer = spoken(
        tmp_path, "denote", *JOBS, "hydra/launcher=ray", "hydra.launcher.ray.init.num_cpus=1", environment=home
    )
    assert answer.code == 0, answer.err
    assert tables(tmp_path) == basic
    assert len(processes(tmp_path)) == 1
    assert not (tmp_path / "home" / ".ray").exists(), "a token that outlives the sweep"


@pytest.mark.parametrize(("asked", "refused"), [(2, True), (1, False), (0.5, False)])
def test_a_job_that_needs_more_than_any_node_has_is_refused_at_once(asked: float, refused: bool) -> None:
    """Those of a node that is dead do not count."""
    nodes = [{"Alive": True, "Resources": {"CPU": 1.0}}, {"Alive": False, "Resources": {"CPU": 8.0}}]
    engine = RayEngine(init={}, remote={"num_cpus": asked, "num_gpus": 0})
    if not refused:
        engine._check_resources(nodes)
        return
    with pytest.raises(ConfigError, match=r"hydra.launcher.ray.remote.num_cpus: is 2; allowed: at most 1"):
        engine._check_resources(nodes)


@pytest.mark.parametrize(
    ("launcher", "setting", "said"),
    [
        ("submitit_local", "timeout_min=abc", "hydra.launcher.timeout_min: 'abc' is not possible"),
        ("submitit_local", "nodes=2", "hydra.launcher.nodes: 2 is not possible; allowed: 1: one process runs a job"),
        ("submitit_slurm", "array_parallelism=0", "hydra.launcher.array_parallelism: 0 is not possible"),
        ("submitit_slurm", "additional_parameters={wait\\ x:1}", "hydra.launcher.additional_parameters: "),
        ("submitit_slurm", "partition=x", "there is no SLURM on this machine"),
        ("ray", "ray.remote.num_cpus=-1", "hydra.launcher.ray.remote.num_cpus: -1 is not possible"),
    ],
)
def test_a_setting_that_is_wrong_is_one_line(denote: Command, launcher: str, setting: str, said: str) -> None:
    if find_spec(launcher.partition("_")[0]) is None:
        pytest.skip("not installed")
    if setting == "partition=x" and shutil.which("srun") is not None:
        pytest.skip("srun is installed")
    answer = denote(*JOBS, f"hydra/launcher={launcher}", f"hydra.launcher.{setting}")
    assert answer.code == 2, answer.err
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("launcher", "setting"),
    [
        ("submitit_local", "setup: [touch pwned]"),
        ("submitit_local", "submitit_folder: /tmp/elsewhere"),
        ("submitit_slurm", "setup: [touch pwned]"),
        ("submitit_slurm", "additional_parameters: {wrap: touch pwned}"),
        ("ray", "ray: {init: {address: '192.0.2.1:6379'}}"),
    ],
)
def test_texts_of_a_file_do_not_reach_a_launcher(denote: Command, launcher: str, setting: str) -> None:
    experiment = Path("conf/experiment/theirs.yaml")
    experiment.parent.mkdir(parents=True)
    body = f"# @package _global_\ndefaults:\n  - override /hydra/launcher: {launcher}\nhydra:\n  launcher:\n    "
    experiment.write_text(body + setting + "\n")
    answer = denote("--config-dir", "conf", *JOBS, "experiment=theirs")
    assert answer.code == 2
    assert "allowed on the command line only, since a launcher may run it" in answer.err
    assert not Path("pwned").exists()
