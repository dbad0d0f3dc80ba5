"""One owner at a time, over processes; the dead are succeeded, the living are waited for."""

from __future__ import annotations

import errno
import io
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
    deadline = time.monotonic() + 60
    while owner_of(path) is not None:  # a zombie from now on, as nobody has asked for its exit code
        assert time.monotonic() < deadline
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


def test_another_host_is_believed_until_it_is_silent(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(locks, "DOUBT", 0.0)
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
    monkeypatch.setattr(locks, "_holdings", locks._Holdings())
    with locked(path, "work"):
        before = path.stat().st_mtime_ns
        deadline = time.monotonic() + 20
        while path.stat().st_mtime_ns == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime_ns > before


def test_the_heartbeat_keeps_nobody_elses_lock_alive(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.02)
    monkeypatch.setattr(locks, "_holdings", locks._Holdings())
    with locked(path, "slow work"), locked(path.with_name("other"), "other work"):
        elsewhere(path, silent_for=100)
        other = path.with_name("other").stat().st_mtime_ns
        while path.with_name("other").stat().st_mtime_ns == other:
            time.sleep(0.01)
        time.sleep(0.05)
        assert time.time() - path.stat().st_mtime > 90
    path.unlink()


def test_an_interruption_leaves_no_lock_wherever_it_comes(path: Path, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("_tidy", "_chain", "_create"):
        with monkeypatch.context() as patch:
            usual, calls = getattr(locks, name), list[object]()

            def once(*values: object, usual=usual, calls=calls) -> object:
                calls.append(values)
                result = usual(*values)
                return interrupt() if len(calls) == 1 else result

            patch.setattr(locks, name, once)
            with pytest.raises(KeyboardInterrupt), locked(path, "work"):
                pass
        assert list(path.parent.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr(locks, "_release", interrupt)
        with pytest.raises(KeyboardInterrupt), locked(path, "work"):
            pass
    assert [file.name for file in path.parent.iterdir()] == ["lock"]
    with locked(path, "work", wait=False):  # this process knows that it does not hold it
        pass
    assert list(path.parent.iterdir()) == []


def test_a_server_whose_answer_was_lost_has_given_the_lock(path: Path, monkeypatch) -> None:
    usual = os.link

    def answer_late(source: Path, target: Path) -> None:
        usual(source, target)
        usual(source, target)

    monkeypatch.setattr(os, "link", answer_late)
    with locked(path, "work", wait=False):
        assert owner_of(path).what == "work"
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_a_full_disk_leaves_no_half_lock(path: Path, monkeypatch, links: bool) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC if links else errno.EPERM, "refused")

    class Full(io.FileIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "refused")

    usual = Path.open
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(
        Path, "open", lambda file, *how, **more: Full(file, "x") if "xb" in how else usual(file, *how, **more)
    )
    with pytest.raises(OSError, match="refused"), locked(path, "work"):
        pytest.fail("held nothing")
    assert list(path.parent.iterdir()) == []


def test_a_hidden_process_is_believed_until_it_is_silent(path: Path, held: subprocess.Popen[str], monkeypatch) -> None:
    """Machines may hide the processes of other users: what is not to be seen need not be dead."""
    usual = locks._began
    monkeypatch.setattr(locks, "_began", lambda pid: usual(pid) if pid == os.getpid() else None)
    with pytest.raises(HeldError), locked(path, "work", wait=False):
        pass
    assert owner_of(path).pid == held.pid


def test_a_server_that_comes_back_kills_nobody(path: Path) -> None:
    """After minutes in which no heartbeat reached the disk all owners look dead, until they beat."""
    elsewhere(path, silent_for=3 * locks.SILENCE)
    assert owner_of(path) is None
    for _ in range(2):
        with pytest.raises(HeldError), locked(path, "work", wait=False):
            pass
    os.utime(path)
    with pytest.raises(HeldError), locked(path, "work", wait=False):
        pass
    assert owner_of(path).host == "node7"


def test_what_the_dead_left_is_tidied_and_the_living_stay(path: Path, held: subprocess.Popen[str]) -> None:
    whole = path.with_name(f"lock.{'c' * 16}.new")
    whole.write_bytes(path.read_bytes())
    locks.tidy(path)
    assert {file.name for file in path.parent.iterdir()} == {"lock", whole.name}
    held.kill()
    held.wait()
    clock = path.with_name("lock.0f0f0f0f.clock")
    clock.touch()
    os.utime(clock, (1, 1))
    locks.tidy(path)
    assert list(path.parent.iterdir()) == []
    locks.tidy(path.parent / "no folder" / "lock")
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("token", ["../../elsewhere", "", "a" * 15, "A" * 16, "a" * 16 + "/b"])
def test_a_lock_file_of_strangers_names_no_other_file(path: Path, token: str) -> None:
    owner = elsewhere(path, silent_for=0)
    path.write_text(json.dumps({**vars(owner), "token": token}))
    with pytest.raises(HeldError, match="an unknown host"), locked(path, "work", wait=False):
        pass


def test_a_lock_file_that_succeeds_itself_ends(path: Path) -> None:
    owner = elsewhere(path, silent_for=0)
    path.with_name(f"lock.{owner.token}").write_bytes(path.read_bytes())
    assert owner_of(path) == owner


def test_others_may_read_who_holds_it(path: Path) -> None:
    before = os.umask(0o077)
    try:
        with locked(path, "work"):
            assert path.stat().st_mode & 0o044 == 0o044
    finally:
        os.umask(before)


def test_an_owner_that_was_succeeded_leaves_the_lock_to_its_successor(path: Path, caplog) -> None:
    with locked(path, "slow work"):
        owner = json.loads(path.read_text())
        successor = {**owner, "token": "b" * 16, "what": "other work", "machine": "another boot"}
        path.with_name(f"{path.name}.{owner['token']}").write_text(json.dumps(successor))
    assert "another process has taken over its lock" in caplog.text
    assert owner_of(path).what == "other work"


@pytest.mark.parametrize("content", ["", "no JSON", '{"pid": 3}', "[]"])
def test_a_damaged_lock_file_is_silent_one_day(path: Path, content: str, monkeypatch) -> None:
    monkeypatch.setattr(locks, "DOUBT", 0.0)
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
        raise PermissionError(errno.EPERM, "no hard links here")

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


def test_who_tidies_may_wait_until_another_host_is_surely_silent(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(locks, "DOUBT", 0.05)
    elsewhere(path, silent_for=3 * locks.SILENCE)
    locks.tidy(path)
    assert path.exists()
    locks.tidy(path, wait=True)
    assert list(path.parent.iterdir()) == []
    elsewhere(path, silent_for=0)
    locks.tidy(path, wait=True)
    assert path.exists()
