"""The driver, with an engine whose processes end as a test says: every job has an end, whatever becomes of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from denote.cli.launchers import worker
from denote.cli.launchers.driver import Launch, tidy
from denote.cli.launchers.engine import Chunk, LaunchedJob, Work, by_training, one_by_one
from denote.errors import ConfigError
from denote.locks import locked
from denote.runs.attempts import Attempt, begin, described, end, end_for_it, status_after
from denote.runs.record import LOCK, Status, read_record
from denote.stops import Stopped, TimeLimitError

LOST = "killed by signal 9 (SIGKILL): out of memory?"


class Scripted:
    """Runs all jobs in one chunk, unless told otherwise, each of which ends as its script says, attempt by attempt."""

    def __init__(self, launch: Launch, script: dict[str, Sequence[str]]) -> None:
        self.launch, self.script = launch, {name: list(ends) for name, ends in script.items()}
        self.chunks_run: list[list[str]] = []

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        return [tuple(jobs)]

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        for index, chunk in enumerate(chunks):
            self.chunks_run.append([job.name for job in chunk])
            yield index, next((LOST for job in chunk if not self._survives(job)), "")

    def _survives(self, job: LaunchedJob) -> bool:
        """Run a job; return False where it takes its process along."""
        ends = self.script.get(job.name, ["finishes"])
        how = ends.pop(0) if len(ends) > 1 else ends[0]
        if how == "never begins":
            return False
        if how == "is run by another command" and not job.waits:
            return True
        if how == "breaks the engine":
            raise RuntimeError("the cluster is gone")
        record = {"status": Status.RUNNING, "config": {}, **Attempt(self.launch.name, job.attempt).entry()}
        begin(job.folder, record, keeps=False)
        if how == "is killed":
            return False
        if how == "is stopped":
            raise Stopped("SIGTERM")
        if how == "fails":
            end(job.folder, record, Status.FAILED, described(ValueError("odd")))
        else:
            end(job.folder, record, Status.FINISHED, None)
        return True


def run(
    sweep: Path, script: dict[str, Sequence[str]], names: str = "abc", **options: object
) -> tuple[Launch, Scripted]:
    launch = Launch("now", sweep, **options)  # type: ignore[arg-type]
    engine = Scripted(launch, script)
    jobs = [LaunchedJob(number, (), sweep / name, name) for number, name in enumerate(names)]
    launch.run(jobs, engine, engine, lambda chunk: None)
    return launch, engine


def told(launch: Launch) -> dict[str, str]:
    return {end.job.name: end.status for end in launch.ends.values()}


def test_jobs_end_and_nothing_is_left(tmp_path: Path) -> None:
    launch, engine = run(tmp_path, {}, config="seed: 0")
    assert told(launch) == dict.fromkeys("abc", "finished")
    assert engine.chunks_run == [["a", "b", "c"]]
    assert {path.name for path in tmp_path.iterdir()} == {*"abc", "multirun.yaml"}
    assert (tmp_path / "multirun.yaml").read_text() == "seed: 0"


def test_a_job_that_another_command_runs_is_left_for_the_end_and_then_waited_for(tmp_path: Path) -> None:
    launch, engine = run(tmp_path, {"a": ["is run by another command"]})
    assert told(launch) == dict.fromkeys("abc", "finished")
    assert engine.chunks_run == [["a", "b", "c"], ["a"]]


def test_a_job_that_is_held_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = list[str]()
    monkeypatch.setattr(worker, "setup_globals", lambda: None)
    monkeypatch.setattr(worker.SweepWork, "_run", lambda _, job: begun.append(job.name))
    nothing = dict.fromkeys(("task", "config", "context"))
    work = worker.SweepWork(**nothing, launch="now", cwd="", stop=tmp_path / "stop", stops_after=None)  # type: ignore[arg-type]
    jobs = [LaunchedJob(number, (), tmp_path / name, name) for number, name in enumerate("ab")]
    with locked(tmp_path / "a" / LOCK, "job a"):
        work(jobs)
    assert begun == ["b"]
    with locked(tmp_path / "a" / LOCK, "job a"):
        work([replace(jobs[0], waits=True)])
    assert begun == ["b", "a"]


@pytest.mark.parametrize("expendable", [False, True])
def test_a_job_that_timed_out_takes_the_process_along_if_it_is_for_jobs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expendable: bool
) -> None:
    def time_out(_: worker.SweepWork, job: LaunchedJob) -> None:
        end_for_it(job.folder, Attempt("now"), Status.TIMED_OUT, described(TimeLimitError("long")))

    monkeypatch.setattr(worker, "setup_globals", lambda: None)
    monkeypatch.setattr(worker.SweepWork, "_run", time_out)
    nothing = dict.fromkeys(("task", "config", "context"))
    work = worker.SweepWork(**nothing, launch="now", cwd="", stop=tmp_path / "stop", is_expendable=expendable)  # type: ignore[arg-type]
    with pytest.raises(SystemExit, match="a timed out") if expendable else nullcontext():
        work([LaunchedJob(number, (), tmp_path / name, name) for number, name in enumerate("ab")])
    assert (tmp_path / "b").exists() is not expendable


def test_a_killed_job_is_named_and_those_behind_it_run(tmp_path: Path) -> None:
    launch, engine = run(tmp_path, {"a": ["is killed"], "b": ["fails"]})
    assert told(launch) == {"a": "killed", "b": "failed", "c": "finished"}
    assert launch.ends[0].reason == LOST
    record = read_record(tmp_path / "a") or {}
    assert (record["status"], record["error"]["message"]) == ("killed", LOST)
    assert engine.chunks_run == [["a", "b", "c"], ["b", "c"]]
    assert [end.job.name for end in launch.unsuccessful()] == ["a", "b"]


def test_what_failed_is_tried_again_and_what_was_killed_alone_and_last(tmp_path: Path) -> None:
    launch, engine = run(tmp_path, {"a": ["is killed", "finishes"], "b": ["fails", "finishes"]}, retries=1)
    assert told(launch) == dict.fromkeys("abc", "finished")
    assert engine.chunks_run == [["a", "b", "c"], ["b", "c"], ["b"], ["a"]]
    assert (read_record(tmp_path / "b") or {})["attempt"] == 2
    assert told(run(tmp_path / "other", {"a": ["fails"]}, retries=2)[0])["a"] == "failed"
    assert (read_record(tmp_path / "other" / "a") or {})["attempt"] == 3


def test_a_job_that_never_begins_is_missing_and_ends_no_other(tmp_path: Path) -> None:
    launch, engine = run(tmp_path, {"a": ["never begins"]})
    assert told(launch) == {"a": "missing", "b": "finished", "c": "finished"}
    assert launch.ends[0].reason == f"did not begin: {LOST}"
    assert launch.unstarted() == {"a": ("missing", f"did not begin: {LOST}")}
    assert engine.chunks_run == [["a", "b", "c"], ["a"], ["b"], ["c"], ["a"]]


def test_an_engine_that_breaks_is_asked_again_and_given_up(tmp_path: Path) -> None:
    launch, _ = run(tmp_path / "once", {"b": ["breaks the engine", "finishes"]})
    assert told(launch) == dict.fromkeys("abc", "finished")
    launch, _ = run(tmp_path / "always", {"b": ["breaks the engine"]})
    assert told(launch) == {"a": "finished", "b": "missing", "c": "missing"}
    assert "the cluster is gone" in launch.ends[1].reason


def test_a_mistake_before_any_job_began_is_raised(tmp_path: Path) -> None:
    launch = Launch("now", tmp_path)
    engine = Scripted(launch, {})
    engine.run = lambda chunks, work: (_ for _ in ()).throw(ConfigError("ray", "is not there"))  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="is not there"):
        launch.run([LaunchedJob(0, (), tmp_path / "a", "a")], engine, engine, lambda chunk: None)
    assert told(launch) == {"a": "missing"}


def test_a_sweep_that_stops_starts_no_further_job(tmp_path: Path) -> None:
    launch = Launch("now", tmp_path, stops=True)
    engine = Scripted(launch, {"a": ["is killed"]})
    engine.chunks = one_by_one  # type: ignore[method-assign]
    jobs = [LaunchedJob(number, (), tmp_path / name, name, training=name) for number, name in enumerate("ab")]
    survives = engine._survives
    engine._survives = lambda job: launch.stop.exists() or survives(job)  # type: ignore[method-assign] # as work does
    launch.run(jobs, engine, engine, lambda chunk: None)
    assert told(launch) == {"a": "killed", "b": "skipped"}
    assert launch.ends[1].reason == "stopped after a failed"
    assert not launch.folder.exists()


def test_an_interruption_leaves_no_job_without_an_end(tmp_path: Path) -> None:
    launch = Launch("now", tmp_path)
    engine = Scripted(launch, {"b": ["is stopped"]})
    jobs = [LaunchedJob(number, (), tmp_path / name, name) for number, name in enumerate("abc")]
    with pytest.raises(Stopped):
        launch.run(jobs, engine, engine, lambda chunk: None)
    assert told(launch) == {"a": "finished", "b": "killed", "c": "missing"}


def test_what_another_command_finished_counts_unless_it_is_to_be_redone(tmp_path: Path) -> None:
    for sweep, redoes, expected in ((tmp_path / "skip", False, "finished"), (tmp_path / "redo", True, "missing")):
        other = {"status": Status.RUNNING, "config": {}, **Attempt("other").entry()}
        end(sweep / "a", other, Status.FINISHED, None)
        launch, _ = run(sweep, {"a": ["never begins"]}, names="a", redoes=redoes)
        assert told(launch) == {"a": expected}


def test_a_failed_redo_is_a_failure_whose_earlier_results_stay(tmp_path: Path) -> None:
    end(tmp_path / "a", {"config": {}, **Attempt("other").entry()}, Status.FINISHED, None)
    launch = Launch("now", tmp_path, redoes=True)
    attempt = Attempt("now")
    begin(tmp_path / "a", {"status": Status.RUNNING, **attempt.entry()}, keeps=True)
    end_for_it(tmp_path / "a", attempt, Status.FAILED, described(ValueError("odd")))
    engine = Scripted(launch, {"a": ["never begins"]})
    launch.run([LaunchedJob(0, (), tmp_path / "a", "a")], engine, engine, lambda chunk: None)
    assert told(launch) == {"a": "failed"}
    record = read_record(tmp_path / "a") or {}
    assert (record["status"], record["redo"]["error"]["message"]) == ("finished", "ValueError: odd")


def test_a_launch_that_was_killed_while_it_took_its_lock_leaves_nothing(tmp_path: Path) -> None:
    lock = tmp_path / ".launch-dead.lock"
    with locked(lock, "launch"):
        content = json.loads(lock.read_text())
    left = lock.with_name(f"{lock.name}.{content['token']}.new")
    left.write_text(json.dumps({**content, "began": "1"}))
    (tmp_path / ".launch-without-a-lock" / "training-0").mkdir(parents=True)
    tidy(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_launch_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    dead, living = Launch("dead", tmp_path), Launch("living", tmp_path)
    for launch in (dead, living):
        launch.folder.mkdir()
    with locked(living.folder.with_suffix(".lock"), "launch"):
        content = json.loads(living.folder.with_suffix(".lock").read_text())
        dead.folder.with_suffix(".lock").write_text(json.dumps({**content, "began": "1"}))
        tidy(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {".launch-living", ".launch-living.lock"}


def jobs_of(trainings: str) -> list[LaunchedJob]:
    return [LaunchedJob(number, (), Path(), str(number), training) for number, training in enumerate(trainings)]


def test_the_first_job_of_each_training_comes_first() -> None:
    order = [job.number for (job,) in one_by_one(jobs_of("aabbc"))]
    assert order == [0, 2, 4, 1, 3]


@pytest.mark.parametrize(
    ("trainings", "at_most", "least", "expected"),
    [
        ("abab", 2, 1, [[0, 2], [1, 3]]),
        ("aaaa", 2, 1, [[0, 1], [2, 3]]),
        ("abcd", 2, 1, [[0, 1], [2, 3]]),
        ("abcd", 9, 3, [[0, 1, 2], [3]]),
        ("a", 9, 1, [[0]]),
    ],
)
def test_chunks_keep_trainings_together(trainings: str, at_most: int, least: int, expected: list[list[int]]) -> None:
    chunks = by_training(jobs_of(trainings), at_most, least)
    assert [[job.number for job in chunk] for chunk in chunks] == expected


@pytest.mark.parametrize(
    ("stop", "status"), [(TimeLimitError("too long"), "timed out"), (Stopped("SIGTERM"), "interrupted")]
)
def test_what_came_from_outside_is_told_though_python_wraps_it(stop: BaseException, status: str) -> None:
    class Field:
        def __set_name__(self, owner: type, name: str) -> None:
            raise stop

    with pytest.raises((RuntimeError, type(stop))) as wrapped:
        type("Model", (), {"field": Field()})
    assert status_after(wrapped.value) == status
    assert str(stop) in described(wrapped.value)["message"]
