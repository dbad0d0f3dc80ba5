"""Tracking: offline where there is no key, the user's mode first, one id for one piece of work."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from denote.errors import ConfigError
from denote.reporting import tracking, wandb_environment, wandb_names, wandb_sessions, whereabouts
from denote.reporting.tracking import Tracker
from denote.reporting.training_curves import lightning_logger, replay
from denote.reporting.wandb_environment import has_key
from denote.reporting.wandb_names import run_id
from denote.reporting.wandb_run import TrackedRun
from denote.stops import Stopped, TimeLimitError

KEYS = (
    *("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_MODE", "WANDB_BASE_URL", "NETRC", "WANDB_DIR"),
    *("WANDB_PROJECT", "WANDB_ENTITY", "WANDB_RUN_GROUP", "WANDB_TAGS"),
)


class FakeSession:
    """Remembers what it was told."""

    made: list["FakeSession"]

    def __init__(self, *, online: bool, limit: float) -> None:
        self.online, self.limit, self.has_given_up = online, limit, False
        self.addresses = {kind: f"https://wandb.example.org/p/runs/{kind}" for kind in ("job", "object_model")}
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
    monkeypatch.setattr(wandb_sessions, "Session", FakeSession)
    monkeypatch.setattr(wandb_sessions, "_sessions", {})
    monkeypatch.setattr(whereabouts, "_opened", {})
    return FakeSession.made


CONFIG: dict[str, Any] = {"logger": {"kinds": {"wandb": True}, "project": None, "entity": None}, "tags": []}


def tracker(folder: Path, kind: str = "wandb") -> Tracker:
    return Tracker(() if kind == "none" else (kind,), folder / "t", "t", "t", tags=("a",))


def track(tracked: Tracker) -> None:
    with tracked.run("job", "key", "a job", {"seed": 0}):
        pass


def test_offline_without_a_key(started: list[FakeSession], tmp_path: Path) -> None:
    track(tracker(tmp_path))
    assert not started[0].online
    given = started[0].given
    assert given["dir"] == str(tmp_path / "t")
    assert (given["group"], given["job_type"], given["tags"]) == ("t", "job", ["a"])
    assert given["config"] == {"seed": 0, "sweep": "t"}


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
    long = Tracker.of(CONFIG, tmp_path / ("g" * 200))
    groups, names = set(), set()
    for name in ("n" * 300, "n" * 301):
        with long.run("job", "key", name, {}):
            pass
        groups.add(started[0].given["group"])
        names.add(started[0].given["name"])
    assert (len(groups), len(names)) == (1, 2)
    assert {len(text) for text in groups | names} == {wandb_names.LONGEST}


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
        replay(run, [{"epoch": 0}])
        assert lightning_logger(run) is None
    assert started == []
    assert list(tmp_path.iterdir()) == []


ENDS = [
    (None, "finished", 0), (RuntimeError, "failed", 1), (SystemExit, "failed", 1),
    (KeyboardInterrupt, "interrupted", 255), (Stopped, "interrupted", 255), (TimeLimitError, "timed out", 1),
]  # fmt: skip


@pytest.mark.parametrize(("error", "status", "code"), ENDS)
def test_a_run_ends_as_its_body_does(
    started: list[FakeSession], tmp_path: Path, error: type[BaseException] | None, status: str, code: int
) -> None:
    with contextlib.suppress(error or ()), tracker(tmp_path).run("job", "key", "a job", {}):
        if error is not None:
            raise error
    (_, said), finish = started[0].said
    assert (said["status"], said.get("error"), finish) == (status, error and error.__name__, ("finish", code))


HISTORY = [{"epoch": epoch, "train_loss": 1 / epoch, "val_loss": 2 / epoch} for epoch in (1, 2, 3)]


def test_training_curves_have_the_same_steps_live_loaded_and_gone_on(
    started: list[FakeSession], tmp_path: Path
) -> None:
    """Lightning counts epochs from 0, and tells of training and validation of one epoch one after the other."""
    rows = []
    for first in (1, 2, 4):  # trained, gone on with, loaded
        with tracker(tmp_path).run("object_model", "key", "a model", {}) as run:
            logger = lightning_logger(run)
            assert logger is not None
            for row in HISTORY[first - 1 :]:
                for name in ("val_loss", "train_loss"):
                    logger.log_metrics({name: row[name], "epoch": row["epoch"] - 1}, step=7)
            logger.finalize("success")
            replay(run, HISTORY, logger)
        rows.append([values for do, values, *_ in started[0].said if do == "log"])
        started[0].said.clear()
    assert [sorted(of, key=lambda row: row["epoch"]) for of in rows] == [HISTORY] * 3


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


@pytest.mark.usefixtures("started")
def test_the_environment_is_respected_and_what_is_typed_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Tracker.of(CONFIG, tmp_path / "demo") == Tracker(("wandb",), tmp_path / "demo", "demo", "demo")
    given = {"PROJECT": "p", "ENTITY": "e", "RUN_GROUP": "g", "TAGS": "a, b", "DIR": str(tmp_path / "elsewhere")}
    for name, value in given.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    found = Tracker.of(CONFIG, tmp_path / "demo")
    assert (found.project, found.entity, found.group, found.tags) == ("p", "e", "g", ("a", "b"))
    assert found.place == tmp_path / "elsewhere" / "wandb"
    typed = {
        "kind": "wandb",  # as records of older jobs have it
        "project": "mine",
        "entity": "team",
        "group": "of us",
        "per_job": False,
    }
    found = Tracker.of({"logger": typed, "tags": ["c", 1]}, tmp_path / "demo")
    assert (found.project, found.entity, found.group, found.tags) == ("mine", "team", "of us", ("c", "1"))
    assert found.sweep == "demo"  # which makes the ids


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("WANDB_PROJECT", "a/b", "1 to 128 characters without"),
        ("WANDB_MODE", "foo", "'foo' is unknown; allowed: online, offline, disabled"),
        ("WANDB_ENTITY", "e" * 129, "1 to 128 characters"),
        ("WANDB_RUN_GROUP", "g" * 129, "1 to 128 characters"),
        ("WANDB_TAGS", "a," + 65 * "t", "a tag of 65 characters; allowed: 1 to 64"),
        ("WANDB_TAGS", "a,,b", "a tag of 0 characters; allowed: 1 to 64"),
    ],
)
def test_what_wandb_would_refuse_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable) as refused:
        wandb_environment.check(CONFIG)
    assert said in str(refused.value)
    wandb_environment.check({"logger": {"kinds": {}}, "tags": []})


def test_without_runs_of_jobs_only_a_sweep_its_curves_and_a_job_alone_are_tracked(tmp_path: Path) -> None:
    few = Tracker(("wandb",), tmp_path, "t", "t", per_job=False)
    tracked = {kind: few.tracks(kind) for kind in ("object_model", "job", "curve", "sweep")}
    assert tracked == {"object_model": False, "job": False, "curve": True, "sweep": True}
    assert few.tracks("job", alone=True)


def test_where_runs_are_is_said_once(
    started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = whereabouts.whereabouts
    monkeypatch.setattr(tracking, "run_id", lambda *_: "job")
    assert where() == []
    track(tracker(tmp_path))
    assert where() == [f"W&B: denote-sync {tmp_path}/t"]
    assert where() == []
    monkeypatch.chdir(tmp_path)
    track(tracker(tmp_path))
    assert where() == ["W&B: denote-sync t"]
    started[0].online = True
    track(tracker(tmp_path))
    assert where() == ["W&B: https://wandb.example.org/p/runs/job"]
    monkeypatch.setattr(tracking, "run_id", lambda _, job_type, __: job_type)
    tracked = tracker(tmp_path)
    with tracked.run("job", "key", "a job", {}), tracked.run("object_model", "key", "its network", {}):
        pass
    assert where() == ["W&B: https://wandb.example.org/p/runs/job"]
    with tracked.run("object_model", "key", "a network that was trained alone", {}):
        pass
    assert where() == ["W&B: https://wandb.example.org/p/runs/object_model"]
    started[0].online, started[0].has_given_up = False, True
    track(tracker(tmp_path))
    assert where() == []


def test_runs_that_other_processes_have_kept_are_told_of(started: list[FakeSession], tmp_path: Path) -> None:
    tracked = tracker(tmp_path)
    tracked.note_others()
    assert whereabouts.whereabouts() == []
    (tracked.place / "offline-run-1").mkdir(parents=True)
    tracked.note_others()
    assert whereabouts.whereabouts() == [f"W&B: denote-sync {tracked.folder}"]


def test_the_first_attributes_of_a_sweep_have_keys_whichever_job_asks(
    started: list[FakeSession], tmp_path: Path
) -> None:
    tracked = tracker(tmp_path)
    many = {f"class={number}": "classes" for number in range(1000)}
    assert tracked.named({"a": "columns", "b": "columns"}) == ["a", "b"]
    assert tracked.named({"c": "columns"}) == ["a", "b", "c"]
    assert tracked.named(many) == ["a", "b", "c", *list(many)[:7]]
    assert len(tracked.named({"another": "columns"})) == 10


def test_named_attributes_come_before_members_of_families(started: list[FakeSession], tmp_path: Path) -> None:
    tracked, many = tracker(tmp_path), {f"class={number}": "classes" for number in range(10)}
    both = {**many, "odd": "named"}
    assert tracked.named(both, alone=True) == ["odd", *list(many)[:9]]
    assert tracked.named(many) == list(many)
    assert tracked.named({"prime": "named"}) == ["prime", *list(many)[:9]]
    assert tracked.named(both) == ["prime", "odd", *list(many)[:8]]


def test_a_picture_that_is_gone_is_left_out(
    started: list[FakeSession], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, gone = tmp_path / "here.png", tmp_path / "gone.png"
    here.write_bytes(b"picture")
    with tracker(tmp_path).run("job", "key", "a job", {}) as run:
        assert run is not None
        run.log({}, {}, {"figures/a": [(gone, "gone"), (here, "here")], "figures/b": [(gone, "gone")]})
    assert started[0].said[0] == ("log", {}, {}, {"figures/a": [["cGljdHVyZQ==", "here"]]})
    assert caplog.messages == [f"{gone} is not tracked: No such file or directory"] * 2


def test_attributes_of_other_sweeps_take_no_key(
    started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    many = {f"class={number}": "classes" for number in range(10)}
    assert tracker(tmp_path).named(many) == list(many)
    other = Tracker(("wandb",), tmp_path / "u", "u", "u")
    assert other.named({"odd": "named"}) == ["odd"]
    assert tracker(tmp_path).named({"odd": "named"}, alone=True) == ["odd"]
    assert tracker(tmp_path).named({"odd": "named"}) == ["odd", *list(many)[:9]]


def test_disabled_starts_nothing(started: list[FakeSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    disabled = Tracker.of(CONFIG, tmp_path / "t")
    disabled.load("job")
    with disabled.run("job", "key", "a job", {"seed": 0}) as run:
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


def test_a_session_that_cannot_be_had_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_: float) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(tracking, "session_of_process", failing)
    tracker(tmp_path).load("job")
    with tracker(tmp_path).run("job", "key", "a job", {}) as run:
        assert run is not None
        run.log({"depth": 0})
    assert caplog.messages == [
        f"{what} cannot be tracked (OSError: no more processes)" for what in ("sweep t", "a job in wandb")
    ]
