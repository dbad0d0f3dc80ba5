"""Chunks that share a training wait for it outside of processes."""

from pathlib import Path

import pytest

from denote.cli.launchers.chunk_order import LOOK, ChunkOrder
from denote.cli.launchers.engine import LaunchedJob
from denote.locks import locked
from denote.runs.record import LOCK, Status, now, write_record


def jobs(folder: Path, *trainings: str) -> list[LaunchedJob]:
    names = [f"{number}-{training}" for number, training in enumerate(trainings)]
    return [LaunchedJob(n, (), folder / name, name, trainings[n]) for n, name in enumerate(names)]


def end(job: LaunchedJob, status: str = Status.FINISHED) -> None:
    job.folder.mkdir(exist_ok=True)
    write_record(job.folder, {"status": status, "ended": now()})


def test_one_chunk_of_a_training_begins_and_the_others_follow_once_its_network_is_there(tmp_path: Path) -> None:
    first, second, third, other = jobs(tmp_path, "a", "a", "a", "b")
    order = ChunkOrder([(first, second), (third,), (other,)])
    assert order.ready([0, 1, 2], []) == [0, 2]
    assert order.ready([1], [0, 2]) == []
    end(first)
    assert order.ready([1], [0, 2]) == [1]


def test_a_first_job_that_fails_lets_one_other_try(tmp_path: Path) -> None:
    chunks = [(job,) for job in jobs(tmp_path, "a", "a", "a")]
    order = ChunkOrder(chunks)
    assert order.ready([0, 1, 2], []) == [0]
    end(chunks[0][0], Status.FAILED)
    assert order.ready([1, 2], [0]) == []
    assert order.ready([1, 2], []) == [1]


def test_a_network_that_was_there_before_is_made_again_by_redo_first(tmp_path: Path) -> None:
    first, second = jobs(tmp_path, "a", "a")
    first.folder.mkdir()
    write_record(first.folder, {"status": Status.FINISHED, "ended": "2020-01-01T00:00:00+00:00"})
    assert ChunkOrder([(first,), (second,)]).ready([1], [0]) == []


def test_jobs_without_a_training_wait_for_nothing(tmp_path: Path) -> None:
    chunks = [(job,) for job in jobs(tmp_path, "", "", "")]
    assert ChunkOrder(chunks).ready([1, 2], [0]) == [1, 2]


def test_a_job_that_another_command_runs_is_waited_for_outside_of_processes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    time = [0.0]
    (taken, free) = chunks = [(job,) for job in jobs(tmp_path, "", "")]
    order = ChunkOrder(chunks, clock=lambda: time[0])
    with locked(taken[0].folder / LOCK, "job"):
        assert order.ready([0, 1], []) == [1]
        assert order.ready([0], [1]) == []
        assert "0- runs elsewhere (process " in caplog.text
        assert caplog.text.count("runs elsewhere") == 1
    assert order.made_elsewhere([0]) == []
    time[0] = LOOK
    assert order.ready([0], [1]) == [0]
    end(taken[0])
    assert order.made_elsewhere([0]) == [0]
    assert free[0].folder.exists() is False
