"""Tracking: offline where there is no key, the user's mode first, one id for one piece of work."""

import os
from pathlib import Path
from typing import Any

import pytest

from denote.reporting import tracking
from denote.reporting.tracking import Tracker, has_key, run_id

KEYS = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_MODE", "WANDB_BASE_URL", "NETRC")


class FakeRun:
    """Remembers how it ended."""

    exit_code: int | None = None

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What ``wandb.init`` was given, on a machine without a key."""
    import wandb

    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    calls: list[dict[str, Any]] = []

    def init(**given: Any) -> FakeRun:
        calls.append({**given, "run": FakeRun()})
        return calls[-1]["run"]

    monkeypatch.setattr(wandb, "init", init)
    return calls


def tracker(folder: Path, kind: str = "wandb") -> Tracker:
    return Tracker(kind, folder / "t", "t", tags=("a",))


def mode(tracked: Tracker, started: list[dict[str, Any]]) -> str:
    with tracked.run("job", "key", "a job", {"seed": 0}):
        pass
    return str(started[-1]["mode"] or os.environ["WANDB_MODE"])  # W&B's own rule where no mode is given


def test_offline_without_a_key(started: list[dict[str, Any]], tmp_path: Path) -> None:
    assert mode(tracker(tmp_path), started) == "offline"
    assert started[0]["dir"] == str(tmp_path / "t")
    assert (started[0]["group"], started[0]["job_type"], started[0]["tags"]) == ("t", "job", ["a"])
    assert started[0]["config"] == {"seed": 0}


def test_online_with_a_key(started: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert mode(tracker(tmp_path), started) == "online"


@pytest.mark.parametrize("wanted", ["disabled", "offline", "online"])
@pytest.mark.parametrize("key", ["", "0" * 40])
def test_the_users_mode_wins(
    started: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, key: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", wanted)
    monkeypatch.setenv("WANDB_API_KEY", key)
    assert mode(tracker(tmp_path), started) == wanted


@pytest.mark.usefixtures("started")
def test_a_key_in_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    assert not has_key()
    path.write_text("machine elsewhere.org login a password b\n")
    assert not has_key()
    path.write_text("machine api.wandb.ai login user password secret\n")
    path.chmod(0o600)
    assert has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not has_key()


def test_none_starts_nothing(started: list[dict[str, Any]], tmp_path: Path) -> None:
    with tracker(tmp_path, "none").run("job", "key", "a job", {}) as run:
        assert run is None
        tracking.replay(run, [{"epoch": 0}])
        assert tracking.lightning_logger(run) is None
    assert started == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_run_ends_as_its_body_does(started: list[dict[str, Any]], tmp_path: Path, error: type[BaseException]) -> None:
    with tracker(tmp_path).run("job", "key", "a job", {}):
        pass
    assert started[-1]["run"].exit_code == 0
    with pytest.raises(error), tracker(tmp_path).run("job", "key", "a job", {}):
        raise error
    assert started[-1]["run"].exit_code == 1


def test_an_id_is_the_same_work_in_the_same_sweep() -> None:
    ids = {run_id(group, kind, key) for group in "ab" for kind in ("job", "sweep") for key in "xy"}
    assert len(ids) == 8
    assert run_id("a", "job", "x") == run_id("a", "job", "x")


def test_a_run_that_is_there_already_is_known(tmp_path: Path) -> None:
    tracked = tracker(tmp_path)
    assert not tracked.logged("job", "key")
    (tmp_path / "t" / "wandb" / f"offline-run-20260101_000000-{run_id('t', 'job', 'key')}").mkdir(parents=True)
    assert tracked.logged("job", "key")
    assert not tracked.logged("job", "other")


def test_of_a_config(tmp_path: Path) -> None:
    config = {"logger": {"kind": "wandb", "project": None, "entity": "team"}, "tags": ["a", 1]}
    tracked = Tracker.of(config, tmp_path / "demo")
    assert tracked == Tracker("wandb", tmp_path / "demo", "demo", "denote", "team", ("a", "1"))


def test_disabled_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with tracker(tmp_path).run("job", "key", "a job", {"seed": 0}) as run:
        run.log({"x": 1})
    assert not list((tmp_path / "t").rglob("*run-*"))
