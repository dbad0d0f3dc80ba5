"""``denote-sync``: what was kept offline is sent once."""

import os
from pathlib import Path

import pytest
from drills.wandb_server import WELL, WandbServer

from denote.cli import commands, sync_command
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_names import sync_command as sync_command_of
from denote.reporting.wandb_sessions import settle


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
    assert "WANDB_API_KEY" in capsys.readouterr().err
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
    monkeypatch.setattr("subprocess.run", lambda *_, **__: None)
    sync_command.send([tmp_path])
    assert not mark.exists()  # W&B's client skips what is marked


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
        (["nowhere"], "nowhere: there is no such folder; allowed: the folder of a sweep"),
        (["."], "wandb: holds no offline runs; allowed: a sweep that was run without a key"),
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
