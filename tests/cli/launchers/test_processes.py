"""Processes of this machine: one that dies takes its own job along, and none outlives what started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from denote.cli.launchers.engine import Chunk, LaunchedJob
from denote.cli.launchers.processes import Processes, exit_reason


def end_as_named(chunk: Chunk) -> None:
    """Do what the name of a job says."""
    for job in chunk:
        (job.folder / job.name).write_text(f"{os.getpid()} {os.environ.get('POLARS_MAX_THREADS')}")
        if job.name == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if job.name == "leaves":
            os._exit(7)
        if job.name == "waits":
            try:
                time.sleep(60)
            except KeyboardInterrupt as stop:
                (job.folder / "stopped").write_text(str(stop))
                raise


def jobs(folder: Path, *names: str) -> list[LaunchedJob]:
    return [LaunchedJob(number, (), folder, name, training=name) for number, name in enumerate(names)]


def test_every_job_has_its_end_and_the_next_one_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    engine = Processes(1, threads=3)
    chunks = engine.chunks(jobs(tmp_path, "first", "second", "dies", "leaves", "last"))
    ends = dict(engine.run(chunks, end_as_named))
    assert ends == {
        0: "", 1: "", 2: "killed by signal 9 (SIGKILL): out of memory?",
        3: "its process ended without a word, with exit code 7", 4: "",
    }  # fmt: skip
    said = {path.name: path.read_text().split() for path in tmp_path.iterdir()}
    assert {threads for _, threads in said.values()} == {"3"}
    assert said["first"][0] == said["second"][0] == said["dies"][0]  # imports are paid for once
    assert len({process for process, _ in said.values()}) == 3
    assert "POLARS_MAX_THREADS" not in os.environ


def test_closing_it_stops_what_runs(tmp_path: Path) -> None:
    engine = Processes(2, fresh=True)
    running = engine.run(engine.chunks(jobs(tmp_path, "first", "waits")), end_as_named)
    assert next(running) == (0, "")
    deadline = time.monotonic() + 60
    while not (tmp_path / "waits").exists() or not (tmp_path / "waits").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.close()
    assert (tmp_path / "stopped").read_text() == "SIGTERM"
    process, _ = (tmp_path / "waits").read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


ORPHAN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_processes as here
from denote.cli.launchers.processes import Processes
engine = Processes(1)
list(engine.run(engine.chunks(here.jobs(Path(sys.argv[1]), "waits")), here.end_as_named))
"""


def test_no_process_outlives_a_command_that_was_killed(tmp_path: Path) -> None:
    command = subprocess.Popen([sys.executable, "-c", ORPHAN, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "waits").exists():
        assert command.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    command.kill()
    command.wait()
    for _ in range(1000):
        if (tmp_path / "stopped").exists():
            break
        time.sleep(0.02)
    assert (tmp_path / "stopped").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [(-11, "killed by signal 11 (SIGSEGV)"), (0, "exit code 0"), (None, "does not answer"), (-200, "signal 200")],
)
def test_how_a_process_ended_is_said(code: int | None, said: str) -> None:
    assert said in exit_reason(code)
