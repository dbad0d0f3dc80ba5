"""One owner at a time, over processes; the dead are succeeded, the living are waited for."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from denote import locks
from denote.locks import HeldError, Owner, locked, owner_of

HOLD = """
import sys, time
from pathlib import Path
from denote.locks import locked
with locked(Path(sys.argv[1]), "work"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""

COUNT = """
import sys, time
from pathlib import Path
from denote.locks import locked
folder = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with locked(folder / "lock", "counting"):
        counter = folder / "counter"
        value = int(counter.read_text())
        time.sleep(0.0005)
        counter.write_text(str(value + 1))
"""


def holder(path: Path, seconds: float = 60) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shared" / "lock"


@pytest.fixture
def held(path: Path):
    process = holder(path)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def elsewhere(path: Path, silent_for: float) -> Owner:
    """A lock that a process of another host holds, silent for some seconds."""
    owner = Owner("training", "node7", 1, "another boot", "1", "2026-01-01T00:00:00", "a" * 16)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(vars(owner)))
    then = time.time() - silent_for
    os.utime(path, (then, then))
    return owner


def test_nothing_is_left_of_a_lock(path: Path) -> None:
    with locked(path, "work"):
        assert owner_of(path).pid == os.getpid()
        assert owner_of(path).what == "work"
    assert owner_of(path) is None
    assert list(path.parent.iterdir()) == []


def test_it_is_let_go_when_the_work_fails(path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken"), locked(path, "work"):
        raise RuntimeError("broken")
    assert list(path.parent.iterdir()) == []


def test_who_does_not_wait_is_told_who_holds_it(path: Path, held: subprocess.Popen[str]) -> None:
    with pytest.raises(HeldError, match=f"work is under way .process {held.pid} on "), locked(path, "more", wait=False):
        pytest.fail("held twice")


def test_a_killed_process_is_succeeded_at_once(path: Path, held: subprocess.Popen[str], caplog) -> None:
    held.send_signal(signal.SIGKILL)
    held.wait()
    with locked(path, "work"):
        assert owner_of(path).pid == os.getpid()
    assert f"taken over from process {held.pid}" in caplog.text
    assert list(path.parent.iterdir()) == []


def test_a_process_that_nobody_has_waited_for_is_dead_too(path: Path, held: subprocess.Popen[str]) -> None:
    held.send_signal(signal.SIGKILL)
    while owner_of(path) is not None:  # a zombie from now on, as nobody has asked for its exit code
        time.sleep(0.01)
    with locked(path, "work", wait=False):
        pass


def test_a_stopped_process_is_alive(path: Path, held: subprocess.Popen[str], monkeypatch) -> None:
    monkeypatch.setattr(locks, "SILENCE", 0.0)
    held.send_signal(signal.SIGSTOP)
    assert owner_of(path).pid == held.pid
    held.send_signal(signal.SIGCONT)


def test_another_process_of_the_same_number_is_another(path: Path) -> None:
    with locked(path, "work"):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "began": "1"}))
    with locked(path, "work", wait=False):
        assert owner_of(path).pid == os.getpid()


def test_another_host_is_believed_until_it_is_silent(path: Path) -> None:
    owner = elsewhere(path, silent_for=locks.SILENCE / 2)
    assert owner_of(path) == owner
    with pytest.raises(HeldError, match="process 1 on node7"), locked(path, "work", wait=False):
        pass
    elsewhere(path, silent_for=2 * locks.SILENCE)
    assert owner_of(path) is None
    with locked(path, "work", wait=False):
        assert owner_of(path).pid == os.getpid()
    assert list(path.parent.iterdir()) == []


def test_the_heartbeat_is_seen(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.02)
    monkeypatch.setattr(locks, "_beating", locks._Beating())
    with locked(path, "work"):
        before = path.stat().st_mtime_ns
        deadline = time.monotonic() + 20
        while path.stat().st_mtime_ns == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime_ns > before


def test_an_owner_that_was_succeeded_leaves_the_lock_to_its_successor(path: Path, caplog) -> None:
    with locked(path, "slow work"):
        owner = json.loads(path.read_text())
        successor = {**owner, "token": "b" * 16, "what": "other work"}
        path.with_name(f"{path.name}.{owner['token']}").write_text(json.dumps(successor))
    assert "another process has taken over its lock" in caplog.text
    assert owner_of(path).what == "other work"


@pytest.mark.parametrize("content", ["", "no JSON", '{"pid": 3}', "[]"])
def test_a_damaged_lock_file_is_silent_one_day(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert owner_of(path).host == "an unknown host"
    then = time.time() - 2 * locks.SILENCE
    os.utime(path, (then, then))
    with locked(path, "work", wait=False):
        pass
    assert list(path.parent.iterdir()) == []


def test_it_needs_no_hard_links(path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    with locked(path, "work"), pytest.raises(HeldError), locked(path, "more", wait=False):
        pass
    assert list(path.parent.iterdir()) == []


def test_threads_exclude_each_other(path: Path) -> None:
    inside, most = list[int](), list[int]()

    def work() -> None:
        with locked(path, "work"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.005)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_who_waits_says_for_whom_once(path: Path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(locks, "FIRST_WORD", 0.05)
    process = holder(path, seconds=0.4)
    with caplog.at_level(logging.INFO), locked(path, "work"):
        pass
    process.wait()
    process.stdout.close()
    assert caplog.text.count("waiting: work is under way") == 1
    assert f"process {process.pid} on " in caplog.text


def test_processes_that_are_killed_in_the_middle_lose_no_count(tmp_path: Path) -> None:
    """Four processes count to 40 each under the lock, beside some that are killed while they hold it."""
    (tmp_path / "counter").write_text("0")
    counting = [
        subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), "40"], stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    for _ in range(3):
        victim = holder(tmp_path / "lock")
        victim.kill()
        victim.wait()
        victim.stdout.close()
    assert [process.wait() for process in counting] == [0, 0, 0, 0]
    assert (tmp_path / "counter").read_text() == "160"
    with locked(tmp_path / "lock", "the end", wait=False):  # of the last one that was killed
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["counter"]
