"""Tracking: offline where there is no key, the user's mode first, one id for one piece of work."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from denote.reporting import tracking
from denote.reporting.tracking import Tracker, has_key, run_id
from denote.reporting.wandb_session import TrackedRun

KEYS = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_MODE", "WANDB_BASE_URL", "NETRC")


class FakeSession:
    """Remembers what it was told."""

    made: list["FakeSession"]

    def __init__(self, *, online: bool, limit: float) -> None:
        self.online, self.limit = online, limit
        self.given: dict[str, Any] = {}
        self.said: list[Any] = []
        self.made.append(self)

    def start(self, key: str, given: dict[str, Any]) -> TrackedRun:
        assert key == given["id"]
        self.given = given
        return TrackedRun(self, key)  # type: ignore[arg-type]

    def send(self, key: str, do: str, **said: Any) -> None:
        self.said.append((do, *said.values()))

    def settle(self) -> None:
        self.said.append("settle")

    def close(self) -> None:
        self.said.append("close")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[FakeSession]:
    """The sessions that are made, on a machine without a key."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(FakeSession, "made", [], raising=False)
    monkeypatch.setattr(tracking, "Session", FakeSession)
    monkeypatch.setattr(tracking, "_sessions", {})
    return FakeSession.made


def tracker(folder: Path, kind: str = "wandb") -> Tracker:
    return Tracker(kind, folder / "t", "t", tags=("a",))


def track(tracked: Tracker) -> None:
    with tracked.run("job", "key", "a job", {"seed": 0}):
        pass


def test_offline_without_a_key(started: list[FakeSession], tmp_path: Path) -> None:
    track(tracker(tmp_path))
    assert not started[0].online
    given = started[0].given
    assert given["dir"] == str(tmp_path / "t")
    assert (given["group"], given["job_type"], given["tags"]) == ("t", "job", ["a"])
    assert given["config"] == {"seed": 0}


def test_online_with_a_key(started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    track(tracker(tmp_path))
    assert started[0].online


@pytest.mark.parametrize("wanted", ["offline", "online", "shared"])
@pytest.mark.parametrize("key", ["", "0" * 40])
def test_the_users_mode_wins(
    started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, key: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", wanted)
    monkeypatch.setenv("WANDB_API_KEY", key)
    track(tracker(tmp_path))
    assert (started[0].online, started[0].given["mode"]) == (wanted != "offline", wanted)


def test_one_session_serves_a_process_until_its_environment_changes(
    started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        track(tracker(tmp_path))
    assert len(started) == 1
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    track(tracker(tmp_path))
    assert len(started) == 2
    assert started[0].said[-2:] == ["settle", "close"]


def test_names_that_the_server_would_refuse_are_shortened(started: list[FakeSession], tmp_path: Path) -> None:
    long = Tracker("wandb", tmp_path, "g" * 200)
    groups, names = set(), set()
    for name in ("n" * 300, "n" * 301):
        with long.run("job", "key", name, {}):
            pass
        groups.add(started[0].given["group"])
        names.add(started[0].given["name"])
    assert (len(groups), len(names)) == (1, 2)
    assert {len(text) for text in groups | names} == {tracking.LONGEST}


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


def test_none_starts_nothing(started: list[FakeSession], tmp_path: Path) -> None:
    with tracker(tmp_path, "none").run("job", "key", "a job", {}) as run:
        assert run is None
        tracking.replay(run, [{"epoch": 0}])
        assert tracking.lightning_logger(run) is None
    assert started == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [None, RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_run_ends_as_its_body_does(
    started: list[FakeSession], tmp_path: Path, error: type[BaseException] | None
) -> None:
    with contextlib.suppress(error or ()), tracker(tmp_path).run("job", "key", "a job", {}):
        if error is not None:
            raise error
    assert started[0].said == [("finish", int(error is not None))]


def test_lightning_logs_as_its_own_logger_does(started: list[FakeSession], tmp_path: Path) -> None:
    with tracker(tmp_path).run("object_model", "key", "a model", {}) as run:
        logger = tracking.lightning_logger(run)
        assert logger is not None
        logger.log_hyperparams({"lr": 0.1})
        logger.log_metrics({"val_loss": 1.0, "epoch": 0}, step=7)
    assert started[0].said[:2] == [
        ("config", {"lr": 0.1}),
        ("log", {"val_loss": 1.0, "epoch": 0, "trainer/global_step": 7}, {}, {}),
    ]


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
    assert tracked == Tracker("wandb", tmp_path / "demo", "demo", "denote", "team", ("a", "1"), tracking.LIMIT)


def test_disabled_starts_nothing(started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    tracker(tmp_path).load()
    with tracker(tmp_path).run("job", "key", "a job", {"seed": 0}) as run:
        assert run is None
    assert started == []


@pytest.mark.usefixtures("started")
def test_a_netrc_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "netrc"
    path.write_bytes(b"machine \xff password\n")
    monkeypatch.setenv("NETRC", str(path))
    for _ in range(2):
        track(tracker(tmp_path))
    assert caplog.messages == [f"{path} cannot be read; W&B runs stay offline"]
