"""``denote-sync``: what was kept offline is sent once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from drills.wandb_server import DEAD, NEVER, SLOWLY, WELL, WandbServer

from denote.cli import commands, sync_command
from denote.reporting import wandb_health
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_names import sync_command as sync_command_of
from denote.reporting.wandb_sessions import settle
from denote.runs.record import write_record


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["denote-sync", *arguments])
    with pytest.raises(SystemExit) as left:
        commands.sync()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_sweep_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    sweep, file = tmp_path / "t", tmp_path / "weights"
    file.write_bytes(b"weights")
    with Tracker(("wandb",), sweep, "t", "t", limit=60).run("job", "key", "a job", {}) as run:
        assert run is not None
        run.log({"depth": 0, "linear/auroc": 0.75})
        run.keep("network-1", "network", {"weights": file}, {})
    settle()
    file.unlink()  # what is sent lies beside the run
    assert ran(monkeypatch, str(sweep)) == 2
    said = capsys.readouterr().err
    assert said.startswith("WANDB_API_KEY: there is no key")
    assert said.endswith(f"wandb login; nothing is lost: {sweep} keeps 1 run\n")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with WandbServer(WELL) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert ran(monkeypatch, str(sweep)) == 0
        assert capsys.readouterr().out == "1 of 1 run sent.\n"
        ((row,),) = server.history.values()
        assert row["linear/auroc"] == 0.75
        assert server.requests["CommitArtifact"] == 1
        before = server.requests.total()
        assert ran(monkeypatch, f"{sweep}/wandb") == 0
        assert capsys.readouterr().out == "Nothing to send: 1 run was sent before.\n"
        assert server.requests.total() == before


def test_a_run_that_was_written_to_since_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, mark = tmp_path / "run-1.wandb", tmp_path / "run-1.wandb.synced"
    file.touch()
    assert not sync_command.is_sent(tmp_path)
    mark.touch()
    os.utime(file, (1000, 1000))
    os.utime(mark, (1000, 1000))
    assert sync_command.is_sent(tmp_path)
    os.utime(file, (1001, 1001))
    assert not sync_command.is_sent(tmp_path)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: Mock(poll=lambda: 0))
    sync_command.send([tmp_path])
    assert not mark.exists()  # W&B's client skips what is marked


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep with a run that was kept offline, a key and no patience."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("WANDB_DIR", raising=False)
    monkeypatch.setattr(wandb_health, "REACH", 0.5)
    run = tmp_path / "t" / "wandb" / "offline-run-1"
    run.mkdir(parents=True)
    (run / "run-1.wandb").touch()
    return tmp_path / "t"


FAULTS = {
    DEAD: "is not reached (Connection refused)",
    NEVER: "gives no answer in 0.5 s",
    SLOWLY: "gives no answer in 0.5 s",
    "500": "answers 500 (Internal Server Error)",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_of_no_use_is_one_line(
    kept: Path, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sync_command, "send", lambda _: pytest.fail("W&B's client would wait for minutes"))
    with WandbServer(fault) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert ran(monkeypatch, str(kept)) == 1
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(f"W&B failed: {server.url} {FAULTS[fault]}; nothing is lost: the same command sends")
    assert said.out == ""


def test_a_client_whose_server_hangs_meanwhile_is_ended(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clients: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def hanging(_: list[str], **given: Any) -> subprocess.Popen[bytes]:
        server.behaviour = NEVER
        clients.append(start([sys.executable, "-c", "import time; time.sleep(600)"], **given))
        return clients[0]

    monkeypatch.setattr("subprocess.Popen", hanging)
    monkeypatch.setattr(sync_command, "WATCH", 0.01)
    with WandbServer(WELL) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert ran(monkeypatch, f"sweep={kept}") == 1
    assert clients[0].returncode == -signal.SIGKILL
    assert "gives no answer in 0.5 s; nothing is lost" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "folders", "said"),
    [
        (
            {"kinds": {"csv": True, "mlflow": True}},
            [],
            "was tracked by csv, mlflow, not by W&B; there is nothing to send",
        ),
        ({"kinds": {}}, [], "was not tracked (logger=none); there is nothing to send"),
        (None, ["csv/compare"], "was tracked by csv, not by W&B"),
        ({"kinds": {"wandb": True}}, [], "holds no offline runs; allowed: a sweep that was run without a key"),
    ],
)
def test_a_sweep_that_wandb_does_not_track_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    config: dict[str, Any] | None, folders: list[str], said: str,
) -> None:  # fmt: skip
    for name in ("WANDB_DIR", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "job").mkdir()
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    if config is not None:
        write_record(tmp_path / "job", {"config": {"logger": config}})
    assert ran(monkeypatch, str(tmp_path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize("command", [commands.sync, commands.dashboard])
def test_what_is_no_sweep_is_named_with_the_sweep_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: Callable[[], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    for sweep in ("a", "b"):
        (job := Path("multirun", sweep, "job")).mkdir(parents=True)
        write_record(job, {"config": {"logger": {"kinds": {"csv": True}}}})
    name = command.__name__
    for typed, said in {
        "multirun": f"holds sweeps and is none (a, b); allowed: one of them, denote-{name} multirun/a",
        "multirun/a/job": f"the folder of a job, whose runs lie in its sweep's; allowed: denote-{name} multirun/a",
        "multirun/a": "was tracked by csv, not by W&B; ",
        "multirun/c": "there is no such folder",
    }.items():
        monkeypatch.setattr("sys.argv", ["", typed])
        with pytest.raises(SystemExit, match="2"):
            command()
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{typed}: ")
        assert said in line


def test_what_went_to_wandb_at_once_needs_no_sending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WANDB_DIR", raising=False)
    (tmp_path / "wandb" / "run-20260101_000000-a").mkdir(parents=True)
    assert ran(monkeypatch, str(tmp_path)) == 0
    assert capsys.readouterr().out == "Nothing to send: its runs went to W&B as they were made.\n"


@pytest.mark.parametrize("folder", ["t", "wandb"])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_the_command_that_is_told_finds_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, elsewhere: bool
) -> None:
    run = tmp_path / folder / "wandb" / "offline-run-1"
    run.mkdir(parents=True)
    (run / "run-1.wandb").touch()
    if elsewhere:
        monkeypatch.setenv("WANDB_DIR", str(tmp_path / folder))
    else:
        monkeypatch.delenv("WANDB_DIR", raising=False)
    command, told = sync_command_of(run.parent).split()
    assert command == sync_command.COMMAND
    assert sync_command.offline_runs(Path(told)) == [run]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "denote-sync: no folder came; allowed: denote-sync multirun/NAME"),
        (["a", "sweep=b"], "denote-sync: a and b came; allowed: one folder, denote-sync multirun/NAME"),
        (["projct=a"], "projct: no such key of denote-sync; "),
        (["sweep="], "sweep: has no value"),
        (["nowhere"], "nowhere: there is no such folder; allowed: the folder of a sweep"),
        (["."], ".: holds no offline runs; allowed: a sweep that was run without a key"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ran(monkeypatch, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
