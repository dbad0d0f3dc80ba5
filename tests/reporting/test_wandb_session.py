"""W&B in a process of its own: what it is told arrives, at a server or on disk, and nothing it does reaches a job."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from drills.wandb_server import DEAD, NEVER, WELL, WandbServer
from wandb_files import finished

from denote.reporting import wandb_session
from denote.reporting.wandb_session import Session, TrackedRun

FAKE = """
import json, os, pathlib, sys, time
def note(*said):
    with open({notes!r}, "a") as file:
        print(json.dumps(said), file=file)
first = not os.path.exists({notes!r})
class Settings:
    def __init__(self, **given): pass
class Run:
    dir, url = {folder!r} + "/offline-run-1-r/files", "https://wandb.example.org/runs/r"
    def log(self, values): note("log", values)
    def define_metric(self, metric, step_metric, summary): note("define", metric, step_metric)
    def finish(self, exit_code): note("finish", exit_code)
    class summary:
        @staticmethod
        def update(values): note("summary", values)
def init(**given):
    pathlib.Path(Run.dir).mkdir(parents=True, exist_ok=True)
    note("init", given["mode"])
    return Run()
"""
"""A package in the place of W&B's that writes down what it is asked for."""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Put a fake package, with some code at its end, in the place of W&B's, and return a reader of its notes."""
    notes, package = tmp_path / "notes", tmp_path / "package" / "wandb.py"
    package.parent.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))

    def install(more: str = "") -> None:
        package.write_text(FAKE.format(notes=str(notes), folder=str(tmp_path / "wandb")) + more)

    install.noted = lambda: [json.loads(line) for line in notes.read_text().splitlines()]  # type: ignore[attr-defined]
    return install


def run_of(session: Session, folder: Path, key: str = "r") -> TrackedRun:
    given = {"project": "p", "dir": str(folder), "id": key, "name": "a run", "config": {"seed": 0}, "mode": "online"}
    return session.start(key, given)


def track(session: Session, folder: Path, key: str = "r") -> None:
    """A run with one of everything."""
    run = run_of(session, folder, key)
    run.define_metric("depth")
    run.log({"depth": 0})
    run.summarize({"n": 3})
    run.finish(0)
    session.settle()


EVERYTHING = [["define", "depth", None], ["log", {"depth": 0}], ["summary", {"n": 3}], ["finish", 0]]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Point W&B to a server."""

    def point(server: WandbServer) -> Session:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        return Session(online=True, limit=60)

    return point


def test_a_server_gets_everything(online: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(PIXEL)
    with WandbServer(WELL) as server:
        session = online(server)
        run = run_of(session, tmp_path)
        run.log({"loss": 0.5})
        run.log({}, {"cells": {"columns": ["a", "b"], "data": [[1, None]]}}, {"figures/one": [(picture, "one")]})
        run.finish(0)
        session.settle()
        session.close()
    assert session.addresses["r"].endswith("/p/runs/r")
    first, second = server.history["r"]
    assert first["loss"] == 0.5
    assert (second["cells"]["nrows"], second["figures/one"]["_type"]) == (1, "images/separated")
    assert server.ended == {"r": 0}
    assert caplog.messages == []
    assert not list(tmp_path.glob("wandb/offline-run-*"))


def test_a_dead_server_leaves_whole_runs_on_disk_and_one_line(
    online: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with WandbServer(DEAD) as server:
        session = online(server)
        for key in ("r", "s"):
            track(session, tmp_path, key)
        session.close()
    for key in ("r", "s"):
        (path,) = tmp_path.glob(f"wandb/offline-run-*-{key}/*.wandb")
        assert any(record.HasField("history") for record in finished(path))
    (line,) = caplog.messages
    assert "refused" in line
    assert line.endswith(f"runs are kept offline in {tmp_path}/wandb; send them later with: denote-sync {tmp_path}")


def test_what_a_server_does_not_take_in_time_is_written_to_disk(
    online: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wandb_session, "TO_WRITE", 60.0)
    with WandbServer(NEVER) as server:
        session = online(server)
        track(session, tmp_path)
        session.close()
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert any(record.HasField("history") for record in finished(path))
    assert not [folder for folder in tmp_path.glob("wandb/run-*") if folder.is_dir()]
    assert len(caplog.messages) == 1


def test_other_processes_do_not_try_a_server_that_was_just_dead(
    online: Any, fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    with WandbServer(DEAD) as server:
        track(online(server), tmp_path)
    note = tmp_path / "wandb" / wandb_session.UNREACHABLE
    assert note.read_text() == server.url
    with WandbServer(WELL, port=server.port) as revived:
        track(online(revived), tmp_path)
        assert fake.noted()[5] == ["init", "offline"]
        os.utime(note, (0, 0))
        track(online(revived), tmp_path)
    assert fake.noted()[10] == ["init", "online"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("raise ImportError('cannot import name runtime_version')", "ImportError: cannot import name runtime_version"),
        ("def _raise(*_, **__): raise ValueError('planted')\nRun.log = _raise", "ValueError: planted"),
        ("Run.finish = lambda *_, **__: sys.exit('planted')", "SystemExit: planted"),
        ("os._exit(3)", "its process ended"),
    ],
)
def test_a_package_that_fails_is_said_once_and_used_no_more(
    fake: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str, reason: str
) -> None:
    fake(broken)
    session = Session(online=False, limit=60)
    for key in ("r", "s"):
        track(session, tmp_path, key)
    assert caplog.messages == [f"W&B cannot be used ({reason}): nothing more is tracked"]


def test_a_process_that_dies_on_the_way_is_replaced_and_told_everything_again(
    fake: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake("if first:\n    Run.finish = lambda *_, **__: os.kill(os.getpid(), 9)")
    track(Session(online=False, limit=60), tmp_path)
    noted = fake.noted()
    assert noted == [["init", "offline"], *EVERYTHING[:-1], ["init", "offline"], *EVERYTHING]
    assert caplog.messages == []
    assert not (tmp_path / "wandb" / "offline-run-1-r").exists()  # that of the first one, which the second replaces


def test_the_next_job_waits_for_no_run_that_is_not_overdue(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("Run.finish = lambda run, exit_code: (time.sleep(1), note('finish', exit_code))\n")
    session = Session(online=False, limit=60)
    outer = run_of(session, tmp_path, "outer")
    run_of(session, tmp_path, "inner").finish(0)
    outer.finish(0)
    run_of(session, tmp_path, "next").finish(0)
    assert "outer" in session._runs  # is sent while the next job computes
    monkeypatch.setattr(wandb_session, "PATIENCE", 0.0)
    run_of(session, tmp_path, "last")
    assert list(session._runs) == ["last"]
    session.close()


def test_a_file_in_the_place_of_the_folder(fake: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fake()
    (tmp_path / "wandb").write_text("")
    track(Session(online=False, limit=60), tmp_path)
    (line,) = caplog.messages
    assert "nothing more is tracked" in line


def test_a_job_does_not_wait_for_a_process_that_takes_nothing(
    fake: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake("time.sleep(3600)")
    session = Session(online=False, limit=0.2)
    run = run_of(session, tmp_path)
    for _ in range(8):
        run.log({"text": "x" * 100_000})  # more than a pipe holds
    run.finish(0)
    session.settle()
    if session._pipe is not None:
        session._pipe.kill()
    (line,) = caplog.messages
    assert "may lack" in line or "takes no messages" in line  # where it had no time to begin


def test_a_signal_ends_waiting_at_once(fake: Any, tmp_path: Path) -> None:
    fake("time.sleep(3600)")
    session = Session(online=False, limit=3600)
    run_of(session, tmp_path).finish(0)
    earlier = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            session.settle()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
        assert session._pipe is not None
        session._pipe.kill()


def test_the_process_ends_by_itself_with_runs_that_were_left_open(fake: Any, tmp_path: Path) -> None:
    fake()
    session = Session(online=False, limit=60)
    run_of(session, tmp_path).log({"a": 1})
    session.settle()  # waits for no run that is open
    session.close()
    until = time.monotonic() + 60
    while time.monotonic() < until and ["finish", 1] not in (fake.noted() if (tmp_path / "notes").exists() else []):
        time.sleep(0.02)
    assert fake.noted()[-1] == ["finish", 1]


def test_the_service_ends_with_the_process(fake: Any, tmp_path: Path) -> None:
    """W&B starts its service in a session of its own, in which it would go on for ever."""
    fake(
        "import subprocess\n"
        "class Sleeping(Run):\n"
        "    pass\n"
        "service = subprocess.Popen(['sleep', '3600'], start_new_session=True)\n"
        "note('service', service.pid)\n"
    )
    session = Session(online=False, limit=60)
    track(session, tmp_path)
    assert session._pipe is not None
    session._pipe.kill()
    pid = next(said[1] for said in fake.noted() if said[0] == "service")
    until = time.monotonic() + 60
    while time.monotonic() < until and _runs(pid):
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)


def test_the_seconds_that_a_job_waited_are_said_once(
    fake: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake("Run.finish = lambda run, exit_code: time.sleep(0.1)\n")
    caplog.set_level("DEBUG", logger=wandb_session.log.name)
    session = Session(online=False, limit=60)
    track(session, tmp_path)
    session._allowance.left -= 1e-6  # asking again whether all is done takes some
    session.settle()
    assert len([line for line in caplog.messages if "held up this job" in line]) == 1
